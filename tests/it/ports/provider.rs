//! The carrier's own published client, unmodified (`tests/provider/`), against the simulated town; and signatures that it
//! made, judged by our verifier.

use careline::{
    adapters::system_clock::SystemClock,
    adapters::twilio::{address::PublicOrigin, webhook::Seal},
    domain::private::Private,
    ports::clock::Clock,
    simulator::{Town, TownSettings, clock::VirtualClock, people::TownPlan},
};
use serde_json::Value;
use std::{path::Path, sync::Arc};
use tokio::process::Command;

const ACCOUNT: &str = "AC00000000000000000000000000000002";
const TOKEN: &str = "a-token-of-the-town";
const PEOPLE: &str = r#"
people:
  - name: Rosa
    number: "+12125550101"
    picks_up: {after_seconds: 0.05}
    hears:
      - {says: "Press one", press: "1"}
  - {name: Samuel, number: "+12125550102", picks_up: {after_seconds: 0.05}}
  - {name: Never, number: "+12125550103", picks_up: never}
"#;

/// Runs the client against a town; what it printed last, or what it said when something did not hold. `None` without Node.
async fn run(account_of_client: &str, token_of_client: &str) -> Option<Result<Value, String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider");
    if Command::new("node").arg("--version").output().await.is_err() {
        eprintln!("not run: the carrier's published client needs Node.js 18 or newer; bin/test installs it");
        return None;
    }
    assert!(
        folder.join("node_modules/twilio").is_dir(),
        "the carrier's published client is not installed: run `npm ci --prefix tests/provider`, or bin/test, which does it"
    );
    let town = Town::start(TownSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        plan: TownPlan::read(PEOPLE).unwrap(),
        account_sid: ACCOUNT.to_owned(),
        auth_token: TOKEN.to_owned(),
        model_key: "key".to_owned(),
        clock: Arc::new(VirtualClock::starting_at(SystemClock.now())),
    })
    .await
    .unwrap();
    let output = Command::new("node")
        .arg("client.mjs")
        .current_dir(&folder)
        .env("TOWN", town.base_url())
        .env("ACCOUNT", account_of_client)
        .env("TOKEN", token_of_client)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Some(Err(format!("{said}{why}\nthe carrier saw:\n{:#?}", town.carrier().calls())));
    }
    Some(Ok(serde_json::from_str(said.lines().last().unwrap()).unwrap()))
}

#[tokio::test]
async fn the_carriers_own_published_client_works_against_the_town_and_both_sides_know_each_others_signatures() {
    let Some(done) = run(ACCOUNT, TOKEN).await else { return };
    let told = done.unwrap_or_else(|why| panic!("the client found fault with the town:\n{why}"));
    assert!(told["holds"].as_u64().unwrap() >= 20, "{told}");
    let made = told["made"].as_array().unwrap();
    assert_eq!(made.len(), 8);
    for one in made {
        let [origin, path, body, signature] =
            ["origin", "path", "body", "signature"].map(|name| one[name].as_str().unwrap());
        let origin = PublicOrigin::parse(origin).unwrap();
        let holds = |token: &str, path: &str, body: &str| {
            let seal = Seal::new(Private::new(token.to_owned()), ACCOUNT.to_owned());
            seal.holds_over_form(&origin, path, body.as_bytes(), Some(signature))
        };
        assert!(holds(TOKEN, path, body), "{one}");
        assert!(!holds("another-token", path, body), "{one}");
        assert!(!holds(TOKEN, &format!("{path}x"), body), "{one}");
        assert!(!holds(TOKEN, path, &format!("{body}&a=b")), "{one}");
    }
}

#[tokio::test]
async fn a_client_with_another_token_is_turned_away() {
    let Some(done) = run(ACCOUNT, "a-token-of-nobody").await else { return };
    let why = done.expect_err("the town must not believe a stranger");
    assert!(why.contains("20003"), "{why}");
}
