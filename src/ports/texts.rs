//! Texts through the carrier: sent once, looked for afterwards, reported on, received. Our words only.

use super::{
    Outage,
    phone::{CarrierSid, Hook, HookRefusal, Instruction},
};
use crate::domain::{
    ids::{OrgId, TextId},
    people::PhoneNumber,
    private::Private,
    text::Delivery,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// The carrier's texts. `send` is never repeated by anybody: an unknown outcome is reconciled with `find`.
#[async_trait]
pub trait Texts: Send + Sync {
    /// Sends once. The carrier will report to `hooks/text/{org}/{text}/status`.
    ///
    /// # Errors
    /// `Unreachable`, `Throttled` and `Refused` mean that nothing was sent; every other kind means that it may have been.
    async fn send(&self, text: &OutgoingText) -> Result<CarrierText, Outage>;

    /// Texts from `from` to `to` that the carrier accepted at or after `since`, oldest first.
    async fn find(
        &self,
        to: &PhoneNumber,
        from: &PhoneNumber,
        since: DateTime<Utc>,
    ) -> Result<Vec<CarrierText>, Outage>;

    /// What the carrier knows about one text.
    async fn fetch(&self, sid: &CarrierSid) -> Result<CarrierText, Outage>;

    /// Texts that came in for one of our numbers at or after `since`, oldest first: what webhooks did not bring.
    async fn received(&self, own_number: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<IncomingText>, Outage>;

    /// Proves that a status callback comes from the carrier and reads it.
    ///
    /// # Errors
    /// `NotTheCarrier` when the signature does not hold over address and raw body; `Unreadable` otherwise.
    fn hear_status(&self, hook: &Hook<'_>) -> Result<TextNews, HookRefusal>;

    /// Proves that a text that came in comes through the carrier and reads it.
    ///
    /// # Errors
    /// As `hear_status`.
    fn hear_text(&self, hook: &Hook<'_>) -> Result<IncomingText, HookRefusal>;

    /// What tells the carrier that a text was taken, and to answer nothing by itself.
    fn taken(&self) -> Instruction;
}

/// One text to be sent.
#[derive(Clone)]
pub struct OutgoingText {
    /// Whose it is.
    pub org: OrgId,
    /// Our name for it, which names the callback address.
    pub text: TextId,
    /// Where it goes.
    pub to: PhoneNumber,
    /// The organization's own number.
    pub from: PhoneNumber,
    /// The words.
    pub body: Private<String>,
    /// After this long in the carrier's queue it is not sent any more.
    pub valid_for: Duration,
}

/// What the carrier knows about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierText {
    /// The carrier's name for it.
    pub sid: CarrierSid,
    /// How far it came.
    pub step: Delivery,
    /// Why not further, the carrier's code; empty when it says nothing.
    pub code: String,
    /// When the carrier accepted it.
    pub created_at: DateTime<Utc>,
    /// SHA-256 of its words (`domain::text::body_hash`): what tells it from another.
    pub body_hash: Vec<u8>,
}

/// A verified status callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextNews {
    /// The carrier's text.
    pub sid: CarrierSid,
    /// How far it came.
    pub step: Delivery,
    /// Why not further; empty when it says nothing.
    pub code: String,
}

/// A verified text that came in.
#[derive(Clone)]
pub struct IncomingText {
    /// The carrier's name for it, by which a repeat is known.
    pub sid: CarrierSid,
    /// Who sent it, by number alone.
    pub from: PhoneNumber,
    /// The number it was sent to.
    pub to: PhoneNumber,
    /// The words.
    pub body: Private<String>,
    /// Pictures that came along.
    pub pictures: u32,
}
