//! `POST /v1/hello`: the server shows who it is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use lentera_protocol::account::{Hello, HelloAnswer};
use lentera_protocol::decode;
use lentera_protocol::sync::Refusal;

use super::{read_small, reply, signed};
use crate::service::{Failure, Service};
use crate::storage::Storage;

/// Answers a signed [`HelloAnswer`] to the CBOR of a [`Hello`].
pub async fn hello<S: Storage>(State(service): State<Arc<Service<S>>>, body: Body) -> Response {
    match serve(&service, body).await {
        Ok(answer) => signed(&service, StatusCode::OK, &answer),
        Err(failure) => reply::<S, ()>(&service, Err(failure)),
    }
}

async fn serve<S: Storage>(service: &Service<S>, body: Body) -> Result<HelloAnswer, Failure> {
    let hello: Hello = decode(&read_small(body).await?).map_err(|_| Refusal::Malformed)?;
    service.hello(&hello).await
}
