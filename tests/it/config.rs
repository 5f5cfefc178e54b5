//! Settings: every fault at once, with what to do next, and no secret on any screen.

use careline::config::{ClockConfig, DatabaseConfig, ModelConfig, SECRETS, Settings, check, lines};
use clap::{Args, Command, FromArgMatches};

const GOOD: &[(&str, &str)] = &[
    ("--public-url", "https://ward.example.org/"),
    ("--twilio-account-sid", "AC0123456789abcdef0123456789abcdef"),
    ("--twilio-auth-token", "8c1f0e7b9a2d4c6385e1f7a0b3d92c64"),
    ("--call-code-key", "d4b7a19c03e86f25517fc0a92e8b6d31"),
    ("--keys", "/etc/careline/keys.json"),
];

fn matches(changes: &[(&str, &str)]) -> clap::ArgMatches {
    let mut words = vec!["careline".to_owned()];
    for (name, value) in GOOD.iter().filter(|(name, _)| !changes.iter().any(|(change, _)| change == name)) {
        words.push(format!("{name}={value}"));
    }
    words.extend(changes.iter().map(|(name, value)| format!("{name}={value}")));
    Settings::augment_args(Command::new("careline")).try_get_matches_from(words).unwrap()
}

fn settings(changes: &[(&str, &str)]) -> Settings {
    Settings::from_arg_matches(&matches(changes)).unwrap()
}

/// The variables at fault, in order.
fn faulty(changes: &[(&str, &str)], present: &[&str]) -> Vec<String> {
    let present: Vec<String> = present.iter().map(|&name| name.to_owned()).collect();
    check(&settings(changes), &present)
        .err()
        .map(|faults| faults.0.into_iter().map(|fault| fault.variable).collect())
        .unwrap_or_default()
}

#[test]
fn good_settings_hold() {
    let config = check(&settings(&[]), &["CARELINE_LISTEN".into(), "CARELINE_YES".into(), "PATH".into()]).unwrap();
    assert_eq!(config.public_url, "https://ward.example.org");
    assert!(matches!(config.database, DatabaseConfig::Private { .. }));
    assert!(matches!(config.model, ModelConfig::Extractive));
    assert!(matches!(config.clock, ClockConfig::Machine));
    assert_eq!(config.ring_seconds, 30);
}

#[test]
fn every_fault_is_found_in_one_pass() {
    let changes = [
        ("--listen", "8080"),
        ("--database-url", "mysql://x/y"),
        ("--twilio-account-sid", ""),
        ("--twilio-auth-token", ""),
        ("--model-url", "ftp://models"),
        ("--call-code-key", "1234"),
        ("--ring-seconds", "0"),
        ("--log-format", "xml"),
    ];
    let expected = [
        "CARELINE_LOGFORMAT",
        "CARELINE_LOG_FORMAT",
        "DATABASE_URL",
        "CARELINE_LISTEN",
        "CARELINE_TWILIO_ACCOUNT_SID",
        "CARELINE_TWILIO_AUTH_TOKEN",
        "CARELINE_MODEL_URL",
        "CARELINE_MODEL_KEY",
        "CARELINE_CALL_CODE_KEY",
        "CARELINE_RING_SECONDS",
    ];
    assert_eq!(faulty(&changes, &["CARELINE_LOGFORMAT"]), expected);
}

#[test]
fn an_unknown_variable_is_named_with_the_nearest_real_one() {
    let faults = check(&settings(&[]), &["CARELINE_TWILIO_AUTHTOKEN".into()]).err().unwrap();
    assert!(faults.to_string().contains("did you mean CARELINE_TWILIO_AUTH_TOKEN?"), "{faults}");
    let faults = check(&settings(&[]), &["CARELINE_QUITE_ANOTHER_MATTER_ALTOGETHER".into()]).err().unwrap();
    assert!(faults.to_string().contains("`careline config` lists them"), "{faults}");
}

#[test]
fn what_would_be_unsafe_does_not_start() {
    let loopback = ("--twilio-api-url", "http://127.0.0.1:4010");
    for (changes, variable) in [
        (vec![("--public-url", "http://ward.example.org")], "CARELINE_PUBLIC_URL"),
        (vec![("--public-url", ""), ("--listen", "0.0.0.0:8080"), loopback], "CARELINE_PUBLIC_URL"),
        (vec![("--public-url", "")], "CARELINE_PUBLIC_URL"),
        (vec![("--twilio-api-url", "http://carrier.example.org")], "CARELINE_TWILIO_API_URL"),
        (vec![("--town-clock-url", "http://127.0.0.1:4010")], "CARELINE_TOWN_CLOCK_URL"),
        (vec![("--model-url", "http://models.example.org/v1"), ("--model-key", "k")], "CARELINE_MODEL_URL"),
        (vec![("--speech", "whisper")], "CARELINE_SPEECH"),
        (vec![("--speech", "deepgram")], "CARELINE_SPEECH_KEY"),
        (
            vec![("--speech", "openai"), ("--speech-key", "k"), ("--speech-url", "http://speech.example.org/v1")],
            "CARELINE_SPEECH_URL",
        ),
        (vec![("--speech-second", "transcriptions")], "CARELINE_SPEECH_SECOND_KEY"),
        (vec![("--migration-database-url", "postgres://h/d")], "CARELINE_MIGRATION_DATABASE_URL"),
    ] {
        assert_eq!(faulty(&changes, &[]), [variable], "{changes:?}");
    }
    let town = [("--public-url", ""), loopback, ("--town-clock-url", "http://127.0.0.1:4010")];
    assert_eq!(faulty(&town, &[]), Vec::<String>::new(), "the control: a town on loopback is safe");
}

#[test]
fn every_variable_is_shown_with_its_meaning_and_no_secret_is() {
    let secret = "a-secret-of-thirty-two-characters";
    let matches = matches(&[
        ("--database-url", "postgres://app_rw:hush@db/careline?password=hush"),
        ("--call-code-key", secret),
        ("--model-key", secret),
        ("--speech-key", secret),
        ("--speech-second-key", secret),
        ("--twilio-auth-token", secret),
        ("--twilio-other-auth-token", secret),
        ("--keys", secret),
        ("--mail-url", secret),
        ("--keys-token", secret),
        ("--s3-secret", secret),
    ]);
    let lines = lines(Some(&matches));
    for line in &lines {
        assert!(!line.meaning.is_empty(), "{} has no meaning", line.variable);
        assert!(!line.value.contains(secret) && !line.value.contains("hush"), "{} shows its value", line.variable);
    }
    for secret in SECRETS {
        let line = lines.iter().find(|line| line.variable == secret).expect("a secret that is no setting");
        assert_eq!(line.value, "(set, not shown)");
    }
    let database = lines.iter().find(|line| line.variable == "DATABASE_URL").unwrap();
    assert_eq!(database.value, "postgres://app_rw:not-shown@db/careline", "the control: what is no secret is shown");
}

#[test]
fn a_secret_out_of_a_manual_does_not_start_and_no_setting_opens_an_unsigned_door() {
    let real = "8c1f0e7b9a2d4c6385e1f7a0b3d92c64";
    for guessable in [
        "a".repeat(40),
        "ab".repeat(20),
        "0123456789abcdef0123456789abcdef".to_owned(),
        "8c1f0e7b9a2d4c63".repeat(2),
        "changeme-8c1f0e7b9a2d4c6385e1f7a0b3d92c64".to_owned(),
        "town-auth-token-8c1f0e7b9a2d4c6385e1f7a0b3".to_owned(),
        "YOUR_AUTH_TOKEN_8c1f0e7b9a2d4c6385e1f7a0b3".to_owned(),
        "my-super-secret-8c1f0e7b9a2d4c6385e1f7a0b3".to_owned(),
        real[..31].to_owned(),
    ] {
        for (name, variable) in [
            ("--twilio-auth-token", "CARELINE_TWILIO_AUTH_TOKEN"),
            ("--twilio-other-auth-token", "CARELINE_TWILIO_OTHER_AUTH_TOKEN"),
            ("--call-code-key", "CARELINE_CALL_CODE_KEY"),
        ] {
            assert_eq!(faulty(&[(name, &guessable)], &[]), [variable], "{guessable}");
        }
    }
    assert_eq!(faulty(&[("--call-code-key", real)], &[]), Vec::<String>::new(), "the control");
    // The carrier's signature is always checked: there is nothing to set about it.
    for line in lines(None) {
        for word in ["INSECURE", "UNSAFE", "SKIP", "DISABLE", "NO_VERIFY", "SIGNATURE", "ALLOW"] {
            assert!(!line.variable.contains(word), "{} sounds like a way round a check", line.variable);
        }
    }
}

#[test]
fn where_requests_may_go_and_who_stands_in_front_is_bounded() {
    for (changes, variable) in [
        (vec![("--trusted-proxies", "6")], "CARELINE_TRUSTED_PROXIES"),
        (vec![("--trusted-proxies", "all")], "CARELINE_TRUSTED_PROXIES"),
        (vec![("--egress-ports", "")], "CARELINE_EGRESS_PORTS"),
        (vec![("--egress-ports", "443,0")], "CARELINE_EGRESS_PORTS"),
        (vec![("--egress-towns", "http://10.0.0.1:4010"), LOOPBACK_CARRIER], "CARELINE_EGRESS_TOWNS"),
        (vec![("--egress-towns", "http://127.0.0.1:4010")], "CARELINE_EGRESS_TOWNS"),
    ] {
        assert_eq!(faulty(&changes, &[]), [variable], "{changes:?}");
    }
    let town = [("--egress-towns", "http://127.0.0.1:4010, http://127.0.0.1:4011"), LOOPBACK_CARRIER];
    assert_eq!(faulty(&town, &[]), Vec::<String>::new(), "the control: a town beside a town");
}

const LOOPBACK_CARRIER: (&str, &str) = ("--twilio-api-url", "http://127.0.0.1:4010");

#[test]
fn no_fault_repeats_a_secret() {
    let faults = check(&settings(&[("--call-code-key", "hush"), ("--twilio-auth-token", "hush")]), &[]).err().unwrap();
    assert!(!faults.to_string().contains("hush"), "{faults}");
}
