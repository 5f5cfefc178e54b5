//! Words of models, of protocol files, of people who type, and of operators who set.

use super::parts;
use careline::{
    config::Settings,
    domain::{
        contact_hours::{Channel, ContactHours, HouseRules, Permission, Standing, may_contact},
        destination::{Bounds, Destination},
        guidance::{self, Passage, text::normalise, verify},
        hold_back::Rule,
        people::{PatientStatus, PhoneNumber},
        protocol::read_package,
    },
    web::forms,
};
use chrono::{DateTime, NaiveTime, Utc};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

static PASSAGES: LazyLock<Vec<Passage>> = LazyLock::new(|| {
    let text = "Sit the patient upright. Give morphine 2.5 mg by mouth every 4 hours if it is prescribed. Do not give more \
                than the order says. Open a window and use a fan.";
    vec![Passage {
        anchor: "a1".to_owned(),
        heading: "Breathlessness".to_owned(),
        text: text.to_owned(),
        tags: Vec::new(),
        sha256: Vec::new(),
        standing: guidance::Standing::Approved,
    }]
});

/// Whatever a model replies, each span that may be shown stands in its passage.
pub fn model_reply(bytes: &[u8]) {
    let reply = String::from_utf8_lossy(bytes);
    let drafts = [verify::Draft::read(&reply), Some(quoting(bytes))];
    let shelf = normalise(&PASSAGES[0].text);
    for draft in drafts.into_iter().flatten() {
        for statement in verify::verify(&draft, &PASSAGES).statements {
            assert!(!statement.quotes.is_empty(), "a statement without a quote");
            for quote in statement.quotes {
                assert!(shelf.contains(&normalise(&quote.span)), "a span that is not in its passage");
            }
        }
    }
}

/// A draft of the input's words, about the passage that exists.
fn quoting(bytes: &[u8]) -> verify::Draft {
    let parts = parts(bytes);
    let statement = |pair: &[String]| verify::DraftStatement {
        text: pair[0].clone(),
        quotes: vec![verify::DraftQuote { anchor: "a1".to_owned(), span: pair.get(1).unwrap_or(&pair[0]).clone() }],
    };
    verify::Draft { statements: parts.chunks(2).map(statement).collect(), abstain: false }
}

/// A package is read or its faults are named, in bounded time.
pub fn protocol_yaml(bytes: &[u8]) {
    let names =
        ["protocol.yaml", "guidance.md", "scenarios.yaml", "changelog.md", "i18n/en-US.yaml", "i18n/es-US.yaml"];
    let files: BTreeMap<String, String> =
        names.iter().map(|name| (*name).to_owned()).zip(parts(bytes).into_iter().chain([String::new()])).collect();
    if let Err(faults) = read_package(&files) {
        assert!(!faults.is_empty(), "refused without a fault");
    }
}

/// A number that is taken is E.164; nobody is rung outside the hours of their zone, and the next instant is inside.
pub fn telephone_and_zone(bytes: &[u8]) {
    let parts = parts(bytes);
    let country = parts.get(1).map_or("US", String::as_str);
    if let Ok(number) = PhoneNumber::parse(&parts[0], country) {
        let text = number.reveal();
        let digits = text.strip_prefix('+').expect("E.164 begins with a plus");
        assert!(digits.bytes().all(|digit| digit.is_ascii_digit()) && (7..=15).contains(&digits.len()), "{digits}");
        assert!(PhoneNumber::parse(text, "US").is_ok(), "what was taken is not taken again");
    }
    let Some((head, _)) = bytes.split_first_chunk::<8>() else { return };
    let [a, b, c, d, zone, zone2, from, until] = *head;
    let seconds = i64::from(u32::from_be_bytes([a, b, c, d]));
    let zones = chrono_tz::TZ_VARIANTS;
    let time_zone = zones[usize::from(u16::from_be_bytes([zone, zone2])) % zones.len()];
    let clock = |half_hours: u8| NaiveTime::from_num_seconds_from_midnight_opt(u32::from(half_hours) * 1800, 0);
    let (Some(from), Some(until)) = (clock(from % 47), clock(until % 48)) else { return };
    if from >= until {
        return;
    }
    let hours = ContactHours { from, until };
    let house = HouseRules { hours, holidays: BTreeSet::new(), most_rings_day: 6, most_rings_week: 20 };
    let standing = Standing {
        status: PatientStatus::Active,
        voice: Permission::Given,
        text: Permission::Given,
        automated: Permission::Given,
        clinical_texts: Permission::Given,
        time_zone,
        windows: Vec::new(),
        rings: Vec::new(),
        house,
    };
    let Some(now) = DateTime::<Utc>::from_timestamp(seconds, 0) else { return };
    let inside = |at: DateTime<Utc>| (from..until).contains(&at.with_timezone(&time_zone).time());
    match may_contact(now, &standing, Channel::Voice).map_err(|held| (held.rule, held.until)) {
        Ok(()) => assert!(inside(now), "rung outside the hours"),
        Err((Rule::OutsideHours, Some(next))) => assert!(next > now && inside(next), "{time_zone} {now} {next}"),
        Err(held) => panic!("an active patient who consents is held back by {held:?}"),
    }
}

/// An address that is gone to names a public host, by https, on a port that is allowed, however it is spelled.
pub fn egress_address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(destination) = Destination::judge(&text, &Bounds::default()) else { return };
    let url = destination.url();
    assert_eq!((url.scheme(), url.port_or_known_default()), ("https", Some(443)));
    let Some(url::Host::Domain(name)) = url.host() else { panic!("a number is gone to: {url}") };
    assert!(name.contains('.') && !name.ends_with('.') && name.parse::<std::net::IpAddr>().is_err(), "{name}");
    assert!(url.username().is_empty() && url.password().is_none());
    // Another reader of addresses agrees about the host.
    let authority = text.split("//").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or("");
    assert_eq!(authority.split(':').next().unwrap_or("").to_ascii_lowercase(), name);
}

/// A page is the same but for the planted fields.
pub fn page_forms(bytes: &[u8]) {
    let page = String::from_utf8_lossy(bytes);
    let planted = forms::planted(&page, "0000");
    let field = format!("<input type=\"hidden\" name=\"{}\" value=\"0000\">", forms::FIELD);
    if !page.contains(&field) {
        assert_eq!(planted.replace(&field, ""), page);
    }
}

/// Settings hold, or each fault is named and no fault repeats a secret.
pub fn settings(bytes: &[u8]) {
    let mut parts = parts(bytes).into_iter();
    let mut next = || parts.next().unwrap_or_default();
    let secret = next();
    let settings = Settings {
        listen: next(),
        public_url: next(),
        database_url: next(),
        twilio_api_url: next(),
        model_url: next(),
        town_clock_url: next(),
        objects_url: next(),
        witness_url: next(),
        egress_ports: next(),
        egress_towns: next(),
        trusted_proxies: next(),
        twilio_auth_token: secret.clone(),
        call_code_key: secret.clone(),
        keys: secret.clone(),
        ..plain()
    };
    if let Err(faults) = careline::config::check(&settings, &[]) {
        let unusual = secret.len() >= 8 && secret.bytes().all(|byte| byte.is_ascii_uppercase());
        assert!(!faults.0.is_empty());
        assert!(!unusual || !faults.to_string().contains(&secret), "a fault repeats a secret");
    }
}

/// Settings as they are when nothing is set.
fn plain() -> Settings {
    use clap::{Args, Command, FromArgMatches};
    let matches = Settings::augment_args(Command::new("careline")).get_matches_from(["careline"]);
    Settings::from_arg_matches(&matches).expect("every setting has a default")
}
