//! The media socket's messages: text JSON in which numbers are strings (Twilio, media streams, websocket messages).
//! Whatever is larger or other than that protocol allows is unreadable.

use crate::ports::phone::{HookRefusal, MediaNews};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use std::borrow::Cow;

/// The largest message that is read, in bytes.
pub const LARGEST_MESSAGE: usize = 64 * 1024;
/// The largest audio of one message, in bytes: half a second, where 160 bytes are usual.
pub const LARGEST_AUDIO: usize = 4 * 1024;
/// The longest name or token that is read, in bytes.
const LONGEST_NAME: usize = 256;

/// Text that may be absent. Named apart because only a field of its own is read without copying.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(rename = "sequenceNumber", borrow)]
    sequence: Option<Text<'a>>,
    #[serde(borrow)]
    start: Option<Start<'a>>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start<'a> {
    #[serde(borrow)]
    stream_sid: Cow<'a, str>,
    #[serde(borrow)]
    call_sid: Cow<'a, str>,
    #[serde(borrow)]
    custom_parameters: Parameters<'a>,
    #[serde(borrow)]
    media_format: Format<'a>,
}

#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format<'a> {
    #[serde(borrow)]
    encoding: Cow<'a, str>,
    sample_rate: u32,
    channels: u32,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    #[serde(borrow)]
    chunk: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

/// Reads one text message.
///
/// # Errors
/// `Unreadable` for anything the protocol does not have.
pub fn read(message: &str) -> Result<MediaNews, HookRefusal> {
    if message.len() > LARGEST_MESSAGE {
        return Err(HookRefusal::Unreadable);
    }
    let message: Message<'_> = serde_json::from_str(message).map_err(|_| HookRefusal::Unreadable)?;
    match message.event.as_ref() {
        "connected" => Ok(MediaNews::Connected),
        "start" => start(message.start),
        "media" => audio(message.sequence, message.media),
        "mark" | "dtmf" => Ok(MediaNews::Other),
        "stop" => Ok(MediaNews::Stop),
        _ => Err(HookRefusal::Unreadable),
    }
}

fn start(start: Option<Start<'_>>) -> Result<MediaNews, HookRefusal> {
    let start = start.ok_or(HookRefusal::Unreadable)?;
    let format = &start.media_format;
    let is_ours = format.encoding == "audio/x-mulaw" && format.sample_rate == 8000 && format.channels == 1;
    let token = start.custom_parameters.token.unwrap_or_default();
    let short = [&start.stream_sid, &start.call_sid, &token].iter().all(|name| name.len() <= LONGEST_NAME);
    if !is_ours || !short || token.is_empty() {
        return Err(HookRefusal::Unreadable);
    }
    Ok(MediaNews::Start {
        stream_sid: start.stream_sid.into_owned(),
        sid: start.call_sid.into_owned(),
        token: token.into_owned(),
    })
}

fn audio(sequence: Option<Text<'_>>, media: Option<Media<'_>>) -> Result<MediaNews, HookRefusal> {
    let media = media.ok_or(HookRefusal::Unreadable)?;
    // Only what the leg's own person says is asked for; the other direction would be somebody else's voice.
    if media.track.is_some_and(|track| track.0 != "inbound") {
        return Ok(MediaNews::Other);
    }
    // Checked before decoding: base64 makes four letters of three bytes.
    if media.payload.len() > LARGEST_AUDIO.div_ceil(3) * 4 {
        return Err(HookRefusal::Unreadable);
    }
    let ulaw = STANDARD.decode(media.payload.as_bytes()).map_err(|_| HookRefusal::Unreadable)?;
    if ulaw.is_empty() || ulaw.len() > LARGEST_AUDIO {
        return Err(HookRefusal::Unreadable);
    }
    Ok(MediaNews::Audio {
        sequence: number(&sequence.ok_or(HookRefusal::Unreadable)?.0)?,
        chunk: number(&media.chunk)?,
        timestamp_ms: number(&media.timestamp)?,
        ulaw,
    })
}

fn number(text: &str) -> Result<u64, HookRefusal> {
    text.parse().map_err(|_| HookRefusal::Unreadable)
}
