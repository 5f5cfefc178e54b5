//! The way to an engine's websocket: one HTTP request that is upgraded (RFC 6455, section 4.1), by the same client, the same
//! certificates and the same proxies as every other request of the product.

use crate::{
    domain::destination::is_loopback,
    ports::{Outage, OutageKind},
};
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Client, StatusCode, Upgraded};
use std::time::Duration;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};
use url::Url;

/// A websocket of an engine.
pub(super) type Socket = WebSocketStream<Upgraded>;

/// How long reaching an engine may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long an engine may take to say that it listens.
const UPGRADE_WITHIN: Duration = Duration::from_secs(3);
/// Longest message of an engine, in bytes: an hour's worth of words of one utterance, many times over.
const MESSAGE_MOST: usize = 256 * 1024;
/// Most bytes that wait to leave for an engine that does not take them.
const WAITING_MOST: usize = 256 * 1024;

/// The client for an engine at this address.
///
/// # Errors
/// `Refused` when no TLS can be had.
pub(in crate::adapters) fn client(address: &Url, dependency: &'static str) -> Result<Client, Outage> {
    let mut http =
        Client::builder().connect_timeout(CONNECT_WITHIN).http1_only().redirect(reqwest::redirect::Policy::none());
    // A proxy of the environment must not be asked for an address of this machine.
    if is_loopback(address) {
        http = http.no_proxy();
    }
    http.build().map_err(|_| Outage { dependency, kind: OutageKind::Refused("no_tls".to_owned()) })
}

/// Opens a websocket.
///
/// # Errors
/// When the engine cannot be reached, is too slow, or refuses.
pub(super) async fn open(http: &Client, address: Url, authorization: &str) -> Result<Socket, OutageKind> {
    let key = generate_key();
    let request = http
        .get(address)
        .header(AUTHORIZATION, authorization)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key);
    let opened = tokio::time::timeout(UPGRADE_WITHIN, request.send()).await.map_err(|_| OutageKind::TimedOut)?;
    let response = opened.map_err(|error| kind_of(&error))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(kind_of_status(response.status()));
    }
    let accepted =
        response.headers().get(SEC_WEBSOCKET_ACCEPT).is_some_and(|it| *it == derive_accept_key(key.as_bytes()));
    if !accepted {
        return Err(OutageKind::Garbled);
    }
    let stream = response.upgrade().await.map_err(|_| OutageKind::Broken)?;
    let bounds = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MOST))
        .max_frame_size(Some(MESSAGE_MOST))
        .write_buffer_size(0)
        .max_write_buffer_size(WAITING_MOST);
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(bounds)).await)
}

/// In what way a request failed.
pub(in crate::adapters) fn kind_of(error: &reqwest::Error) -> OutageKind {
    if error.is_connect() {
        OutageKind::Unreachable
    } else if error.is_timeout() {
        OutageKind::TimedOut
    } else if error.is_builder() {
        // A key that fits into no header.
        OutageKind::Refused("bad_key".to_owned())
    } else {
        OutageKind::Broken
    }
}

/// In what way a reply is a refusal.
pub(in crate::adapters) fn kind_of_status(status: StatusCode) -> OutageKind {
    if status == StatusCode::TOO_MANY_REQUESTS {
        OutageKind::Throttled
    } else if status.is_client_error() || status.is_redirection() {
        OutageKind::Refused(status.as_u16().to_string())
    } else if status.is_server_error() {
        OutageKind::Broken
    } else {
        OutageKind::Garbled
    }
}
