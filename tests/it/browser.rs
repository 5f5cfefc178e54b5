//! Stories in a real Chromium: what a browser keeps, what it shows, and the ceremonies only a browser can hold. The stories
//! are in `tests/browser/`; here the product is opened for them, at `http://localhost`, where browsers allow passkeys.

use crate::support::{
    database::Database,
    office::a_patient,
    studio::{self, Leg, Mouth},
    ward::dyspnea,
    wiring::{self, Line},
};
use careline::{
    adapters::system_clock::SystemClock,
    app::App,
    domain::{
        ids::CallId,
        people::{Actor, Role},
        private::Private,
        tones::{FRAME, SILENCE, frames},
    },
    flows::{
        add_staff::{self, Duty, NewStaff},
        admit_patient,
        found_organization::{self, NewOrganization},
        import_protocol,
        second_factors::{self, FactorPolicy},
    },
    web,
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, process::Command, task::JoinHandle};
use uuid::Uuid;

const PASSWORD: &str = "tulips under the window";
const EMAIL: &str = "maya@riverside.example";
const COORDINATOR: &str = "clara@riverside.example";
const ADMIN: &str = "ada@riverside.example";

/// The product with one organization, served for a browser.
struct Stage {
    app: Arc<App>,
    origin: String,
    operator: Actor,
    database: Database,
}

impl Stage {
    async fn open(policy: FactorPolicy) -> Self {
        let database = Database::lease().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let app = Arc::new(wiring::app(&database, 6, Arc::new(SystemClock), &line(&origin)).await);
        let operator = settle(&app, policy).await;
        let served = web::serve(Arc::clone(&app), listener, std::future::pending());
        tokio::spawn(async move { served.await.unwrap() });
        Self { app, origin, operator, database }
    }

    #[allow(clippy::disallowed_methods)] // The harness has no settings; bin/test names the browser here.
    /// Lets a story of `tests/browser/` happen, which may be told of a call.
    async fn tell(&self, story: &str, call: &str) {
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
        let output = Command::new("node")
            .arg(folder.join(story))
            .current_dir(&folder)
            .env("BASE", &self.origin)
            .env("CHROMIUM", &chromium)
            .env("ORGANIZATION", "riverside")
            .env("EMAIL", EMAIL)
            .env("ADMIN", ADMIN)
            .env("COORDINATOR", COORDINATOR)
            .env("PASSWORD", PASSWORD)
            .env("CALL", call)
            .env("SHOTS", std::env::var("TEST_SHOTS").unwrap_or_default())
            .kill_on_drop(true)
            .output()
            .await
            .expect("node is installed; bin/test installs it");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(output.status.success(), "{story}:\n{said}");
        assert!(said.contains("holds:"), "{story} told nothing:\n{said}");
    }

    /// A call on which the patient goes on speaking for as long as somebody listens, in the time that speaking takes.
    async fn live_call(&self) -> (CallId, JoinHandle<()>) {
        let (call, [hers, ours]) = self.call_begun().await;
        let (org, line) = (self.operator.org, line(&self.origin));
        let mut superuser = self.database.superuser().await;
        studio::run(
            &mut superuser,
            "update organization set supervision = 'at_enrolment';
             update leg set staff_id = (select id from staff_member where role = 'nurse') where party = 'nurse';
             insert into seat (org_id, leg_id, call_id, ends, part) select org_id, id, call_id, false, 'talks' from leg",
        )
        .await;
        let mut patient = Mouth::open(&self.app, &self.origin, &line, org, call, hers).await;
        let mut nurse = Mouth::open(&self.app, &self.origin, &line, org, call, ours).await;
        let talk = tokio::spawn(async move {
            let mut moments = tokio::time::interval(Duration::from_millis(20));
            let pause = vec![vec![SILENCE; FRAME]; 10];
            let spoken: Vec<Vec<u8>> =
                frames("It has been six out of ten since the night").into_iter().chain(pause).collect();
            for frame in spoken.iter().cycle() {
                moments.tick().await;
                patient.frame(frame).await;
                nurse.frame(&[SILENCE; FRAME]).await;
            }
        });
        (call, talk)
    }

    /// A call on which patient and nurse are in the conference, and may be recorded.
    async fn call_begun(&self) -> (CallId, [Leg; 2]) {
        import_protocol::import(&self.app, &self.operator, dyspnea()).await.unwrap();
        let patient = admit_patient::admit(&self.app, &self.operator, a_patient("Reyes")).await.unwrap();
        let (org, call) = (self.operator.org, CallId(Uuid::now_v7()));
        let mut superuser = self.database.superuser().await;
        studio::run(
            &mut superuser,
            &format!(
                "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at, idem_key)
                 values ('{org}', '{call}', '{patient}', 'check_in', 'dyspnea', now(), 'bridged', '{{}}', now(), 'k')"
            ),
        )
        .await;
        (call, studio::sit_down(&mut superuser, org.0, call.0, Some(true)).await)
    }

    /// A call that was talked on, recorded and is over: the patient speaks in its second and its eighth second.
    async fn recorded_call(&self) -> CallId {
        let (call, [hers, ours]) = self.call_begun().await;
        let (org, mut superuser) = (self.operator.org, self.database.superuser().await);
        let line = line(&self.origin);
        let mut patient = Mouth::open(&self.app, &self.origin, &line, org, call, hers).await;
        let mut nurse = Mouth::open(&self.app, &self.origin, &line, org, call, ours).await;
        patient.silent_until(1_000).await;
        patient.say("Six right now").await;
        patient.lose(100);
        patient.silent_until(7_000).await;
        patient.say("Better than yesterday").await;
        nurse.silent_until(4_000).await;
        nurse.say("And compared with yesterday").await;
        nurse.silent_until(11_000).await;
        patient.stop().await;
        nurse.stop().await;
        studio::run(&mut superuser, &format!("update call set state = 'done', ended_at = now() where id = '{call}'"))
            .await;
        call
    }
}

fn line(origin: &str) -> Line<'_> {
    Line { origin, ..wiring::NO_LINE }
}

/// Opens the product with one organization and one nurse, and lets a story of `tests/browser/` happen in it.
async fn tell(story: &str, policy: FactorPolicy) {
    Stage::open(policy).await.tell(story, "").await;
}

async fn settle(app: &App, policy: FactorPolicy) -> Actor {
    let new = NewOrganization {
        code: "riverside".into(),
        name: "Riverside Home Hospice".into(),
        country: "US".into(),
        time_zone: "America/New_York".into(),
        caller_number: "+12125550199".into(),
    };
    let operator = found_organization::found(app, new).await.unwrap();
    second_factors::set_policy(app, &operator, policy).await.unwrap();
    for (email, full_name, role) in [
        (EMAIL, "Maya Okafor", Role::Nurse),
        (ADMIN, "Ada Lind", Role::Admin),
        (COORDINATOR, "Clara Bell", Role::Coordinator),
    ] {
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
    operator
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

#[tokio::test]
async fn a_click_on_a_time_is_heard_from_there() {
    let stage = Stage::open(FactorPolicy::Offered).await;
    let call = stage.recorded_call().await;
    stage.tell("playback.mjs", &call.to_string()).await;
}

#[tokio::test]
async fn words_levels_and_voices_of_a_live_call_reach_the_browser() {
    let stage = Stage::open(FactorPolicy::Offered).await;
    let (call, talk) = stage.live_call().await;
    stage.tell("listen.mjs", &call.to_string()).await;
    talk.abort();
}
