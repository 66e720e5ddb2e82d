//! `GET /healthz`: whether the server and its database answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::service::Service;
use crate::storage::Storage;

/// 200 after a read of the database, 503 where that fails or nothing would be written any more. It is outside the gate: who watches over a
/// server must be told, however full that is.
pub async fn health<S: Storage>(State(service): State<Arc<Service<S>>>) -> Response {
    let is_well = service.is_well().await;
    let (status, word) = if is_well { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    (status, Json(json!({ "status": word, "version": env!("CARGO_PKG_VERSION") }))).into_response()
}
