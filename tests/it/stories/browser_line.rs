//! Stories of a nurse who is reached in the browser: what her page is given and what it may do, when her browser rings and
//! when her telephone does. The real browser's own part is not here.

use crate::support::ward::Ward;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use careline::{
    demo::{nurse::Nurse, page::Page},
    domain::{line::BrowserId, people::Role},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};

const KEY: &str = "SKzqtown0001:zqbrowsersecret";
const ROSA: &str = "+12125550101";
const MAYA: &str = "+12125550150";

/// What the carrier publishes as dist/twilio.min.js of npm @twilio/voice-sdk 2.18.5.
const PUBLISHED: &str = "35d3cb1b22e309f9884724a89250aecd2de4f1556ad7b67a7bc5e06c73dcb74a";

/// Maya chooses the browser.
async fn chooses(maya: &Nurse, by: &str) -> Page {
    let page = maya.open("/line").await.unwrap();
    let form = page.form("/line").unwrap_or_else(|| panic!("no such form on:\n{}", page.html)).with("by", by);
    maya.send(&page, &form).await.unwrap()
}

async fn keeps_a_key(ward: &Ward) {
    let ada = ward.sign_in("ada@riverside.example").await;
    let page = ada.open("/settings/credentials").await.unwrap();
    let form = page
        .forms()
        .into_iter()
        .find(|form| {
            form.offers("kind", "browser_voice") || form.fields.iter().any(|(_, value)| value == "browser_voice")
        })
        .unwrap();
    let sent = ada.send(&page, &form.with("secret", KEY)).await.unwrap();
    assert!(sent.text().contains("Last changed by"), "{}", sent.text());
}

/// What the page's script sends, with the form's token.
async fn says(nurse: &Nurse, door: &str, field: Option<(&str, &str)>) -> Page {
    let page = nurse.open("/line").await.unwrap();
    let form = page.form("/voice/token").unwrap_or_else(|| panic!("no controls on:\n{}", page.html));
    let mut fields = form.fields;
    fields.extend(field.map(|(name, value)| (name.to_owned(), value.to_owned())));
    nurse.post(door, &fields).await.unwrap()
}

async fn identity(ward: &Ward) -> String {
    sqlx::query_scalar("select identity from browser_line").fetch_one(&mut ward.superuser().await).await.unwrap()
}

fn rung(ward: &Ward) -> Vec<String> {
    ward.town.carrier().calls().iter().map(|call| call.to.clone()).collect()
}

/// The claims of a token whose signature holds.
fn claims(token: &str) -> Option<(Value, Value)> {
    let (said, signature) = token.rsplit_once('.')?;
    let mut mac = Hmac::<Sha256>::new_from_slice(b"zqbrowsersecret").unwrap();
    mac.update(said.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let (head, body) = said.split_once('.')?;
    let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    Some((read(head), read(body)))
}

#[tokio::test]
async fn a_pass_lets_a_browser_be_rung_for_ten_minutes_and_nothing_else() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = chooses(&maya, "browser").await;
    assert!(page.html.contains("twilio-voice.min.js") && page.html.contains("data-signalling"), "{}", page.html);
    let refused = says(&maya, "/voice/token", None).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("an admin writes the key under Credentials"), "{}", refused.text());
    keeps_a_key(&ward).await;
    let given = says(&maya, "/voice/token", None).await;
    assert_eq!(given.status, 200, "{}", given.text());
    let pass: Value = serde_json::from_str(&given.html).unwrap();
    let token = pass["token"].as_str().unwrap();
    let (head, body) = claims(token).expect("the signature holds");
    assert_eq!((head["cty"].as_str(), head["alg"].as_str()), (Some("twilio-fpa;v=1"), Some("HS256")));
    assert_eq!((body["iss"].as_str(), body["sub"].as_str()), (Some("SKzqtown0001"), Some("ACtown")));
    let seconds = body["exp"].as_i64().unwrap() - body["iat"].as_i64().unwrap();
    assert!(seconds <= 600, "{seconds}");
    let id = identity(&ward).await;
    assert_eq!(body["grants"]["identity"], id.as_str());
    assert_eq!(body["grants"]["voice"], serde_json::json!({"incoming": {"allow": true}}), "it cannot dial");
    assert!(BrowserId::read(&id).is_ok() && !body.to_string().to_lowercase().contains("maya"), "{body}");
    assert_eq!(claims(&token.replacen(['a', 'b'], "c", 1)), None, "the control: a forged one");
    let kept: Vec<String> =
        sqlx::query_scalar("select e::text from audit_entry e").fetch_all(&mut ward.superuser().await).await.unwrap();
    assert_eq!(kept.iter().filter(|entry| entry.contains("gave_browser_pass")).count(), 1, "it is a deed");
    let signature = token.rsplit_once('.').unwrap().1;
    assert!(!kept.iter().any(|entry| entry.contains(signature) || entry.contains("zqbrowsersecret")));
    chooses(&maya, "telephone").await;
    chooses(&maya, "browser").await;
    assert_ne!(identity(&ward).await, id, "a new choice makes old passes worthless");
}

#[tokio::test]
async fn a_ready_browser_rings_and_its_answer_takes_the_call() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    chooses(&maya, "browser").await;
    let client = format!("client:{}", identity(&ward).await);
    assert!(ward.town.carrier().seat(client.trim_start_matches("client:"), MAYA));
    assert_eq!(says(&maya, "/voice/presence", Some(("is", "ready"))).await.status, 204);
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_state(&call, "bridged").await;
    ward.until_heard(&call, "nurse", "is there any chest pain").await;
    assert_eq!(rung(&ward), [ROSA, client.as_str()]);
    let calls = ward.town.carrier().calls();
    let hers = calls.iter().find(|call| call.to == client).unwrap();
    assert_eq!(hers.keys_pressed, 0, "pressing Answer is taking the call");
    assert!(!hers.spoken.iter().any(|words| words.contains("Press 1")), "{:?}", hers.spoken);
}

#[tokio::test]
async fn a_browser_whose_page_is_gone_or_silent_leaves_the_telephone_to_ring() {
    for silent in [false, true] {
        let ward = Ward::open().await;
        let maya = ward.sign_in("maya@riverside.example").await;
        chooses(&maya, "browser").await;
        assert_eq!(says(&maya, "/voice/presence", Some(("is", "ready"))).await.status, 204);
        if silent {
            ward.change("update browser_line set ready_until = clock_timestamp() - interval '1 second'").await;
        } else {
            assert_eq!(says(&maya, "/voice/presence", Some(("is", "gone"))).await.status, 204);
        }
        let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
        ward.until_state(&call, "bridged").await;
        assert_eq!(rung(&ward), [ROSA, MAYA]);
    }
}

#[tokio::test]
async fn who_has_neither_a_ready_browser_nor_a_telephone_is_not_rung() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    chooses(&maya, "browser").await;
    ward.change("update staff_member set phone = null where email = 'maya@riverside.example'").await;
    ward.off_duty(&["lena@riverside.example"]).await;
    let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
    ward.until_state(&call, "bridged").await;
    assert_eq!(rung(&ward), [ROSA, "+12125550151"], "a colleague is rung");
}

#[tokio::test]
async fn a_nurse_who_chose_the_telephone_has_no_pass_and_no_ready_page() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = chooses(&maya, "browser").await;
    let token = page.form("/voice/token").unwrap().fields;
    let page = chooses(&maya, "telephone").await;
    assert!(!page.html.contains("twilio-voice"), "nothing of the carrier's is loaded");
    assert_eq!(maya.post("/voice/token", &token).await.unwrap().status, 409);
    let ready = [token, vec![("is".to_owned(), "ready".to_owned())]].concat();
    assert_eq!(maya.post("/voice/presence", &ready).await.unwrap().status, 409);
}

#[test]
fn the_carriers_script_is_the_published_one() {
    let served = include_bytes!("../../../src/web/static/twilio-voice.min.js");
    assert_eq!(hex::encode(Sha256::digest(served)), PUBLISHED);
    let licence = include_str!("../../../src/web/static/twilio-voice.LICENSE.txt");
    assert!(
        licence.contains("Twilio, inc.") && licence.contains("Apache License, Version 2.0"),
        "its licence goes with it"
    );
}

#[tokio::test]
async fn only_the_page_of_ones_line_reaches_the_carrier_and_the_microphone() {
    let entrance = crate::support::entrance::Entrance::open().await;
    for (path, is_line) in [("/line", true), ("/today", false), ("/account", false)] {
        let reply = entrance.get(Role::Nurse, path).await;
        let header = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
        let (policy, features) = (header("content-security-policy"), header("permissions-policy"));
        assert_eq!(policy.contains("connect-src 'self' wss://"), is_line, "{path}: {policy}");
        assert_eq!(features.contains("microphone=(self)"), is_line, "{path}: {features}");
        assert!(
            policy.starts_with("default-src 'self'; object-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
    }
}
