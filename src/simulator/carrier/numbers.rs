//! The account's own numbers, and who rings them: a number's page says which address answers. In town every number that
//! no townsperson has belongs to the account.

use super::{
    CallSeen, Carrier, Direction,
    leg::Next,
    line::{Detection, DialPlan},
    post::Method,
    rest::{Form, Reply, sid_of},
    wire::{self, Refusal},
};
use crate::simulator::people::Number;
use axum::{
    Json, Router,
    extract::{Path, RawForm, RawQuery, State},
    http::StatusCode,
    routing::{get, post},
};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// One number of the account, with what happens when somebody rings it.
#[derive(Clone, Debug, Default)]
pub(super) struct NumberSeen {
    /// The carrier's name for it.
    pub(super) sid: String,
    /// The number, E.164.
    pub(super) number: String,
    /// Who answers.
    pub(super) voice_url: Option<String>,
    /// Who is told when it is over.
    pub(super) status_callback: Option<String>,
    /// Where texts to it go.
    pub(super) text_url: Option<String>,
}

/// What stands in place of a number that is not shown.
const WITHHELD: &str = "anonymous";

/// The resource `IncomingPhoneNumbers`, under the account.
pub(super) fn routes() -> Router<Carrier> {
    let numbers = "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers";
    Router::new().route(&format!("{numbers}.json"), get(list)).route(&format!("{numbers}/{{number}}"), post(update))
}

impl Carrier {
    /// Lets the townsperson with the number `from` ring a number of the account. `None` when there is no such person, or
    /// the number has no address that would answer.
    #[must_use]
    pub fn make_ring(&self, from: &str, to: &str) -> Option<CallSeen> {
        let (withholds, page) = {
            let book = self.book();
            (book.people.get(from).map(|person| person.withholds_number), book.numbers.get(to).cloned())
        };
        let shown = if withholds? { WITHHELD } else { from };
        let page = page?;
        let first = Next::Fetch { url: page.voice_url?, method: Method::Post, extra: Vec::new() };
        Some(self.dial(DialPlan {
            to: to.to_owned(),
            from: from.to_owned(),
            shown: shown.to_owned(),
            direction: Direction::Inbound,
            first,
            ring_for: Duration::ZERO,
            callback: page.status_callback.map(|url| (url, Method::Post)),
            events: vec!["completed".to_owned()],
            detection: Detection::Off,
        }))
    }
}

async fn list(State(carrier): State<Carrier>, RawQuery(query): RawQuery) -> Reply {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let wanted = form.one("PhoneNumber").map(str::to_owned);
    let numbers: Vec<NumberSeen> = carrier.change(|book| {
        let own = wanted.as_ref().filter(|number| !book.people.contains_key(*number));
        if let Some(number) = own.filter(|number| Number::try_from((*number).clone()).is_ok()) {
            let fresh = || NumberSeen { sid: sid_for(number), number: number.clone(), ..NumberSeen::default() };
            book.numbers.entry(number.clone()).or_insert_with(fresh);
        }
        let fits = |page: &&NumberSeen| wanted.as_ref().is_none_or(|number| page.number == *number);
        book.numbers.values().filter(fits).cloned().collect()
    });
    Ok((StatusCode::OK, Json(wire::numbers(&carrier.0.account_sid, &numbers))))
}

async fn update(
    State(carrier): State<Carrier>,
    Path((_, number)): Path<(String, String)>,
    RawForm(body): RawForm,
) -> Reply {
    let form = Form::read(&body);
    let changed = carrier.change(|book| {
        let page = book.numbers.values_mut().find(|page| page.sid == sid_of(&number))?;
        let fields = [
            ("VoiceUrl", &mut page.voice_url),
            ("StatusCallback", &mut page.status_callback),
            ("SmsUrl", &mut page.text_url),
        ];
        for (field, own) in fields {
            if let Some(url) = form.one(field) {
                *own = Some(url.to_owned());
            }
        }
        Some(page.clone())
    });
    let page = changed.ok_or_else(|| Refusal::unknown(&format!("/IncomingPhoneNumbers/{number}")))?;
    if let Some(url) = &page.text_url {
        carrier.set_text_address(&page.number, url);
    }
    Ok((StatusCode::OK, Json(wire::number(&carrier.0.account_sid, &page))))
}

/// The same number has the same sid, however often it is asked for.
fn sid_for(number: &str) -> String {
    let digest = hex::encode(Sha256::digest(number.as_bytes()));
    format!("PN{}", digest.get(..32).unwrap_or_default())
}
