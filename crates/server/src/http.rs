//! HTTP: sizes and times are held here, before anything is decoded; every answer is signed.

mod body;
mod enrol;
pub mod gate;
mod health;
mod hello;
mod password;
mod sync;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lentera_protocol::limits::ACCOUNT_REQUEST_MAX;
use lentera_protocol::sign::{Message, sign};
use lentera_protocol::sync::{Refusal, Reply};
use minicbor::Encode;
use tower_http::timeout::TimeoutLayer;

use crate::service::{Failure, Service};
use crate::storage::Storage;
use gate::Gate;

/// A request takes at most this long: the largest over the slowest link.
const REQUEST_TIME: Duration = Duration::from_secs(300);
/// The server's endpoints.
pub fn router<S: Storage>(service: Arc<Service<S>>) -> Router {
    router_behind(Gate::default(), service)
}

/// The server's endpoints, behind a gate.
pub fn router_behind<S: Storage>(gate: Gate, service: Arc<Service<S>>) -> Router {
    Router::new()
        .route("/v1/hello", post(hello::hello::<S>))
        .route("/v1/enrol", post(enrol::enrol::<S>))
        .route("/v1/password", post(password::password::<S>))
        .route("/v1/sync", post(sync::sync::<S>))
        .layer(middleware::from_fn_with_state((gate, Arc::clone(&service)), gate::admit::<S>))
        .route("/healthz", get(health::health::<S>))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIME))
        .with_state(service)
}

/// The whole body of a small request.
async fn read_small(body: Body) -> Result<Bytes, Failure> {
    to_bytes(body, ACCOUNT_REQUEST_MAX).await.map_err(|_| Refusal::Malformed.into())
}

/// The signed answer, or the signed refusal.
fn reply<S, T: Encode<()>>(service: &Service<S>, result: Result<T, Failure>) -> Response {
    let reply = match result {
        Ok(answer) => Reply::Done(answer),
        Err(failure) => {
            if !matches!(failure, Failure::Refused(_)) {
                tracing::error!(%failure, "request failed");
            }
            Reply::Refused(failure.into_refusal())
        }
    };
    let (status, retry_after) = match &reply {
        Reply::Done(_) => (StatusCode::OK, None),
        Reply::Refused(refusal) => (status_of(refusal), retry_after(refusal)),
    };
    let mut response = signed(service, status, &reply);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A response that carries `message`, signed by the server.
fn signed<S, T: Message + Encode<()>>(service: &Service<S>, status: StatusCode, message: &T) -> Response {
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/cbor"))];
    (status, content_type, sign(message, service.key())).into_response()
}

const fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Malformed | Refusal::Version => StatusCode::BAD_REQUEST,
        Refusal::UnknownDevice
        | Refusal::Revoked
        | Refusal::WrongLogin(_)
        | Refusal::PasswordChangeNeeded
        | Refusal::KeyFrozen => StatusCode::FORBIDDEN,
        Refusal::Replayed(_) => StatusCode::CONFLICT,
        Refusal::TooManyTries(_) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::WeakPassword => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

const fn retry_after(refusal: &Refusal) -> Option<u32> {
    match refusal {
        Refusal::Busy(seconds) => Some(*seconds),
        _ => None,
    }
}
