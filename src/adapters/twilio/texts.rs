//! Texts as Twilio speaks them: the Messages resource, its status callbacks, and what people write back. Its words stop
//! here.

use super::{
    Twilio,
    address::PublicOrigin,
    client::{Client, MOST_PAGES, outage},
    webhook::{Form, Seal},
    wire::Fields,
};
use crate::{
    domain::{
        people::PhoneNumber,
        private::Private,
        text::{Delivery, body_hash},
    },
    ports::{
        Outage, OutageKind,
        phone::{CarrierSid, Hook, HookRefusal, Instruction},
        texts::{CarrierText, IncomingText, OutgoingText, TextNews, Texts},
    },
};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use serde::Deserialize;

/// The longest a text may wait in the provider's queue, in seconds.
const LONGEST_VALIDITY_SECONDS: u64 = 36_000;
/// Digits of an error code.
const LONGEST_CODE: usize = 6;

#[async_trait]
impl Texts for Twilio {
    async fn send(&self, text: &OutgoingText) -> Result<CarrierText, Outage> {
        let request = self.client.http.post(self.client.at("/Messages.json")).form(&create_fields(text, &self.origin));
        let created: MessageResource = self.client.send(request).await?;
        created.read(Some(text.body.reveal())).ok_or_else(|| outage(OutageKind::Garbled))
    }

    async fn find(
        &self,
        to: &PhoneNumber,
        from: &PhoneNumber,
        since: DateTime<Utc>,
    ) -> Result<Vec<CarrierText>, Outage> {
        let query = [("To", to.reveal()), ("From", from.reveal()), ("PageSize", "1000")];
        let mut found = Vec::new();
        for text in self.client.list_texts(&query, since).await? {
            found.push(text.read(None).ok_or_else(|| outage(OutageKind::Garbled))?);
        }
        found.sort_by_key(|text| text.created_at);
        Ok(found)
    }

    async fn received(&self, own_number: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<IncomingText>, Outage> {
        let day = since.format("%Y-%m-%d").to_string();
        let query = [("To", own_number.reveal()), ("DateSent>", day.as_str()), ("PageSize", "1000")];
        let mut found = self.client.list_texts(&query, since).await?;
        found.retain(|text| text.direction.as_deref() == Some("inbound"));
        // The list comes newest first.
        found.reverse();
        found.into_iter().map(|text| text.incoming().ok_or_else(|| outage(OutageKind::Garbled))).collect()
    }

    async fn fetch(&self, sid: &CarrierSid) -> Result<CarrierText, Outage> {
        let sid = message_sid(&sid.0).ok_or_else(|| outage(OutageKind::Refused("sid".to_owned())))?;
        let request = self.client.http.get(self.client.at(&format!("/Messages/{}.json", sid.0)));
        let found: MessageResource = self.client.send(request).await?;
        found.read(None).ok_or_else(|| outage(OutageKind::Garbled))
    }

    fn hear_status(&self, hook: &Hook<'_>) -> Result<TextNews, HookRefusal> {
        let form = signed(&self.seal, &self.origin, hook)?;
        let word = form.one("MessageStatus")?.ok_or(HookRefusal::Unreadable)?;
        Ok(TextNews {
            sid: sid_in(&form)?,
            step: step(word).ok_or(HookRefusal::Unreadable)?,
            code: code(form.one("ErrorCode")?.unwrap_or_default()).ok_or(HookRefusal::Unreadable)?,
        })
    }

    fn hear_text(&self, hook: &Hook<'_>) -> Result<IncomingText, HookRefusal> {
        let form = signed(&self.seal, &self.origin, hook)?;
        let number = |name: &str| {
            let text = form.one(name)?.ok_or(HookRefusal::Unreadable)?;
            PhoneNumber::from_e164(text).map_err(|_| HookRefusal::Unreadable)
        };
        let pictures = form.one("NumMedia")?.unwrap_or("0").parse().map_err(|_| HookRefusal::Unreadable)?;
        Ok(IncomingText {
            sid: sid_in(&form)?,
            from: number("From")?,
            to: number("To")?,
            body: Private::new(form.one("Body")?.unwrap_or_default().to_owned()),
            pictures,
        })
    }

    fn taken(&self) -> Instruction {
        Instruction { content_type: "application/xml", body: "<Response/>".to_owned() }
    }
}

impl Client {
    /// Texts of a list that were accepted at or after `since`. The provider's own filter knows only the day a text was sent,
    /// which one that still waits has not, so the instants are compared here.
    async fn list_texts(&self, query: &[(&str, &str)], since: DateTime<Utc>) -> Result<Vec<MessageResource>, Outage> {
        let since = since.trunc_subsecs(0);
        let mut request = self.http.get(self.at("/Messages.json")).query(query);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let page: MessagePage = self.send(request).await?;
            for text in page.messages {
                if text.created_at().ok_or_else(|| outage(OutageKind::Garbled))? >= since {
                    found.push(text);
                }
            }
            let Some(next) = page.next_page_uri else { return Ok(found) };
            request = self.http.get(self.page(&next)?);
        }
        // A list that is not seen to its end proves nothing about a text that is missing from it.
        Err(outage(OutageKind::Garbled))
    }
}

/// What creates a text.
fn create_fields(text: &OutgoingText, origin: &PublicOrigin) -> Fields {
    vec![
        ("To", text.to.reveal().to_owned()),
        ("From", text.from.reveal().to_owned()),
        ("Body", text.body.reveal().clone()),
        ("StatusCallback", origin.text_hook(text.org, text.text)),
        ("ValidityPeriod", text.valid_for.as_secs().clamp(1, LONGEST_VALIDITY_SECONDS).to_string()),
    ]
}

/// The message resource, as far as we read it.
#[derive(Deserialize)]
struct MessageResource {
    sid: String,
    status: String,
    date_created: Option<String>,
    error_code: Option<u32>,
    body: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    num_media: Option<String>,
}

impl MessageResource {
    fn created_at(&self) -> Option<DateTime<Utc>> {
        let date = self.date_created.as_deref()?;
        Some(DateTime::parse_from_rfc2822(date).ok()?.to_utc())
    }

    /// A text that came in, in our words.
    fn incoming(self) -> Option<IncomingText> {
        Some(IncomingText {
            sid: message_sid(&self.sid)?,
            from: PhoneNumber::from_e164(&self.from?).ok()?,
            to: PhoneNumber::from_e164(&self.to?).ok()?,
            body: Private::new(self.body.unwrap_or_default()),
            pictures: self.num_media.map_or(Some(0), |count| count.parse().ok())?,
        })
    }

    /// The text in our words; `None` when it cannot be read. `sent` are the words where they are known.
    fn read(self, sent: Option<&str>) -> Option<CarrierText> {
        // One that was accepted this moment may have no date yet.
        let created_at = match (self.created_at(), sent) {
            (Some(date), _) => date,
            (None, Some(_)) => DateTime::<Utc>::MIN_UTC,
            (None, None) => return None,
        };
        let body = sent.or(self.body.as_deref())?;
        Some(CarrierText {
            sid: message_sid(&self.sid)?,
            step: step(&self.status)?,
            code: self.error_code.map(|code| code.to_string()).unwrap_or_default(),
            created_at,
            body_hash: body_hash(body),
        })
    }
}

/// One page of a list.
#[derive(Deserialize)]
struct MessagePage {
    messages: Vec<MessageResource>,
    next_page_uri: Option<String>,
}

/// A form whose signature holds, of our own account. The signed text has no borders between names and values, and here one
/// value is a stranger's words; so every field that decides anything must be there once and look like itself. What could
/// still be moved is the border between the words and a field nobody reads.
fn signed<'a>(seal: &Seal, origin: &PublicOrigin, hook: &Hook<'a>) -> Result<Form<'a>, HookRefusal> {
    if !seal.holds_over_form(origin, hook.path_and_query, hook.body, hook.signature) {
        return Err(HookRefusal::NotTheCarrier);
    }
    let form = Form::of(hook.body);
    if seal.is_of_account(form.one("AccountSid")?) { Ok(form) } else { Err(HookRefusal::Unreadable) }
}

fn sid_in(form: &Form<'_>) -> Result<CarrierSid, HookRefusal> {
    form.one("MessageSid")?.and_then(message_sid).ok_or(HookRefusal::Unreadable)
}

/// A message's sid: `SM` or, with media, `MM`, and 32 hexadecimal digits.
fn message_sid(text: &str) -> Option<CarrierSid> {
    let digits = text.strip_prefix("SM").or_else(|| text.strip_prefix("MM"))?;
    let plain = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| CarrierSid(text.to_owned()))
}

/// A status word, of the API or of a callback.
fn step(word: &str) -> Option<Delivery> {
    match word {
        "accepted" | "scheduled" | "queued" => Some(Delivery::Queued),
        "sending" => Some(Delivery::Sending),
        "sent" | "partially_delivered" => Some(Delivery::Sent),
        "delivered" => Some(Delivery::Delivered),
        "read" => Some(Delivery::Read),
        "undelivered" => Some(Delivery::Undelivered),
        "failed" | "canceled" => Some(Delivery::Failed),
        _ => None,
    }
}

fn code(text: &str) -> Option<String> {
    let plain = text.len() <= LONGEST_CODE && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.to_owned())
}
