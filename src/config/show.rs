//! `careline config`: every variable, its meaning and its value, secrets masked.

use super::{SECRETS, Settings};
use clap::{ArgMatches, Args, Command};
use url::Url;

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub variable: String,
    /// What it is for.
    pub meaning: String,
    /// Its value, masked when it is secret; empty is "not set".
    pub value: String,
}

/// Every variable; with values when the parsed command line is given.
#[must_use]
pub fn lines(matches: Option<&ArgMatches>) -> Vec<Line> {
    let command = Settings::augment_args(Command::new("careline"));
    command
        .get_arguments()
        .filter_map(|argument| {
            let variable = argument.get_env()?.to_str()?.to_owned();
            let help = argument.get_long_help().or_else(|| argument.get_help());
            let meaning = help.map(ToString::to_string).unwrap_or_default();
            let id = argument.get_id().as_str();
            let value = matches
                .and_then(|matches| matches.try_get_one::<String>(id).ok().flatten())
                .map(|value| masked(&variable, value))
                .unwrap_or_default();
            Some(Line { variable, meaning: meaning.split_whitespace().collect::<Vec<_>>().join(" "), value })
        })
        .collect()
}

fn masked(variable: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    if SECRETS.contains(&variable) {
        return "(set, not shown)".to_owned();
    }
    if !variable.ends_with("DATABASE_URL") {
        return value.to_owned();
    }
    let Ok(mut url) = Url::parse(value) else { return "(not a URL, not shown)".to_owned() };
    if url.password().is_some() && url.set_password(Some("not-shown")).is_err() {
        return "(set, not shown)".to_owned();
    }
    // A password can also stand among the parameters.
    url.set_query(None);
    url.to_string()
}
