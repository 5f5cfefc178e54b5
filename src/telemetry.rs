//! What is logged, and where: to standard error, for a person or as JSON. Nothing private is ever handed to it:
//! `Private` cannot be printed, and statements are not logged with their values. What libraries say at their finest levels
//! (frames of sockets, replies that could not be read, headers) is never written, whatever the setting asks for.

use crate::config::{LogConfig, LogFormat};
use std::{io::IsTerminal, panic};
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Libraries that repeat at any level what they were given.
const LOUD: [&str; 3] = ["async_openai", "tungstenite", "tokio_tungstenite"];

/// Begins to log. A second call in one process changes nothing.
pub fn start(config: &LogConfig) {
    let Ok(filter) = EnvFilter::try_new(&config.filter) else { return };
    let registry = tracing_subscriber::registry().with(filter).with(filter_fn(may_be_written));
    let begun = match config.format {
        LogFormat::Plain => {
            let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
            registry.with(layer.with_target(false)).try_init()
        }
        LogFormat::Json => registry
            .with(fmt::layer().with_writer(std::io::stderr).json().flatten_event(true).with_current_span(true))
            .try_init(),
    };
    if begun.is_err() {
        tracing::debug!("logging had begun already");
    }
    panic::set_hook(Box::new(|panic| {
        // The message of a panic repeats values; the place is enough to find it.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
}

/// Whether a line may be written at all: our own at every level, a library's only as a warning, a loud one's never.
#[must_use]
pub fn may_be_written(line: &Metadata<'_>) -> bool {
    let of = |room: &str| line.target() == room || line.target().starts_with(&format!("{room}::"));
    if of("careline") {
        return true;
    }
    *line.level() <= Level::WARN && !LOUD.into_iter().any(of)
}
