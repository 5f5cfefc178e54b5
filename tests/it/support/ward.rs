//! A whole ward for one story: a leased database, a town in process, and the product served on a port of its own with
//! its job runner. Everything between them goes over loopback by the providers' wires.

use super::{
    database::Database,
    listening,
    recorder::{self, Lines},
    wiring::{self, Line},
};
use careline::{
    adapters::openai::{OpenAi, Settings as ModelSettings},
    app::{App, Guide},
    demo::{
        nurse::Nurse,
        page::Page,
        seed::{SeededOrganization, seed},
    },
    domain::{ids::CallId, private::Private},
    jobs,
    ports::clock::Clock,
    simulator::{Town, TownSettings, carrier::CallSeen, clock::VirtualClock, people::TownPlan},
    web,
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Every login of a story has it.
pub const PASSWORD: &str = "tulips under the window";
/// Words of `tests/it/canaries.txt` in every field of a patient that no story reads for itself.
const MARKED: [&str; 3] = [
    "update patient set allergies = allergies || ' zqallergy', medications = medications || ' zqmedicine'",
    "update contact set relation = relation || ' zqrelation'",
    "update consent set evidence = evidence || ' zqevidence'",
];
/// Longest wait for anything that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The ward of one story.
pub struct Ward {
    /// The simulated town.
    pub town: Town,
    /// What time it is for town and product.
    pub clock: Arc<VirtualClock>,
    /// Riverside and Lakeside.
    pub organizations: Vec<SeededOrganization>,
    /// Where the product is served.
    pub origin: String,
    server: Option<Server>,
    database: Arc<Database>,
    listener: std::net::TcpListener,
    watch: Option<Watch>,
}

/// Who listens to everything a ward says and sends.
#[derive(Clone, Default)]
pub struct Watch {
    /// What it says about itself.
    pub said: Lines,
    /// What it sends to the town.
    pub sent: Lines,
}

/// The product in a runtime of its own, so that ending it ends every task and socket at once, as a crash does.
struct Server {
    _app: Arc<App>,
    runtime: Option<Runtime>,
    stop: CancellationToken,
    cut: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

/// A process of the product that was told to end.
pub struct Leaving(Server);

impl Leaving {
    /// Its patience is over.
    pub fn cut(&self) {
        self.0.cut.cancel();
    }

    /// Waits until it has written everything and is gone.
    pub async fn ended(mut self) {
        let serving = self.0.serving.take().expect("it serves");
        tokio::time::timeout(PATIENCE, serving).await.expect("it ends").unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        for call in self.town.carrier().calls() {
            call.spoken.iter().for_each(|words| listening::keep("spoken", words));
        }
        self.town.model().report().prompts.iter().for_each(|prompt| listening::keep("prompt", prompt));
    }
}

impl Ward {
    /// Opens it at ten in the morning of a Tuesday in New York.
    pub async fn open() -> Self {
        Self::open_at("2026-11-17T15:00:00Z".parse().unwrap()).await
    }

    /// Opens it with somebody listening.
    pub async fn open_watched(watch: Watch) -> Self {
        Self::open_with("2026-11-17T15:00:00Z".parse().unwrap(), Some(watch)).await
    }

    /// Opens it at an instant.
    pub async fn open_at(instant: DateTime<Utc>) -> Self {
        Self::open_with(instant, None).await
    }

    async fn open_with(instant: DateTime<Utc>, watch: Option<Watch>) -> Self {
        let database = Arc::new(Database::lease().await);
        let clock = Arc::new(VirtualClock::starting_at(instant));
        let plan = std::fs::read_to_string(root().join("evals/calls/first-call.yaml")).unwrap();
        let town = Town::start(TownSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            plan: TownPlan::read(&plan).unwrap(),
            account_sid: "ACtown".to_owned(),
            auth_token: "town-auth-token".to_owned(),
            model_key: "town-model-key".to_owned(),
            clock: Arc::clone(&clock),
        })
        .await
        .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let mut ward = Self { town, clock, organizations: Vec::new(), origin, server: None, database, listener, watch };
        ward.start_server().await;
        let app = Arc::clone(&ward.server.as_ref().unwrap()._app);
        ward.organizations = seed(&app, |_| Private::new(PASSWORD.to_owned())).await.unwrap();
        for marked in MARKED {
            ward.change(marked).await;
        }
        for organization in &ward.organizations {
            careline::flows::import_protocol::import(&app, &organization.operator, dyspnea()).await.unwrap();
        }
        ward
    }

    /// Starts the product on its port.
    pub async fn start_server(&mut self) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2).enable_all();
        let mut town = self.town.base_url();
        if let Some(watch) = &self.watch {
            let subscriber = recorder::subscriber(&watch.said);
            // Every thread of the product, until it ends.
            runtime.on_thread_start(move || std::mem::forget(tracing::dispatcher::set_default(&subscriber)));
            town = recorder::proxy(town, watch.sent.clone()).await;
        }
        let runtime = runtime.build().unwrap();
        let listener = self.listener.try_clone().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (origin, clock) = (self.origin.clone(), Arc::clone(&self.clock));
        let database = Arc::clone(&self.database);
        let starting = runtime.spawn(async move {
            let app = Arc::new(wire(&database, &origin, &town, clock).await);
            let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
            let listener = TcpListener::from_std(listener).unwrap();
            let serving = web::serve_and_drain(Arc::clone(&app), listener, stop.clone(), cut.clone());
            let serving = tokio::spawn(async move { serving.await.unwrap() });
            tokio::spawn(jobs::runner::run(Arc::clone(&app), stop.clone()));
            tokio::spawn(jobs::calendar::run(Arc::clone(&app), stop.clone()));
            (app, stop, cut, Some(serving))
        });
        let (app, stop, cut, serving) = starting.await.unwrap();
        self.server = Some(Server { _app: app, runtime: Some(runtime), stop, cut, serving });
    }

    /// Starts another process of the product on the same port and tells the one that served so far to end, as a deploy does.
    pub async fn replace_server(&mut self) -> Leaving {
        let old = self.server.take().expect("the server runs");
        self.start_server().await;
        old.stop.cancel();
        Leaving(old)
    }

    /// Ends the product as a crash would: nothing is closed, nothing is said.
    pub fn kill_server(&mut self) {
        drop(self.server.take().expect("the server runs"));
    }

    /// The product itself, for doors that no browser has.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.server.as_ref().expect("the server runs")._app)
    }

    /// Another process of the product over the same database and line, that serves nobody and runs no job.
    pub async fn another_app(&self) -> App {
        wire(&self.database, &self.origin, &self.town.base_url(), Arc::clone(&self.clock)).await
    }

    /// The folder of its files, letters and checkpoints.
    pub fn folder(&self) -> &Path {
        self.database.folder()
    }

    /// A superuser's connection: to look at what no screen shows, and to tamper.
    pub async fn superuser(&self) -> PgConnection {
        self.database.superuser().await
    }

    /// Somebody at a browser, signed in.
    pub async fn sign_in(&self, email: &str) -> Nurse {
        let browser = Nurse::at(&self.origin).unwrap();
        let organization = if email.contains("lakeside") { "lakeside" } else { "riverside" };
        browser.sign_in(organization, email, PASSWORD).await.unwrap();
        browser
    }

    /// The address of a patient's chart, by family name.
    pub fn chart(&self, family_name: &str) -> String {
        let patient = self.organizations.iter().find_map(|place| place.patients.get(family_name)).unwrap();
        format!("/patients/{patient}")
    }

    /// Rings a patient now, from the nurse's browser; returns the call's address.
    pub async fn ring_now(&self, browser: &Nurse, family_name: &str) -> String {
        self.plan(browser, family_name, &[("when", "now")]).await
    }

    /// Rings a patient now for one nurse.
    pub async fn ring_now_with(&self, browser: &Nurse, family_name: &str, nurse: &str) -> String {
        let nurse = self.organizations.iter().find_map(|place| place.staff.get(nurse)).unwrap().to_string();
        self.plan(browser, family_name, &[("when", "now"), ("nurse", &nurse)]).await
    }

    /// Plans a call some time from now, on New York's clock.
    pub async fn plan_in(&self, browser: &Nurse, family_name: &str, after: chrono::Duration) -> String {
        let due = (self.clock.now() + after).with_timezone(&chrono_tz::America::New_York);
        let due = due.format("%Y-%m-%dT%H:%M").to_string();
        self.plan(browser, family_name, &[("when", "planned"), ("due", &due)]).await
    }

    /// Has the automatic voice ring a patient now.
    pub async fn check_in_now(&self, browser: &Nurse, family_name: &str) -> String {
        let asked = [("when", "now"), ("manner", "keypad"), ("protocol", "check-in-esas")];
        self.plan(browser, family_name, &asked).await
    }

    /// Plans a check-in some time from now, on New York's clock.
    pub async fn check_in_in(&self, browser: &Nurse, family_name: &str, after: chrono::Duration) -> String {
        let due = (self.clock.now() + after).with_timezone(&chrono_tz::America::New_York);
        let due = due.format("%Y-%m-%dT%H:%M").to_string();
        let asked = [("when", "planned"), ("due", due.as_str()), ("manner", "keypad"), ("protocol", "check-in-esas")];
        self.plan(browser, family_name, &asked).await
    }

    /// Has automated texts ask a patient now.
    pub async fn check_in_by_text_now(&self, browser: &Nurse, family_name: &str) -> String {
        let asked = [("when", "now"), ("manner", "reply_text"), ("protocol", "check-in-esas")];
        self.plan(browser, family_name, &asked).await
    }

    async fn plan(&self, browser: &Nurse, family_name: &str, filled: &[(&str, &str)]) -> String {
        let page = browser.open(&format!("{}/calls/new", self.chart(family_name))).await.unwrap();
        let mut form = page.form("/calls/new").unwrap_or_else(|| panic!("no planning form on:\n{}", page.html));
        for (name, value) in filled {
            form = form.with(name, value);
        }
        // Whoever plans here has looked at the day and knows what else is in it.
        let field = |name: &str| form.fields.iter().rfind(|(own, _)| own == name).map_or("", |(_, value)| value);
        let seen = format!("{} {}", field("due"), field("nurse"));
        let form = form.with("accept", &seen);
        let sent = browser.send(&page, &form).await.unwrap();
        assert!(sent.at.starts_with("/calls/"), "planning led to {}:\n{}", sent.at, sent.text());
        sent.at
    }

    /// Lets business time pass.
    pub async fn let_pass(&self, time: Duration) {
        self.clock.advance(time);
        self.settle().await;
    }

    /// Lets the runner look at the queue twice, so that whatever fell due has begun, and waits until no job runs.
    pub async fn settle(&self) {
        tokio::time::sleep(Duration::from_millis(350)).await;
        let now = self.clock.now().to_rfc3339();
        self.until_database(
            "the queue to be idle",
            &format!(
                "not exists (select from job where state = 'running' or (state = 'queued' and run_at <= '{now}'))"
            ),
        )
        .await;
    }

    /// Waits until the call of an address is in a state.
    pub async fn until_state(&self, address: &str, state: &str) {
        let call = call_of(address);
        self.until_database(
            &format!("the call to be {state}"),
            &format!("exists (select from call where id = '{call}' and state = '{state}')"),
        )
        .await;
    }

    /// Waits until words of a speaker are in the record of a call.
    pub async fn until_heard(&self, address: &str, speaker: &str, words: &str) {
        let call = call_of(address);
        self.until_database(
            &format!("{speaker} to be heard saying {words:?}"),
            &format!(
                "exists (select from utterance where call_id = '{call}' and speaker = '{speaker}' and text like '%{words}%')"
            ),
        )
        .await;
    }

    /// Waits until somebody has said something in a conference of the carrier, heard by us or not.
    pub async fn until_said(&self, words: &str) {
        self.eventually(&format!("somebody to say {words:?}"), async || {
            self.town.carrier().conferences().iter().any(|seen| seen.said.iter().any(|(_, said)| said == words))
        })
        .await;
    }

    /// Waits until an attempt of a call is in a state.
    pub async fn until_attempt(&self, address: &str, state: &str) {
        let call = call_of(address);
        let so = format!("exists (select from attempt where call_id = '{call}' and state = '{state}')");
        self.until_database(&format!("the attempt to be {state}"), &so).await;
    }

    /// Waits until a follow-up for a reason is owed after a call, with an owner and a clock.
    pub async fn until_follow_up(&self, address: &str, reason: &str) {
        let call = call_of(address);
        self.until_database(
            &format!("a follow-up for {reason}"),
            &format!(
                "exists (select from follow_up f join staff_member s on s.id = f.owner_id
                          where f.call_id = '{call}' and f.reason = '{reason}' and f.due_at > f.created_at)"
            ),
        )
        .await;
    }

    /// Withdraws every consent for a purpose, as a newer fact.
    pub async fn withdraw_consents(&self, purpose: &str) {
        let at = self.clock.now().to_rfc3339();
        self.change(&format!(
            "insert into consent (org_id, id, patient_id, contact_id, purpose, channel, given, evidence, at)
             select org_id, gen_random_uuid(), patient_id, contact_id, purpose, channel, false, 'withdrawn', '{at}'
               from consent where purpose = '{purpose}'"
        ))
        .await;
    }

    /// Takes nurses off duty.
    pub async fn off_duty(&self, emails: &[&str]) {
        for email in emails {
            self.change(&format!("update staff_member set on_duty = false where email = '{email}'")).await;
        }
    }

    /// Changes where a patient stands.
    pub async fn patient_status(&self, family_name: &str, status: &str) {
        self.change(&format!("update patient set status = '{status}' where family_name = '{family_name}'")).await;
    }

    /// Makes every organization try once only.
    pub async fn only_one_attempt(&self) {
        self.change(
            "insert into retry_rule (org_id, purpose, outcome, most_tries, first_pause_minutes, later_pause_minutes)
             select org_id, 'any', outcome, 1, 15, 15
               from organization, unnest(array['busy', 'no_answer', 'failed', 'no_keys', 'hung_up', 'voicemail']) outcome",
        )
        .await;
    }

    /// Makes the carrier misbehave, in the words of `POST /town/faults`.
    pub async fn misbehave(&self, wanted: &str) {
        self.tell_town("faults", wanted).await;
    }

    /// Makes the model server misbehave, in the words of `POST /town/model`.
    pub async fn model(&self, wanted: &str) {
        self.tell_town("model", wanted).await;
    }

    async fn tell_town(&self, what: &str, wanted: &str) {
        let reply = reqwest::Client::new()
            .post(format!("{}/town/{what}", self.town.base_url()))
            .header("content-type", "application/json")
            .body(wanted.to_owned())
            .send()
            .await
            .unwrap();
        assert!(reply.status().is_success(), "{}", reply.text().await.unwrap());
    }

    /// The organization and first attempt of a call, as the carrier's addresses name them.
    pub async fn attempt_of(&self, address: &str) -> (String, String) {
        let call = call_of(address);
        sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select org_id::text, id::text from attempt where call_id = '{call}' order by created_at limit 1"
        )))
        .fetch_one(&mut self.superuser().await)
        .await
        .unwrap()
    }

    /// Changes rows behind the product's back.
    pub async fn change(&self, statement: &str) {
        let mut connection = self.superuser().await;
        loop {
            match sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await {
                // The product goes on working meanwhile; whoever PostgreSQL picks in a deadlock comes again.
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("40P01") => {}
                done => return assert!(done.is_ok(), "{done:?}"),
            }
        }
    }

    /// Waits until the call page says something; fails with what it says instead.
    pub async fn until_page(&self, browser: &Nurse, address: &str, what: &str, says: impl Fn(&Page) -> bool) -> Page {
        let until = Instant::now() + PATIENCE;
        loop {
            let page = browser.open(address).await.unwrap();
            if says(&page) {
                return page;
            }
            assert!(
                Instant::now() < until,
                "waited for {what}; {address} says:\n{}\n\nthe carrier saw:\n{:#?}",
                page.text(),
                self.town.carrier().calls()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the carrier has seen something.
    pub async fn until_carrier<T>(&self, what: &str, look: impl Fn(&[CallSeen]) -> Option<T>) -> T {
        match tokio::time::timeout(PATIENCE, self.town.carrier().until(look)).await {
            Ok(seen) => seen,
            Err(_) => panic!("waited for {what}; the carrier saw:\n{:#?}", self.town.carrier().calls()),
        }
    }

    /// Waits until a statement about the database is true; `$1` is the call, when one is given.
    pub async fn until_database(&self, what: &str, statement: &str) {
        let mut connection = self.superuser().await;
        self.eventually(what, async || {
            sqlx::query_scalar::<_, bool>(sqlx::AssertSqlSafe(format!("select {statement}")))
                .fetch_one(&mut connection)
                .await
                .unwrap()
        })
        .await;
    }

    /// Waits until something is true.
    pub async fn eventually(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so().await {
            assert!(Instant::now() < until, "waited for {what}; the carrier saw:\n{:#?}", self.town.carrier().calls());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The production adapters against the town, as `boot` wires them.
async fn wire(database: &Database, origin: &str, town: &str, clock: Arc<VirtualClock>) -> App {
    let model = Arc::new(
        OpenAi::new(ModelSettings {
            base_url: format!("{town}/v1"),
            key: "town-model-key".to_owned(),
            chat_model: "town-guide-1".to_owned(),
            embedding_model: "town-stems-256".to_owned(),
        })
        .unwrap(),
    );
    let line = Line { api: town, account: "ACtown", token: "town-auth-token", origin };
    let guide = Guide::Generated { llm: Arc::clone(&model) as _, embeddings: model };
    App { guide, ..wiring::app(database, 12, clock, &line).await }
}

/// The call of an address such as `/calls/{id}`.
pub fn call_of(address: &str) -> CallId {
    address.trim_start_matches("/calls/").split(['/', '?', '#']).next().unwrap().parse().unwrap()
}

/// The shipped protocol, as files.
pub fn dyspnea() -> BTreeMap<String, String> {
    let folder = root().join("protocols/dyspnea");
    let mut files = BTreeMap::new();
    read_into(&folder, &folder, &mut files);
    files
}

fn read_into(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_into(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
