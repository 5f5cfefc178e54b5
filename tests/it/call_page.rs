//! The page of a call, by its forms and by its socket: what a nurse sees and what becomes of what she enters.

use crate::support::entrance::Entrance;
use careline::{
    domain::{
        ids::{CallId, OrgId},
        people::Role,
    },
    live::LiveEvent,
};
use futures_util::StreamExt;
use reqwest::StatusCode;
use scraper::{Html, Selector};
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};

struct Page(String);

impl Page {
    fn words(&self, selector: &str) -> String {
        let page = Html::parse_document(&self.0);
        let selector = Selector::parse(selector).unwrap();
        let found = page.select(&selector);
        found.map(|element| element.text().collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    fn has(&self, selector: &str) -> bool {
        Html::parse_document(&self.0).select(&Selector::parse(selector).unwrap()).next().is_some()
    }

    /// What the protocol's form would send if nothing were changed.
    fn form(&self) -> Vec<(String, String)> {
        let page = Html::parse_document(&self.0);
        let mut fields = Vec::new();
        for field in page.select(&Selector::parse("#protocol-form [name]").unwrap()) {
            let (name, value) = (field.attr("name").unwrap().to_owned(), field.attr("value").unwrap_or_default());
            match (field.value().name(), field.attr("type")) {
                ("input", Some("radio" | "checkbox")) if field.attr("checked").is_none() => {}
                ("input", _) => fields.push((name, value.to_owned())),
                ("textarea", _) => fields.push((name, field.text().collect())),
                _ => fields.push((name, String::new())),
            }
        }
        fields
    }
}

fn with(mut form: Vec<(String, String)>, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    for (name, value) in changes {
        form.retain(|(own, _)| own != name);
        form.push(((*name).to_owned(), (*value).to_owned()));
    }
    form
}

async fn read(entrance: &Entrance, role: Role, path: &str) -> Page {
    let reply = entrance.get(role, path).await;
    assert_eq!(reply.status(), StatusCode::OK);
    Page(reply.text().await.unwrap())
}

async fn send(entrance: &Entrance, path: &str, form: &[(String, String)]) -> (StatusCode, Page) {
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let reply = entrance.post(Role::Nurse, path, &form).await;
    (reply.status(), Page(reply.text().await.unwrap()))
}

/// Every red flag denied and both scales answered: nothing bars the signature.
fn calm(form: Vec<(String, String)>) -> Vec<(String, String)> {
    let names: Vec<String> = form.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with("a.")).collect();
    let mut form = form;
    for name in names {
        let answer = match name.as_str() {
            "a.can_speak" => "yes",
            "a.sputum" => "clear",
            "a.sob_now" => "5",
            "a.sob_usual" => "4",
            "a.spo2" | "a.temp_c" | "a.relief_tried" => "",
            _ => "no",
        };
        form = with(form, &[(&name, answer)]);
    }
    form
}

#[tokio::test]
async fn a_red_flag_ends_the_questions_and_shows_the_script() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    let path = format!("/calls/{}", entrance.home.call);
    let fresh = read(&entrance, Role::Nurse, &path).await;
    assert!(
        fresh.words(".level").contains("Clinician within 1 hour") && fresh.words(".reasons").contains("15 not asked")
    );
    assert!(fresh.has("#rest-of-questions[open]") && !fresh.has(".script"));
    let (status, page) =
        send(&entrance, &format!("{path}/answers"), &with(fresh.form(), &[("a.lips_blue", "yes")])).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.words(".script").contains("dial 911"), "{}", page.words(".script"));
    assert!(page.words(".level").contains("Emergency services now"));
    assert!(!page.has("#rest-of-questions[open]") && page.has("#rest-of-questions [name='a.sob_now']"));
}

#[tokio::test]
async fn an_assessment_is_signed_from_its_form_and_is_final() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    let path = format!("/calls/{}", entrance.home.call);
    let fresh = read(&entrance, Role::Nurse, &path).await;
    let (status, early) =
        send(&entrance, &format!("{path}/sign"), &with(fresh.form(), &[("agreed_plan", "Fan by the bed")])).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(early.words("#sign .fault").contains("must be answered first"));
    assert_eq!(early.words("#agreed_plan"), "Fan by the bed");
    let (status, _) = send(&entrance, &format!("{path}/sign"), &calm(early.form())).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let signed = read(&entrance, Role::Coordinator, &path).await;
    assert!(
        signed.words("#sign").contains("Signed by Nurse Example") && signed.words("#sign").contains("Fan by the bed")
    );
    assert!(!signed.has("#protocol-form"));
    let owed = read(&entrance, Role::Nurse, "/follow-ups").await;
    assert!(owed.words(".rows").contains("Agreed: Fan by the bed"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_taken_comes_back_in_its_field_with_all_the_others() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    let path = format!("/calls/{}", entrance.home.call);
    let fresh = read(&entrance, Role::Nurse, &path).await;
    let form = with(fresh.form(), &[("a.spo2", "ninety"), ("a.sob_now", "6"), ("agreed_plan", "Call again")]);
    let (status, page) = send(&entrance, &format!("{path}/answers"), &form).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.words("#fault-spo2").contains("number from 50 to 100"));
    assert!(page.has("[name='a.spo2'][value='ninety']") && page.has("[name='a.sob_now'][value='6'][checked]"));
    assert_eq!(page.words("#agreed_plan"), "Call again");
}

#[tokio::test]
async fn a_save_from_an_old_page_overwrites_nobody_and_names_what_was_typed() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    let path = format!("/calls/{}", entrance.home.call);
    let fresh = read(&entrance, Role::Nurse, &path).await;
    let (status, _) = send(&entrance, &format!("{path}/answers"), &with(fresh.form(), &[("a.sob_now", "3")])).await;
    assert_eq!(status, StatusCode::OK);
    let (status, page) = send(&entrance, &format!("{path}/answers"), &with(fresh.form(), &[("a.sob_now", "8")])).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(page.has("[name='a.sob_now'][value='3'][checked]"));
    assert!(page.words("#q-sob_now .fault").contains("You had entered “8”"));
}

#[tokio::test]
async fn what_is_said_is_shown_as_words_never_as_markup() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    for statement in [
        "insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, created_at)
         select org_id, id, id, 'patient', 1, '', '', 'bound', now() from call where org_id = $1",
        "insert into leg (org_id, id, call_id, attempt_id, party, sid, joined_at)
         select org_id, id, id, id, 'patient', 'CA1', now() from call where org_id = $1",
        "insert into utterance (org_id, id, call_id, leg_id, speaker, text, from_at, to_at)
         select org_id, id, id, id, 'patient', '<img src=x onerror=alert(1)> & <b>help</b>', now(), now()
           from call where org_id = $1",
    ] {
        entrance.run(statement).await;
    }
    let page = read(&entrance, Role::Nurse, &format!("/calls/{}", entrance.home.call)).await;
    assert!(page.words("#transcript").contains("<img src=x onerror=alert(1)> & <b>help</b>"));
    assert!(!page.has("#transcript img") && !page.has("#transcript b"));
}

#[tokio::test]
async fn the_live_socket_tells_its_own_organization_and_nobody_else() {
    let entrance = Entrance::open().await;
    let open = async |call, cookie: bool, origin: Option<&str>, ticket: &str| {
        let address = format!("{}/calls/{call}/live", entrance.base.replacen("http", "ws", 1));
        let mut request = address.into_client_request().unwrap();
        let headers = request.headers_mut();
        if cookie {
            headers.insert("cookie", entrance.cookie(Role::Nurse).parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().unwrap());
        }
        headers.insert("sec-websocket-protocol", format!("careline, {ticket}").parse().unwrap());
        connect_async(request).await.ok().map(|(socket, _)| socket)
    };
    let own = Some(entrance.base.as_str());
    let call = entrance.home.call;
    let ticket = async || entrance.ticket(Role::Nurse).await;
    assert!(open(entrance.other.call, true, own, &ticket().await).await.is_none(), "another organization's call");
    assert!(open(call, true, Some("https://evil.example"), &ticket().await).await.is_none(), "another site's page");
    assert!(open(call, true, None, &ticket().await).await.is_none(), "a socket of no page");
    assert!(open(call, false, own, &ticket().await).await.is_none(), "nobody signed in");
    assert!(open(call, true, own, "").await.is_none(), "no ticket");
    assert!(open(call, true, own, &entrance.ticket(Role::Physician).await).await.is_none(), "a colleague's ticket");
    let once = ticket().await;
    let mut socket = open(call, true, own, &once).await.unwrap();
    assert!(open(call, true, own, &once).await.is_none(), "a ticket opens one socket");
    let (org, call) = (OrgId(entrance.home.org), CallId(entrance.home.call));
    entrance.app.live.publish(OrgId(entrance.other.org), call, LiveEvent::CallMoved);
    entrance.app.live.publish(org, call, LiveEvent::Interim { speaker: "patient", text: "I am".into() });
    let heard = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert_eq!(heard.as_str(), r#"{"event":"interim","speaker":"patient","text":"I am"}"#);
}

#[tokio::test]
async fn while_words_are_owed_the_page_says_so_and_afterwards_no_more() {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    entrance
        .run(
            "insert into attempt (org_id, id, call_id, party, ordinal, from_e164, to_e164, state, sid, created_at)
         select org_id, id, id, 'patient', 7, '+1', '+1', 'bound', 'CA7', now() from call where org_id = $1",
        )
        .await;
    entrance
        .run(
            "insert into leg (org_id, id, call_id, attempt_id, party, sid, joined_at)
         select org_id, id, id, id, 'patient', 'CA7', now() from call where org_id = $1",
        )
        .await;
    entrance
        .run(
            "insert into media_stream (org_id, id, call_id, leg_id, token_hash, opened_at, started_at)
         select org_id, id, id, id, 'x', now(), now() from call where org_id = $1",
        )
        .await;
    let path = format!("/calls/{}", entrance.home.call);
    assert!(!read(&entrance, Role::Nurse, &path).await.has(".unheard"), "the control: words are not owed");
    entrance
        .run(
            "insert into stream_turn (org_id, stream_id, number, call_id, turn, at)
         select org_id, id, 1, id, 'blind', now() from call where org_id = $1",
        )
        .await;
    let page = read(&entrance, Role::Nurse, &path).await;
    assert!(page.has(".unheard[role='alert']"));
    assert!(page.words(".unheard").contains("Patient's line: somebody speaks and no words come"));
    entrance
        .run(
            "insert into stream_turn (org_id, stream_id, number, call_id, turn, at)
         select org_id, id, 2, id, 'hears_again', now() from call where org_id = $1",
        )
        .await;
    assert!(!read(&entrance, Role::Nurse, &path).await.has(".unheard"));
}
