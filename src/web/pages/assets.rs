//! Style, script and mark, compiled in. Their addresses carry a hash of their content, so a browser keeps them for a
//! year and never shows an old one.

use crate::error::Error;
use crate::web::respond::Failure;
use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

const ASSETS: [Asset; 13] = [
    Asset {
        name: "careline.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("../static/careline.css"),
    },
    Asset { name: "live.js", content_type: "text/javascript; charset=utf-8", text: include_str!("../static/live.js") },
    Asset {
        name: "session.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../static/session.js"),
    },
    Asset {
        name: "passkey.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../static/passkey.js"),
    },
    Asset {
        name: "texts.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../static/texts.js"),
    },
    Asset {
        name: "listen.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../static/listen.js"),
    },
    Asset { name: "ear.js", content_type: "text/javascript; charset=utf-8", text: include_str!("../static/ear.js") },
    Asset { name: "line.js", content_type: "text/javascript; charset=utf-8", text: include_str!("../static/line.js") },
    Asset {
        name: "player.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../static/player.js"),
    },
    Asset {
        name: "summary.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../static/summary.js"),
    },
    // The carrier's own, as published: npm @twilio/voice-sdk 2.18.5, dist/twilio.min.js, with the package's licence.
    Asset {
        name: "twilio-voice.min.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../static/twilio-voice.min.js"),
    },
    Asset {
        name: "twilio-voice.LICENSE.txt",
        content_type: "text/plain; charset=utf-8",
        text: include_str!("../static/twilio-voice.LICENSE.txt"),
    },
    Asset { name: "mark.svg", content_type: "image/svg+xml", text: include_str!("../static/mark.svg") },
];

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.text);
    }
    hex::encode(hash.finalize()).chars().take(12).collect()
});

/// The address of a static file in its present version.
#[must_use]
pub fn url(name: &str) -> String {
    format!("/static/{}/{name}", *VERSION)
}

/// `GET /static/{version}/{name}`: an old version's address gets the present file, uncached.
///
/// # Errors
/// `NotFound` for any other name.
pub async fn show(Path((version, name)): Path<(String, String)>) -> Result<Response, Failure> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Error::NotFound)?;
    let kept = if version == *VERSION { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(([(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, kept)], asset.text).into_response())
}

/// `GET /favicon.ico`, which browsers ask for unbidden.
pub async fn favicon() -> Response {
    let kind = HeaderValue::from_static("image/svg+xml");
    ([(header::CONTENT_TYPE, kind)], include_str!("../static/mark.svg")).into_response()
}
