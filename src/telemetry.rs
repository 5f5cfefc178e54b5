//! What is logged, and where: to standard error, for a person or as JSON. Nothing private is ever handed to it:
//! `Private` cannot be printed, and statements are not logged with their values.

use crate::config::{LogConfig, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Begins to log. A second call in one process changes nothing.
pub fn start(config: &LogConfig) {
    let Ok(filter) = EnvFilter::try_new(&config.filter) else { return };
    let registry = tracing_subscriber::registry().with(filter);
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
}
