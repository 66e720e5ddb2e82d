//! The network between devices and the server: requests go straight into the server's HTTP handler, unless something happens to them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use lentera_engine::{Post, Response, TransportError};
use lentera_protocol::limits::ANSWER_MAX;
use tower_service::Service;

use super::event::What;
use super::server::Server;
use crate::dice::Dice;

/// Bytes of a body that arrive together.
const PIECE: usize = 1400;
/// Milliseconds that a request takes by the server's clock.
const REQUEST_MILLIS: i64 = 1500;

/// The network. Nothing is under way between two events.
pub struct Network {
    server: Rc<RefCell<Server>>,
    fault: RefCell<Option<Fault>>,
    held_up: RefCell<Vec<Held>>,
    /// The last answer each device was given.
    answers: RefCell<HashMap<usize, Response>>,
}

/// What will happen to a request.
struct Fault {
    what: What,
    /// Requests that go through before.
    after: u64,
    dice: Dice,
}

/// A request that is held up.
struct Held {
    path: String,
    body: Vec<u8>,
}

impl Network {
    /// The network before `server`.
    pub fn new(server: Rc<RefCell<Server>>) -> Self {
        Self { server, fault: RefCell::default(), held_up: RefCell::default(), answers: RefCell::default() }
    }

    /// One of the next requests meets with this, and those after it with nothing.
    pub fn trouble(&self, what: What, mut dice: Dice) {
        let after = if dice.one_in(2) { 0 } else { dice.below(3) };
        *self.fault.borrow_mut() = Some(Fault { what, after, dice });
    }

    /// All requests go through.
    pub fn calm(&self) {
        *self.fault.borrow_mut() = None;
    }

    /// Requests that were held up reach the server, in an order that `dice` choose; how many.
    pub async fn deliver_held_up(&self, dice: &mut Dice) -> usize {
        let mut held = self.held_up.take();
        let count = held.len();
        while !held.is_empty() {
            let next = held.swap_remove(usize::try_from(dice.below(held.len() as u64)).unwrap_or_default());
            // Whoever sent it has long given up.
            let _ = self.deliver(&next.path, &next.body, None).await;
        }
        count
    }

    /// Carries a request of `device` there and its answer back.
    ///
    /// # Errors
    /// What a device's own network would say.
    pub async fn carry(&self, device: usize, post: Post) -> Result<Response, TransportError> {
        let path = post.url.strip_prefix(super::server::ADDRESS).ok_or(TransportError::BadAddress)?;
        let Some(mut fault) = self.due(path) else {
            let response = self.deliver(path, &post.body, None).await?;
            self.answers.borrow_mut().insert(device, response.clone());
            return Ok(response);
        };
        let unreachable = Err(TransportError::Unreachable);
        match fault.what {
            What::LostRequest => unreachable,
            What::HeldUp => {
                self.held_up.borrow_mut().push(Held { path: path.to_owned(), body: post.body });
                unreachable
            }
            What::CutBody => {
                let whole = usize::try_from(fault.dice.below(post.body.len() as u64)).unwrap_or_default();
                let _ = self.deliver(path, &post.body, Some(whole)).await;
                unreachable
            }
            What::LostAnswer => {
                let _ = self.deliver(path, &post.body, None).await;
                unreachable
            }
            What::Twice => {
                let first = self.deliver(path, &post.body, None).await;
                let second = self.deliver(path, &post.body, None).await;
                if fault.dice.one_in(2) { first } else { second }
            }
            What::StaleAnswer => {
                let _ = self.deliver(path, &post.body, None).await;
                self.answers.borrow().get(&device).cloned().ok_or(TransportError::Unreachable)
            }
            _ => {
                let mut response = self.deliver(path, &post.body, None).await?;
                let at = usize::try_from(fault.dice.below(response.body.len() as u64)).unwrap_or_default();
                match (fault.dice.below(3), response.body.get_mut(at)) {
                    (0, _) => response = Response { status: 200, body: b"<html>hotspot</html>".to_vec(), retry_after: None },
                    (1, _) => response.body.truncate(at),
                    (_, Some(byte)) => *byte ^= 1 << fault.dice.below(8),
                    (_, None) => {}
                }
                Ok(response)
            }
        }
    }

    /// What happens to this request, if anything does.
    fn due(&self, path: &str) -> Option<Fault> {
        let mut fault = self.fault.borrow_mut();
        let waiting = fault.as_mut().filter(|_| path == "/v1/sync")?;
        if waiting.after == 0 {
            return fault.take();
        }
        waiting.after -= 1;
        None
    }

    /// Hands a request to the server, cut after `cut` bytes, and waits until the server is done with it.
    async fn deliver(&self, path: &str, body: &[u8], cut: Option<usize>) -> Result<Response, TransportError> {
        let router: Option<Router> = {
            let server = self.server.borrow();
            server.clock.pass(REQUEST_MILLIS);
            server.router().filter(|_| !server.disk.is_down())
        };
        let mut router = router.ok_or(TransportError::Unreachable)?;
        let (whole, _) = body.split_at_checked(cut.unwrap_or(body.len())).unwrap_or((body, &[]));
        let mut pieces: Vec<io::Result<Bytes>> = whole.chunks(PIECE).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        if cut.is_some() {
            pieces.push(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let request = Request::post(path)
            .header("content-type", "application/cbor")
            .body(Body::from_stream(futures::stream::iter(pieces)))
            .map_err(|_| TransportError::BadAddress)?;
        // A router is always ready and never fails by itself.
        let response = router.call(request).await.map_err(|_| TransportError::Unreachable)?;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, ANSWER_MAX).await.map_err(|_| TransportError::BadAnswer)?;
        if self.server.borrow().disk.is_down() {
            return Err(TransportError::Unreachable);
        }
        let retry_after = head.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Response { status: head.status.as_u16(), body: body.to_vec(), retry_after })
    }
}
