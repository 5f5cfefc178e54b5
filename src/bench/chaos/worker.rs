//! One process of a run: it works the jobs as the product does, with time hastened, and dies where it is told to. Only here
//! are failpoints armed.

use super::{clock::HastenedClock, retry};
use crate::{
    adapters::twilio::{Twilio, TwilioSettings, Within},
    app::App,
    bench::Broken,
    boot,
    config::{
        BROWSER_SIGNALLING, CarrierConfig, ClockConfig, Config, DatabaseConfig, KeysConfig, MailConfig, ModelConfig,
        ObjectsConfig, OutsideConfig, SpeechConfig,
    },
    domain::{
        destination::Bounds,
        dialling::{Dialling, Rate, Timings},
        pace::{Allowance, Patience},
        private::Private,
    },
    failpoint::FailPoint,
    jobs, web,
};
use chrono::{DateTime, Utc};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use std::{
    io::{BufRead, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Works the jobs.
    Work,
    /// Works the jobs and does the periodic work.
    WorkAndSweep,
    /// Serves the carrier's webhooks.
    Serve,
    /// The control: a plain queue that tries again until it is told that it worked.
    Retry,
}

/// Everything a process is told, on its standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Orders {
    /// What it does.
    pub duty: Duty,
    /// Where the database is; its password is inside.
    pub database_url: String,
    /// The text of the key file.
    pub keys: String,
    /// Files, letters and checkpoints go here.
    pub folder: PathBuf,
    /// The town.
    pub town_url: String,
    /// The town's account.
    pub account: String,
    /// Its token.
    pub token: String,
    /// Where webhooks are served.
    pub public_url: String,
    /// When hastened time began, and how fast it goes.
    pub began: DateTime<Utc>,
    /// Times as fast as real time.
    pub pace: u32,
    /// Real milliseconds between two looks for surplus rings.
    pub tail_sweep_milliseconds: u64,
    /// Where its choices begin.
    pub seed: u64,
    /// Points at which it dies, each with its odds.
    pub odds: Vec<(String, f64)>,
}

/// Bounds of a run: the usual ones, divided by about sixty, with room for a machine that does many things at once.
#[must_use]
pub const fn hastened(tail_sweep_milliseconds: u64) -> Dialling {
    let quick = Allowance { burst: 1_000, per_hour: 36_000_000 };
    Dialling {
        timings: Timings {
            intent_lease: Duration::from_millis(1_000),
            dial_lease: Duration::from_millis(1_500),
            fence: Duration::from_millis(300),
            connect_within: Duration::from_millis(200),
            reply_within: Duration::from_millis(400),
            job_lease: Duration::from_millis(1_500),
            look_every: Duration::from_millis(30),
            lease_sweep_every: Duration::from_millis(250),
            tail_sweep_every: Duration::from_millis(tail_sweep_milliseconds),
            wide_sweep_every: Duration::from_secs(60),
            missed_every: Duration::from_secs(1),
        },
        rate: Rate { of_number: quick, of_organization: quick },
    }
}

/// Connections of one process: ten of them share a small server.
const CONNECTIONS: u32 = 6;

/// Reads the orders and carries them out until it dies or standard input closes.
///
/// # Errors
/// When the orders cannot be read or something does not start.
pub async fn run() -> Result<String, Broken> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Broken::of)?;
    let orders: Orders = serde_json::from_str(&line).map_err(Broken::of)?;
    let stop = CancellationToken::new();
    let ending = stop.clone();
    std::thread::spawn(move || {
        // Standard input is held open by whoever started this; its end is ours.
        let mut rest = String::new();
        let _end = std::io::stdin().lock().read_line(&mut rest);
        ending.cancel();
    });
    let app = Arc::new(app(&orders).await?);
    let _armed = arm(&orders)?;
    match orders.duty {
        Duty::Work => jobs::runner::run(Arc::clone(&app), stop).await,
        Duty::WorkAndSweep => {
            tokio::join!(jobs::runner::run(Arc::clone(&app), stop.clone()), jobs::calendar::run(app, stop));
        }
        Duty::Serve => {
            let address = orders.public_url.trim_start_matches("http://");
            let listener = TcpListener::bind(address).await.map_err(Broken::of)?;
            web::serve(app, listener, stop.cancelled_owned()).await.map_err(Broken::of)?;
        }
        Duty::Retry => retry::run(&app, &stop).await,
    }
    Ok(String::new())
}

/// Arms the points; the scenario must live as long as they are to be armed.
fn arm(orders: &Orders) -> Result<fail::FailScenario<'static>, Broken> {
    let scenario = fail::FailScenario::setup();
    let dice = Arc::new(Mutex::new(StdRng::seed_from_u64(orders.seed)));
    for (name, odds) in &orders.odds {
        let point = FailPoint::from_name(name).ok_or_else(|| Broken(format!("there is no point {name}")))?;
        let (dice, odds) = (Arc::clone(&dice), odds.clamp(0.0, 1.0));
        fail::cfg_callback(point.name(), move || {
            let dies = dice.lock().unwrap_or_else(PoisonError::into_inner).random_bool(odds);
            if dies {
                die(point);
            }
        })
        .map_err(Broken)?;
    }
    Ok(scenario)
}

/// Says where, and is killed: nothing is closed, nothing is undone.
fn die(point: FailPoint) {
    let mut out = std::io::stdout().lock();
    let _said = writeln!(out, "died {}", point.name());
    let _flushed = out.flush();
    let _killed = kill(Pid::this(), Signal::SIGKILL);
}

/// The application as the product wires it, over the run's database and town.
///
/// # Errors
/// When something of it does not start.
pub async fn app(orders: &Orders) -> Result<App, Broken> {
    let config = config(orders)?;
    let database = boot::database(&config.database).await.map_err(Broken::of)?;
    let app = boot::app(&config, &database).await.map_err(Broken::of)?;
    let mut app = Arc::into_inner(app).ok_or_else(|| Broken::of("the application is held by somebody else"))?;
    app.db.close().await;
    app.db = crate::store::Db::open(&orders.database_url, CONNECTIONS, Arc::new(app.vault.clone()))
        .await
        .map_err(Broken::of)?;
    app.clock = Arc::new(HastenedClock { began: orders.began, pace: orders.pace });
    let timings = config.dialling.timings;
    let within = Within { connect: timings.connect_within, reply: timings.reply_within };
    let account = TwilioSettings {
        api_base: orders.town_url.clone(),
        account_sid: orders.account.clone(),
        auth_token: Private::new(orders.token.clone()),
        other_auth_token: Private::default(),
        public_url: orders.public_url.clone(),
    };
    app.phone = Arc::new(Twilio::within(account, within).map_err(Broken::of)?);
    Ok(app)
}

fn config(orders: &Orders) -> Result<Config, Broken> {
    let address = orders.public_url.trim_start_matches("http://");
    Ok(Config {
        listen: address.parse().map_err(Broken::of)?,
        public_url: orders.public_url.clone(),
        database: DatabaseConfig::Given {
            url: Private::new(orders.database_url.clone()),
            owner_url: Private::new(orders.database_url.clone()),
        },
        carrier: CarrierConfig {
            api_url: orders.town_url.clone(),
            account_sid: orders.account.clone(),
            auth_token: Private::new(orders.token.clone()),
            other_auth_token: Private::default(),
        },
        model: ModelConfig::Extractive,
        speech: SpeechConfig::offline(),
        clock: ClockConfig::Machine,
        outside: OutsideConfig {
            keys: KeysConfig::Text(Private::new(orders.keys.clone())),
            objects: ObjectsConfig::Folder(orders.folder.join("objects")),
            witness: ObjectsConfig::Folder(orders.folder.join("witness")),
            mail: MailConfig::Spool {
                folder: orders.folder.join("mail"),
                from: "Careline <careline@localhost>".to_owned(),
            },
        },
        call_code_key: Private::new(vec![7; 32]),
        ring_seconds: 120,
        browser_signalling: BROWSER_SIGNALLING.to_owned(),
        dialling: hastened(orders.tail_sweep_milliseconds),
        trusted_proxies: 0,
        bounds: Bounds::default(),
        patience: Patience(10_000),
    })
}
