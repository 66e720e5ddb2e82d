//! `GET /healthz`: whether the server and its database answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::service::Service;
use crate::storage::Storage;

/// 200 after a read of the database, 503 where that fails.
pub async fn health<S: Storage>(State(service): State<Arc<Service<S>>>) -> Response {
    let (status, word) = match service.office().await {
        Ok(Some(_)) => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (status, Json(json!({ "status": word, "version": env!("CARGO_PKG_VERSION") }))).into_response()
}
