//! The doors of the carrier: signed webhooks and media sockets. Nothing here is a page and nobody signs in; the carrier's
//! signature is the key.

pub mod inbound;
pub mod media;
pub mod phone;
pub mod sockets;
pub mod texts;

use crate::app::App;
use axum::{
    Extension, Router,
    routing::{get, post},
};
use sockets::Sockets;
use std::sync::Arc;

/// The routes under `/hooks`.
pub fn routes() -> Router<Arc<App>> {
    routes_over(Arc::default())
}

/// The same with media sockets that somebody else counts and closes.
pub fn routes_over(sockets: Arc<Sockets>) -> Router<Arc<App>> {
    Router::new()
        .route("/hooks/phone/{org}/inbound", post(inbound::voice))
        .route("/hooks/phone/{org}/inbound/status", post(inbound::status))
        .route("/hooks/phone/{org}/{attempt}/voice", post(phone::voice))
        .route("/hooks/phone/{org}/{attempt}/status", post(phone::status))
        .route("/hooks/phone/{org}/{attempt}/machine", post(phone::machine))
        .route("/hooks/phone/{org}/{attempt}/conference", post(phone::conference))
        .route("/hooks/phone/{org}/{attempt}/hold", post(phone::hold))
        .route("/hooks/phone/{org}/{attempt}/announce", post(phone::announce))
        .route("/hooks/text/{org}/{text}/status", post(texts::status))
        .route("/hooks/text/{org}/in", post(texts::arrive))
        .route("/hooks/media/{org}", get(media::open))
        .layer(Extension(sockets))
}
