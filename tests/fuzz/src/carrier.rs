//! What the carrier sends, and what is written for it.

use super::parts;
use base64::{Engine, engine::general_purpose::STANDARD};
use careline::{
    adapters::twilio::{Twilio, TwilioSettings},
    domain::{
        ids::{AttemptId, OrgId, StreamId},
        people::Language,
        private::Private,
        script::{Speech, Visit},
    },
    ports::phone::{Fork, Hook, HookRefusal, MediaWire, Phone},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::{collections::BTreeSet, sync::LazyLock};
use uuid::Uuid;

const ORIGIN: &str = "https://ward.example.org";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

static TWILIO: LazyLock<Twilio> = LazyLock::new(|| {
    let settings = TwilioSettings {
        api_base: "https://api.twilio.com".to_owned(),
        account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
        auth_token: Private::new(TOKEN.to_owned()),
        other_auth_token: Private::default(),
        public_url: ORIGIN.to_owned(),
    };
    Twilio::new(settings).expect("these settings hold")
});

/// The provider's own words for its signature, as slowly as they read: every distinct field, sorted, behind the address.
fn signature(path: &str, body: &[u8]) -> String {
    let fields: BTreeSet<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let mut text = format!("{ORIGIN}{path}");
    for (name, value) in &fields {
        text.push_str(name);
        text.push_str(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).expect("any key is taken");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A form with the right signature is the carrier's; without one, or with another, it never is.
pub fn form(bytes: &[u8]) {
    let path = "/hooks/phone/a/b/voice?step=1";
    let parts = parts(bytes);
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for pair in parts.chunks(2) {
        form.append_pair(&pair[0], pair.get(1).map_or("", String::as_str));
    }
    for body in [form.finish().into_bytes(), bytes.to_vec()] {
        let hear = |signature: Option<&str>, body: &[u8]| TWILIO.hear(&Hook { path_and_query: path, signature, body });
        assert!(matches!(hear(None, &body), Err(HookRefusal::NotTheCarrier)));
        let right = signature(path, &body);
        let heard = hear(Some(&right), &body);
        if body != bytes {
            assert!(!matches!(heard, Err(HookRefusal::NotTheCarrier)), "the carrier is turned away");
        }
        let mut wrong = right.clone().into_bytes();
        wrong[0] = if wrong[0] == b'A' { b'B' } else { b'A' };
        let wrong = String::from_utf8(wrong).expect("base64 is text");
        assert!(matches!(hear(Some(&wrong), &body), Err(HookRefusal::NotTheCarrier)));
        let mut longer = body.clone();
        // A parameter that is there already may come twice: the carrier's signature counts it once, and so do we.
        longer.extend(format!("&{}=1", "F".repeat(body.len() + 1)).into_bytes());
        assert!(matches!(hear(Some(&right), &longer), Err(HookRefusal::NotTheCarrier)));
    }
}

/// A media message is read or refused.
pub fn media(bytes: &[u8]) {
    let _read = TWILIO.read(&String::from_utf8_lossy(bytes));
}

/// Whatever is to be said, the document parses again, holds the words as text and no element of theirs.
pub fn twiml(bytes: &[u8]) {
    let parts = parts(bytes);
    let text = parts[0].clone();
    let conference = parts.get(1).cloned().unwrap_or_default();
    let language = if bytes.len().is_multiple_of(2) { Language::English } else { Language::Spanish };
    let (org, attempt) = (OrgId(Uuid::nil()), AttemptId(Uuid::nil()));
    let fork = Fork { org, stream: StreamId(Uuid::nil()), token: parts.get(2).cloned().unwrap_or_default() };
    for speech in [
        Speech::Ask { language, text: text.clone(), digits: 4, wait_seconds: 5 },
        Speech::Farewell { language, text: text.clone() },
        Speech::Join { language, text: text.clone(), conference: conference.clone(), ends_on_exit: true },
        Speech::Visit { language, text: text.clone(), conference: text.clone(), visit: Visit::Coaches(conference) },
        Speech::Moment { language, text: text.clone(), wait_seconds: 1 },
        Speech::OnHold { language, text: text.clone(), pause_seconds: 20 },
        Speech::Announcement { language, text },
    ] {
        let written = TWILIO.instruct(org, attempt, &speech, Some(&fork)).body;
        let mut reader = quick_xml::Reader::from_str(&written);
        loop {
            match reader.read_event().expect("what we write can be read") {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(element) | quick_xml::events::Event::Empty(element) => {
                    let name: String = element.name().as_ref().to_owned();
                    let known = [
                        "Response",
                        "Say",
                        "Gather",
                        "Hangup",
                        "Dial",
                        "Conference",
                        "Start",
                        "Stream",
                        "Parameter",
                        "Pause",
                        "Redirect",
                        "Reject",
                    ];
                    assert!(known.contains(&name.as_str()), "an element <{name}> came in with the words");
                }
                _ => {}
            }
        }
    }
}
