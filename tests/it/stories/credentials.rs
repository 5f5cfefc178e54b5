//! What opens an organization's own accounts at providers is written by an admin and shown to nobody.

use crate::support::entrance::Entrance;
use careline::domain::people::Role;

const PAGE: &str = "/settings/credentials";
const FIRST: &str = "ACzqfirst0001:zqtokenfirst";
const SECOND: &str = "ACzqsecond0002:zqtokensecond";

async fn page(entrance: &Entrance) -> String {
    entrance.get(Role::Admin, PAGE).await.text().await.unwrap()
}

/// Everything the database holds about credentials and deeds, as text.
async fn kept(entrance: &mut Entrance) -> Vec<String> {
    let everything = "select c::text || ' ' || encode(c.sealed, 'escape')
                        from integration_credential c
                      union all select e::text from audit_entry e
                      union all select j::text from job j";
    sqlx::query_scalar(everything).fetch_all(&mut entrance.superuser).await.unwrap()
}

fn leak(texts: &[String]) -> Option<&String> {
    texts.iter().find(|text| text.contains("zqtoken") || text.contains("ACzq"))
}

#[tokio::test]
async fn a_credential_is_written_replaced_and_removed_and_never_shown() {
    let mut entrance = Entrance::open().await;
    let set = [("kind", "carrier_account"), ("secret", FIRST)];
    entrance.run("update session set proven_at = now() - interval '1 hour' where org_id = $1").await;
    let stale = entrance.post(Role::Admin, PAGE, &set).await;
    assert_eq!((stale.status().as_u16(), stale.headers()["location"].to_str().unwrap()), (303, "/prove"));
    entrance.run("update session set proven_at = now() where org_id = $1").await;
    assert!(!page(&entrance).await.contains("Last changed by"), "nothing was kept without a fresh proof");
    for wrong in ["", "no colon", "zqtoken", "ACzq:with space", "ACzq:"] {
        let reply = entrance.post(Role::Admin, PAGE, &[("kind", "carrier_account"), ("secret", wrong)]).await;
        assert_eq!(reply.status(), 422, "{wrong}");
        let text = reply.text().await.unwrap();
        assert!(text.contains("role=\"alert\"") && leak(&[text]).is_none(), "what was typed is not sent back");
    }
    assert_eq!(entrance.post(Role::Admin, PAGE, &set).await.status(), 303);
    let shown = page(&entrance).await;
    assert!(shown.contains("Last changed by Admin Example"));
    let first = kept(&mut entrance).await;
    assert_eq!(
        entrance.post(Role::Admin, PAGE, &[("kind", "carrier_account"), ("secret", SECOND)]).await.status(),
        303
    );
    let second = kept(&mut entrance).await;
    assert_eq!(leak(&[shown, page(&entrance).await]), None);
    assert_eq!((leak(&first), leak(&second)), (None, None));
    assert!(leak(&[format!("set_credential {FIRST}")]).is_some(), "the control: a value would be noticed");
    let removed = [("kind", "carrier_account")];
    assert_eq!(entrance.post(Role::Admin, &format!("{PAGE}/remove"), &removed).await.status(), 303);
    assert_eq!(entrance.post(Role::Admin, &format!("{PAGE}/remove"), &removed).await.status(), 404);
    let deeds = "select string_agg(deed || ' ' || (detail ->> 'kind'), ', ' order by id) from audit_entry
                  where deed in ('set_credential', 'removed_credential')";
    let deeds: String = sqlx::query_scalar(deeds).fetch_one(&mut entrance.superuser).await.unwrap();
    let set = "set_credential carrier_account";
    assert_eq!(deeds, format!("{set}, {set}, removed_credential carrier_account"));
}
