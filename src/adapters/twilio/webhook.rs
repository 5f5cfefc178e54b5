//! Webhooks: the signature over exactly what was sent, then the provider's form fields in our words.

use super::{address::PublicOrigin, wire};
use crate::{
    domain::{people::PhoneNumber, private::Private},
    ports::phone::{CarrierNews, CarrierSid, ConferenceEvent, HookRefusal},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use subtle::{Choice, ConstantTimeEq};
use url::form_urlencoded;

/// Keys one message may carry; the provider stops far below.
const MOST_DIGITS: usize = 64;

/// Names that are read. None of them may stand inside a value: it would be a field swallowed by its neighbour.
const NAMES_READ: [&str; 10] = [
    "AccountSid",
    "CallSid",
    "CallStatus",
    "ConferenceSid",
    "StatusCallbackEvent",
    "SequenceNumber",
    "Timestamp",
    "Digits",
    "AnsweredBy",
    "From",
];

/// The account's seal: checks signatures and reads what is signed.
pub struct Seal {
    token: Private<String>,
    other: Option<Private<String>>,
    account: String,
}

impl Seal {
    /// The seal of an account. The token must not be empty; `Twilio::new` sees to it.
    #[must_use]
    pub const fn new(token: Private<String>, account: String) -> Self {
        Self { token, other: None, account }
    }

    /// The same seal while tokens are changed: what the other token signed holds too. An empty one signs nothing.
    #[must_use]
    pub fn with(self, other: Private<String>) -> Self {
        let other = Some(other).filter(|token| !token.reveal().trim().is_empty());
        Self { other, ..self }
    }

    /// Whether a signature holds over our origin, the path and query and the raw body: a form's fields, each distinct
    /// name and value once, by name and then value; or, where the query carries `bodySHA256`, the body's hash.
    /// (Twilio, webhooks security.)
    #[must_use]
    pub fn holds_over_form(
        &self,
        origin: &PublicOrigin,
        path_and_query: &str,
        body: &[u8],
        signature: Option<&str>,
    ) -> bool {
        let Some(signature) = signature else { return false };
        let (fields, body_holds) = match promised_hash(path_and_query) {
            Some(promised) => {
                let own = hex::encode(Sha256::digest(body));
                (BTreeSet::new(), own.as_bytes().ct_eq(promised.to_ascii_lowercase().as_bytes()))
            }
            None => (form_urlencoded::parse(body).collect(), Choice::from(1)),
        };
        let signed = origin
            .signed_forms(path_and_query)
            .iter()
            .fold(Choice::from(0), |held, url| held | self.matches(url, &fields, signature));
        (signed & body_holds).into()
    }

    /// Whether a signature holds over the upgrade to a media socket. Which form of the address the provider signs is
    /// not documented, so the few it could be are tried; each names our own host and path.
    #[must_use]
    pub fn holds_over_socket(&self, origin: &PublicOrigin, path: &str, signature: Option<&str>) -> bool {
        let Some(signature) = signature else { return false };
        let none = BTreeSet::new();
        let forms = origin.signed_socket_forms(path);
        forms.iter().fold(Choice::from(0), |held, url| held | self.matches(url, &none, signature)).into()
    }

    /// Whether a message says it is of this account.
    pub(super) fn is_of_account(&self, account: Option<&str>) -> bool {
        account == Some(self.account.as_str())
    }

    fn matches(&self, url: &str, fields: &BTreeSet<Field<'_>>, signature: &str) -> Choice {
        let tokens = [Some(&self.token), self.other.as_ref()].into_iter().flatten();
        tokens.fold(Choice::from(0), |held, token| held | Self::signed_by(token, url, fields, signature))
    }

    fn signed_by(token: &Private<String>, url: &str, fields: &BTreeSet<Field<'_>>, signature: &str) -> Choice {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.reveal().as_bytes()) else { return Choice::from(0) };
        mac.update(url.as_bytes());
        for (name, value) in fields {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
        STANDARD.encode(mac.finalize().into_bytes()).as_bytes().ct_eq(signature.as_bytes())
    }

    /// Reads a form whose signature holds. The signed text has no borders between names and values, so a field moved
    /// into its neighbour would still be signed: what we read must therefore be whole and look like itself.
    pub(super) fn read(&self, path_and_query: &str, body: &[u8]) -> Result<CarrierNews, HookRefusal> {
        let form = Form::of(body);
        let swallows = |value: &str| NAMES_READ.iter().any(|name| value.contains(name));
        if form.fields.iter().any(|(_, value)| swallows(value)) {
            return Err(HookRefusal::Unreadable);
        }
        if form.one("AccountSid")? != Some(self.account.as_str()) {
            return Err(HookRefusal::Unreadable);
        }
        let about_conference = form.one("ConferenceSid")?.is_some();
        let sid = match (form.one("CallSid")?, about_conference) {
            (Some(sid), _) => wire::call_sid(sid).ok_or(HookRefusal::Unreadable)?,
            // The end of a conference is nobody's own.
            (None, true) => CarrierSid(form.one("CallSidEndingConference")?.unwrap_or_default().to_owned()),
            (None, false) => return Err(HookRefusal::Unreadable),
        };
        let status =
            form.one("CallStatus")?.map(|word| wire::status(word).ok_or(HookRefusal::Unreadable)).transpose()?;
        let conference = if about_conference { event(form.one("StatusCallbackEvent")?) } else { None };
        Ok(CarrierNews {
            sid,
            status,
            // A withheld number is a word in its place.
            caller: form.one("From")?.and_then(|number| PhoneNumber::from_e164(number).ok()),
            digits: digits(form.one("Digits")?)?,
            dedupe_key: self.dedupe_key(path_and_query, &form)?,
            answered_by: form.one("AnsweredBy")?.map(wire::answered_by),
            conference,
        })
    }

    /// A key of the signed material alone: the provider's idempotency header is not signed, and whoever replays a
    /// message could change it. Keyed, because the keys pressed are part of it.
    fn dedupe_key(&self, path_and_query: &str, form: &Form<'_>) -> Result<String, HookRefusal> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.token.reveal().as_bytes()) else {
            return Err(HookRefusal::Unreadable);
        };
        let order = if form.one("SequenceNumber")?.is_some() { "SequenceNumber" } else { "Timestamp" };
        let names = ["CallSid", "CallStatus", "ConferenceSid", "StatusCallbackEvent", order, "Digits", "AnsweredBy"];
        for part in [Ok(Some(path_and_query))].into_iter().chain(names.map(|name| form.one(name))) {
            let part = part?.unwrap_or_default();
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part.as_bytes());
        }
        Ok(hex::encode(mac.finalize().into_bytes()))
    }
}

type Field<'a> = (std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>);

/// The fields of a message.
pub(super) struct Form<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Form<'a> {
    /// Reads them; whoever reads has checked the signature.
    pub(super) fn of(body: &'a [u8]) -> Self {
        Self { fields: form_urlencoded::parse(body).collect() }
    }

    /// The one value of a name; two different ones would let a reader choose.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, HookRefusal> {
        let mut values = self.fields.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_ref());
        let first = values.next();
        if values.any(|other| Some(other) != first) { Err(HookRefusal::Unreadable) } else { Ok(first) }
    }
}

/// The hash of the body that a signed query promises.
fn promised_hash(path_and_query: &str) -> Option<String> {
    let (_, query) = path_and_query.split_once('?')?;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256").map(|(_, value)| value.into_owned())
}

fn event(word: Option<&str>) -> Option<ConferenceEvent> {
    match word? {
        "participant-join" => Some(ConferenceEvent::Joined),
        "participant-leave" => Some(ConferenceEvent::Left),
        "conference-end" => Some(ConferenceEvent::Ended),
        "participant-hold" | "participant-unhold" | "participant-mute" | "participant-unmute" => {
            Some(ConferenceEvent::Reseated)
        }
        // Its start and announcements change nothing for a leg.
        _ => None,
    }
}

fn digits(text: Option<&str>) -> Result<Option<Private<String>>, HookRefusal> {
    match text {
        None | Some("") => Ok(None),
        Some(keys) => {
            let plain = keys.len() <= MOST_DIGITS
                && keys.bytes().all(|key| matches!(key, b'0'..=b'9' | b'*' | b'#' | b'A'..=b'D' | b'w'));
            if plain { Ok(Some(Private::new(keys.to_owned()))) } else { Err(HookRefusal::Unreadable) }
        }
    }
}
