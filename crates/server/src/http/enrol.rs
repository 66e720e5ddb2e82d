//! `POST /v1/enrol`: a device becomes a person's.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use lentera_protocol::account::EnrolAnswer;

use super::{read_small, reply};
use crate::service::{Failure, Service};
use crate::storage::Storage;

/// Answers an [`EnrolAnswer`] to an `Enrol` signed by the device.
pub async fn enrol<S: Storage>(State(service): State<Arc<Service<S>>>, body: Body) -> Response {
    let result = serve(&service, body).await;
    tracing::info!(enrolled = result.is_ok(), "enrol");
    reply(&service, result)
}

async fn serve<S: Storage>(service: &Service<S>, body: Body) -> Result<EnrolAnswer, Failure> {
    service.enrol(&read_small(body).await?).await
}
