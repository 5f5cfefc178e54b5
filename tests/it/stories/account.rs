//! What a person does about their own way in: proving who they are again, ending sessions, a forgotten password.

use crate::support::{
    entrance::Entrance,
    office::{Office, PASSWORD, sign_in, whoami},
};
use careline::{
    app::App,
    domain::{
        ids::OrgId,
        job::Job,
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    flows::{
        own_account,
        reset_password::{self, Chosen},
    },
    jobs::dispatch,
    live::LiveEvent,
    web::forms,
};
use futures_util::StreamExt;
use reqwest::{Method, RequestBuilder, StatusCode};
use sqlx::Row;
use std::time::Duration;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

const MINUTE: Duration = Duration::from_secs(60);
const NEW: &str = "wren over the harbour";

async fn staffed() -> (Office, Actor) {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    office.add(&operator, Role::Nurse).await;
    office.add(&operator, Role::Coordinator).await;
    (office, operator)
}

async fn enter(office: &Office, password: &str) -> Result<String, Error> {
    sign_in(&office.app, "riverside", "nurse@example.org", password).await
}

/// Does what waits in the queue, once.
async fn work(office: &Office, org: OrgId) {
    let mut superuser = office.database.superuser().await;
    let jobs = sqlx::query("delete from job returning body").fetch_all(&mut superuser).await.unwrap();
    for row in jobs {
        let job: Job = serde_json::from_value(row.get(0)).unwrap();
        dispatch::dispatch(&office.app, &Actor::careline(org), &job).await.unwrap();
    }
}

/// The letters in the spool, newest last, their soft line breaks undone.
fn letters(office: &Office) -> Vec<String> {
    let mut found: Vec<_> = std::fs::read_dir(office.database.folder().join("mail"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
        .collect();
    found.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
    found.iter().map(|path| std::fs::read_to_string(path).unwrap().replace("=\r\n", "")).collect()
}

/// The links of the letters for forgotten passwords.
fn links(office: &Office) -> Vec<String> {
    letters(office)
        .iter()
        .filter_map(|letter| {
            letter.split_once("/reset/").map(|(_, rest)| rest.split_whitespace().next().unwrap().to_owned())
        })
        .collect()
}

async fn choose(app: &App, link: &str, password: &str) -> Result<Chosen, Error> {
    reset_password::choose(app, link, &Private::new(password.to_owned())).await
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_by_a_letter_that_opens_once_and_ends_every_session() {
    let (office, operator) = staffed().await;
    let cookie = enter(&office, PASSWORD).await.unwrap();
    let colleague = sign_in(&office.app, "riverside", "coordinator@example.org", PASSWORD).await.unwrap();
    reset_password::ask(&office.app, "riverside", "Nurse@Example.org").await.unwrap();
    work(&office, operator.org).await;
    let link = links(&office).pop().unwrap();
    let mut superuser = office.database.superuser().await;
    let stored: Vec<String> =
        sqlx::query_scalar("select r::text from password_reset r").fetch_all(&mut superuser).await.unwrap();
    assert!(!stored.concat().contains(link.split_once('.').unwrap().1), "the token is in the letter alone");
    assert!(reset_password::open(&office.app, &link).await.is_ok(), "looking uses nothing up");
    let refused = choose(&office.app, &link, "nurse nurse nurse").await.unwrap();
    assert!(matches!(refused, Chosen::Refused(_)), "{refused:?}");
    assert!(whoami(&office.app, &cookie).await.is_ok(), "the control: nothing was changed yet");
    assert!(matches!(choose(&office.app, &link, NEW).await, Ok(Chosen::Changed)));
    assert!(matches!(whoami(&office.app, &cookie).await, Err(Error::SignedOut)), "every session is over");
    assert!(whoami(&office.app, &colleague).await.is_ok(), "but a colleague's goes on");
    let trusted = "select count(*) from trusted_device t join staff_member m on m.id = t.staff_id
                    where m.role = 'nurse' and t.ended_at is null";
    assert_eq!(sqlx::query_scalar::<_, i64>(trusted).fetch_one(&mut superuser).await.unwrap(), 0);
    assert!(enter(&office, PASSWORD).await.is_err(), "the old password opens nothing");
    assert!(enter(&office, NEW).await.is_ok());
    assert!(matches!(choose(&office.app, &link, PASSWORD).await, Err(Error::Invalid(_))), "a letter opens once");
    work(&office, operator.org).await;
    assert!(letters(&office).iter().any(|letter| letter.contains("Your way of signing in was changed")));
}

#[tokio::test]
async fn an_address_nobody_has_is_answered_alike_and_gets_no_letter() {
    let (office, operator) = staffed().await;
    for (org, email) in
        [("riverside", "nobody@example.org"), ("nowhere", "nurse@example.org"), ("riverside", "nurse@example.org")]
    {
        reset_password::ask(&office.app, org, email).await.unwrap();
    }
    work(&office, operator.org).await;
    assert_eq!(links(&office).len(), 1, "the control: the one who is known gets hers");
    let entrance = Entrance::open().await;
    let mut answers = Vec::new();
    for (organization, email) in
        [("harbor", "nurse@example.com"), ("harbor", "nobody@example.com"), ("nowhere", "nurse@example.com")]
    {
        let form = [("organization", organization), ("email", email)];
        let reply = entrance.ask(Method::POST, "/forgot").form(&form).send().await.unwrap();
        answers.push((reply.status(), reply.text().await.unwrap()));
    }
    assert_eq!(answers[0].0, StatusCode::OK);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test]
async fn a_letter_opens_for_half_an_hour_and_three_are_written_in_an_hour() {
    let (office, operator) = staffed().await;
    for _ in 0..5 {
        reset_password::ask(&office.app, "riverside", "nurse@example.org").await.unwrap();
    }
    work(&office, operator.org).await;
    let links = links(&office);
    assert_eq!(links.len(), 3);
    office.clock.advance(MINUTE * 29);
    assert!(reset_password::open(&office.app, &links[0]).await.is_ok(), "the control");
    office.clock.advance(MINUTE);
    for link in [&links[0], "nobodys", &links[1].replace('a', "b")] {
        assert!(matches!(choose(&office.app, link, NEW).await, Err(Error::Invalid(_))), "{link}");
    }
    assert!(enter(&office, PASSWORD).await.is_ok(), "the old password still is hers");
    office.clock.advance(MINUTE * 31);
    reset_password::ask(&office.app, "riverside", "nurse@example.org").await.unwrap();
    work(&office, operator.org).await;
    assert_eq!(self::links(&office).len(), 4, "the hour is over");
}

#[tokio::test]
async fn a_person_on_a_live_call_is_at_work_whatever_their_keyboard_does() {
    let (office, operator) = staffed().await;
    let nurse = enter(&office, PASSWORD).await.unwrap();
    let colleague = sign_in(&office.app, "riverside", "coordinator@example.org", PASSWORD).await.unwrap();
    let patient = office.admit(&operator, "Ellis").await;
    let mut superuser = office.database.superuser().await;
    for statement in [
        "insert into call (org_id, id, patient_id, purpose, protocol_id, nurse_id, due_at, state, script, created_at, idem_key)
         select org_id, $2, $1, 'check_in', 'dyspnea', id, '2026-11-23 15:00+00', 'bridged', '{}', '2026-11-23 15:00+00', 'k'
           from staff_member where role = 'nurse'",
        "insert into attempt (org_id, id, call_id, party, staff_id, ordinal, from_e164, to_e164, state, created_at)
         select org_id, $2, id, 'nurse', nurse_id, 1, '', '', 'bound', created_at from call where patient_id = $1",
        "insert into leg (org_id, id, call_id, attempt_id, party, staff_id, sid, joined_at)
         select org_id, $2, id, id, 'nurse', nurse_id, 'CA1', created_at from call where patient_id = $1",
    ] {
        sqlx::query(statement).bind(patient.0).bind(patient.0).execute(&mut superuser).await.unwrap();
    }
    office.clock.advance(MINUTE * 60 * 13);
    assert!(whoami(&office.app, &nurse).await.is_ok(), "nobody is cut off on the line");
    assert!(matches!(whoami(&office.app, &colleague).await, Err(Error::SignedOut)), "the control: who is on no call");
    let nurse = enter(&office, PASSWORD).await.unwrap();
    office.clock.advance(MINUTE * 40);
    for statement in ["update leg set left_at = '2026-11-24 04:40+00'", "update call set state = 'done'"] {
        sqlx::query(statement).execute(&mut superuser).await.unwrap();
    }
    office.clock.advance(MINUTE * 14);
    assert!(whoami(&office.app, &nurse).await.is_ok(), "a quarter of an hour begins when the call ends");
    office.clock.advance(MINUTE * 15);
    assert!(matches!(whoami(&office.app, &nurse).await, Err(Error::SignedOut)));
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_gives_this_one_a_new_name() {
    let (office, _) = staffed().await;
    let (here, there) = (enter(&office, PASSWORD).await.unwrap(), enter(&office, PASSWORD).await.unwrap());
    let person = whoami(&office.app, &here).await.unwrap();
    let (actor, session) = (person.actor, person.session.unwrap());
    let weak =
        own_account::change_password(&office.app, &actor, session, &Private::new("nurse@example.org".into())).await;
    assert!(matches!(weak, Err(Error::Invalid(_))), "{weak:?}");
    assert!(whoami(&office.app, &there).await.is_ok(), "the control");
    let renamed = own_account::change_password(&office.app, &actor, session, &Private::new(NEW.into())).await.unwrap();
    assert!(matches!(whoami(&office.app, &there).await, Err(Error::SignedOut)));
    assert!(matches!(whoami(&office.app, &here).await, Err(Error::SignedOut)), "the old cookie is dead");
    assert_eq!(whoami(&office.app, &renamed).await.unwrap().session, Some(session));
}

/// A nurse of the entrance whose password is known and whose session was proven long ago.
async fn unproven() -> Entrance {
    let mut entrance = Entrance::open().await;
    let place = entrance.app.passwords.queue().unwrap();
    let org = OrgId(entrance.home.org);
    let stored = entrance.app.passwords.store(&place, org, &Private::new(PASSWORD.into()), &[]).await.unwrap();
    drop(place);
    sqlx::query("update staff_member set password_hash = $1, password_key = $2")
        .bind(stored.hash)
        .bind(stored.key)
        .execute(&mut entrance.superuser)
        .await
        .unwrap();
    entrance.run("update session set proven_at = now() - interval '11 minutes' where org_id = $1").await;
    entrance
}

/// A request under another cookie than the one the entrance began with.
fn under(request: RequestBuilder, cookie: &str) -> RequestBuilder {
    request.header(forms::HEADER, forms::token_for(cookie)).header("cookie", format!("careline={cookie}"))
}

#[tokio::test]
async fn a_sensitive_door_asks_again_who_one_is_and_the_answer_gives_a_new_cookie() {
    let entrance = unproven().await;
    let reply = entrance.get(Role::Nurse, "/account/password").await;
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    assert_eq!(reply.headers()["location"], "/prove?next=%2Faccount%2Fpassword");
    assert_eq!(entrance.get(Role::Nurse, "/account").await.status(), StatusCode::OK, "the control: an ordinary door");
    let wrong = entrance.post(Role::Nurse, "/prove", &[("password", "wrong"), ("next", "/account/password")]).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let right = entrance.post(Role::Nurse, "/prove", &[("password", PASSWORD), ("next", "/account/password")]).await;
    assert_eq!(
        (right.status(), &right.headers()["location"]),
        (StatusCode::SEE_OTHER, &"/account/password".parse().unwrap())
    );
    let cookie = right.headers()["set-cookie"].to_str().unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
    let door = under(entrance.ask(Method::GET, "/account/password"), &cookie).send().await.unwrap();
    assert_eq!(door.status(), StatusCode::OK);
    let old = entrance.get(Role::Nurse, "/account").await;
    assert_eq!(old.headers()["location"], "/sign-in?then=%2Faccount", "the old cookie opens nothing");
    for away in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let form = [("password", PASSWORD), ("next", away)];
        let reply = under(entrance.ask(Method::POST, "/prove").form(&form), &cookie).send().await.unwrap();
        assert!(reply.headers().get("location").is_none_or(|place| place == "/"), "{away}");
        if reply.status() == StatusCode::SEE_OTHER {
            break;
        }
    }
}

#[tokio::test]
async fn proofs_climb_a_ladder_too() {
    let entrance = unproven().await;
    for _ in 0..10 {
        let reply = entrance.post(Role::Nurse, "/prove", &[("password", "wrong")]).await;
        assert!(reply.text().await.unwrap().contains("password or code is wrong"));
    }
    let locked = entrance.post(Role::Nurse, "/prove", &[("password", PASSWORD)]).await;
    assert_eq!(locked.status(), StatusCode::UNPROCESSABLE_ENTITY, "a stolen session is no place to guess");
    assert!(locked.text().await.unwrap().contains("too many tries"));
    let other = entrance.post(Role::Coordinator, "/prove", &[("password", PASSWORD)]).await;
    assert_eq!(other.status(), StatusCode::SEE_OTHER, "the control: a colleague's proof");
}

#[tokio::test]
async fn a_person_ends_their_own_sessions_and_nobody_elses() {
    let entrance = Entrance::open().await;
    let own =
        async |role| -> serde_json::Value { entrance.get(role, "/api/account/sessions").await.json().await.unwrap() };
    let (nurse, colleague) = (own(Role::Nurse).await, own(Role::Coordinator).await);
    assert_eq!((nurse.as_array().unwrap().len(), &nurse[0]["current"]), (1, &true.into()));
    let end = |value: &serde_json::Value| format!("/api/account/sessions/{}/end", value[0]["id"].as_str().unwrap());
    let theirs = entrance.ask_as(Role::Nurse, Method::POST, &end(&colleague)).send().await.unwrap();
    assert_eq!(theirs.status(), StatusCode::NOT_FOUND);
    assert_eq!(entrance.get(Role::Coordinator, "/api/me").await.status(), StatusCode::OK, "the control");
    let mine = entrance.ask_as(Role::Nurse, Method::POST, &end(&nurse)).send().await.unwrap();
    assert_eq!(mine.status(), StatusCode::NO_CONTENT);
    assert_eq!(entrance.get(Role::Nurse, "/api/me").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_open_socket_ends_with_its_session_and_the_others_stay() {
    let mut entrance = Entrance::open().await;
    let call = entrance.home.call;
    let mut sockets = Vec::new();
    for role in [Role::Nurse, Role::Coordinator] {
        let ticket = entrance.ticket(role).await;
        let address = format!("{}/calls/{call}/live", entrance.base.replacen("http", "ws", 1));
        let mut request = address.into_client_request().unwrap();
        request.headers_mut().insert("cookie", entrance.cookie(role).parse().unwrap());
        request.headers_mut().insert("origin", entrance.base.parse().unwrap());
        request.headers_mut().insert("sec-websocket-protocol", format!("careline, {ticket}").parse().unwrap());
        sockets.push(connect_async(request).await.unwrap().0);
    }
    let ended = "update session set ended_at = now()
                  where org_id = $1 and staff_id = (select id from staff_member where org_id = $1 and role = 'nurse')";
    entrance.run(ended).await;
    let last = tokio::time::timeout(Duration::from_secs(30), sockets[0].next()).await.expect("the socket closed");
    let Some(Ok(Message::Close(Some(frame)))) = last else { panic!("{last:?}") };
    assert_eq!(u16::from(frame.code), 4001);
    entrance.app.live.publish(OrgId(entrance.home.org), careline::domain::ids::CallId(call), LiveEvent::CallMoved);
    let news = tokio::time::timeout(Duration::from_secs(30), sockets[1].next()).await.expect("the control: it is open");
    assert_eq!(news.unwrap().unwrap().into_text().unwrap().as_str(), r#"{"event":"call_moved"}"#);
}

#[tokio::test]
async fn what_a_session_has_left_is_told_without_using_it() {
    let mut entrance = Entrance::open().await;
    let seen = async |entrance: &mut Entrance| -> String {
        sqlx::query_scalar("select min(seen_at)::text from session where org_id = $1")
            .bind(entrance.home.org)
            .fetch_one(&mut entrance.superuser)
            .await
            .unwrap()
    };
    entrance.run("update session set seen_at = now() - interval '13 minutes' where org_id = $1").await;
    let before = seen(&mut entrance).await;
    let ask = entrance.ask_as(Role::Nurse, Method::GET, "/api/session").header("x-careline-glance", "1");
    let left: serde_json::Value = ask.send().await.unwrap().json().await.unwrap();
    assert!((60..=120).contains(&left["seconds_left"].as_i64().unwrap()), "{left}");
    assert_eq!(seen(&mut entrance).await, before, "looking is no use");
    let page = entrance.get(Role::Nurse, "/today").await.text().await.unwrap();
    assert!(page.contains("You are signed out after 15 minutes without use"), "said without a script too");
    let left: serde_json::Value = entrance.get(Role::Nurse, "/api/session").await.json().await.unwrap();
    assert!(left["seconds_left"].as_i64().unwrap() > 800, "the control: a hand on the keyboard, {left}");
}
