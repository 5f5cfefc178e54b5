//! The provider's words: form fields, call resources, status words. They stop here.

use super::address::PublicOrigin;
use crate::{
    domain::{answering::AnsweredBy, ids::OrgId, line::Line, people::PhoneNumber},
    ports::phone::{Accepted, CarrierCall, CarrierSid, CarrierStatus, Detect, Dial, Fork},
};
use chrono::DateTime;
use serde::Deserialize;
use std::time::Duration;

/// Form fields in sending order; names may repeat.
pub(super) type Fields = Vec<(&'static str, String)>;

/// The longest ringing the provider takes, in seconds.
const LONGEST_RING_SECONDS: u64 = 600;

/// What creates a call. The events are repeated fields: in one field the provider reads only the first.
pub(super) fn create_fields(dial: &Dial, origin: &PublicOrigin) -> Fields {
    let hook = |kind| origin.hook(dial.org, dial.attempt, kind);
    let mut fields = vec![
        ("To", dialled(&dial.to)),
        ("From", dial.from.reveal().to_owned()),
        ("Url", hook("voice")),
        ("Method", "POST".to_owned()),
        ("StatusCallback", hook("status")),
        ("StatusCallbackMethod", "POST".to_owned()),
        ("Timeout", dial.ring_for.as_secs().clamp(1, LONGEST_RING_SECONDS).to_string()),
    ];
    fields.extend(
        ["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event.to_owned())),
    );
    match dial.detect {
        Detect::Nothing => {}
        Detect::Machines => fields.extend(detection(hook("machine"))),
    }
    fields
}

/// What has the provider guess beside the call who answered, and wait for the beep of a machine: only so is it known when
/// words would be recorded. The bounds are the provider's own, written out so that a change of theirs is none of ours.
fn detection(hook: String) -> Fields {
    vec![
        ("MachineDetection", "DetectMessageEnd".to_owned()),
        ("AsyncAmd", "true".to_owned()),
        ("AsyncAmdStatusCallback", hook),
        ("AsyncAmdStatusCallbackMethod", "POST".to_owned()),
        ("MachineDetectionTimeout", "30".to_owned()),
        ("MachineDetectionSpeechThreshold", "2400".to_owned()),
        ("MachineDetectionSpeechEndThreshold", "1200".to_owned()),
        ("MachineDetectionSilenceTimeout", "5000".to_owned()),
    ]
}

/// Who answered, in our words; a word we do not know says as little as theirs for not knowing.
pub(super) fn answered_by(word: &str) -> AnsweredBy {
    AnsweredBy::from_word(word).unwrap_or(AnsweredBy::Unknown)
}

/// A line as the provider names it: a browser is a client, by its identity.
pub(super) fn dialled(line: &Line) -> String {
    match line {
        Line::Telephone(number) => number.reveal().to_owned(),
        Line::Browser(browser) => format!("client:{}", browser.reveal()),
    }
}

/// What starts a one-way stream of what the leg's person says.
pub(super) fn stream_fields(fork: &Fork, origin: &PublicOrigin) -> Fields {
    vec![
        ("Url", origin.media(fork.org)),
        ("Name", fork.stream.to_string()),
        ("Track", "inbound_track".to_owned()),
        ("Parameter1.Name", "token".to_owned()),
        ("Parameter1.Value", fork.token.clone()),
    ]
}

/// What a number of ours is told: who answers it, who hears when it is over, and where texts to it go.
pub(super) fn connect_fields(org: OrgId, origin: &PublicOrigin) -> Fields {
    vec![
        ("VoiceUrl", origin.inbound(org, "inbound")),
        ("VoiceMethod", "POST".to_owned()),
        ("StatusCallback", origin.inbound(org, "inbound/status")),
        ("StatusCallbackMethod", "POST".to_owned()),
        ("SmsUrl", origin.text_in(org)),
        ("SmsMethod", "POST".to_owned()),
    ]
}

/// One page of the account's numbers.
#[derive(Deserialize)]
pub(super) struct NumberPage {
    pub(super) incoming_phone_numbers: Vec<NumberResource>,
}

/// A number of the account, as far as we read it.
#[derive(Deserialize)]
pub(super) struct NumberResource {
    sid: String,
    phone_number: String,
}

impl NumberResource {
    /// Its sid, `PN` and 32 hexadecimal digits, if it is this number.
    pub(super) fn sid_if(&self, number: &PhoneNumber) -> Option<&str> {
        let digits = self.sid.strip_prefix("PN")?;
        let plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        (plain && self.phone_number == number.reveal()).then_some(self.sid.as_str())
    }
}

/// The call resource, as far as we read it.
#[derive(Deserialize)]
pub(super) struct CallResource {
    sid: String,
    status: String,
    date_created: Option<String>,
    direction: Option<String>,
    /// Milliseconds, as text.
    #[serde(default)]
    queue_time: serde_json::Value,
}

impl CallResource {
    /// The call in our words; `None` when it cannot be read.
    pub(super) fn read(self) -> Option<CarrierCall> {
        let created = self.date_created.as_deref().map(DateTime::parse_from_rfc2822)?.ok()?;
        Some(CarrierCall { sid: call_sid(&self.sid)?, status: status(&self.status)?, created_at: created.to_utc() })
    }

    /// How far it came, where that is all that is wanted.
    pub(super) fn status(&self) -> Option<CarrierStatus> {
        status(&self.status)
    }

    /// Its sid and how long it waits, where that is all that is wanted: a queued call may have no date yet.
    pub(super) fn accepted(&self) -> Option<Accepted> {
        let milliseconds = self.queue_time.as_str().map_or_else(|| self.queue_time.as_u64(), |text| text.parse().ok());
        Some(Accepted { sid: call_sid(&self.sid)?, waits: Duration::from_millis(milliseconds.unwrap_or(0)) })
    }

    /// Whether the API asked for it, as we do.
    pub(super) fn is_ours(&self) -> bool {
        self.direction.as_deref().is_none_or(|direction| direction == "outbound-api")
    }
}

/// One page of a list, newest first.
#[derive(Deserialize)]
pub(super) struct CallPage {
    pub(super) calls: Vec<CallResource>,
    pub(super) next_page_uri: Option<String>,
}

/// An error's number. Its text may repeat telephone numbers, so it is not even read.
#[derive(Deserialize)]
pub(super) struct ErrorBody {
    pub(super) code: u32,
}

/// A call's sid: `CA` and 32 hexadecimal digits.
pub(super) fn call_sid(text: &str) -> Option<CarrierSid> {
    let digits = text.strip_prefix("CA")?;
    let plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| CarrierSid(text.to_owned()))
}

/// A status word, of the API or of a callback.
pub(super) fn status(word: &str) -> Option<CarrierStatus> {
    match word {
        "queued" => Some(CarrierStatus::Queued),
        "initiated" => Some(CarrierStatus::Initiated),
        "ringing" => Some(CarrierStatus::Ringing),
        "in-progress" | "answered" => Some(CarrierStatus::InProgress),
        "completed" => Some(CarrierStatus::Completed),
        "busy" => Some(CarrierStatus::Busy),
        "no-answer" => Some(CarrierStatus::NoAnswer),
        "failed" => Some(CarrierStatus::Failed),
        "canceled" => Some(CarrierStatus::Canceled),
        _ => None,
    }
}
