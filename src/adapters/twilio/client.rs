//! The HTTP calls and what their outcomes mean. Nothing here repeats a request: a call that may ring is reconciled by
//! its attempt, never sent again.

use super::{
    Within,
    wire::{self, CallPage, CallResource, ErrorBody, Fields, NumberPage},
};
use crate::{
    domain::{line::Line, people::PhoneNumber, private::Private},
    ports::{
        Outage, OutageKind,
        phone::{Accepted, CarrierCall, CarrierSid, CarrierStatus},
    },
};
use chrono::{DateTime, SubsecRound, Utc};
use reqwest::{RequestBuilder, StatusCode, redirect, retry};
use serde::de::DeserializeOwned;

/// The largest reply that is read: a page of a thousand calls is about 1.5 MB.
const LARGEST_REPLY: usize = 8 * 1024 * 1024;
/// Pages of a list that are read: ten thousand calls between one pair of numbers.
pub(super) const MOST_PAGES: usize = 10;
/// The provider's code for what is not there.
const NO_SUCH_NUMBER: &str = "20404";
/// "Call is not in-progress": it has ended.
const NOT_IN_PROGRESS: &str = "21220";

/// The API of one account.
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    base: String,
    account: String,
    token: Private<String>,
}

impl Client {
    /// A client that neither repeats, redirects nor keeps connections: a request on a stale connection would be sent
    /// a second time by the HTTP library.
    pub(super) fn new(base: &str, account: String, token: Private<String>, within: Within) -> Option<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(within.connect)
            .timeout(within.reply)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .ok()?;
        Some(Self { http, base: base.to_owned(), account, token })
    }

    /// The account.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Creates a call, once.
    pub(super) async fn create(&self, fields: &Fields) -> Result<Accepted, Outage> {
        let call: CallResource = self.send(self.http.post(self.at("/Calls.json")).form(fields)).await?;
        call.accepted().ok_or_else(|| outage(OutageKind::Garbled))
    }

    /// Calls between two numbers created at or after `since`, oldest first. The provider's own time filters know only
    /// the day a call was dialled, so the instants are compared here; they have whole seconds.
    pub(super) async fn list(
        &self,
        to: &Line,
        from: &PhoneNumber,
        since: DateTime<Utc>,
    ) -> Result<Vec<CarrierCall>, Outage> {
        let since = since.trunc_subsecs(0);
        let to = wire::dialled(to);
        let query = [("To", to.as_str()), ("From", from.reveal()), ("PageSize", "1000")];
        let mut request = self.http.get(self.at("/Calls.json")).query(&query);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let page: CallPage = self.send(request).await?;
            for call in page.calls {
                if !call.is_ours() {
                    continue;
                }
                let call = call.read().ok_or_else(|| outage(OutageKind::Garbled))?;
                if call.created_at >= since {
                    found.push(call);
                }
            }
            let Some(next) = page.next_page_uri else {
                found.sort_by_key(|call| call.created_at);
                return Ok(found);
            };
            request = self.http.get(self.page(&next)?);
        }
        // A list that is not seen to its end proves nothing about a call that is missing from it.
        Err(outage(OutageKind::Garbled))
    }

    /// What the provider knows about one call.
    pub(super) async fn fetch(&self, sid: &CarrierSid) -> Result<CarrierCall, Outage> {
        let call: CallResource = self.send(self.http.get(self.call(sid, ".json")?)).await?;
        call.read().ok_or_else(|| outage(OutageKind::Garbled))
    }

    /// Ends a call. A queued or ringing one is cancelled, which by itself leaves a call alone that was answered
    /// meanwhile, so that one is then completed.
    pub(super) async fn end(&self, sid: &CarrierSid, parting: Option<String>) -> Result<(), Outage> {
        let status = match self.fetch(sid).await?.status {
            status if status.is_terminal() => return Ok(()),
            CarrierStatus::Queued | CarrierStatus::Initiated | CarrierStatus::Ringing => {
                self.update(sid, &vec![("Status", "canceled".to_owned())]).await?
            }
            status => status,
        };
        if status.is_terminal() {
            return Ok(());
        }
        let last = match parting {
            Some(document) if status == CarrierStatus::InProgress => ("Twiml", document),
            Some(_) | None => ("Status", "completed".to_owned()),
        };
        self.update(sid, &vec![last]).await.map(|_| ())
    }

    /// Gives a live call another document.
    pub(super) async fn redirect(&self, sid: &CarrierSid, url: String) -> Result<(), Outage> {
        let request = self.http.post(self.call(sid, ".json")?).form(&[("Url", url), ("Method", "POST".to_owned())]);
        self.send::<serde::de::IgnoredAny>(request).await.map(|_| ())
    }

    /// Tells one of the account's numbers who answers it.
    pub(super) async fn connect(&self, number: &PhoneNumber, fields: &Fields) -> Result<(), Outage> {
        let query = [("PhoneNumber", number.reveal())];
        let page: NumberPage = self.send(self.http.get(self.at("/IncomingPhoneNumbers.json")).query(&query)).await?;
        let Some(sid) = page.incoming_phone_numbers.iter().find_map(|one| one.sid_if(number)) else {
            return Err(outage(OutageKind::Refused(NO_SUCH_NUMBER.to_owned())));
        };
        let request = self.http.post(self.at(&format!("/IncomingPhoneNumbers/{sid}.json"))).form(fields);
        self.send::<serde::de::IgnoredAny>(request).await.map(|_| ())
    }

    /// Starts a one-way stream of a live call.
    pub(super) async fn start_stream(&self, sid: &CarrierSid, fields: &Fields) -> Result<(), Outage> {
        let request = self.http.post(self.call(sid, "/Streams.json")?).form(fields);
        self.send::<serde::de::IgnoredAny>(request).await.map(|_| ())
    }

    /// Changes a call; one that has ended is as good as completed.
    async fn update(&self, sid: &CarrierSid, fields: &Fields) -> Result<CarrierStatus, Outage> {
        let request = self.http.post(self.call(sid, ".json")?).form(fields);
        match self.send::<CallResource>(request).await {
            Ok(call) => call.status().ok_or_else(|| outage(OutageKind::Garbled)),
            Err(Outage { kind: OutageKind::Refused(code), .. }) if code == NOT_IN_PROGRESS => {
                Ok(CarrierStatus::Completed)
            }
            Err(other) => Err(other),
        }
    }

    /// Sends a request once and reads what comes back.
    pub(super) async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Outage> {
        let request = request.basic_auth(&self.account, Some(self.token.reveal()));
        let mut reply = request.send().await.map_err(|fault| outage(meaning(&fault)))?;
        let status = reply.status();
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(outage(OutageKind::Throttled));
        }
        if status.is_server_error() {
            return Err(outage(OutageKind::Broken));
        }
        // The provider gave up waiting for our request; how much of it arrived is unknown.
        if status == StatusCode::REQUEST_TIMEOUT {
            return Err(outage(OutageKind::TimedOut));
        }
        let mut body = Vec::new();
        loop {
            match reply.chunk().await {
                Ok(Some(part)) if body.len().saturating_add(part.len()) <= LARGEST_REPLY => {
                    body.extend_from_slice(&part);
                }
                Ok(Some(_)) => return Err(outage(OutageKind::Garbled)),
                Ok(None) => break,
                // A refusal is a refusal, whether or not its reasons arrive.
                Err(_) if status.is_client_error() => break,
                Err(fault) => return Err(outage(meaning(&fault))),
            }
        }
        if status.is_client_error() {
            let code = serde_json::from_slice::<ErrorBody>(&body)
                .map_or_else(|_| status.as_u16().to_string(), |error| error.code.to_string());
            return Err(outage(OutageKind::Refused(code)));
        }
        if !status.is_success() {
            return Err(outage(OutageKind::Garbled));
        }
        serde_json::from_slice(&body).map_err(|_| outage(OutageKind::Garbled))
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{path}", self.base, self.account)
    }

    fn call(&self, sid: &CarrierSid, rest: &str) -> Result<String, Outage> {
        let sid = wire::call_sid(&sid.0).ok_or_else(|| outage(OutageKind::Refused("sid".to_owned())))?;
        Ok(self.at(&format!("/Calls/{}{rest}", sid.0)))
    }

    /// The next page's address, which must be a path of this account: the token goes nowhere else.
    pub(super) fn page(&self, path: &str) -> Result<String, Outage> {
        let own = format!("/2010-04-01/Accounts/{}/", self.account);
        if path.starts_with(&own) { Ok(format!("{}{path}", self.base)) } else { Err(outage(OutageKind::Garbled)) }
    }
}

/// What a fault of the HTTP library means for whether the request was heard.
fn meaning(fault: &reqwest::Error) -> OutageKind {
    if fault.is_connect() || fault.is_builder() {
        OutageKind::Unreachable
    } else if fault.is_timeout() {
        OutageKind::TimedOut
    } else {
        OutageKind::Broken
    }
}

pub(super) const fn outage(kind: OutageKind) -> Outage {
    Outage { dependency: "twilio", kind }
}
