//! A byte stream whose other side must keep going: a head that drips, a connection that only sits there and an answer that nobody reads come to an end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Limits;
use crate::pace::Progress;

/// The requests of one connection, counted where they are served.
#[derive(Debug, Default)]
pub struct Requests {
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// Who waits for bytes while one is served: from its end on, the wait has an end too.
    reader: AtomicWaker,
}

/// A request being served, until it is dropped.
pub struct Serving(Arc<Requests>);

impl Requests {
    /// One begins.
    pub fn begin(self: &Arc<Self>) -> Serving {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Serving(Arc::clone(self))
    }

    /// Whether one is being served.
    pub fn is_serving(&self) -> bool {
        self.begun.load(Ordering::Relaxed) != self.ended.load(Ordering::Relaxed)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
        self.0.reader.wake();
    }
}

/// The stream. It ends with [`io::ErrorKind::TimedOut`] when the other side is too slow.
pub struct Paced<T> {
    io: T,
    limits: Limits,
    requests: Arc<Requests>,
    /// Requests that had ended when it was last looked at.
    ended: usize,
    /// A head has begun, and must be whole by then.
    head_until: Option<Instant>,
    /// Without a head, the connection is let go then.
    idle_until: Instant,
    /// Bytes wait to be taken, and so many were since.
    unsent: Option<Progress>,
    read_timer: Pin<Box<Sleep>>,
    write_timer: Pin<Box<Sleep>>,
}

impl<T> Paced<T> {
    /// `io`, whose first head must come without delay.
    pub fn new(io: T, limits: Limits, requests: Arc<Requests>) -> Self {
        let now = Instant::now();
        Self {
            io,
            limits,
            requests,
            ended: 0,
            head_until: Some(now + limits.head),
            idle_until: now + limits.idle,
            unsent: None,
            read_timer: Box::pin(tokio::time::sleep_until(now)),
            write_timer: Box::pin(tokio::time::sleep_until(now)),
        }
    }

    /// Whether a request is being served; if not, from when on nothing was asked. A body's pace is held by who reads it.
    fn is_serving(&mut self) -> bool {
        let ended = self.requests.ended.load(Ordering::Relaxed);
        if ended != self.ended {
            self.ended = ended;
            self.head_until = None;
            self.idle_until = Instant::now() + self.limits.idle;
        }
        self.requests.begun.load(Ordering::Relaxed) != ended
    }

    fn sent(&mut self, bytes: usize) {
        if let Some(unsent) = &mut self.unsent {
            unsent.count(bytes, Instant::now());
        }
    }

    fn wait_to_send<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let unsent = self.unsent.get_or_insert_with(|| Progress::begin(Instant::now()));
        let deadline = unsent.deadline(self.limits.pace);
        wait(&mut self.write_timer, cx, deadline)
    }
}

fn wait<R>(timer: &mut Pin<Box<Sleep>>, cx: &mut Context<'_>, deadline: Instant) -> Poll<io::Result<R>> {
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    ready!(timer.as_mut().poll(cx));
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.io).poll_read(cx, buffer);
        if this.is_serving() {
            this.requests.reader.register(cx.waker());
            return read;
        }
        match read {
            Poll::Ready(result) => {
                if buffer.filled().len() > before && this.head_until.is_none() {
                    this.head_until = Some(Instant::now() + this.limits.head);
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                let deadline = this.head_until.unwrap_or(this.idle_until);
                wait(&mut this.read_timer, cx, deadline)
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.io).poll_write(cx, bytes) {
            Poll::Ready(written) => Poll::Ready(written.inspect(|bytes| this.sent(*bytes))),
            Poll::Pending => this.wait_to_send(cx),
        }
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match Pin::new(&mut this.io).poll_write_vectored(cx, bytes) {
            Poll::Ready(written) => Poll::Ready(written.inspect(|bytes| this.sent(*bytes))),
            Poll::Pending => this.wait_to_send(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.io).poll_flush(cx) {
            Poll::Ready(flushed) => {
                this.unsent = None;
                Poll::Ready(flushed)
            }
            Poll::Pending => this.wait_to_send(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        match Pin::new(&mut this.io).poll_shutdown(cx) {
            Poll::Ready(ended) => Poll::Ready(ended),
            Poll::Pending => this.wait_to_send(cx),
        }
    }
}
