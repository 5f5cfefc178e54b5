//! The ground of the benches of the telephone: a database of its own, a town in this process, and the product between
//! them, here or as a child that can be killed.

use super::{Broken, ground::Ground};
use crate::{
    adapters::{key_file::KeyFile, private_postgres::Durability},
    app::App,
    boot,
    config::{CarrierConfig, ClockConfig, Config, DatabaseConfig},
    demo::stage,
    domain::{pace::Patience, private::Private},
    simulator::{Town, TownSettings, clock::VirtualClock, people::TownPlan},
    web,
};
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    process::{Child, ChildStdin, Command},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use url::Url;

/// What the town asks of whoever wants its models or engines.
pub const MODEL_KEY: &str = "nobody-asks";
/// How long a child may take until it answers.
const TO_ANSWER: Duration = Duration::from_secs(60);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// A database, a town, and settings of the product between them.
pub struct TownGround {
    /// The town.
    pub town: Town,
    /// What the product is started with.
    pub config: Config,
    /// The program whose `serve` is the product.
    pub program: PathBuf,
    ground: Ground,
    clock: Arc<VirtualClock>,
}

impl TownGround {
    /// Opens one at ten in the morning of a Tuesday in New York, with these people in town.
    ///
    /// # Errors
    /// When PostgreSQL or the town cannot be started here.
    pub async fn open(program: PathBuf, plan: TownPlan) -> Result<Self, Broken> {
        Self::open_at(program, plan, "2026-11-17T15:00:00Z".parse().map_err(Broken::of)?).await
    }

    /// Opens one at an instant.
    ///
    /// # Errors
    /// As `open`.
    pub async fn open_at(program: PathBuf, plan: TownPlan, instant: DateTime<Utc>) -> Result<Self, Broken> {
        let ground = Ground::open(Durability::Forgone).await?;
        let (account_sid, auth_token) = ("ACbench".to_owned(), hex::encode(rand::random::<[u8; 16]>()));
        let clock = Arc::new(VirtualClock::starting_at(instant));
        let town = Town::start(TownSettings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            plan,
            account_sid: account_sid.clone(),
            auth_token: auth_token.clone(),
            model_key: MODEL_KEY.to_owned(),
            clock: Arc::clone(&clock),
        })
        .await
        .map_err(Broken::of)?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.and_then(|free| free.local_addr());
        let mut config = ground.config(&KeyFile::fresh(), free.map_err(Broken::of)?);
        config.carrier = CarrierConfig {
            api_url: town.base_url(),
            account_sid,
            auth_token: Private::new(auth_token),
            other_auth_token: Private::default(),
        };
        config.clock = ClockConfig::Town(town.base_url());
        config.bounds.towns = vec![town.base_url()];
        config.call_code_key = Private::new(hex::encode(rand::random::<[u8; 32]>()).into_bytes());
        // What a flood is answered is another bench's matter; here it would hide what a message does.
        config.patience = Patience(1_000_000);
        Ok(Self { town, config, program, ground, clock })
    }

    /// What time it is for town and product.
    #[must_use]
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// The clock itself, for a product in this process that is to have the same one.
    #[must_use]
    pub fn shared_clock(&self) -> Arc<VirtualClock> {
        Arc::clone(&self.clock)
    }

    /// The origin under which the product is reached.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.config.public_url
    }

    /// From now on the product reaches its database by the socket.
    pub fn go_by_socket(&mut self) {
        let cluster = self.ground.cluster();
        self.config.database = DatabaseConfig::Given { url: cluster.app_socket_url(), owner_url: cluster.owner_url() };
    }

    /// The product, wired; nothing of it is served or worked yet.
    ///
    /// # Errors
    /// When something of it does not start.
    pub async fn app(&self) -> Result<App, Broken> {
        self.app_over(boot::CONNECTIONS).await
    }

    /// The same over so many connections.
    ///
    /// # Errors
    /// As `app`.
    pub async fn app_over(&self, connections: u32) -> Result<App, Broken> {
        let database = boot::database(&self.config.database).await.map_err(Broken::of)?;
        let app = boot::app_over(&self.config, &database, connections).await.map_err(Broken::of)?;
        Arc::into_inner(app).ok_or_else(|| Broken::of("the application is held by somebody else"))
    }

    /// Serves an application in this process.
    ///
    /// # Errors
    /// When its address is taken.
    pub async fn serve(&self, app: Arc<App>) -> Result<Served, Broken> {
        let listener = TcpListener::bind(self.config.listen).await.map_err(Broken::of)?;
        let stop = CancellationToken::new();
        let serving = web::serve(app, listener, stop.clone().cancelled_owned());
        let task = tokio::spawn(async move {
            // What goes wrong here is seen by whoever asks.
            let _ended = serving.await;
        });
        Ok(Served { stop, task })
    }

    /// Starts the product as a child and waits until it answers.
    ///
    /// # Errors
    /// With the last lines of its log when it does not.
    pub async fn start(&self, arguments: &[&str]) -> Result<Running, Broken> {
        let log = self.ground.folder().join("product.log");
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(Broken::of)?;
        let mut child = Command::new(&self.program)
            .args(["serve", "--tethered"])
            .args(arguments)
            .env_clear()
            .envs(stage::settings(&self.config))
            .stdin(Stdio::piped())
            .stdout(output.try_clone().map_err(Broken::of)?)
            .stderr(output)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Broken::of)?;
        let tether = child.stdin.take();
        let mut running = Running { child, _tether: tether };
        running.answers(&format!("{}/health/ready", self.origin()), &log).await?;
        Ok(running)
    }

    /// A superuser's connection: to count what no organization may see, and to tamper.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn superuser(&self) -> Result<PgConnection, Broken> {
        let mut url = Url::parse(self.ground.cluster().superuser_url().reveal()).map_err(Broken::of)?;
        url.set_path("careline");
        PgConnection::connect(url.as_str()).await.map_err(Broken::of)
    }

    /// Closes the town and removes the database.
    pub async fn leave(self) {
        self.town.stop();
        self.ground.leave().await;
    }
}

/// The product served in this process.
pub struct Served {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Served {
    /// Ends it, so that its address is free.
    pub async fn end(self) {
        self.stop.cancel();
        let _ended = self.task.await;
    }
}

/// The product as a child.
pub struct Running {
    child: Child,
    /// The child leaves when this closes, however we end.
    _tether: Option<ChildStdin>,
}

impl Running {
    async fn answers(&mut self, url: &str, log: &Path) -> Result<(), Broken> {
        let web = reqwest::Client::builder().no_proxy().build().map_err(Broken::of)?;
        let until = Instant::now() + TO_ANSWER;
        loop {
            let ended = self.child.try_wait().map_err(Broken::of)?;
            if ended.is_some() || Instant::now() > until {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(5).collect();
                return Err(Broken(format!("the product does not answer; it said\n{}", last.join("\n"))));
            }
            if web.get(url).send().await.is_ok_and(|reply| reply.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Kills it without a word (SIGKILL).
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn crash(mut self) -> Result<(), Broken> {
        self.child.kill().await.map_err(Broken::of)
    }
}

/// One number that a superuser counts.
///
/// # Errors
/// When the statement does not run.
pub async fn count(superuser: &mut PgConnection, statement: &str) -> Result<i64, Broken> {
    sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(superuser).await.map_err(Broken::of)
}
