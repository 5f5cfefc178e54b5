//! An admin sets the provider their organization trusts. Nothing is saved that does not work, the secret is never read
//! back, and the form before sign-in tells a stranger nothing.

use crate::support::openid::{OpenIdProvider, set_out, sign_in};
use careline::domain::{people::Role, private::Private};
use reqwest::{Method, StatusCode};

#[tokio::test]
async fn nothing_is_saved_that_does_not_work_and_every_fault_says_what_to_do() {
    let provider = OpenIdProvider::start();
    let mut entrance = provider.entrance().await;
    let origin = provider.origin.clone();
    for (field, value, words) in [
        ("issuer", "sign-in.example.org".to_owned(), "issuer: write the provider"),
        ("issuer", "https://127.0.0.1/issuer".to_owned(), "issuer: this address is not gone to"),
        ("issuer", "http://sign-in.example.org".to_owned(), "issuer: this address is not gone to"),
        ("issuer", format!("{origin}/nowhere"), "issuer: no description of a provider is found there"),
        ("issuer", format!("{}/", provider.issuer("home")), "issuer: "),
        ("client_id", " ".to_owned(), "client id: "),
        ("client_secret", String::new(), "client secret: "),
        ("group_claim", String::new(), "group claim: "),
        ("groups", String::new(), "groups: write at least one"),
        ("groups", "nurses = janitor".to_owned(), "groups, line 1: the role is one of nurse"),
        ("groups", "a = nurse\na = auditor".to_owned(), "groups, line 2: this group is there already"),
        ("groups", "nurses = nurse, Nowhere".to_owned(), "groups: there is no care team called Nowhere"),
        ("break_glass", "nurse@example.com".to_owned(), "admin with a password: this is no open login of an admin"),
        ("passwords", "one".to_owned(), "admin with a password: choose one"),
    ] {
        let mut form = provider.settings("home");
        form.insert(field, value.clone());
        let reply = entrance.ask_as(Role::Admin, Method::POST, "/settings/sign-on").form(&form).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY, "{field} = {value}");
        let page = reply.text().await.unwrap();
        assert!(page.contains(words), "{field} = {value}: {page}");
        assert!(!page.contains("secret-of-home"), "what was typed as a secret does not come back");
    }
    let saved: i64 =
        sqlx::query_scalar("select count(*) from single_sign_on").fetch_one(&mut entrance.superuser).await.unwrap();
    assert_eq!(saved, 0);
    provider.trusted_by(&entrance, "home").await;
}

#[tokio::test]
async fn the_secret_is_sealed_never_shown_and_never_given_to_another_provider() {
    let provider = OpenIdProvider::start();
    let mut entrance = provider.entrance().await;
    provider.trusted_by(&entrance, "home").await;
    let page = entrance.get(Role::Admin, "/settings/sign-on").await.text().await.unwrap();
    assert!(page.contains(&provider.issuer("home")) && !page.contains("secret-of-home"));
    let row: String =
        sqlx::query_scalar("select s::text from single_sign_on s").fetch_one(&mut entrance.superuser).await.unwrap();
    assert!(!row.contains("secret-of-home") && !row.contains(&hex::encode("secret-of-home")), "{row}");

    let mut form = provider.settings("home");
    form.insert("client_secret", String::new());
    let post = || entrance.ask_as(Role::Admin, Method::POST, "/settings/sign-on");
    assert_eq!(post().form(&form).send().await.unwrap().status(), StatusCode::SEE_OTHER, "kept as it is");
    assert!(sign_in(&entrance, "harbor", "nora").await.is_ok());
    form.insert("issuer", provider.issuer("other"));
    assert_eq!(post().form(&form).send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);

    // A sealed secret that was moved to another organization's row does not open there.
    let stolen = "insert into single_sign_on select $2, issuer, client_id, client_secret, group_claim, required,
                         break_glass, changed_at from single_sign_on where org_id = $1";
    sqlx::query(stolen)
        .bind(entrance.home.org)
        .bind(entrance.other.org)
        .execute(&mut entrance.superuser)
        .await
        .unwrap();
    let form = [("organization", "summit")];
    let reply = entrance.ask(Method::POST, "/sign-in/sso").form(&form).send().await.unwrap();
    assert!(reply.status().is_server_error(), "{}", reply.status());
}

#[tokio::test]
async fn an_unknown_code_and_an_organization_without_a_provider_read_alike() {
    let provider = OpenIdProvider::start();
    let entrance = provider.entrance().await;
    provider.trusted_by(&entrance, "home").await;
    let mut pages = Vec::new();
    for code in ["summit", "nobody"] {
        let reply = entrance.ask(Method::POST, "/sign-in/sso").form(&[("organization", code)]).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(reply.headers().get("set-cookie").is_none());
        pages.push(reply.text().await.unwrap().replace(code, "CODE"));
    }
    assert_eq!(pages[0], pages[1]);
    set_out(&entrance, "harbor").await;
}

#[tokio::test]
async fn passwords_can_be_switched_off_for_everybody_but_one_admin_and_that_one_never_comes_by_the_provider() {
    let provider = OpenIdProvider::start();
    let mut entrance = provider.entrance().await;
    let password = "seven grey herons at dusk";
    for email in ["nurse@example.com", "admin@example.com"] {
        let place = entrance.app.passwords.queue().unwrap();
        let org = careline::domain::ids::OrgId(entrance.home.org);
        let stored = entrance.app.passwords.store(&place, org, &Private::new(password.to_owned()), &[]).await.unwrap();
        sqlx::query("update staff_member set password_hash = $3, password_key = $4 where org_id = $1 and email = $2")
            .bind(entrance.home.org)
            .bind(email)
            .bind(stored.hash)
            .bind(stored.key)
            .execute(&mut entrance.superuser)
            .await
            .unwrap();
    }
    let enter = async |email: &str| {
        let form = [("organization", "harbor"), ("email", email), ("password", password)];
        entrance.ask(Method::POST, "/sign-in").form(&form).send().await.unwrap().status()
    };
    assert_eq!(enter("nurse@example.com").await, StatusCode::SEE_OTHER, "the control");
    let mut form = provider.settings("home");
    form.insert("passwords", "one".to_owned());
    form.insert("break_glass", "admin@example.com".to_owned());
    let saved = entrance.ask_as(Role::Admin, Method::POST, "/settings/sign-on").form(&form).send().await.unwrap();
    assert_eq!(saved.status(), StatusCode::SEE_OTHER);
    assert_eq!(enter("nurse@example.com").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(enter("admin@example.com").await, StatusCode::SEE_OTHER);
    provider.lever("address", serde_json::json!({ "person": "anna", "email": "admin@example.com" })).await;
    assert!(sign_in(&entrance, "harbor", "anna").await.is_err(), "the login for the day the provider is away");

    let removed = entrance.ask_as(Role::Admin, Method::POST, "/settings/sign-on/remove").send().await.unwrap();
    assert_eq!(removed.status(), StatusCode::SEE_OTHER);
    assert_eq!(enter("nurse@example.com").await, StatusCode::SEE_OTHER, "passwords count again");
}
