//! `POST /v1/password`: a new password.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use lentera_protocol::account::{ChangePassword, PasswordChanged};
use lentera_protocol::decode;
use lentera_protocol::sync::Refusal;

use super::{read_small, reply};
use crate::service::{Failure, Service};
use crate::storage::Storage;

/// Answers a [`PasswordChanged`] to the CBOR of a [`ChangePassword`].
pub async fn password<S: Storage>(State(service): State<Arc<Service<S>>>, body: Body) -> Response {
    let result = serve(&service, body).await;
    tracing::info!(changed = result.is_ok(), "password");
    reply(&service, result)
}

async fn serve<S: Storage>(service: &Service<S>, body: Body) -> Result<PasswordChanged, Failure> {
    let request: ChangePassword = decode(&read_small(body).await?).map_err(|_| Refusal::Malformed)?;
    service.change_password(request).await
}
