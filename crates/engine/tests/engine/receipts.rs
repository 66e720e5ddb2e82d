//! Only the server's own word about exactly our bytes turns the light.

use ed25519_dalek::SigningKey;
use lentera_engine::Response;
use lentera_protocol::receipt::{Exception, Outcome, Receipt};
use lentera_protocol::sign::{peek, sign};
use lentera_protocol::sync::{Answer, Reply, Sealed};
use lentera_protocol::{DeviceId, Hash};

use crate::office::{Office, refused};
use crate::world::{NOW, Phone};

/// Changes each receipt on its way, signed anew by `key`.
fn forge(phone: &Phone, key: SigningKey, change: impl Fn(&mut Receipt) + 'static) {
    phone.world.office().tamper = Box::new(move |answer| {
        for receipt in &mut answer.receipts {
            let mut word: Receipt = peek(&receipt.0).unwrap();
            change(&mut word);
            *receipt = Sealed(sign(&word, &key));
        }
    });
}

#[test]
fn a_receipt_of_another_key_or_about_other_bytes_does_not_turn_the_light() {
    let phone = Phone::enrolled();
    phone.add("Rekap");
    forge(&phone, SigningKey::from_bytes(&[13; 32]), |_| {});
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    forge(&phone, Office::key(), |receipt| receipt.bundle = Hash::of(b"other"));
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    forge(&phone, Office::key(), |receipt| receipt.number += 1);
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    assert_eq!(phone.number("SELECT count(*) FROM quarantine WHERE code = 'receipt'"), 3);
    // Of a colleague's device: carried for them.
    forge(&phone, Office::key(), |receipt| receipt.device = DeviceId([7; 16]));
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    assert_eq!(phone.number("SELECT count(*) FROM courier_receipt"), 1);
    phone.world.office().tamper = Box::new(|_| {});
    assert_eq!(phone.sync()["light"]["waiting"], 0);
}

#[test]
fn an_answer_of_another_key_or_to_another_request_is_none() {
    let phone = Phone::enrolled();
    phone.add("Rekap");
    let answer = |counter| Answer {
        counter,
        receipts: vec![],
        unreadable: vec![],
        pages: lentera_protocol::stream::pack(&[]).unwrap(),
        more: false,
        scope_epoch: 1,
        time: NOW,
        last: None,
    };
    let impostor = |body: Vec<u8>| {
        *phone.world.impostor.borrow_mut() =
            Box::new(move |_, _| Some(Response { status: 200, body: body.clone(), retry_after: None }));
        phone.sync()["cause"].as_str().unwrap().to_owned()
    };
    assert_eq!(impostor(sign(&Reply::Done(answer(1)), &SigningKey::from_bytes(&[13; 32]))), "not_our_server");
    assert_eq!(impostor(sign(&Reply::Done(answer(1)), &Office::key())), "bad_answer");
    assert_eq!(impostor(b"<html>hotspot</html>".to_vec()), "wrong_address");
    assert_eq!(phone.light(), (1, 0));
}

#[test]
fn what_is_needed_waits_and_an_amendment_tells() {
    let phone = Phone::enrolled();
    let need = || Exception { index: 0, outcome: Outcome::Need(Hash([9; 32])) };
    phone.world.office().judge = Box::new(move |_, _| vec![need()]);
    let id = phone.add("Rekap")["id"].clone();
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    assert_eq!((phone.light(), phone.entries()), ((1, 0), vec!["Rekap".to_owned()]));
    phone.world.office().amend(1, vec![]);
    assert_eq!(phone.sync()["light"]["waiting"], 0);
    // The next request names the last amendment, so it is not given again.
    phone.sync();
    assert_eq!(phone.world.office().headers.last().unwrap().amendment, Some(NOW.unsigned_abs()));

    // A second one that turns out refused, for its content.
    phone.edit(&id, "obstacle", "listrik padam");
    assert_eq!(phone.sync()["light"]["waiting"], 1);
    phone.world.office().judge = Box::new(|_, _| vec![]);
    phone.world.office().amend(2, vec![refused(0, "bad_record")]);
    phone.sync();
    assert_eq!(phone.light(), (0, 1));
    // An old word that comes late changes nothing.
    let first = phone.world.office().device().amendments[0].clone();
    phone.world.office().tamper = Box::new(move |answer| answer.receipts.push(Sealed(first.clone())));
    phone.sync();
    assert_eq!(phone.light(), (0, 1));
}
