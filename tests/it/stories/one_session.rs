//! A single session of a colleague is ended by an admin, and urgent access is taken and reviewed by a program in a person's
//! hands.

use crate::support::{
    entrance::Entrance,
    office::{Office, PASSWORD, sign_in, whoami},
};
use careline::{
    domain::{
        ids::{SessionId, StaffId},
        people::Role,
    },
    error::Error,
    flows::colleagues_sessions::{end, list},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn an_admin_ends_one_session_of_a_colleague_and_the_others_go_on() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let nurse = office.add(&operator, Role::Nurse).await;
    let admin = office.add(&operator, Role::Admin).await;
    let app = &office.app;
    let nurse_id: StaffId = nurse.staff_id().unwrap();
    let lost = sign_in(app, "riverside", "nurse@example.org", PASSWORD).await.unwrap();
    office.clock.advance(std::time::Duration::from_secs(60));
    let kept = sign_in(app, "riverside", "nurse@example.org", PASSWORD).await.unwrap();
    let lost_id: SessionId = whoami(app, &lost).await.unwrap().session.unwrap();
    let at = list(app, &admin, nurse_id).await.unwrap();
    assert_eq!((at.member.full_name.as_str(), at.sessions.len()), ("A nurse", 2));
    assert!(at.sessions.iter().any(|session| session.id == lost_id));
    for (who, whose, refusal) in [
        (&nurse, nurse_id, "forbidden"),
        (&admin, admin.staff_id().unwrap(), "nothing"),
        (&admin, StaffId(Uuid::now_v7()), "nothing"),
    ] {
        let refused = end(app, who, whose, lost_id).await.unwrap_err();
        let said = if matches!(refused, Error::Forbidden) { "forbidden" } else { "nothing" };
        assert_eq!(said, refusal, "{refused:?}");
    }
    assert!(whoami(app, &lost).await.is_ok(), "the control: until then it went on");
    end(app, &admin, nurse_id, lost_id).await.unwrap();
    assert!(matches!(whoami(app, &lost).await, Err(Error::SignedOut)), "it is over");
    assert!(whoami(app, &kept).await.is_ok(), "the other one is not");
    assert!(matches!(end(app, &admin, nurse_id, lost_id).await, Err(Error::NotFound)), "once");
    let hillside = office.found("hillside").await;
    let stranger = office.add(&hillside, Role::Admin).await;
    assert!(matches!(list(app, &stranger, nurse_id).await, Err(Error::NotFound)), "nobody of theirs");
    let mut superuser = office.database.superuser().await;
    let deeds =
        "select string_agg(deed || coalesce(' ' || (detail ->> 'staff'), ''), ', ' order by id) from audit_entry
                  where deed in ('listed_sessions', 'ended_sessions') and org_id = $1";
    let deeds: String = sqlx::query_scalar(deeds).bind(operator.org.0).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(deeds, format!("listed_sessions, ended_sessions {nurse_id}"), "what was refused left nothing");
}

async fn ask(entrance: &Entrance, role: Role, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let reply = entrance.ask_as(role, method, path).json(&body).send().await.unwrap();
    let status = reply.status();
    (status, reply.json().await.unwrap_or_default())
}

#[tokio::test]
async fn urgent_access_is_taken_given_back_and_reviewed_through_the_api() {
    let mut entrance = Entrance::open().await;
    let across = entrance.other_team().await;
    let chart = format!("/api/patients/{}", across.patient);
    let wanted = json!({
        "family_name": "Town", "date_of_birth": "1940-01-02", "reason": "patient_called", "words": "His wife rang.",
    });
    let (nobody, urgent) = (json!({}), "/api/break-glass");
    let before = ask(&entrance, Role::Nurse, Method::GET, &chart, nobody.clone()).await;
    assert_eq!(before.0, 404, "the control: another team's patient");
    assert_eq!(ask(&entrance, Role::Auditor, Method::POST, urgent, wanted.clone()).await.0, 403);
    entrance.run("update session set proven_at = now() - interval '1 hour' where org_id = $1").await;
    let stale = ask(&entrance, Role::Nurse, Method::POST, urgent, wanted.clone()).await;
    assert_eq!((stale.0.as_u16(), stale.1["type"].as_str()), (403, Some("prove_again")), "not without a fresh proof");
    entrance.run("update session set proven_at = now() where org_id = $1").await;
    let mut wrong = wanted.clone();
    wrong["words"] = json!("x");
    assert_eq!(ask(&entrance, Role::Nurse, Method::POST, urgent, wrong).await.0, 422);
    let begun = ask(&entrance, Role::Nurse, Method::POST, urgent, wanted).await;
    assert_eq!((begun.0.as_u16(), begun.1["patient"].as_str()), (200, Some(&*across.patient.to_string())));
    assert_eq!(ask(&entrance, Role::Nurse, Method::GET, &chart, nobody.clone()).await.0, 200);
    let own = ask(&entrance, Role::Nurse, Method::GET, urgent, nobody.clone()).await.1;
    let id = own[0]["id"].as_str().unwrap().to_owned();
    let seen = ask(&entrance, Role::Admin, Method::GET, urgent, nobody.clone()).await.1;
    assert_eq!((&seen[0]["patient_name"], &seen[0]["words"]), (&Value::Null, &Value::Null), "nothing clinical");
    assert_eq!(
        ask(&entrance, Role::Physician, Method::POST, &format!("{urgent}/{id}/end"), nobody.clone()).await.0,
        404
    );
    assert_eq!(ask(&entrance, Role::Nurse, Method::POST, &format!("{urgent}/{id}/end"), nobody.clone()).await.0, 204);
    assert_eq!(ask(&entrance, Role::Nurse, Method::GET, &chart, nobody.clone()).await.0, 404, "it is over");
    let review = format!("{urgent}/{id}/review");
    assert_eq!(ask(&entrance, Role::Admin, Method::POST, &review, json!({"finding": "fine"})).await.0, 422);
    assert_eq!(ask(&entrance, Role::Nurse, Method::POST, &review, json!({"finding": "justified"})).await.0, 403);
    assert_eq!(ask(&entrance, Role::Admin, Method::POST, &review, json!({"finding": "justified"})).await.0, 204);
    assert_eq!(ask(&entrance, Role::Admin, Method::POST, &review, json!({"finding": "justified"})).await.0, 409);
}
