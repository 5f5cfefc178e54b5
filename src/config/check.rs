//! Reading settings: every fault is found in one pass and says what to do next; no fault repeats a secret.

use super::{
    CarrierConfig, ClockConfig, Config, DatabaseConfig, DeskConfig, ModelConfig, OF_THE_SCRIPTS, Settings, lines,
    log::log,
    outside::{bounds, outside, signalling},
    secrets::{call_code_key, is_strong},
    speech::speech,
};
use crate::domain::{
    destination::is_loopback,
    dialling::{Dialling, Rate},
    pace::Patience,
    private::Private,
};
use std::{fmt, net::SocketAddr, path::PathBuf};
use url::Url;

/// One thing wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub variable: String,
    /// What is wrong and what to do next.
    pub what: String,
}

/// Everything wrong with the settings, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            write!(f, "{}{}: {}", if number == 0 { "" } else { "\n" }, fault.variable, fault.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

impl Faults {
    pub(super) fn note(&mut self, variable: &str, what: impl Into<String>) {
        self.0.push(Fault { variable: variable.to_owned(), what: what.into() });
    }

    pub(super) fn result<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(self),
        }
    }
}

/// The names of the variables this process was started with.
#[must_use]
pub fn names_present() -> Vec<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
}

/// Checks everything that serving needs. `present` are the names of all variables of the environment.
///
/// # Errors
/// Every fault there is.
pub fn check(settings: &Settings, present: &[String]) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    unknown_names(present, &mut faults);
    log(settings, &mut faults);
    let database = database(settings, &mut faults);
    let listen = listen(settings, &mut faults);
    let public_url = public_url(settings, listen, &mut faults);
    let carrier = carrier(settings, public_url.as_deref(), &mut faults);
    let model = model(settings, &mut faults);
    let speech = speech(settings, &mut faults);
    let clock = clock(settings, &mut faults);
    let outside = outside(settings, &mut faults);
    let call_code_key = call_code_key(settings, &mut faults);
    let ring_seconds = ring_seconds(settings, &mut faults);
    let rate = rate(settings, &mut faults);
    let trusted_proxies = trusted_proxies(settings, &mut faults);
    let bounds = bounds(settings, &mut faults);
    let config = (|| {
        Some(Config {
            listen: listen?,
            public_url: public_url?,
            database: database?,
            carrier: carrier?,
            model: model?,
            speech: speech?,
            clock: clock?,
            outside: outside?,
            call_code_key: call_code_key?,
            ring_seconds: ring_seconds?,
            browser_signalling: signalling(settings, &mut faults)?,
            dialling: Dialling { rate: rate?, ..Dialling::default() },
            trusted_proxies: trusted_proxies?,
            bounds: bounds?,
            patience: Patience(1),
        })
    })();
    faults.result(config)
}

/// Checks what a subcommand at the desk needs: the database, whose time it is, and what is outside.
///
/// # Errors
/// Every fault there is.
pub fn check_desk(settings: &Settings, present: &[String]) -> Result<DeskConfig, Faults> {
    let mut faults = Faults::default();
    unknown_names(present, &mut faults);
    let database = database(settings, &mut faults);
    let clock = clock(settings, &mut faults);
    let outside = outside(settings, &mut faults);
    let config = (|| Some(DeskConfig { database: database?, clock: clock?, outside: outside? }))();
    faults.result(config)
}

/// Checks what migrating needs: the database.
///
/// # Errors
/// Every fault there is.
pub fn check_database(settings: &Settings, present: &[String]) -> Result<DatabaseConfig, Faults> {
    let mut faults = Faults::default();
    unknown_names(present, &mut faults);
    let database = database(settings, &mut faults);
    faults.result(database)
}

/// Checks that every variable that looks like a setting is one.
///
/// # Errors
/// Every name that is none.
pub fn check_names(present: &[String]) -> Result<(), Faults> {
    let mut faults = Faults::default();
    unknown_names(present, &mut faults);
    faults.result(Some(()))
}

fn listen(settings: &Settings, faults: &mut Faults) -> Option<SocketAddr> {
    let address = settings.listen.parse().ok();
    if address.is_none() {
        faults.note("CARELINE_LISTEN", "write an IP address and a port, such as 127.0.0.1:8080");
    }
    address
}

fn public_url(settings: &Settings, listen: Option<SocketAddr>, faults: &mut Faults) -> Option<String> {
    const VARIABLE: &str = "CARELINE_PUBLIC_URL";
    if settings.public_url.is_empty() {
        let listen = listen?;
        if listen.ip().is_loopback() {
            return Some(format!("http://{listen}"));
        }
        faults.note(
            VARIABLE,
            "the listening address is open to others, so write the https origin under which they reach it",
        );
        return None;
    }
    let url = http_url(VARIABLE, &settings.public_url, faults)?;
    if url.scheme() == "http" && !is_loopback(&url) {
        faults.note(VARIABLE, "only https is safe here; http is allowed on a loopback address alone");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        faults.note(VARIABLE, "write the origin only, without ? and #");
        return None;
    }
    Some(settings.public_url.trim_end_matches('/').to_owned())
}

fn database(settings: &Settings, faults: &mut Faults) -> Option<DatabaseConfig> {
    if settings.database_url.is_empty() {
        if !settings.migration_database_url.is_empty() {
            faults.note("CARELINE_MIGRATION_DATABASE_URL", "it needs DATABASE_URL; set both or neither");
            return None;
        }
        if settings.data.trim().is_empty() {
            faults.note("CARELINE_DATA", "name a folder, such as .data");
            return None;
        }
        return Some(DatabaseConfig::Private { folder: PathBuf::from(&settings.data) });
    }
    let url = database_url("DATABASE_URL", &settings.database_url, faults);
    let owner = if settings.migration_database_url.is_empty() {
        url.clone()
    } else {
        database_url("CARELINE_MIGRATION_DATABASE_URL", &settings.migration_database_url, faults)
    };
    Some(DatabaseConfig::Given { url: Private::new(url?), owner_url: Private::new(owner?) })
}

fn database_url(variable: &str, text: &str, faults: &mut Faults) -> Option<String> {
    let fits = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "postgres" | "postgresql") && !url.path().trim_matches('/').is_empty());
    if fits {
        return Some(text.to_owned());
    }
    faults.note(variable, "write postgres://user:password@host:5432/database");
    None
}

fn carrier(settings: &Settings, public_url: Option<&str>, faults: &mut Faults) -> Option<CarrierConfig> {
    let before = faults.0.len();
    let sid = &settings.twilio_account_sid;
    let spelled = sid
        .strip_prefix("AC")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !spelled {
        faults.note("CARELINE_TWILIO_ACCOUNT_SID", "copy the account sid from the console; it begins with AC");
    }
    if settings.twilio_auth_token.trim().is_empty() {
        faults.note(
            "CARELINE_TWILIO_AUTH_TOKEN",
            "it is missing, and without it any stranger could forge a webhook; copy it from the console",
        );
    } else {
        is_strong("CARELINE_TWILIO_AUTH_TOKEN", &settings.twilio_auth_token, faults);
    }
    let other = &settings.twilio_other_auth_token;
    let _strong = other.is_empty() || is_strong("CARELINE_TWILIO_OTHER_AUTH_TOKEN", other, faults);
    let url = http_url("CARELINE_TWILIO_API_URL", &settings.twilio_api_url, faults);
    if let Some(url) = &url {
        if url.scheme() == "http" && !is_loopback(url) {
            faults.note("CARELINE_TWILIO_API_URL", "only https is safe here; http is for a loopback address alone");
        }
        let own = public_url.and_then(|url| Url::parse(url).ok());
        if is_twilio(url) && own.is_some_and(|own| is_loopback(&own)) {
            faults.note(
                "CARELINE_PUBLIC_URL",
                "Twilio cannot reach a loopback address; write the https origin under which it reaches this machine",
            );
        }
    }
    (faults.0.len() == before).then(|| CarrierConfig {
        api_url: settings.twilio_api_url.trim_end_matches('/').to_owned(),
        account_sid: sid.clone(),
        auth_token: Private::new(settings.twilio_auth_token.clone()),
        other_auth_token: Private::new(other.clone()),
    })
}

fn model(settings: &Settings, faults: &mut Faults) -> Option<ModelConfig> {
    if settings.model_url.is_empty() {
        return Some(ModelConfig::Extractive);
    }
    let before = faults.0.len();
    let url = http_url("CARELINE_MODEL_URL", &settings.model_url, faults);
    if url.is_some_and(|url| url.scheme() == "http" && !is_loopback(&url)) {
        faults.note("CARELINE_MODEL_URL", "only https is safe here; http is allowed on a loopback address alone");
    }
    if settings.model_key.is_empty() {
        faults.note(
            "CARELINE_MODEL_KEY",
            "it is missing; copy it from the model's provider, or empty CARELINE_MODEL_URL",
        );
    }
    let names = [
        ("CARELINE_MODEL_NAME", &settings.model_name),
        ("CARELINE_EMBEDDING_MODEL_NAME", &settings.embedding_model_name),
    ];
    for (variable, name) in names {
        if name.is_empty() {
            faults.note(variable, "name the model, as its provider does");
        }
    }
    (faults.0.len() == before).then(|| ModelConfig::Server {
        url: settings.model_url.trim_end_matches('/').to_owned(),
        key: Private::new(settings.model_key.clone()),
        chat: settings.model_name.clone(),
        embedding: settings.embedding_model_name.clone(),
    })
}

fn clock(settings: &Settings, faults: &mut Faults) -> Option<ClockConfig> {
    const VARIABLE: &str = "CARELINE_TOWN_CLOCK_URL";
    if settings.town_clock_url.is_empty() {
        return Some(ClockConfig::Machine);
    }
    http_url(VARIABLE, &settings.town_clock_url, faults)?;
    if Url::parse(&settings.twilio_api_url).is_ok_and(|url| is_twilio(&url)) {
        faults.note(
            VARIABLE,
            "a simulated clock would ring real people at the wrong hour; empty it, or set CARELINE_TWILIO_API_URL to the town",
        );
        return None;
    }
    Some(ClockConfig::Town(settings.town_clock_url.trim_end_matches('/').to_owned()))
}

fn rate(settings: &Settings, faults: &mut Faults) -> Option<Rate> {
    let mut read = |variable: &str, text: &str| {
        let number = text.parse().ok().filter(|number| (1..=3_000).contains(number));
        if number.is_none() {
            faults.note(variable, "write a whole number from 1 to 3000, below what the carrier allows");
        }
        number
    };
    let of_number = read("CARELINE_CALLS_PER_MINUTE", &settings.calls_per_minute);
    let of_organization = read("CARELINE_CALLS_PER_MINUTE_OF_ORGANIZATION", &settings.calls_per_minute_of_organization);
    Some(Rate::per_minute(of_number?, of_organization?))
}

fn ring_seconds(settings: &Settings, faults: &mut Faults) -> Option<u64> {
    let seconds = settings.ring_seconds.parse().ok().filter(|seconds| (5..=120).contains(seconds));
    if seconds.is_none() {
        faults.note("CARELINE_RING_SECONDS", "write a number from 5 to 120");
    }
    seconds
}

fn trusted_proxies(settings: &Settings, faults: &mut Faults) -> Option<usize> {
    let proxies = settings.trusted_proxies.parse().ok().filter(|proxies| *proxies <= 5);
    if proxies.is_none() {
        faults.note("CARELINE_TRUSTED_PROXIES", "write how many of your proxies stand in front, 0 to 5");
    }
    proxies
}

pub(super) fn http_url(variable: &str, text: &str, faults: &mut Faults) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    if url.is_none() {
        faults.note(variable, "this is not a URL; write one such as https://careline.example.org");
    }
    url
}

pub(super) fn is_twilio(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host == "twilio.com" || host.ends_with(".twilio.com"))
}

/// A misspelt variable would silently leave its setting at the default, so it is a fault.
fn unknown_names(present: &[String], faults: &mut Faults) {
    let known: Vec<String> = lines(None).into_iter().map(|line| line.variable).collect();
    for name in present.iter().filter(|name| name.starts_with("CARELINE_")) {
        if known.iter().any(|real| real == name) || OF_THE_SCRIPTS.contains(&name.as_str()) {
            continue;
        }
        let nearest = known.iter().min_by_key(|real| distance(real, name)).filter(|real| distance(real, name) <= 8);
        faults.note(
            name,
            match nearest {
                Some(real) => format!("there is no such setting; did you mean {real}?"),
                None => "there is no such setting; `careline config` lists them".to_owned(),
            },
        );
    }
}

/// How many letters must change to make one name the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (number, from) in one.chars().enumerate() {
        let mut left = number + 1;
        let mut above_left = number;
        let mut next = vec![left];
        for (to, above) in other.chars().zip(row.iter().skip(1)) {
            let change = above_left + usize::from(from != to);
            left = change.min(left + 1).min(above + 1);
            above_left = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
