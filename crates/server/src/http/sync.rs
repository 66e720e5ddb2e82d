//! `POST /v1/sync`: bundles come in, receipts and streams go out. Each bundle is kept as it arrives: a request cut in the middle
//! leaves what came whole.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::response::Response;
use futures::StreamExt;
use lentera_protocol::ProtocolError;
use lentera_protocol::frame::Frames;
use lentera_protocol::limits::{BUNDLE_MAX, HEADER_MAX, REQUEST_MAX};
use lentera_protocol::sync::{Answer, Refusal, Unreadable};
use tokio::time::timeout;

use super::gate::Seat;
use super::reply;
use crate::service::{Failure, Receipts, Request, Service, TOO_MANY, Taken};
use crate::storage::Storage;

/// Answers an [`Answer`] to frames: a signed header, then sealed bundles.
pub async fn sync<S: Storage>(
    State(service): State<Arc<Service<S>>>,
    Extension(seat): Extension<Arc<Seat>>,
    body: Body,
) -> Response {
    let serving = Arc::clone(&service);
    // A task of its own: when the connection breaks, this function ends at once, but the bundles that came whole are still kept.
    let served = tokio::spawn(async move { serve(&serving, &seat, body).await.inspect(|_| seat.serve()) }).await;
    reply(&service, served.unwrap_or_else(|error| Err(error.into())))
}

async fn serve<S: Storage>(service: &Service<S>, seat: &Seat, body: Body) -> Result<Answer, Failure> {
    let mut incoming = Incoming { body: body.into_data_stream(), frames: Frames::default(), received: 0 };
    let header = match timeout(seat.header_time(), incoming.next(HEADER_MAX)).await {
        Ok(Ok(Some(header))) => header,
        _ => return Err(Refusal::Malformed.into()),
    };
    let (header, device) = service.identify(&header).await?;
    seat.may_ask(device.id, service.now()).map_err(Refusal::Busy)?;
    service.count_request(&header).await?;
    let mut request = Request::of(device.id);
    let (mut receipts, mut unreadable) = (Receipts::default(), Vec::new());
    for index in 0.. {
        let taken = match incoming.next(BUNDLE_MAX).await {
            Ok(None) => break,
            Ok(Some(frame)) => service.take(frame, &mut request).await?,
            Err(Stopped::TooLarge) => Taken::unreadable("too_large"),
            Err(Stopped::Cut) => {
                tracing::info!(device = %device.id, whole = index, "cut");
                return Err(Refusal::Malformed.into());
            }
        };
        receipts.add(taken.receipts);
        if let Some(code) = taken.unreadable {
            unreadable.push(Unreadable { index, code: code.to_owned() });
            // Where the next frame begins is not known, or there may be no next.
            if matches!(code, "too_large" | TOO_MANY) {
                break;
            }
        }
    }
    let receipts_count = receipts.count();
    let unreadable_count = unreadable.len();
    let answer = service.answer(&header, receipts, unreadable).await?;
    tracing::info!(
        device = %device.id,
        bytes = incoming.received,
        receipts = receipts_count,
        unreadable = unreadable_count,
        pages = answer.pages.len(),
        more = answer.more,
        "sync"
    );
    Ok(answer)
}

/// A body as it arrives.
struct Incoming {
    body: BodyDataStream,
    frames: Frames,
    received: usize,
}

/// Why there is no next frame.
enum Stopped {
    /// The connection broke, fell silent, or the last frame is not whole.
    Cut,
    /// Over a limit.
    TooLarge,
}

impl From<ProtocolError> for Stopped {
    fn from(_: ProtocolError) -> Self {
        Self::TooLarge
    }
}

impl Incoming {
    /// The next frame, of at most `max` bytes; `None` after the last.
    async fn next(&mut self, max: usize) -> Result<Option<Vec<u8>>, Stopped> {
        loop {
            if let Some(frame) = self.frames.next(max)? {
                return Ok(Some(frame));
            }
            match self.body.next().await {
                Some(Ok(bytes)) => {
                    self.received += bytes.len();
                    if self.received > REQUEST_MAX {
                        return Err(Stopped::TooLarge);
                    }
                    self.frames.push(&bytes);
                }
                None if self.frames.is_empty() => return Ok(None),
                Some(Err(_)) | None => return Err(Stopped::Cut),
            }
        }
    }
}
