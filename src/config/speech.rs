//! Settings for the engines that hear: which one, where it is, and which other one takes over when words stop coming.

use super::check::http_url;
use super::{Faults, Settings};
use crate::domain::{destination::is_loopback, private::Private};

/// The engines, as typed.
#[derive(Clone, clap::Args)]
pub struct SpeechSettings {
    /// Which engine turns what is said into words: tones (the simulated town's; people it does not understand), deepgram,
    /// openai (the Realtime API), or transcriptions (any server with /audio/transcriptions; words come after each pause).
    #[arg(long = "speech", global = true, env = "CARELINE_SPEECH", default_value = "tones", hide_env_values = true)]
    pub engine: String,

    /// Base URL of that engine, up to and with the version. Empty is its provider's own.
    #[arg(long = "speech-url", global = true, env = "CARELINE_SPEECH_URL", default_value = "", hide_env_values = true)]
    pub url: String,

    /// Key of that engine, for organizations that have none of their own. Secret.
    #[arg(long = "speech-key", global = true, env = "CARELINE_SPEECH_KEY", default_value = "", hide_env_values = true)]
    pub key: String,

    /// Name of its model. Empty is the one that is tried with Careline.
    #[arg(
        long = "speech-model",
        global = true,
        env = "CARELINE_SPEECH_MODEL",
        default_value = "",
        hide_env_values = true
    )]
    pub model: String,

    /// Which other engine is asked when words stop coming; written as CARELINE_SPEECH is. Empty is none.
    #[arg(
        long = "speech-second",
        global = true,
        env = "CARELINE_SPEECH_SECOND",
        default_value = "",
        hide_env_values = true
    )]
    pub second_engine: String,

    /// Its base URL.
    #[arg(
        long = "speech-second-url",
        global = true,
        env = "CARELINE_SPEECH_SECOND_URL",
        default_value = "",
        hide_env_values = true
    )]
    pub second_url: String,

    /// Its key; organizations' own keys are for the first engine. Secret.
    #[arg(
        long = "speech-second-key",
        global = true,
        env = "CARELINE_SPEECH_SECOND_KEY",
        default_value = "",
        hide_env_values = true
    )]
    pub second_key: String,

    /// Its model.
    #[arg(
        long = "speech-second-model",
        global = true,
        env = "CARELINE_SPEECH_SECOND_MODEL",
        default_value = "",
        hide_env_values = true
    )]
    pub second_model: String,
}

/// The engines that hear.
pub struct SpeechConfig {
    /// The one that is asked.
    pub first: EngineConfig,
    /// The one that is asked when words stop coming, if there is one.
    pub second: Option<EngineConfig>,
}

impl SpeechConfig {
    /// The offline engine alone.
    #[must_use]
    pub const fn offline() -> Self {
        Self { first: EngineConfig::Tones, second: None }
    }
}

/// One engine.
pub enum EngineConfig {
    /// The offline one, which hears the simulated town's people.
    Tones,
    /// Deepgram.
    Deepgram(EngineAccount),
    /// OpenAI's Realtime API.
    Realtime(EngineAccount),
    /// A server with `/audio/transcriptions`.
    Transcriptions(EngineAccount),
}

/// Where an engine is and who asks it.
pub struct EngineAccount {
    /// Base URL up to and with the version.
    pub url: String,
    /// Its key.
    pub key: Private<String>,
    /// Its model.
    pub model: String,
}

/// One engine's four variables.
struct Typed<'a> {
    variable: &'static str,
    engine: &'a str,
    url: &'a str,
    key: &'a str,
    model: &'a str,
}

/// Checks them all.
pub(super) fn speech(settings: &Settings, faults: &mut Faults) -> Option<SpeechConfig> {
    let typed = &settings.speech;
    let first = engine(
        &Typed {
            variable: "CARELINE_SPEECH",
            engine: &typed.engine,
            url: &typed.url,
            key: &typed.key,
            model: &typed.model,
        },
        faults,
    );
    if typed.second_engine.is_empty() {
        return Some(SpeechConfig { first: first?, second: None });
    }
    let second = engine(
        &Typed {
            variable: "CARELINE_SPEECH_SECOND",
            engine: &typed.second_engine,
            url: &typed.second_url,
            key: &typed.second_key,
            model: &typed.second_model,
        },
        faults,
    );
    Some(SpeechConfig { first: first?, second: Some(second?) })
}

fn engine(typed: &Typed<'_>, faults: &mut Faults) -> Option<EngineConfig> {
    match typed.engine {
        "tones" => Some(EngineConfig::Tones),
        "deepgram" => account(typed, ("https://api.deepgram.com/v1", "nova-3"), faults).map(EngineConfig::Deepgram),
        "openai" => {
            account(typed, ("https://api.openai.com/v1", "gpt-4o-transcribe"), faults).map(EngineConfig::Realtime)
        }
        "transcriptions" => {
            account(typed, ("https://api.openai.com/v1", "whisper-1"), faults).map(EngineConfig::Transcriptions)
        }
        _ => {
            faults.note(typed.variable, "write tones, deepgram, openai or transcriptions");
            None
        }
    }
}

fn account(typed: &Typed<'_>, (usual_url, usual_model): (&str, &str), faults: &mut Faults) -> Option<EngineAccount> {
    let before = faults.0.len();
    let or = |text: &str, usual: &str| if text.is_empty() { usual } else { text }.trim_end_matches('/').to_owned();
    let url = or(typed.url, usual_url);
    let variable = format!("{}_URL", typed.variable);
    let parsed = http_url(&variable, &url, faults);
    if parsed.is_some_and(|url| url.scheme() == "http" && !is_loopback(&url)) {
        faults.note(&variable, "only https is safe here; http is allowed on a loopback address alone");
    }
    if typed.key.is_empty() {
        let variable = format!("{}_KEY", typed.variable);
        faults.note(&variable, "it is missing; copy it from the engine's provider, or choose another engine");
    }
    (faults.0.len() == before).then(|| EngineAccount {
        url,
        key: Private::new(typed.key.to_owned()),
        model: or(typed.model, usual_model),
    })
}
