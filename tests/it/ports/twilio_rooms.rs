//! The provider's words for conferences: what is sent for each wish, what its replies mean, and that nothing is a toggle.

use axum::{
    Json, Router,
    extract::{RawForm, State},
    http::{StatusCode, Uri},
    routing::get,
};
use careline::{
    adapters::twilio::{Twilio, TwilioSettings},
    domain::{
        ids::{AttemptId, OrgId},
        private::Private,
    },
    ports::{
        OutageKind,
        conferences::{Coaching, Conferences, Placed, Wish},
        phone::CarrierSid,
    },
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use uuid::Uuid;

const CONFERENCE: &str = "CF0123456789abcdef0123456789abcdef";
const PATIENT: &str = "CA0123456789abcdef0123456789abcdef";
const NURSE: &str = "CA00000000000000000000000000000001";

/// One change as it arrived: its path and fields.
type Sent = (String, Vec<(String, String)>);

/// A carrier with one conference.
#[derive(Clone)]
struct Carrier {
    status: &'static str,
    sent: Arc<Mutex<Vec<Sent>>>,
}

async fn conferences(State(carrier): State<Carrier>) -> Json<Value> {
    let one = |sid: &str, name: &str, status: &str| json!({"sid": sid, "friendly_name": name, "status": status});
    let older = one("CFffffffffffffffffffffffffffffffff", "call-1", "completed");
    Json(json!({"conferences": [older, one(CONFERENCE, "call-1", carrier.status)], "next_page_uri": null}))
}

async fn participants() -> Json<Value> {
    let one = |sid: &str, hold: bool, coaches: Option<&str>| {
        json!({"call_sid": sid, "hold": hold, "muted": false, "end_conference_on_exit": true,
               "coaching": coaches.is_some(), "call_sid_to_coach": coaches})
    };
    Json(json!({"participants": [one(PATIENT, true, None), one(NURSE, false, Some(PATIENT))], "next_page_uri": null}))
}

async fn change(State(carrier): State<Carrier>, uri: Uri, RawForm(body): RawForm) -> (StatusCode, Json<Value>) {
    let fields = url::form_urlencoded::parse(&body).into_owned().collect();
    carrier.sent.lock().unwrap().push((uri.path().to_owned(), fields));
    if uri.path().contains(NURSE) {
        return (StatusCode::NOT_FOUND, Json(json!({"code": 20404, "message": "not found"})));
    }
    (StatusCode::OK, Json(json!({})))
}

async fn carrier(status: &'static str) -> (Twilio, Carrier) {
    let carrier = Carrier { status, sent: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let account = "/2010-04-01/Accounts/AC1";
    let routes = Router::new()
        .route(&format!("{account}/Conferences.json"), get(conferences))
        .route(&format!("{account}/Conferences/{CONFERENCE}/Participants.json"), get(participants))
        .fallback(change)
        .with_state(carrier.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let twilio = Twilio::new(TwilioSettings {
        api_base: base,
        account_sid: "AC1".into(),
        auth_token: Private::new("token".into()),
        other_auth_token: Private::default(),
        public_url: "https://ward.example.org".into(),
    });
    (twilio.unwrap(), carrier)
}

fn leg(sid: &str) -> Placed {
    Placed { org: OrgId(Uuid::from_u128(1)), attempt: AttemptId(Uuid::from_u128(2)), sid: CarrierSid(sid.to_owned()) }
}

fn quiet() -> Wish {
    Wish { held: false, muted: false, ends_on_exit: true, coaching: Coaching::Never }
}

fn fields(sent: &Sent) -> Vec<(&str, &str)> {
    sent.1.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn a_wish_says_how_things_are_to_be_in_the_providers_words() {
    let (twilio, carrier) = carrier("in-progress").await;
    twilio.seat("call-1", &leg(PATIENT), &Wish { held: true, ..quiet() }).await.unwrap();
    twilio.seat("call-1", &leg(PATIENT), &quiet()).await.unwrap();
    let coach = Wish { ends_on_exit: false, coaching: Coaching::Of(CarrierSid(NURSE.into())), ..quiet() };
    twilio.seat("call-1", &leg(PATIENT), &coach).await.unwrap();
    let listen = Wish { muted: true, ends_on_exit: false, coaching: Coaching::Nobody, ..quiet() };
    twilio.seat("call-1", &leg(PATIENT), &listen).await.unwrap();
    twilio.announce("call-1", &leg(PATIENT)).await.unwrap();
    let sent = carrier.sent.lock().unwrap().clone();
    let path = format!("/2010-04-01/Accounts/AC1/Conferences/{CONFERENCE}/Participants/{PATIENT}.json");
    assert!(sent.iter().all(|(at, _)| *at == path), "{sent:?}");
    let hook = "https://ward.example.org/hooks/phone/00000000-0000-0000-0000-000000000001/\
                00000000-0000-0000-0000-000000000002";
    let (hold, announce) = (format!("{hook}/hold#rc=3&rp=ct,rt,5xx"), format!("{hook}/announce#rc=3&rp=ct,rt,5xx"));
    let basics = |held, muted, ends| vec![("Hold", held), ("Muted", muted), ("EndConferenceOnExit", ends)];
    let with = |mut first: Vec<(&'static str, &'static str)>, more: &[(&'static str, &'static str)]| {
        first.extend(more);
        first
    };
    assert_eq!(fields(&sent[0])[..3], basics("true", "false", "true"));
    assert_eq!(fields(&sent[0])[3..], [("HoldUrl", hold.as_str()), ("HoldMethod", "POST")]);
    assert_eq!(fields(&sent[1]), basics("false", "false", "true"));
    let coached = [("Coaching", "true"), ("CallSidToCoach", NURSE)];
    assert_eq!(fields(&sent[2]), with(basics("false", "false", "false"), &coached));
    assert_eq!(fields(&sent[3]), with(basics("false", "true", "false"), &[("Coaching", "false")]));
    assert_eq!(fields(&sent[4]), [("AnnounceUrl", announce.as_str()), ("AnnounceMethod", "POST")]);
}

#[tokio::test]
async fn who_is_there_is_read_and_compared_with_what_was_wished() {
    let (twilio, _carrier) = carrier("in-progress").await;
    let present = twilio.present("call-1").await.unwrap();
    assert_eq!(present.len(), 2);
    assert!(present[0].sits_as(&Wish { held: true, ..quiet() }) && !present[0].sits_as(&quiet()));
    let coach = Wish { coaching: Coaching::Of(CarrierSid(PATIENT.into())), ..quiet() };
    assert!(present[1].sits_as(&coach) && !present[1].sits_as(&quiet()));
}

#[tokio::test]
async fn a_leg_or_a_conference_that_is_gone_is_a_refusal_and_not_a_doubt() {
    let (twilio, open) = carrier("in-progress").await;
    let refused = twilio.seat("call-1", &leg(NURSE), &quiet()).await.unwrap_err();
    assert_eq!(refused.kind, OutageKind::Refused("20404".to_owned()));
    assert_eq!(open.sent.lock().unwrap().len(), 1, "and nothing is sent twice");
    let (twilio, over) = carrier("completed").await;
    assert!(twilio.present("call-1").await.unwrap().is_empty());
    let refused = twilio.seat("call-1", &leg(PATIENT), &quiet()).await.unwrap_err();
    assert_eq!(refused.kind, OutageKind::Refused("20404".to_owned()));
    assert!(over.sent.lock().unwrap().is_empty());
}
