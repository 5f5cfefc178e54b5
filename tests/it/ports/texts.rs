//! Texts: the production adapter against the simulated carrier, whose signer and reader share nothing with ours.

use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use careline::{
    adapters::twilio::{Twilio, TwilioSettings},
    domain::{
        ids::{OrgId, TextId},
        people::PhoneNumber,
        private::Private,
        text::{Delivery, Refusal, body_hash},
    },
    ports::{
        Outage, OutageKind,
        phone::{CarrierSid, Hook, HookRefusal},
        texts::{CarrierText, OutgoingText, TextNews, Texts},
    },
    simulator::{Town, TownSettings, clock::VirtualClock, people::TownPlan},
};
use chrono::{DateTime, Utc};
use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::net::TcpListener;
use uuid::Uuid;

const OURS: &str = "+12125550199";
const ROSA: &str = "+12125550101";
const PEOPLE: &str = r##"
people:
  - {name: Rosa, number: "+12125550101", picks_up: never, writes_back: [{when_reads: "please answer", says: "Here I am"}]}
  - {name: Off, number: "+12125550102", picks_up: never, texts: {undelivered: 30003}}
  - {name: Filtered, number: "+12125550103", picks_up: never, texts: {failed: 30007}}
  - {name: Landline, number: "+12125550104", picks_up: never, texts: {refused: 21614}}
"##;

/// One webhook as it came: path, signature, body.
type Letter = (String, String, Vec<u8>);

/// What has the number: it believes what the adapter believes, and keeps the rest.
#[derive(Clone, Default)]
struct Office {
    twilio: Arc<OnceLock<Twilio>>,
    reports: Arc<Mutex<Vec<TextNews>>>,
    letters: Arc<Mutex<Vec<Letter>>>,
    words: Arc<Mutex<Vec<String>>>,
}

async fn hook(
    State(office): State<Office>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers.get("x-twilio-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path_and_query = uri.path_and_query().unwrap().as_str();
    let hook = Hook { path_and_query, signature: Some(signature), body: &body };
    let twilio = office.twilio.get().unwrap();
    if path_and_query.ends_with("/in") {
        let Ok(text) = twilio.hear_text(&hook) else { return StatusCode::FORBIDDEN };
        office.words.lock().unwrap().push(text.body.reveal().clone());
    } else {
        let Ok(news) = twilio.hear_status(&hook) else { return StatusCode::FORBIDDEN };
        office.reports.lock().unwrap().push(news);
    }
    office.letters.lock().unwrap().push((path_and_query.to_owned(), signature.to_owned(), body.to_vec()));
    StatusCode::NO_CONTENT
}

struct House {
    town: Town,
    office: Office,
}

impl House {
    async fn open() -> Self {
        let town = Town::start(TownSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            plan: TownPlan::read(PEOPLE).unwrap(),
            account_sid: "ACtown".to_owned(),
            auth_token: "town-token".to_owned(),
            model_key: "model".to_owned(),
            clock: Arc::new(VirtualClock::starting_at(now())),
        })
        .await
        .unwrap();
        let office = Office::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let twilio = Twilio::new(TwilioSettings {
            api_base: town.base_url(),
            account_sid: "ACtown".to_owned(),
            auth_token: Private::new("town-token".to_owned()),
            other_auth_token: Private::new(String::new()),
            public_url: origin.clone(),
        })
        .unwrap();
        let _ = office.twilio.set(twilio);
        let routes = Router::new().route("/{*path}", post(hook)).with_state(office.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        town.carrier().set_text_address(OURS, &format!("{origin}/hooks/text/{}/in", Uuid::nil()));
        Self { town, office }
    }

    fn twilio(&self) -> &Twilio {
        self.office.twilio.get().unwrap()
    }

    async fn send(&self, to: &str, body: &str) -> Result<CarrierText, Outage> {
        let text = OutgoingText {
            org: OrgId(Uuid::nil()),
            text: TextId(Uuid::from_u128(7)),
            to: number(to),
            from: number(OURS),
            body: Private::new(body.to_owned()),
            valid_for: Duration::from_secs(3600),
        };
        self.twilio().send(&text).await
    }

    fn misbehave(&self, wanted: &str) {
        self.town.carrier().misbehave_with_texts(&serde_json::from_str(wanted).unwrap());
    }

    async fn until<T>(&self, what: &str, find: impl Fn(&Office) -> Option<T>) -> T {
        for _ in 0..400 {
            if let Some(found) = find(&self.office) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("waited for {what}");
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-17T15:00:00Z".parse().unwrap()
}

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

#[tokio::test]
async fn a_text_is_sent_found_fetched_reported_on_and_answered() {
    let house = House::open().await;
    let sent = house.send(ROSA, " Please answer, ¿sí? ").await.unwrap();
    assert_eq!((sent.step, sent.body_hash.clone()), (Delivery::Queued, body_hash("Please answer, ¿sí?")));
    house
        .until("its arrival", |office| {
            office.reports.lock().unwrap().iter().find(|news| news.step == Delivery::Delivered).cloned()
        })
        .await;
    let found = house.twilio().find(&number(ROSA), &number(OURS), now()).await.unwrap();
    assert_eq!(
        found.iter().map(|text| (&text.sid, &text.body_hash)).collect::<Vec<_>>(),
        [(&sent.sid, &sent.body_hash)]
    );
    assert_eq!(house.twilio().fetch(&sent.sid).await.unwrap().step, Delivery::Delivered);
    assert!(
        house.twilio().find(&number(ROSA), &number(OURS), now() + chrono::Duration::hours(1)).await.unwrap().is_empty()
    );
    house
        .until("her answer", |office| {
            office.words.lock().unwrap().iter().any(|words| words == "Here I am").then_some(())
        })
        .await;
    let received = house.twilio().received(&number(OURS), now()).await.unwrap();
    assert_eq!(received.iter().map(|text| text.body.reveal().as_str()).collect::<Vec<_>>(), ["Here I am"]);
}

#[tokio::test]
async fn each_refusal_and_loss_says_what_it_is() {
    let house = House::open().await;
    let code = |outage: Outage| match outage.kind {
        OutageKind::Refused(code) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(house.send("+12125550104", "hello").await.unwrap_err()), "21614");
    assert_eq!(code(house.send(ROSA, &"a".repeat(1601)).await.unwrap_err()), "21617");
    for (to, step, wanted, why) in [
        ("+12125550102", Delivery::Undelivered, "30003", Refusal::NumberUseless),
        ("+12125550103", Delivery::Failed, "30007", Refusal::Content),
        ("+12125550105", Delivery::Undelivered, "30005", Refusal::NumberUseless),
    ] {
        let sent = house.send(to, "hello").await.unwrap();
        let news = house
            .until("its loss", |office| {
                office.reports.lock().unwrap().iter().find(|news| news.sid == sent.sid && news.step.is_lost()).cloned()
            })
            .await;
        assert_eq!((news.step, news.code.as_str(), Refusal::of(&news.code)), (step, wanted, why));
    }
    house.town.carrier().make_text(ROSA, OURS, "Stop").await;
    assert_eq!(Refusal::of(&code(house.send(ROSA, "hello").await.unwrap_err())), Refusal::Stopped);
    house.town.carrier().make_text(ROSA, OURS, "START").await;
    assert!(house.send(ROSA, "hello").await.is_ok());
    assert_eq!(code(house.twilio().fetch(&CarrierSid(format!("SM{}", "0".repeat(32)))).await.unwrap_err()), "20404");
}

#[tokio::test]
async fn what_may_have_been_sent_is_told_from_what_was_not() {
    let house = House::open().await;
    for (fault, wanted, sent) in [
        ("500_accepted", OutageKind::Broken, 1),
        ("500_refused", OutageKind::Broken, 0),
        ("drop_accepted", OutageKind::Broken, 1),
        ("drop_refused", OutageKind::Broken, 0),
        ("429", OutageKind::Throttled, 0),
    ] {
        let before = house.town.carrier().texts().len();
        house.misbehave(&format!(r#"{{"create": "{fault}", "times": 1}}"#));
        assert_eq!(house.send(ROSA, "hello").await.unwrap_err().kind, wanted, "{fault}");
        assert_eq!(house.town.carrier().texts().len() - before, sent, "{fault}");
    }
    house.misbehave(r#"{"list_lag_seconds": 30}"#);
    house.send(ROSA, "not listed yet").await.unwrap();
    let hash = body_hash("not listed yet");
    let listed = house.twilio().find(&number(ROSA), &number(OURS), now()).await.unwrap();
    assert!(listed.iter().all(|text| text.body_hash != hash), "the list lags behind");
}

#[tokio::test]
async fn nothing_is_believed_that_the_carrier_did_not_sign() {
    let house = House::open().await;
    // Words that look like the provider's own fields are words.
    let words = "From To AccountSid Body MessageSid=SM123&From=+15550000000";
    house.town.carrier().make_text(ROSA, OURS, words).await;
    house
        .until("her words", |office| office.words.lock().unwrap().iter().any(|told| told == words).then_some(()))
        .await;
    let (path, signature, body) = house.office.letters.lock().unwrap().first().cloned().unwrap();
    let hear = |path: &str, signature: Option<&str>, body: &[u8]| {
        house.twilio().hear_text(&Hook { path_and_query: path, signature, body }).map(|text| text.body.reveal().clone())
    };
    assert_eq!(hear(&path, Some(&signature), &body).unwrap(), words);
    let text = String::from_utf8(body.clone()).unwrap();
    let forged = [
        text.replace("From+To", "STOP"),
        text.replace("%2B12125550101", "%2B12125550102"),
        format!("{text}&NumMedia=1"),
        format!("{text}&Extra=1"),
        text.replacen("MessageSid=", "OtherSid=", 1),
    ];
    for forged in forged {
        assert_ne!(forged, text);
        assert_eq!(
            hear(&path, Some(&signature), forged.as_bytes()).unwrap_err(),
            HookRefusal::NotTheCarrier,
            "{forged}"
        );
    }
    assert_eq!(hear("/hooks/text/another/in", Some(&signature), &body).unwrap_err(), HookRefusal::NotTheCarrier);
    assert_eq!(hear(&path, None, &body).unwrap_err(), HookRefusal::NotTheCarrier);
    assert_eq!(hear(&path, Some("AAAA"), &body).unwrap_err(), HookRefusal::NotTheCarrier);
}
