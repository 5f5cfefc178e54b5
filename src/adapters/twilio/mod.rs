//! The carrier as Twilio speaks it, and whatever speaks like Twilio at another base URL: the simulated town, a proxy.
//!
//! `client` the HTTP calls and what their outcomes mean · `wire` the provider's words · `webhook` signatures and
//! callbacks · `access_token` what lets a browser be rung · `twiml` what a leg does next · `media` the forked audio ·
//! `texts` messages · `rooms` conferences ·
//! `address` our own public origin.

mod access_token;
pub mod address;
mod client;
pub mod media;
mod rooms;
mod texts;
pub mod twiml;
pub mod webhook;
mod wire;

use crate::{
    domain::{
        credential::BrowserKey,
        dialling::Timings,
        ids::{AttemptId, OrgId},
        line::{BrowserId, Line},
        people::PhoneNumber,
        private::Private,
        script::Speech,
    },
    ports::{
        Outage,
        phone::{
            Accepted, CarrierCall, CarrierNews, CarrierSid, Dial, Fork, Hook, HookRefusal, Instruction, MediaNews,
            MediaWire, Phone,
        },
    },
};
use address::PublicOrigin;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use client::Client;
use std::time::Duration;
use webhook::Seal;

/// How Twilio is reached and reaches us.
#[derive(Clone)]
pub struct TwilioSettings {
    /// The API's origin: `https://api.twilio.com`, or `http://` on a loopback address.
    pub api_base: String,
    /// The account, `AC...`.
    pub account_sid: String,
    /// The account's primary token: it signs webhooks and opens the API.
    pub auth_token: Private<String>,
    /// A second token whose signatures hold too while tokens are changed; empty is none.
    pub other_auth_token: Private<String>,
    /// The origin under which Twilio reaches us: `https`, or `http` on a loopback address; a path before `/hooks` is fine.
    pub public_url: String,
}

/// How long the carrier may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Within {
    /// For a connection, name and TLS included.
    pub connect: Duration,
    /// For a request in all.
    pub reply: Duration,
}

impl Default for Within {
    fn default() -> Self {
        let Timings { connect_within, reply_within, .. } = Timings::default();
        Self { connect: connect_within, reply: reply_within }
    }
}

/// Why the settings are refused. Unsafe settings do not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTwilioSettings {
    /// No account.
    #[error("the Twilio account sid is missing or has signs other than letters and digits; it begins with AC")]
    AccountSid,
    /// No token: every forged webhook would pass.
    #[error("the Twilio auth token is missing; copy the primary token from the Twilio console")]
    AuthToken,
    /// The API cannot be there.
    #[error("the Twilio API base must be an https URL without query, or http on a loopback address")]
    ApiBase,
    /// Twilio could not reach us, or not safely.
    #[error(
        "the public URL must be an https URL without query or fragment and without an underscore in its host, or http \
         on a loopback address"
    )]
    PublicUrl,
    /// The TLS or HTTP library did not start.
    #[error("the HTTP client for Twilio could not be built; check the machine's TLS certificates")]
    Client,
}

/// The Twilio adapter.
pub struct Twilio {
    client: Client,
    seal: Seal,
    origin: PublicOrigin,
}

impl Twilio {
    /// Checks the settings and prepares the client; nothing is sent.
    ///
    /// # Errors
    /// Says which setting is wrong and what to do; never repeats a secret.
    pub fn new(settings: TwilioSettings) -> Result<Self, BadTwilioSettings> {
        Self::within(settings, Within::default())
    }

    /// As `new`, with bounds of one's own.
    ///
    /// # Errors
    /// As `new`.
    pub fn within(settings: TwilioSettings, within: Within) -> Result<Self, BadTwilioSettings> {
        let sid = &settings.account_sid;
        if !sid.starts_with("AC") || !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(BadTwilioSettings::AccountSid);
        }
        if settings.auth_token.reveal().trim().is_empty() {
            return Err(BadTwilioSettings::AuthToken);
        }
        let api = PublicOrigin::parse(&settings.api_base).ok_or(BadTwilioSettings::ApiBase)?;
        let origin = PublicOrigin::parse(&settings.public_url).ok_or(BadTwilioSettings::PublicUrl)?;
        let client = Client::new(api.text(), sid.clone(), settings.auth_token.clone(), within)
            .ok_or(BadTwilioSettings::Client)?;
        let seal = Seal::new(settings.auth_token, sid.clone()).with(settings.other_auth_token);
        Ok(Self { client, seal, origin })
    }
}

#[async_trait]
impl Phone for Twilio {
    async fn place(&self, dial: &Dial) -> Result<Accepted, Outage> {
        self.client.create(&wire::create_fields(dial, &self.origin)).await
    }

    async fn find(&self, to: &Line, from: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<CarrierCall>, Outage> {
        self.client.list(to, from, since).await
    }

    async fn fetch(&self, sid: &CarrierSid) -> Result<CarrierCall, Outage> {
        self.client.fetch(sid).await
    }

    async fn end(&self, sid: &CarrierSid, parting: Option<&Speech>) -> Result<(), Outage> {
        self.client.end(sid, parting.map(twiml::parting)).await
    }

    async fn ask_anew(&self, org: OrgId, attempt: AttemptId, sid: &CarrierSid) -> Result<(), Outage> {
        self.client.redirect(sid, twiml::Steps::fresh(&self.origin, org, attempt).answer).await
    }

    async fn fork(&self, sid: &CarrierSid, fork: &Fork) -> Result<(), Outage> {
        self.client.start_stream(sid, &wire::stream_fields(fork, &self.origin)).await
    }

    async fn connect(&self, org: OrgId, number: &PhoneNumber) -> Result<(), Outage> {
        self.client.connect(number, &wire::connect_fields(org, &self.origin)).await
    }

    fn browser_pass(&self, key: &BrowserKey, browser: &BrowserId, now: DateTime<Utc>) -> Option<Private<String>> {
        access_token::write(self.client.account(), key, browser, now)
    }

    fn hear(&self, hook: &Hook<'_>) -> Result<CarrierNews, HookRefusal> {
        if !self.seal.holds_over_form(&self.origin, hook.path_and_query, hook.body, hook.signature) {
            return Err(HookRefusal::NotTheCarrier);
        }
        self.seal.read(hook.path_and_query, hook.body)
    }

    fn tell_caller(&self, org: OrgId, told: &[Speech]) -> Instruction {
        let answer = self.origin.inbound_step(org, &twiml::fresh_step());
        Instruction { content_type: "application/xml", body: twiml::to_caller(&answer, told) }
    }

    fn instruct(&self, org: OrgId, attempt: AttemptId, speech: &Speech, fork: Option<&Fork>) -> Instruction {
        let steps = twiml::Steps::fresh(&self.origin, org, attempt);
        Instruction { content_type: "application/xml", body: twiml::write(&steps, &self.origin, speech, fork) }
    }
}

impl MediaWire for Twilio {
    fn admit(&self, path: &str, signature: Option<&str>) -> Result<(), HookRefusal> {
        if self.seal.holds_over_socket(&self.origin, path, signature) {
            Ok(())
        } else {
            Err(HookRefusal::NotTheCarrier)
        }
    }

    fn read(&self, message: &str) -> Result<MediaNews, HookRefusal> {
        media::read(message)
    }
}
