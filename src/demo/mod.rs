//! `bin/demo`: a ward, a town of invented patients and a telephone between them, on this machine only. The private
//! PostgreSQL belongs to this process; the town and the product are children of it, run as an operator would run them.

mod again;
pub mod children;
pub mod narration;
pub mod nurse;
pub mod page;
pub mod seed;
pub mod simulate;
pub(crate) mod stage;
mod story;
mod town;
mod vault;

use crate::{
    app::App,
    config::{
        self, BROWSER_SIGNALLING, CarrierConfig, ClockConfig, Config, DatabaseConfig, KeysConfig, MailConfig,
        ModelConfig, ObjectsConfig, OutsideConfig, Settings, SpeechConfig,
    },
    domain::{
        call::{CallManner, CallPurpose},
        destination::Bounds,
        dialling::Dialling,
        ids::{CallId, PatientId},
        pace::Patience,
        private::Private,
    },
    error::Error,
    flows::{
        found_organization::operator_in,
        import_protocol,
        schedule_call::{self, NewCall, OnClash, Scheduled},
        verify_record,
    },
};
use chrono::TimeDelta;
use narration::Narrator;
use nurse::Mishap;
use stage::Stage;
use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};
use tokio::signal::unix::{SignalKind, signal};
use town::TownAt;
use vault::{Begin, Keys, ROSA, Vault};

/// The breathlessness protocol as it is shipped, by path within its folder.
pub const DYSPNEA: [(&str, &str); 6] = [
    ("protocol.yaml", include_str!("../../protocols/dyspnea/protocol.yaml")),
    ("guidance.md", include_str!("../../protocols/dyspnea/guidance.md")),
    ("scenarios.yaml", include_str!("../../protocols/dyspnea/scenarios.yaml")),
    ("changelog.md", include_str!("../../protocols/dyspnea/changelog.md")),
    ("i18n/en-US.yaml", include_str!("../../protocols/dyspnea/i18n/en-US.yaml")),
    ("i18n/es-US.yaml", include_str!("../../protocols/dyspnea/i18n/es-US.yaml")),
];

/// The shipped check-in, which a machine may ask by keys or by text.
const CHECK_IN: [(&str, &str); 6] = [
    ("protocol.yaml", include_str!("../../protocols/check-in-esas/protocol.yaml")),
    ("guidance.md", include_str!("../../protocols/check-in-esas/guidance.md")),
    ("scenarios.yaml", include_str!("../../protocols/check-in-esas/scenarios.yaml")),
    ("changelog.md", include_str!("../../protocols/check-in-esas/changelog.md")),
    ("i18n/en-US.yaml", include_str!("../../protocols/check-in-esas/i18n/en-US.yaml")),
    ("i18n/es-US.yaml", include_str!("../../protocols/check-in-esas/i18n/es-US.yaml")),
];

/// What can be said about the demo on the command line.
#[derive(Clone, clap::Args)]
pub struct DemoArgs {
    /// Play the nurse, narrate, and end.
    #[arg(long)]
    pub headless: bool,
    /// Begin anew instead of with what the last demo left.
    #[arg(long)]
    pub fresh: bool,
    /// Port of the ward on the loopback address; 0 takes a free one.
    #[arg(long)]
    pub port: Option<u16>,
}

/// Runs the demo; whatever happens, no child is left behind.
///
/// # Errors
/// With the step that failed and what to do next.
pub async fn run(settings: &Settings, args: &DemoArgs) -> Result<(), Mishap> {
    let narrator = Narrator::begin();
    let mut asked_to_stop = StopSignals::listen()?;
    let mut stage = Stage::default();
    let told = tokio::select! {
        told = play(&mut stage, settings, args, narrator) => told,
        () = asked_to_stop.heard() => {
            narrator.tell("Stopping.");
            if args.headless { Err(Mishap::of("the demo was stopped before its end")) } else { Ok(()) }
        }
    };
    stage.clear().await;
    told
}

/// Where everything is, once it runs.
struct Scene {
    narrator: Narrator,
    keys: Keys,
    vault: Vault,
    town: TownAt,
    origin: String,
}

async fn play(stage: &mut Stage, settings: &Settings, args: &DemoArgs, narrator: Narrator) -> Result<(), Mishap> {
    let scene = set_up(stage, settings, args, narrator).await?;
    if args.headless {
        let app = stage.app.as_ref().ok_or_else(|| Mishap::of("there is no ward"))?;
        let call = plan_call(app, &scene.vault, 2).await?;
        story::tell(stage, &scene, call).await?;
        verify(stage, &scene).await
    } else {
        stay(stage, &scene).await
    }
}

async fn set_up(stage: &mut Stage, settings: &Settings, args: &DemoArgs, narrator: Narrator) -> Result<Scene, Mishap> {
    config::check_names(&config::names_present()).map_err(|faults| Mishap::at_the_start(faults.to_string()))?;
    let begin = if args.fresh { Begin::Anew } else { Begin::Again };
    let vault = Vault::open(&folder(settings), begin)?;
    let keys = vault.keys(seed::logins().into_iter().map(|login| login.email))?;
    let listen = free_address(args.port.unwrap_or(if args.headless { 0 } else { 8080 }))?;
    let origin = format!("http://{listen}");

    let database = stage.open_database(&vault).await?;
    narrator.tell("A private PostgreSQL is running.");
    let town = stage.open_town(&vault, &keys).await?;
    town.settle_clock(&vault).await?;
    narrator.tell(format!("The town is open; its clock shows {}.", town.local_time().await?));

    let config = config(&vault, database, &keys, &town, &origin, listen);
    let app = stage.open_app(&config).await?;
    if app.db.organizations().await.map_err(|error| Mishap::of(error.to_string()))?.is_empty() {
        plant(&app, &vault, &keys).await?;
        narrator.tell("Two organizations with their people are seeded; the breathlessness protocol and the check-in are imported.");
    } else {
        again::free_lines(&app, &vault).await?;
        narrator.tell("The ward of the last demo is used again; --fresh begins anew.");
    }
    stage.open_ward(&config, &vault).await?;
    bring_texts(&app, &town, &origin).await?;
    narrator.tell(format!("The ward is open at {origin}"));
    Ok(Scene { narrator, keys, vault, town, origin })
}

/// Tells the town where texts to the organizations go, as their admins would tell their telephone company.
async fn bring_texts(app: &App, town: &TownAt, origin: &str) -> Result<(), Mishap> {
    let organizations = app.db.organizations().await.map_err(|error| Mishap::of(error.to_string()))?;
    for (org, code) in organizations {
        if let Some(number) = seed::own_number(&code) {
            let address = format!("{origin}/hooks/text/{org}/in");
            town.post("/town/numbers", &serde_json::json!({ "number": number, "text_url": address })).await?;
        }
    }
    Ok(())
}

async fn plant(app: &App, vault: &Vault, keys: &Keys) -> Result<(), Mishap> {
    let failed = |error: Error| Mishap::of(format!("the ward could not be set up: {error}; try --fresh"));
    let password = |login: &seed::Login| Private::new(keys.passwords.get(login.email).cloned().unwrap_or_default());
    let seeded = seed::seed(app, password).await.map_err(failed)?;
    for organization in &seeded {
        for package in [DYSPNEA, CHECK_IN] {
            let files = package.map(|(name, text)| (name.to_owned(), text.to_owned()));
            import_protocol::import(app, &organization.operator, files.into()).await.map_err(failed)?;
        }
    }
    let rosa = seeded.iter().find_map(|organization| organization.patients.get("Delgado"));
    vault.write(ROSA, &rosa)
}

/// Plans Rosa's call so many seconds from now.
async fn plan_call(app: &App, vault: &Vault, seconds: i64) -> Result<CallId, Mishap> {
    let failed = |error: Error| Mishap::of(format!("Rosa's call could not be planned: {error}"));
    let operator = operator_in(app, "riverside").await.map_err(failed)?;
    let rosa: PatientId = vault.read(ROSA).ok_or_else(|| Mishap::of("Rosa is not in the ward; try --fresh"))?;
    let due_at = app.clock.now() + TimeDelta::seconds(seconds);
    let new = NewCall {
        patient: rosa,
        purpose: CallPurpose::CheckIn,
        manner: CallManner::Nurse,
        protocol: "dyspnea".to_owned(),
        nurse: None,
        due_at,
        idem_key: format!("demo:{due_at}"),
        clashes: OnClash::Accept,
    };
    match schedule_call::schedule(app, &operator, new).await.map_err(failed)? {
        Scheduled::Planned(id) => Ok(id),
        Scheduled::Clashes(_) => Err(Mishap::of("Rosa has another call at that time; try --fresh")),
    }
}

/// Verifies both organizations' chains through the demo's own connection, after the ward has stopped.
async fn verify(stage: &mut Stage, scene: &Scene) -> Result<(), Mishap> {
    stage.close_ward().await;
    let Some(app) = &stage.app else { return Err(Mishap::of("there is nothing to verify")) };
    let failed = |error: Error| Mishap::of(format!("the record could not be verified: {error}"));
    for (_, code) in app.db.organizations().await.map_err(failed)? {
        let operator = operator_in(app, &code).await.map_err(failed)?;
        let report = verify_record::verify(app, &operator).await.map_err(failed)?;
        if let Some(fault) = &report.fault {
            return Err(Mishap::of(format!("audit verify: FAILED (org {code}: {fault})")));
        }
        scene
            .narrator
            .tell(format!("The record of {code} holds: {} entries, each chained to the one before.", report.entries));
    }
    scene.narrator.plain("audit verify: ok");
    Ok(())
}

/// Prints what a person needs and stays until something ends.
async fn stay(stage: &mut Stage, scene: &Scene) -> Result<(), Mishap> {
    if let Some(app) = &stage.app {
        plan_call(app, &scene.vault, 90).await?;
        print_invitation(scene);
    }
    Err(stage.one_has_ended().await)
}

fn print_invitation(scene: &Scene) {
    let narrator = scene.narrator;
    narrator.plain(format!("\n  Open {} and sign in:\n", scene.origin));
    for login in seed::logins() {
        let password = scene.keys.passwords.get(login.email).map_or("", String::as_str);
        narrator.plain(format!(
            "    {:<10} {:<12} {:<14} {:<26} {password}",
            login.organization,
            login.role.word(),
            login.full_name,
            login.email
        ));
    }
    narrator.plain(
        "\n  In 90 seconds Rosa Delgado's call falls due: her telephone rings in the simulated town, she proves who she is\n  \
         by keypad, nurse Maya's telephone rings, and their words appear on the call's page. Sign in as Maya to see it;\n  \
         for the next one plan a call from a patient's page, or press \"Ring now\".",
    );
    narrator.plain(format!(
        "  Everybody here is invented, nothing leaves this machine. Data and logs: {}\n  Ctrl-C stops everything.\n",
        scene.vault.path("").display()
    ));
}

fn folder(settings: &Settings) -> PathBuf {
    // The default is the product's own folder; the demo lives in a room of it.
    if settings.data == ".data" { PathBuf::from(".data/demo") } else { PathBuf::from(&settings.data) }
}

fn free_address(port: u16) -> Result<SocketAddr, Mishap> {
    TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr()).map_err(|fault| {
        Mishap::at_the_start(format!("port {port} on 127.0.0.1 cannot be used: {fault}; choose another with --port"))
    })
}

fn config(
    vault: &Vault,
    database: DatabaseConfig,
    keys: &Keys,
    town: &TownAt,
    origin: &str,
    listen: SocketAddr,
) -> Config {
    Config {
        listen,
        public_url: origin.to_owned(),
        database,
        carrier: CarrierConfig {
            api_url: town.url(""),
            account_sid: keys.account_sid.clone(),
            auth_token: Private::new(keys.auth_token.clone()),
            other_auth_token: Private::default(),
        },
        model: ModelConfig::Server {
            url: town.url("/v1"),
            key: Private::new(keys.model_key.clone()),
            chat: "town-guide-1".to_owned(),
            embedding: "town-stems-256".to_owned(),
        },
        speech: SpeechConfig::offline(),
        clock: ClockConfig::Town(town.url("")),
        outside: OutsideConfig {
            keys: KeysConfig::Text(Private::new(keys.sealing.clone())),
            objects: ObjectsConfig::Folder(vault.path("objects")),
            witness: ObjectsConfig::Folder(vault.path("witness")),
            mail: MailConfig::Spool { folder: vault.path("mail"), from: "Careline <careline@localhost>".to_owned() },
        },
        call_code_key: Private::new(keys.call_code_key.clone().into_bytes()),
        ring_seconds: 30,
        browser_signalling: BROWSER_SIGNALLING.to_owned(),
        dialling: Dialling::default(),
        trusted_proxies: 0,
        bounds: Bounds { towns: vec![town.url("")], ..Bounds::default() },
        patience: Patience(1),
    }
}

/// Ctrl-C and a polite kill.
struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn listen() -> Result<Self, Mishap> {
        let failed = |fault: std::io::Error| Mishap::of(format!("signals cannot be heard: {fault}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    async fn heard(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
