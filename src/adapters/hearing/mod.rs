//! What the engines that hear have in common: where they are and on whose account, the way to their websocket, the
//! conversation on it, and which moment of a leg a moment of theirs is.

mod conversation;
mod socket;
mod timeline;

pub use conversation::{Dialect, Said, converse};
pub(super) use socket::{client, kind_of, kind_of_status};
pub use timeline::Timeline;

use crate::{
    domain::private::Private,
    ports::{
        Outage, OutageKind,
        speech::{Heard, Hearing, Listen, Percent, Sound, SpeechKey},
    },
};
use std::time::Duration;
use tokio::sync::mpsc;

/// Room in the channels of an engine: two seconds of audio.
pub const ROOM: usize = 100;
/// Frames of silence that stand for a gap: a longer one would tell an engine nothing more.
const LONGEST_GAP: u64 = 100;

/// Where an engine is, and on whose account it hears.
#[derive(Clone)]
pub struct EngineSettings {
    /// The base URL up to and with the version, such as `https://api.deepgram.com/v1`.
    pub base_url: String,
    /// The key that is used for organizations without one of their own.
    pub key: Private<String>,
    /// The model, pinned.
    pub model: String,
}

impl EngineSettings {
    /// The key a leg is heard with.
    #[must_use]
    pub fn key_for<'a>(&'a self, wanted: &'a Listen) -> &'a str {
        match &wanted.key {
            SpeechKey::Configured => self.key.reveal(),
            SpeechKey::Own(key) => key.reveal(),
        }
    }

    /// An address below the base.
    ///
    /// # Errors
    /// `Refused` when the base is no address.
    pub fn address(&self, path: &str, dependency: &'static str) -> Result<url::Url, Outage> {
        let refused = |_| Outage { dependency, kind: OutageKind::Refused("bad_base_url".to_owned()) };
        url::Url::parse(&format!("{}/{path}", self.base_url.trim_end_matches('/'))).map_err(refused)
    }
}

/// The two ends of a leg that is listened to: what the product keeps, and what an engine keeps.
#[must_use]
pub fn ends() -> (Hearing, mpsc::Receiver<Sound>, mpsc::Sender<Result<Heard, Outage>>) {
    let (audio, sounds) = mpsc::channel(ROOM);
    let (tell, words) = mpsc::channel(ROOM);
    (Hearing { audio, words }, sounds, tell)
}

/// The frames of silence for so many frames that never arrived.
#[must_use]
pub fn silence_for(frames: u64) -> usize {
    usize::try_from(frames.min(LONGEST_GAP)).unwrap_or(0)
}

/// Milliseconds of a provider's seconds; none for what is no time.
#[must_use]
pub fn millis(seconds: f64) -> Option<u64> {
    u64::try_from(Duration::try_from_secs_f64(seconds).ok()?.as_millis()).ok()
}

/// A share of a hundred of a provider's share of one; none for what is no share.
#[must_use]
pub fn percent(share: f64) -> Option<Percent> {
    let hundredths = Duration::try_from_secs_f64(share).ok()?.as_millis() / 10;
    u8::try_from(hundredths).ok().filter(|share| *share <= 100).map(Percent)
}
