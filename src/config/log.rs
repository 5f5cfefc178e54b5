//! What is logged, and how.

use super::{Faults, Settings};
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    Plain,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
pub struct LogConfig {
    /// The form.
    pub format: LogFormat,
    /// The filter, in the words of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

/// Checks how logs are to be written.
///
/// # Errors
/// Every fault there is.
pub fn check_log(settings: &Settings) -> Result<LogConfig, Faults> {
    let mut faults = Faults::default();
    let config = log(settings, &mut faults);
    faults.result(config)
}

pub(super) fn log(settings: &Settings, faults: &mut Faults) -> Option<LogConfig> {
    let format = match settings.log_format.as_str() {
        "plain" => Some(LogFormat::Plain),
        "json" => Some(LogFormat::Json),
        _ => {
            faults.note("CARELINE_LOG_FORMAT", "write plain or json");
            None
        }
    };
    if EnvFilter::try_new(&settings.log).is_err() {
        faults.note("CARELINE_LOG", "write a level such as info, or parts such as careline=debug,info");
        return None;
    }
    Some(LogConfig { format: format?, filter: settings.log.clone() })
}
