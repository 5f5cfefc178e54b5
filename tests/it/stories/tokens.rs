//! Programs come in by token: what the scope and the owner's role both permit, for as long as the token and its owner
//! last, and nothing else.

use crate::support::entrance::Entrance;
use careline::{
    domain::{api_token::Scope, people::Role},
    web::routes::{self, Door, Permit},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

/// Makes a token by the API, as a person at a screen.
async fn make(entrance: &Entrance, role: Role, scopes: &[Scope]) -> (String, String) {
    let body = json!({ "name": "a report", "scopes": scopes, "days": 30 });
    let reply = entrance.ask_as(role, Method::POST, "/api/tokens").json(&body).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::CREATED);
    let made: Value = reply.json().await.unwrap();
    (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
}

/// A request by a program, with what every door of the method needs to be asked at all.
fn ask(entrance: &Entrance, token: &str, method: &Method, path: &str) -> RequestBuilder {
    let request = entrance.ask(method.clone(), &path.replace("{id}", NOBODYS)).bearer_auth(token);
    if *method == Method::GET {
        return request;
    }
    let wire = if path.starts_with("/api") { "application/json" } else { "application/x-www-form-urlencoded" };
    request.header("content-type", wire).body(if path.starts_with("/api") { "{}" } else { "" })
}

fn permits(door: &Door, role: Role) -> bool {
    match door.permit {
        Permit::Anyone => true,
        Permit::Roles(roles) => roles.contains(&role),
    }
}

async fn me(entrance: &Entrance, token: &str) -> StatusCode {
    ask(entrance, token, &Method::GET, "/api/me").send().await.unwrap().status()
}

/// Whether a reply let the program in; what it found inside is another matter.
fn opened(status: StatusCode) -> bool {
    assert!(!status.is_server_error(), "{status}");
    !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

#[tokio::test]
async fn every_door_opens_to_the_scope_it_names_and_to_no_other_and_only_where_the_owners_role_goes() {
    let entrance = Entrance::open().await;
    let (mut within, mut beyond) = (0, 0);
    for role in [Role::Nurse, Role::Auditor] {
        for scope in Scope::ALL {
            let (_, token) = make(&entrance, role, &[*scope]).await;
            for door in routes::DOORS.iter().filter(|door| door.permit != Permit::Anyone) {
                let status = ask(&entrance, &token, &door.method, door.path).send().await.unwrap().status();
                let wanted = door.scope == Some(*scope) && permits(door, role);
                assert_eq!(opened(status), wanted, "{role:?} {} {} {}: {status}", scope.word(), door.method, door.path);
                if wanted { within += 1 } else { beyond += 1 }
            }
            // The page lists scopes of use to the role; making room for the next keeps below the cap.
            for made in tokens(&entrance, role).await {
                revoke(&entrance, role, &made).await;
            }
        }
    }
    assert!(within >= 18 && beyond > 1000, "the matrix was tried: {within} open, {beyond} closed");
}

async fn tokens(entrance: &Entrance, role: Role) -> Vec<String> {
    let list: Value = entrance.get(role, "/api/tokens").await.json().await.unwrap();
    list.as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect()
}

async fn revoke(entrance: &Entrance, role: Role, id: &str) -> StatusCode {
    let path = format!("/api/tokens/{id}/revoke");
    entrance.ask_as(role, Method::POST, &path).send().await.unwrap().status()
}

#[test]
fn no_page_names_a_scope_and_nothing_that_makes_signs_or_ends_can_be_reached_by_token() {
    for door in routes::DOORS {
        let named = door.scope.is_some();
        assert!(!named || door.path.starts_with("/api/"), "{} {} is no API", door.method, door.path);
        assert!(!named || door.permit != Permit::Anyone, "{} {} is open anyway", door.method, door.path);
        let a_persons = door.path.starts_with("/api/tokens")
            || door.path.ends_with("/sign")
            || door.path.ends_with("/sign-in")
            || door.path.ends_with("/sign-out");
        assert!(!(named && a_persons), "{} {} is a person's deed", door.method, door.path);
    }
}

#[tokio::test]
async fn a_revoked_an_expired_and_an_orphaned_token_open_nothing_at_once() {
    let mut entrance = Entrance::open().await;
    let (id, token) = make(&entrance, Role::Nurse, &[Scope::ReadProfile]).await;
    let (_, late) = make(&entrance, Role::Nurse, &[Scope::ReadProfile]).await;
    assert_eq!(me(&entrance, &token).await, StatusCode::OK, "the control");
    assert_eq!(revoke(&entrance, Role::Coordinator, &id).await, StatusCode::NOT_FOUND, "it is the nurse's");
    assert_eq!(me(&entrance, &token).await, StatusCode::OK, "the control");
    assert_eq!(revoke(&entrance, Role::Nurse, &id).await, StatusCode::NO_CONTENT);
    assert_eq!(me(&entrance, &token).await, StatusCode::UNAUTHORIZED, "revoked");
    assert_eq!(revoke(&entrance, Role::Nurse, &id).await, StatusCode::NOT_FOUND, "once");

    let past = "update api_token set created_at = now() - interval '31 days', expires_at = now() - interval '1 second'
                 where org_id = $1 and revoked_at is null";
    assert_eq!(me(&entrance, &late).await, StatusCode::OK, "the control");
    entrance.run(past).await;
    assert_eq!(me(&entrance, &late).await, StatusCode::UNAUTHORIZED, "expired");

    let (_, orphan) = make(&entrance, Role::Nurse, &[Scope::ReadProfile]).await;
    assert_eq!(me(&entrance, &orphan).await, StatusCode::OK, "the control");
    entrance.run("update staff_member set active = false where org_id = $1 and role = 'nurse'").await;
    assert_eq!(me(&entrance, &orphan).await, StatusCode::UNAUTHORIZED, "its owner's login is closed");
}

#[tokio::test]
async fn a_token_follows_its_owners_role() {
    let mut entrance = Entrance::open().await;
    let (_, token) = make(&entrance, Role::Nurse, &[Scope::ReadFollowUps, Scope::ReadRecord]).await;
    let status =
        async |path: &str, method: Method| ask(&entrance, &token, &method, path).send().await.unwrap().status();
    assert_eq!(status("/api/follow-ups", Method::GET).await, StatusCode::OK);
    assert_eq!(status("/api/record/search", Method::POST).await, StatusCode::FORBIDDEN, "no nurse searches the record");
    entrance.run("update staff_member set role = 'auditor' where org_id = $1 and role = 'nurse'").await;
    let status =
        async |path: &str, method: Method| ask(&entrance, &token, &method, path).send().await.unwrap().status();
    assert_eq!(status("/api/follow-ups", Method::GET).await, StatusCode::FORBIDDEN, "no auditor reads follow-ups");
    assert_ne!(status("/api/record/search", Method::POST).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_only_looks_like_a_token_opens_nothing_and_no_cookie_beside_it_helps() {
    let entrance = Entrance::open().await;
    let (_, token) = make(&entrance, Role::Nurse, &[Scope::ReadProfile]).await;
    let (home, other) = (entrance.home.org.simple().to_string(), entrance.other.org.simple().to_string());
    assert!(token.starts_with(&format!("careline_{home}_")) && token.len() == "careline_".len() + 32 + 1 + 64);
    let forged = [
        token.replace(&home, &other),
        token.replace("careline_", "carelime_"),
        token.to_uppercase(),
        token[..token.len() - 1].to_owned(),
        format!("{token}0"),
        format!("{}{}", &token[..token.len() - 64], "0".repeat(64)),
        String::new(),
    ];
    for text in &forged {
        assert_eq!(me(&entrance, text).await, StatusCode::UNAUTHORIZED, "{text}");
        let beside = entrance.ask_as(Role::Nurse, Method::GET, "/api/me").bearer_auth(text).send().await.unwrap();
        assert_eq!(beside.status(), StatusCode::UNAUTHORIZED, "a cookie beside {text}");
        let words = beside.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert_eq!(words, "Bearer error=\"invalid_token\"");
    }
    let other_scheme = entrance.ask_as(Role::Nurse, Method::GET, "/api/me").basic_auth("nurse", Some("x"));
    assert_eq!(other_scheme.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(me(&entrance, &token).await, StatusCode::OK, "the control");
    let page = entrance.ask_as(Role::Nurse, Method::GET, "/today").bearer_auth(&token).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN, "no page opens to a token, whatever cookie is beside it");
    let wanting = ask(&entrance, &token, &Method::GET, "/api/worklist").send().await.unwrap();
    let words = wanting.headers()["www-authenticate"].to_str().unwrap();
    assert_eq!(words, "Bearer error=\"insufficient_scope\", scope=\"worklist:read\"");
}

#[tokio::test]
async fn a_program_needs_no_word_about_sites_and_a_cookie_does() {
    let entrance = Entrance::open().await;
    let (_, token) = make(&entrance, Role::Nurse, &[Scope::WriteFollowUps]).await;
    let path = format!("/api/follow-ups/{}/done", entrance.home.follow_up);
    let body = json!({ "outcome": "spoke with the daughter" });
    let forged = entrance.ask_as(Role::Nurse, Method::POST, &path).header("sec-fetch-site", "cross-site");
    assert_eq!(forged.json(&body).send().await.unwrap().status(), StatusCode::FORBIDDEN, "the control");
    let meant = entrance.ask(Method::POST, &path).bearer_auth(&token).header("sec-fetch-site", "cross-site");
    assert_eq!(meant.json(&body).send().await.unwrap().status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_record_names_the_token_beside_the_person_and_the_database_never_holds_it() {
    let mut entrance = Entrance::open().await;
    let (id, token) = make(&entrance, Role::Nurse, &[Scope::ReadFollowUps]).await;
    assert_eq!(entrance.get(Role::Nurse, "/api/follow-ups").await.status(), StatusCode::OK);
    ask(&entrance, &token, &Method::GET, "/api/follow-ups").send().await.unwrap();
    let by: Vec<Option<String>> = sqlx::query_scalar(
        "select detail->>'token' from audit_entry where org_id = $1 and deed = 'listed_follow_ups' order by id",
    )
    .bind(entrance.home.org)
    .fetch_all(&mut entrance.superuser)
    .await
    .unwrap();
    assert_eq!(by, [None, Some(id)], "at the screen and by the program");
    let (row, used): (String, bool) =
        sqlx::query_as("select t::text, used_at is not null from api_token t where org_id = $1")
            .bind(entrance.home.org)
            .fetch_one(&mut entrance.superuser)
            .await
            .unwrap();
    let bits = &token[token.len() - 64..];
    assert!(used && !row.contains(bits) && !row.contains(&hex::encode(bits)), "{row}");
    let deeds: Vec<String> =
        sqlx::query_scalar("select deed from audit_entry where org_id = $1 and deed like '%token'")
            .bind(entrance.home.org)
            .fetch_all(&mut entrance.superuser)
            .await
            .unwrap();
    assert_eq!(deeds, ["made_token"]);
}

#[tokio::test]
async fn a_token_is_asked_for_on_a_page_shown_once_and_every_fault_is_named() {
    let entrance = Entrance::open().await;
    let page = entrance.get(Role::Nurse, "/account/tokens").await.text().await.unwrap();
    assert!(page.contains("patients:read") && !page.contains("record:read"), "only scopes a nurse can use");
    let bad = entrance.post(Role::Nurse, "/account/tokens", &[("name", " "), ("days", "366")]).await;
    assert_eq!(bad.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let text = bad.text().await.unwrap();
    for field in ["name: write", "scopes: choose", "days: write 1 to 365"] {
        assert!(text.contains(field), "{field} is not named");
    }
    let form = [("name", "<b>nightly</b>"), ("days", "365"), ("worklist:read", "on")];
    let made = entrance.post(Role::Nurse, "/account/tokens", &form).await.text().await.unwrap();
    let at = made.find("careline_").expect("the new token is on the page");
    let token = &made[at..at + "careline_".len() + 97];
    let status = ask(&entrance, token, &Method::GET, "/api/worklist").send().await.unwrap().status();
    assert_eq!(status, StatusCode::OK);
    let page = entrance.get(Role::Nurse, "/account/tokens").await.text().await.unwrap();
    assert!(!page.contains(token) && !page.contains("<b>nightly") && page.contains("nightly"));
    let id = tokens(&entrance, Role::Nurse).await.remove(0);
    let gone = entrance.post(Role::Nurse, &format!("/account/tokens/{id}/revoke"), &[]).await;
    assert_eq!(gone.status(), StatusCode::SEE_OTHER);
    assert_eq!(ask(&entrance, token, &Method::GET, "/api/worklist").send().await.unwrap().status(), 401);
}
