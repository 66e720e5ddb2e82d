//! Limits that two crates share, and that of answers from the network.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;

use lentera_document::guard::CHANGE_BYTES_MAX;
use lentera_engine::{NativePlatform, Platform, Post, TransportError};
use lentera_protocol::limits::{ANSWER_MAX, CHANGE_MAX};

#[test]
fn the_protocol_carries_every_change_that_the_guard_lets_pass_and_no_larger_one() {
    assert_eq!(CHANGE_MAX, CHANGE_BYTES_MAX);
}

/// How many bytes came of an answer of `length` bytes.
fn received(length: usize) -> Result<usize, TransportError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(socket.read(&mut request).unwrap() > 0);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        // Who has had enough hangs up in the middle.
        let _ = socket.write_all(&[head.as_bytes(), &vec![7; length]].concat());
        let _ = socket.shutdown(Shutdown::Write);
        while socket.read(&mut request).is_ok_and(|count| count > 0) {}
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let post = Post { url, body: vec![1], ca: None };
    let answer = runtime.block_on(async { NativePlatform::new(None).unwrap().post(post).await });
    drop(runtime);
    serving.join().unwrap();
    answer.map(|response| response.body.len())
}

#[test]
fn an_answer_is_read_up_to_its_limit() {
    assert_eq!(received(ANSWER_MAX), Ok(ANSWER_MAX));
    assert_eq!(received(ANSWER_MAX + 1), Err(TransportError::BadAnswer));
}
