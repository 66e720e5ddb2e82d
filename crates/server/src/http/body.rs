//! A body whose sender must keep going, and that lets others work while it waits.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::BoxError;
use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::gate::Seat;
use crate::pace::Progress;

/// The body. It ends with an error when its sender is too slow.
pub struct Paced {
    body: Body,
    seat: Arc<Seat>,
    progress: Progress,
    /// When the last piece was handed on: until the next is asked for, the sender waits for us.
    handed_on: Option<Instant>,
    waits_since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Paced {
    /// `body` of the request that has this seat.
    pub fn new(body: Body, seat: Arc<Seat>) -> Self {
        let now = Instant::now();
        let (progress, timer) = (Progress::begin(now), Box::pin(sleep_until(now)));
        Self { body, seat, progress, handed_on: None, waits_since: None, timer }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Some(handed_on) = this.handed_on.take() {
            this.progress.excuse(handed_on.elapsed());
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let Some(since) = this.waits_since.take() {
                this.seat.go_on(since.elapsed());
            }
            let now = Instant::now();
            if let Some(Ok(frame)) = &frame {
                this.progress.count(frame.data_ref().map_or(0, Bytes::len), now);
            }
            this.handed_on = Some(now);
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let since = *this.waits_since.get_or_insert_with(Instant::now);
        let (patience, deadline) = (since + this.seat.patience(), this.progress.deadline(this.seat.pace()));
        loop {
            let now = Instant::now();
            if now >= patience {
                this.seat.rest();
            }
            if now >= deadline {
                return Poll::Ready(Some(Err("the sender is too slow".into())));
            }
            let wake = if now < patience { patience.min(deadline) } else { deadline };
            if this.timer.deadline() != wake {
                this.timer.as_mut().reset(wake);
            }
            if this.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
