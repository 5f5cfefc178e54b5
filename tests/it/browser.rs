//! Stories in a real Chromium: what a browser keeps, what it shows, and the ceremonies only a browser can hold. The stories
//! are in `tests/browser/`; here the product is opened for them, at `http://localhost`, where browsers allow passkeys.

use crate::support::{
    database::Database,
    wiring::{self, Line},
};
use careline::{
    adapters::system_clock::SystemClock,
    domain::{people::Role, private::Private},
    flows::{
        add_staff::{self, Duty, NewStaff},
        found_organization::{self, NewOrganization},
        second_factors::{self, FactorPolicy},
    },
    web,
};
use std::{path::Path, sync::Arc};
use tokio::{net::TcpListener, process::Command};

const PASSWORD: &str = "tulips under the window";
const EMAIL: &str = "maya@riverside.example";
const ADMIN: &str = "ada@riverside.example";

#[allow(clippy::disallowed_methods)] // The harness has no settings; bin/test names the browser here.
/// Opens the product with one organization and one nurse, and lets a story of `tests/browser/` happen in it.
async fn tell(story: &str, policy: FactorPolicy) {
    let chromium = std::env::var("TEST_CHROMIUM").unwrap_or_default();
    assert!(
        Path::new(&chromium).is_file(),
        "these stories need Chromium: set TEST_CHROMIUM to its program, and install what tests/browser needs with \
         `npm ci --prefix tests/browser`; bin/test does both"
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(
        folder.join("node_modules/playwright-core").is_dir(),
        "playwright-core is missing: run `npm ci --prefix tests/browser`, or bin/test"
    );
    let database = Database::lease().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let line = Line { origin: &origin, ..wiring::NO_LINE };
    let app = Arc::new(wiring::app(&database, 6, Arc::new(SystemClock), &line).await);
    settle(&app, policy).await;
    let served = web::serve(Arc::clone(&app), listener, std::future::pending());
    tokio::spawn(async move { served.await.unwrap() });
    let output = Command::new("node")
        .arg(folder.join(story))
        .current_dir(&folder)
        .env("BASE", &origin)
        .env("CHROMIUM", &chromium)
        .env("ORGANIZATION", "riverside")
        .env("EMAIL", EMAIL)
        .env("ADMIN", ADMIN)
        .env("PASSWORD", PASSWORD)
        .env("SHOTS", std::env::var("TEST_SHOTS").unwrap_or_default())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node is installed; bin/test installs it");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success(), "{story}:\n{said}");
    assert!(said.contains("holds:"), "{story} told nothing:\n{said}");
}

async fn settle(app: &careline::app::App, policy: FactorPolicy) {
    let new = NewOrganization {
        code: "riverside".into(),
        name: "Riverside Home Hospice".into(),
        country: "US".into(),
        time_zone: "America/New_York".into(),
        caller_number: "+12125550199".into(),
    };
    let operator = found_organization::found(app, new).await.unwrap();
    second_factors::set_policy(app, &operator, policy).await.unwrap();
    for (email, full_name, role) in [(EMAIL, "Maya Okafor", Role::Nurse), (ADMIN, "Ada Lind", Role::Admin)] {
        let somebody = NewStaff {
            email: email.into(),
            full_name: full_name.into(),
            role,
            password: Private::new(PASSWORD.into()),
            phone: String::new(),
            duty: Duty::On,
            team: String::new(),
        };
        add_staff::add(app, &operator, somebody).await.unwrap();
    }
}

#[tokio::test]
async fn a_passkey_registers_signs_in_and_proves_and_no_other_answer_does() {
    tell("passkey.mjs", FactorPolicy::Offered).await;
}

#[tokio::test]
async fn codes_of_an_app_work_without_javascript() {
    tell("totp.mjs", FactorPolicy::Required).await;
}

#[tokio::test]
async fn another_site_can_do_nothing_with_a_session() {
    tell("cookies.mjs", FactorPolicy::Offered).await;
}

#[tokio::test]
async fn a_nurse_is_rung_talks_and_hangs_up_in_her_browser() {
    tell("line.mjs", FactorPolicy::Offered).await;
}
