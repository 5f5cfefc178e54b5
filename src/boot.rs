//! Settings to adapters to `App`. The only file that names an adapter.

use crate::{
    adapters::{
        deepgram::Deepgram,
        egress::GuardedEgress,
        hearing::EngineSettings,
        index::MemoryIndex,
        key_file::KeyFile,
        mail::Mail,
        object_stores::ObjectStores,
        openai::{self, OpenAi},
        openid::OpenId,
        private_postgres::{Durability, PrivatePostgres, PrivatePostgresSettings},
        realtime::Realtime,
        system_clock::SystemClock,
        tones::ToneTranscriber,
        town_clock::TownClock,
        transcriptions::Transcriptions,
        transit::Transit,
        twilio::{Twilio, TwilioSettings, Within},
    },
    app::{App, Guide, Settings},
    config::{
        BROWSER_SIGNALLING, CarrierConfig, ClockConfig, Config, DatabaseConfig, DeskConfig, EngineAccount,
        EngineConfig, KeysConfig, MailConfig, ModelConfig, ObjectsConfig, OutsideConfig, SpeechConfig,
    },
    domain::{checkpoint::PublicKey, destination::Bounds, dialling::Dialling, pace::Patience, private::Private},
    error::Error,
    flows,
    live::Live,
    passwords::Passwords,
    ports::{
        clock::Clock,
        keys::Keys,
        mailer::Mailer,
        objects::Objects,
        speech::{Engines, Speech},
    },
    store::{Db, migrations},
    vault::Vault,
};
use std::sync::Arc;

/// Connections of one process.
pub const CONNECTIONS: u32 = 16;
/// Connections of a subcommand at the desk.
const DESK_CONNECTIONS: u32 = 2;

/// A database that answers and is up to date. A private one stops when this is dropped.
pub struct Database {
    url: Private<String>,
    cluster: Option<PrivatePostgres>,
}

impl Database {
    /// The URL for the application's role.
    #[must_use]
    pub const fn url(&self) -> &Private<String> {
        &self.url
    }

    /// Stops the private server, if there is one of ours.
    pub async fn close(self) {
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }
}

/// Starts the private PostgreSQL when no database is given, and brings the tables up to date.
///
/// # Errors
/// Names the setting and says what to do next.
pub async fn database(config: &DatabaseConfig) -> Result<Database, Error> {
    match config {
        DatabaseConfig::Given { url, owner_url } => {
            let names = "DATABASE_URL or CARELINE_MIGRATION_DATABASE_URL";
            // A running product needs no role that owns tables, unless there is something to bring up to date.
            if !migrations::is_current(url.reveal()).await.map_err(|error| unusable("DATABASE_URL", error))? {
                migrations::migrate(owner_url.reveal()).await.map_err(|error| unusable(names, error))?;
            }
            Ok(Database { url: url.clone(), cluster: None })
        }
        DatabaseConfig::Private { folder } => {
            let settings = PrivatePostgresSettings { folder: folder.clone(), durability: Durability::Kept };
            let cluster = PrivatePostgres::start(settings).await.map_err(|fault| Error::Invalid(fault.to_string()))?;
            let owner_url = cluster.owner_url();
            let url = cluster.app_url();
            migrations::migrate(owner_url.reveal()).await.map_err(|error| unusable("CARELINE_DATA", error))?;
            Ok(Database { url, cluster: Some(cluster) })
        }
    }
}

/// Everything wired, with each organization's passages indexed.
///
/// # Errors
/// Names the setting that does not work and says what to do next.
pub async fn app(config: &Config, database: &Database) -> Result<Arc<App>, Error> {
    app_over(config, database, CONNECTIONS).await
}

/// The same over so many connections.
///
/// # Errors
/// As `app`.
pub async fn app_over(config: &Config, database: &Database, connections: u32) -> Result<Arc<App>, Error> {
    let wires = Wires {
        connections,
        carrier: &config.carrier,
        bounds: &config.bounds,
        model: &config.model,
        speech: &config.speech,
        clock: &config.clock,
        outside: &config.outside,
        settings: Settings {
            public_url: config.public_url.as_str().into(),
            call_code_key: config.call_code_key.reveal().as_slice().into(),
            secure_cookies: config.public_url.starts_with("https://"),
            ring_seconds: config.ring_seconds,
            browser_signalling: config.browser_signalling.as_str().into(),
            dialling: config.dialling,
            trusted_proxies: config.trusted_proxies,
            patience: config.patience,
        },
    };
    let app = wire(database, wires).await?;
    for (org, _code) in app.db.organizations().await? {
        flows::answer_question::reindex(&app, org).await?;
    }
    Ok(app)
}

/// What a subcommand at the desk needs: the record and the clock. Its telephone has no account, because nothing at the
/// desk rings anybody, and its key of call codes is nobody's, because nothing at the desk checks or makes one.
///
/// # Errors
/// Names the setting that does not work and says what to do next.
pub async fn desk(database: &Database, config: &DeskConfig) -> Result<Arc<App>, Error> {
    let nobodys = || hex::encode(rand::random::<[u8; 32]>());
    let no_account = CarrierConfig {
        api_url: "http://127.0.0.1:9".to_owned(),
        account_sid: "AC0".to_owned(),
        auth_token: Private::new(nobodys()),
        other_auth_token: Private::default(),
    };
    let wires = Wires {
        connections: DESK_CONNECTIONS,
        carrier: &no_account,
        bounds: &Bounds::default(),
        model: &ModelConfig::Extractive,
        speech: &SpeechConfig::offline(),
        clock: &config.clock,
        outside: &config.outside,
        settings: Settings {
            public_url: "http://127.0.0.1:9".into(),
            call_code_key: nobodys().into_bytes().as_slice().into(),
            secure_cookies: true,
            ring_seconds: 30,
            browser_signalling: BROWSER_SIGNALLING.into(),
            dialling: Dialling::default(),
            trusted_proxies: 0,
            patience: Patience(1),
        },
    };
    wire(database, wires).await
}

/// What is wired together.
struct Wires<'a> {
    connections: u32,
    carrier: &'a CarrierConfig,
    bounds: &'a Bounds,
    model: &'a ModelConfig,
    speech: &'a SpeechConfig,
    clock: &'a ClockConfig,
    outside: &'a OutsideConfig,
    settings: Settings,
}

async fn wire(database: &Database, wires: Wires<'_>) -> Result<Arc<App>, Error> {
    let telephone = Arc::new(twilio(wires.carrier, &wires.settings)?);
    let egress = Arc::new(GuardedEgress::new(wires.bounds.clone())?);
    let vault = Vault::over(keys(&wires.outside.keys).await?);
    Ok(Arc::new(App {
        db: open(database, wires.connections, &vault).await?,
        clock: clock(wires.clock).await?,
        phone: telephone.clone(),
        conferences: telephone.clone(),
        texts: telephone.clone(),
        media: telephone,
        speech: engines(wires.speech)?,
        guide: guide(wires.model)?,
        vectors: Arc::new(MemoryIndex::default()),
        passwords: Passwords::over(vault.clone()),
        vault,
        objects: objects("CARELINE_OBJECTS_URL", "objects", &wires.outside.objects)?,
        witness: objects("CARELINE_WITNESS_URL", "witness", &wires.outside.witness)?,
        mailer: mailer(&wires.outside.mail)?,
        sign_on: Arc::new(OpenId::over(egress.clone())),
        egress,
        live: Live::default(),
        settings: wires.settings,
    }))
}

/// The public halves of the keys that sign checkpoints.
///
/// # Errors
/// Names the setting that does not work and says what to do next.
pub async fn signers(config: &KeysConfig) -> Result<Vec<PublicKey>, Error> {
    Ok(keys(config).await?.signers().await?)
}

async fn open(database: &Database, connections: u32, vault: &Vault) -> Result<Db, Error> {
    Db::open(database.url.reveal(), connections, Arc::new(vault.clone()))
        .await
        .map_err(|error| unusable("DATABASE_URL", error))
}

async fn keys(config: &KeysConfig) -> Result<Arc<dyn Keys>, Error> {
    let keys = match config {
        KeysConfig::Text(text) => KeyFile::read(text.reveal()),
        KeysConfig::File(path) => KeyFile::open(path),
        KeysConfig::Transit { address, token } => {
            let opened = Transit::open(address, token.clone()).await;
            let says = |outage| Error::Invalid(format!("CARELINE_KEYS, CARELINE_KEYS_TOKEN: {outage}"));
            return opened.map_err(says).map(|keys| -> Arc<dyn Keys> { Arc::new(keys) });
        }
    };
    Ok(Arc::new(keys.map_err(|fault| Error::Invalid(format!("CARELINE_KEYS: {fault}")))?))
}

fn objects(variable: &str, name: &'static str, config: &ObjectsConfig) -> Result<Arc<dyn Objects>, Error> {
    let stores = match config {
        ObjectsConfig::Folder(folder) => ObjectStores::folder(name, folder),
        ObjectsConfig::Bucket(bucket) => {
            let options: Vec<(String, String)> =
                bucket.options.iter().map(|(name, value)| (name.clone(), value.reveal().clone())).collect();
            ObjectStores::bucket(name, &bucket.url, &options)
        }
    };
    Ok(Arc::new(stores.map_err(|outage| Error::Invalid(format!("{variable}: {outage}")))?))
}

fn mailer(config: &MailConfig) -> Result<Arc<dyn Mailer>, Error> {
    let mail = match config {
        MailConfig::Spool { folder, from } => Mail::spool(folder, from),
        MailConfig::Smtp { url, from } => Mail::smtp(url.reveal(), from),
    };
    let named = |fault| Error::Invalid(format!("CARELINE_MAIL_URL, CARELINE_MAIL_FROM: {fault}"));
    Ok(Arc::new(mail.map_err(named)?))
}

fn twilio(config: &CarrierConfig, settings: &Settings) -> Result<Twilio, Error> {
    let timings = settings.dialling.timings;
    let within = Within { connect: timings.connect_within, reply: timings.reply_within };
    let account = TwilioSettings {
        api_base: config.api_url.clone(),
        account_sid: config.account_sid.clone(),
        auth_token: config.auth_token.clone(),
        other_auth_token: config.other_auth_token.clone(),
        public_url: settings.public_url.to_string(),
    };
    Twilio::within(account, within).map_err(|fault| Error::Invalid(fault.to_string()))
}

fn guide(config: &ModelConfig) -> Result<Guide, Error> {
    match config {
        ModelConfig::Extractive => Ok(Guide::Extractive),
        ModelConfig::Server { url, key, chat, embedding } => {
            let model = Arc::new(OpenAi::new(openai::Settings {
                base_url: url.clone(),
                key: key.reveal().clone(),
                chat_model: chat.clone(),
                embedding_model: embedding.clone(),
            })?);
            Ok(Guide::Generated { llm: model.clone(), embeddings: model })
        }
    }
}

fn engines(config: &SpeechConfig) -> Result<Engines, Error> {
    let first = Engines::only(engine(&config.first)?);
    match &config.second {
        Some(second) => Ok(first.then(engine(second)?)),
        None => Ok(first),
    }
}

fn engine(config: &EngineConfig) -> Result<Arc<dyn Speech>, Error> {
    let settings = |account: &EngineAccount| EngineSettings {
        base_url: account.url.clone(),
        key: account.key.clone(),
        model: account.model.clone(),
    };
    Ok(match config {
        EngineConfig::Tones => Arc::new(ToneTranscriber),
        EngineConfig::Deepgram(account) => Arc::new(Deepgram::new(settings(account))?),
        EngineConfig::Realtime(account) => Arc::new(Realtime::new(settings(account))?),
        EngineConfig::Transcriptions(account) => Arc::new(Transcriptions::new(settings(account))?),
    })
}

async fn clock(config: &ClockConfig) -> Result<Arc<dyn Clock>, Error> {
    match config {
        ClockConfig::Machine => Ok(Arc::new(SystemClock)),
        ClockConfig::Town(url) => match TownClock::follow(url).await {
            Ok(clock) => Ok(clock),
            Err(outage) => Err(Error::Invalid(format!("CARELINE_TOWN_CLOCK_URL: the {outage}"))),
        },
    }
}

/// A database that does not answer is named by its setting; what we say ourselves needs no more words.
fn unusable(setting: &str, error: Error) -> Error {
    match error {
        Error::Database(_) => Error::Invalid(format!(
            "{setting}: the database could not be used ({}); check host, port, role and password, and that it runs",
            error.cause()
        )),
        Error::Invalid(_)
        | Error::SignedOut
        | Error::Unproven
        | Error::FactorOwed
        | Error::Forbidden
        | Error::NotFound
        | Error::Conflict(_)
        | Error::TooMany { .. }
        | Error::Outage(_)
        | Error::Fault(_) => error,
    }
}
