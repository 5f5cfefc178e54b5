//! Staff sign in at the provider their organization trusts: a real one, in a process of its own. What the provider vouches
//! for counts; what only looks like it does not.

use crate::support::{
    entrance::Entrance,
    openid::{self, OpenIdProvider, at_the_provider, come_back, cookie_of, set_out, sign_in},
};
use careline::domain::people::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

const REFUSED: Result<String, StatusCode> = Err(StatusCode::UNPROCESSABLE_ENTITY);

async fn home() -> (OpenIdProvider, Entrance) {
    let provider = OpenIdProvider::start();
    let entrance = provider.entrance().await;
    provider.trusted_by(&entrance, "home").await;
    (provider, entrance)
}

/// Who a session is; `None` when it is over.
async fn me(entrance: &Entrance, cookie: &str) -> Option<(String, String)> {
    let reply = entrance.ask(Method::GET, "/api/me").header("cookie", cookie).send().await.unwrap();
    if reply.status() == StatusCode::UNAUTHORIZED {
        return None;
    }
    let me: Value = reply.json().await.unwrap();
    Some((me["full_name"].as_str().unwrap().to_owned(), me["role"].as_str().unwrap().to_owned()))
}

/// Why the last sign-in was refused, as the record says it.
async fn why(entrance: &mut Entrance) -> String {
    sqlx::query_scalar(
        "select coalesce(detail->>'why', '') from audit_entry
          where org_id = $1 and deed = 'sign_in_refused' order by id desc limit 1",
    )
    .bind(entrance.home.org)
    .fetch_optional(&mut entrance.superuser)
    .await
    .unwrap()
    .unwrap_or_default()
}

async fn deeds(entrance: &mut Entrance) -> Vec<String> {
    let wanted = "('added_staff', 'joined_team', 'linked_identity', 'followed_groups', 'signed_in', 'sign_in_refused')";
    let statement = format!("select deed from audit_entry where org_id = $1 and deed in {wanted} order by id");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
        .bind(entrance.home.org)
        .fetch_all(&mut entrance.superuser)
        .await
        .unwrap()
}

fn is(name: &str, role: &str) -> Option<(String, String)> {
    Some((name.to_owned(), role.to_owned()))
}

#[tokio::test]
async fn somebody_new_comes_in_by_their_group_and_is_the_same_person_the_next_day() {
    let (_provider, mut entrance) = home().await;
    let cookie = sign_in(&entrance, "harbor", "nora").await.unwrap();
    assert_eq!(me(&entrance, &cookie).await, is("Nora Example", "nurse"));
    let first = ["added_staff", "joined_team", "linked_identity", "signed_in"];
    assert_eq!(deeds(&mut entrance).await, first, "each step is in the record");
    let again = sign_in(&entrance, "harbor", "nora").await.unwrap();
    assert_eq!(me(&entrance, &again).await, is("Nora Example", "nurse"));
    assert_eq!(deeds(&mut entrance).await.len(), first.len() + 1, "signed in, and nothing else");
    assert!(me(&entrance, &cookie).await.is_some(), "another browser of theirs stays signed in");
}

#[tokio::test]
async fn a_verified_address_makes_somebody_who_is_here_already_known_and_nothing_else_does() {
    let (provider, mut entrance) = home().await;
    let address = json!({ "person": "paul", "email": "Physician@Example.com" });
    provider.lever("address", address).await;
    let cookie = sign_in(&entrance, "harbor", "paul").await.unwrap();
    assert_eq!(me(&entrance, &cookie).await, is("Physician Example", "physician"), "who they are here");
    assert_eq!(deeds(&mut entrance).await, ["linked_identity", "signed_in"]);

    assert_eq!(sign_in(&entrance, "harbor", "uma").await, REFUSED);
    assert_eq!(why(&mut entrance).await, "address_not_verified");
    // The address of a link goes to somebody new at the provider; the person here does not go with it.
    provider.lever("address", json!({ "person": "nora", "email": "physician@example.com" })).await;
    assert_eq!(sign_in(&entrance, "harbor", "nora").await, REFUSED);
    assert_eq!(why(&mut entrance).await, "address_of_another");
    assert_eq!(sign_in(&entrance, "harbor", "gus").await, REFUSED);
    assert_eq!(why(&mut entrance).await, "no_group");
}

#[tokio::test]
async fn a_group_that_is_lost_takes_the_access_with_it_and_one_that_is_won_changes_the_role() {
    let (provider, mut entrance) = home().await;
    let first = sign_in(&entrance, "harbor", "nora").await.unwrap();
    assert!(me(&entrance, &first).await.is_some(), "the control");

    provider.groups("nora", &["physicians"]).await;
    let second = sign_in(&entrance, "harbor", "nora").await.unwrap();
    assert_eq!(me(&entrance, &second).await, is("Nora Example", "physician"));
    assert_eq!(me(&entrance, &first).await, None, "the session of the old role is over");

    provider.groups("nora", &["gardeners"]).await;
    assert_eq!(sign_in(&entrance, "harbor", "nora").await, REFUSED);
    assert_eq!(why(&mut entrance).await, "no_group");
    assert_eq!(me(&entrance, &second).await, None, "access is gone everywhere at once");

    provider.groups("nora", &["nurses"]).await;
    let third = sign_in(&entrance, "harbor", "nora").await.unwrap();
    assert_eq!(
        me(&entrance, &third).await,
        is("Nora Example", "nurse"),
        "a group that comes back opens the login again"
    );

    entrance.run("update staff_member set active = false where org_id = $1 and email like 'nora%'").await;
    assert_eq!(sign_in(&entrance, "harbor", "nora").await, REFUSED, "what somebody here closed no group opens");
    assert_eq!(why(&mut entrance).await, "closed");
}

#[tokio::test]
async fn no_group_makes_an_admin_and_one_lets_an_admin_stay() {
    let (provider, mut entrance) = home().await;
    assert_eq!(sign_in(&entrance, "harbor", "anna").await, REFUSED);
    assert_eq!(why(&mut entrance).await, "no_group");
    provider.groups("anna", &["admins", "nurses"]).await;
    let cookie = sign_in(&entrance, "harbor", "anna").await.unwrap();
    assert_eq!(me(&entrance, &cookie).await, is("Anna Example", "nurse"));
    // Somebody here makes her one.
    entrance.run("update staff_member set role = 'admin' where org_id = $1 and email like 'anna%'").await;
    let cookie = sign_in(&entrance, "harbor", "anna").await.unwrap();
    assert_eq!(me(&entrance, &cookie).await, is("Anna Example", "admin"));
    provider.groups("anna", &["nurses"]).await;
    let cookie = sign_in(&entrance, "harbor", "anna").await.unwrap();
    assert_eq!(me(&entrance, &cookie).await, is("Anna Example", "nurse"), "without the group she stays none");
}

#[tokio::test]
async fn a_provider_may_change_its_keys_and_a_forger_cannot_make_us_hammer_it() {
    let (provider, mut entrance) = home().await;
    sign_in(&entrance, "harbor", "nora").await.unwrap();
    let before = provider.key_fetches("home").await;
    sign_in(&entrance, "harbor", "nora").await.unwrap();
    assert_eq!(provider.key_fetches("home").await, before, "what is known is not asked again");

    provider.lever("keys", json!({ "issuer": "home", "kind": "ec" })).await;
    sign_in(&entrance, "harbor", "nora").await.unwrap();
    assert_eq!(provider.key_fetches("home").await, before + 1, "the new key was asked for, once");

    provider.forge("unknown_key").await;
    for _ in 0..4 {
        assert_eq!(sign_in(&entrance, "harbor", "nora").await, REFUSED);
        assert_eq!(why(&mut entrance).await, "signature");
    }
    assert_eq!(provider.key_fetches("home").await, before + 1, "a key that nobody knows asks at most once a minute");
}

#[tokio::test]
async fn a_forged_token_opens_nothing_whatever_is_forged_on_it() {
    let (provider, mut entrance) = home().await;
    for (how, reason) in [
        ("other_key", "signature"),
        ("client_secret", "signature"),
        ("unsigned", "signature"),
        ("other_audience", "audience"),
        ("second_audience", "audience"),
        ("other_party", "audience"),
        ("other_issuer", "issuer"),
        ("other_nonce", "nonce"),
        ("no_nonce", "nonce"),
        ("over", "time"),
        ("old", "time"),
        ("future", "time"),
    ] {
        provider.forge(how).await;
        assert_eq!(sign_in(&entrance, "harbor", "nora").await, REFUSED, "{how}");
        assert_eq!(why(&mut entrance).await, reason, "{how}");
    }
    // The control: taken apart, put together and signed by the same lever, with nothing forged on it.
    provider.forge("again").await;
    assert!(sign_in(&entrance, "harbor", "nora").await.is_ok());
}

#[tokio::test]
async fn what_comes_back_counts_once_in_time_and_in_the_browser_that_set_out() {
    let (_provider, mut entrance) = home().await;
    let mine = set_out(&entrance, "harbor").await;
    let theirs = set_out(&entrance, "harbor").await;
    let back = at_the_provider(&mine.url, "nora").await;
    let reply = come_back(&entrance, &theirs.cookie, &back).await;
    assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY, "a link slipped to another browser");
    assert_eq!(why(&mut entrance).await, "other_browser");
    let reply = come_back(&entrance, &mine.cookie, &back).await;
    assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY, "and it is used up");

    let mine = set_out(&entrance, "harbor").await;
    let back = at_the_provider(&mine.url, "nora").await;
    assert_eq!(come_back(&entrance, &mine.cookie, &back).await.status(), StatusCode::SEE_OTHER, "the control");
    assert_eq!(come_back(&entrance, &mine.cookie, &back).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "twice");

    let late = set_out(&entrance, "harbor").await;
    let back = at_the_provider(&late.url, "nora").await;
    entrance.run("update sign_on_attempt set expires_at = now() where org_id = $1").await;
    assert_eq!(come_back(&entrance, &late.cookie, &back).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(why(&mut entrance).await, "late");

    let mine = set_out(&entrance, "harbor").await;
    let nobodys =
        with(&at_the_provider(&mine.url, "nora").await, "state", &format!("{}.{}", entrance.home.org, "0".repeat(64)));
    assert_eq!(come_back(&entrance, &mine.cookie, &nobodys).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

/// The control of the test before: with the protection taken out of the database, the slipped link opens.
#[tokio::test]
async fn a_slipped_link_would_open_if_it_were_not_bound_to_a_browser() {
    let (_provider, mut entrance) = home().await;
    let mine = set_out(&entrance, "harbor").await;
    let theirs = set_out(&entrance, "harbor").await;
    let back = at_the_provider(&mine.url, "nora").await;
    let token = theirs.cookie.split_once('.').unwrap().1;
    sqlx::query("update sign_on_attempt set browser_hash = sha256($2::bytea) where org_id = $1")
        .bind(entrance.home.org)
        .bind(token.as_bytes())
        .execute(&mut entrance.superuser)
        .await
        .unwrap();
    assert_eq!(come_back(&entrance, &theirs.cookie, &back).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_provider_of_another_organization_signs_nobody_in_here() {
    let (provider, mut entrance) = home().await;
    let form = provider.settings("other");
    let foreign = entrance.ask_as_other(Role::Admin, Method::POST, "/settings/sign-on");
    assert_eq!(foreign.form(&form).send().await.unwrap().status(), StatusCode::SEE_OTHER);
    let nurse = sign_in(&entrance, "harbor", "nora").await.unwrap();
    let namesake = sign_in(&entrance, "summit", "nora").await.unwrap();
    assert_eq!(me(&entrance, &namesake).await, is("Nora Example", "nurse"), "somebody else, in their own organization");
    assert!(namesake.contains(&entrance.other.org.to_string()) && nurse.contains(&entrance.home.org.to_string()));

    // What summit's provider gave is carried to harbor, with and without its name on it.
    for name in [Some("iss"), None] {
        let here = set_out(&entrance, "harbor").await;
        let there = set_out(&entrance, "summit").await;
        let state = query(&here.url, "state").unwrap();
        let mut back = with(&at_the_provider(&there.url, "nora").await, "state", &state);
        if name.is_none() {
            back = with(&back, "iss", &provider.issuer("home"));
        }
        let reply = come_back(&entrance, &here.cookie, &back).await;
        assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(cookie_of(&reply, "careline").is_none());
        assert_eq!(why(&mut entrance).await, if name.is_some() { "other_provider" } else { "code" });
    }
}

#[tokio::test]
async fn what_wants_a_fresh_proof_sends_them_to_prove_it_anew_at_the_provider() {
    let (_provider, mut entrance) = home().await;
    let cookie = sign_in(&entrance, "harbor", "nora").await.unwrap();
    let tokens = async |cookie: &str| {
        let reply = entrance.ask(Method::GET, "/account/tokens").header("cookie", cookie).send().await.unwrap();
        reply.status()
    };
    assert_eq!(tokens(&cookie).await, StatusCode::OK, "she has just proven it there");
    entrance.run("update session set proven_at = now() - interval '11 minutes' where org_id = $1").await;
    let reply = entrance.ask(Method::GET, "/account/tokens").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    let prove = reply.headers()["location"].to_str().unwrap().to_owned();
    let page = entrance.ask(Method::GET, &prove).header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("I sign in with single sign-on"), "{page}");

    let form = [("organization", "harbor"), ("then", "/account/tokens"), ("anew", "yes")];
    let reply = entrance.ask(Method::POST, "/sign-in/sso").form(&form).send().await.unwrap();
    assert!(reply.text().await.unwrap().contains("prompt=login"), "the provider is asked to ask again");
    // A provider that has known her since the morning says so, and then the session is good for reading alone.
    entrance.run("update session set proven_at = null where org_id = $1").await;
    let reply = entrance.ask(Method::GET, "/account/tokens").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    let page = entrance.ask(Method::GET, "/follow-ups").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "the control");
}

#[tokio::test]
async fn whoever_says_no_at_the_provider_is_told_to_begin_again() {
    let (_provider, mut entrance) = home().await;
    let mine = set_out(&entrance, "harbor").await;
    let state = query(&mine.url, "state").unwrap();
    let back: Url = format!("http://127.0.0.1:1/sign-in/sso/return?error=access_denied&state={state}").parse().unwrap();
    let reply = come_back(&entrance, &mine.cookie, &back).await;
    assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text().await.unwrap().contains("Begin again here"));
    assert_eq!(why(&mut entrance).await, "refused_there");
}

#[tokio::test]
async fn a_provider_that_is_away_is_said_to_be_away() {
    let (provider, entrance) = home().await;
    let mine = openid::set_out(&entrance, "harbor").await;
    let back = at_the_provider(&mine.url, "nora").await;
    drop(provider);
    assert_eq!(come_back(&entrance, &mine.cookie, &back).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The address with one part of its query changed.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair(name, value);
    url
}
