//! Settings: one struct, one doc comment per variable, every fault reported at once with what to do next. Unsafe
//! settings do not start.

mod check;
mod log;
mod outside;
mod secrets;
mod show;
mod speech;

pub use check::{Fault, Faults, check, check_database, check_desk, check_names, names_present};
pub use log::{LogConfig, LogFormat, check_log};
pub use show::{Line, lines};
pub use speech::{EngineAccount, EngineConfig, SpeechConfig, SpeechSettings};

use crate::domain::{destination::Bounds, dialling::Dialling, pace::Patience, private::Private};
use std::{net::SocketAddr, path::PathBuf};
use url::Url;

/// Which log lines are written unless somebody says otherwise.
pub const USUAL_LOG: &str = "info,sqlx=warn";
/// Twilio's own API.
pub const TWILIO_API: &str = "https://api.twilio.com";

/// Variables that only the scripts in `bin/` read; they are no mistake here.
pub const OF_THE_SCRIPTS: [&str; 2] = ["CARELINE_YES", "CARELINE_CACHE"];

/// Everything that can be set, as typed. Each is an environment variable; secrets are best set only there.
#[derive(Clone, clap::Args)]
pub struct Settings {
    /// Address and port the web entrance listens on.
    #[arg(long, global = true, env = "CARELINE_LISTEN", default_value = "127.0.0.1:8080", hide_env_values = true)]
    pub listen: String,

    /// Origin under which browsers and the carrier reach Careline; https unless it is a loopback address. Empty is
    /// http and the listening address.
    #[arg(long, global = true, env = "CARELINE_PUBLIC_URL", default_value = "", hide_env_values = true)]
    pub public_url: String,

    /// PostgreSQL 15 or newer, as a role that row-level security binds (such as app_rw). Empty starts a private
    /// PostgreSQL in the data folder.
    #[arg(long, global = true, env = "DATABASE_URL", default_value = "", hide_env_values = true)]
    pub database_url: String,

    /// The same database as the role that owns the tables; used for migrations only. Empty is the database URL.
    #[arg(long, global = true, env = "CARELINE_MIGRATION_DATABASE_URL", default_value = "", hide_env_values = true)]
    pub migration_database_url: String,

    /// Folder for everything that is not in the database; the private PostgreSQL lives here too.
    #[arg(long, global = true, env = "CARELINE_DATA", default_value = ".data", hide_env_values = true)]
    pub data: String,

    /// Twilio account, AC and 32 hexadecimal digits.
    #[arg(long, global = true, env = "CARELINE_TWILIO_ACCOUNT_SID", default_value = "", hide_env_values = true)]
    pub twilio_account_sid: String,

    /// Primary token of that account: it opens the API and signs webhooks. Secret.
    #[arg(long, global = true, env = "CARELINE_TWILIO_AUTH_TOKEN", default_value = "", hide_env_values = true)]
    pub twilio_auth_token: String,

    /// A second token of that account while tokens are changed: webhooks signed with either are taken, the API is opened
    /// with the first alone. Empty when no change is under way. Secret.
    #[arg(long, global = true, env = "CARELINE_TWILIO_OTHER_AUTH_TOKEN", default_value = "", hide_env_values = true)]
    pub twilio_other_auth_token: String,

    /// Base URL of the carrier's API; the simulated town has its own.
    #[arg(long, global = true, env = "CARELINE_TWILIO_API_URL", default_value = TWILIO_API, hide_env_values = true)]
    pub twilio_api_url: String,

    /// Base URL of an OpenAI-shaped model server, up to and with the version, such as `https://api.openai.com/v1`. Empty
    /// is no model: guidance shows the passages themselves.
    #[arg(long, global = true, env = "CARELINE_MODEL_URL", default_value = "", hide_env_values = true)]
    pub model_url: String,

    /// Key of the model server. Secret.
    #[arg(long, global = true, env = "CARELINE_MODEL_KEY", default_value = "", hide_env_values = true)]
    pub model_key: String,

    /// Name of the chat model.
    #[arg(long, global = true, env = "CARELINE_MODEL_NAME", default_value = "gpt-4.1-mini", hide_env_values = true)]
    pub model_name: String,

    /// Name of the embedding model.
    #[arg(
        long,
        global = true,
        env = "CARELINE_EMBEDDING_MODEL_NAME",
        default_value = "text-embedding-3-small",
        hide_env_values = true
    )]
    pub embedding_model_name: String,

    /// The engines that hear.
    #[command(flatten)]
    pub speech: SpeechSettings,

    /// Base URL of a simulated town whose virtual clock to follow. Empty is the machine's clock. Refused together with
    /// the real carrier.
    #[arg(long, global = true, env = "CARELINE_TOWN_CLOCK_URL", default_value = "", hide_env_values = true)]
    pub town_clock_url: String,

    /// Key under which call codes are hashed, at least 32 characters; `openssl rand -hex 32` makes one. Changing it makes
    /// every call code wrong. Secret.
    #[arg(long, global = true, env = "CARELINE_CALL_CODE_KEY", default_value = "", hide_env_values = true)]
    pub call_code_key: String,

    /// Keys that never enter the database: the path of a file made by `careline keys new`, the text of one, or the address
    /// of HashiCorp Vault's Transit engine with the prefix of its keys, such as
    /// `https://vault.example.org:8200/v1/transit/keys-careline`. Whoever loses it loses everything that is sealed. Secret.
    #[arg(long, global = true, env = "CARELINE_KEYS", default_value = "", hide_env_values = true)]
    pub keys: String,

    /// Token for Vault, when it keeps the keys. Secret.
    #[arg(long, global = true, env = "CARELINE_KEYS_TOKEN", default_value = "", hide_env_values = true)]
    pub keys_token: String,

    /// Where files are kept, encrypted: file:///folder or s3://bucket/path. Empty is a folder in the data folder.
    #[arg(long, global = true, env = "CARELINE_OBJECTS_URL", default_value = "", hide_env_values = true)]
    pub objects_url: String,

    /// The second place of the record, where signed checkpoints are written once: file:///folder or s3://bucket/path,
    /// best on another machine. Empty is a folder in the data folder.
    #[arg(long, global = true, env = "CARELINE_WITNESS_URL", default_value = "", hide_env_values = true)]
    pub witness_url: String,

    /// Endpoint of the S3-compatible server behind s3:// addresses, such as `https://minio.example.org`; https unless it is
    /// a loopback address. Empty is Amazon's.
    #[arg(long, global = true, env = "CARELINE_S3_ENDPOINT", default_value = "", hide_env_values = true)]
    pub s3_endpoint: String,

    /// Region of the buckets.
    #[arg(long, global = true, env = "CARELINE_S3_REGION", default_value = "us-east-1", hide_env_values = true)]
    pub s3_region: String,

    /// Access key id for the buckets.
    #[arg(long, global = true, env = "CARELINE_S3_KEY_ID", default_value = "", hide_env_values = true)]
    pub s3_key_id: String,

    /// Secret access key that belongs to it. Secret.
    #[arg(long, global = true, env = "CARELINE_S3_SECRET", default_value = "", hide_env_values = true)]
    pub s3_secret: String,

    /// Mail server for letters to staff, such as `smtps://user:password@host:465`. Empty writes letters to a spool folder
    /// in the data folder. Secret.
    #[arg(long, global = true, env = "CARELINE_MAIL_URL", default_value = "", hide_env_values = true)]
    pub mail_url: String,

    /// Sender of these letters.
    #[arg(
        long,
        global = true,
        env = "CARELINE_MAIL_FROM",
        default_value = "Careline <careline@localhost>",
        hide_env_values = true
    )]
    pub mail_from: String,

    /// How many proxies of your own stand between browsers and Careline, each appending to X-Forwarded-For; 0 is none. Too
    /// many would believe strangers, too few would take your proxy for everybody.
    #[arg(long, global = true, env = "CARELINE_TRUSTED_PROXIES", default_value = "0", hide_env_values = true)]
    pub trusted_proxies: String,

    /// Ports that may be reached at addresses which people or peers wrote, such as a sign-in provider's; separated by
    /// commas.
    #[arg(long, global = true, env = "CARELINE_EGRESS_PORTS", default_value = "443", hide_env_values = true)]
    pub egress_ports: String,

    /// Origins of simulated towns on this machine that may be reached all the same, such as `http://127.0.0.1:4010`;
    /// separated by commas. Refused together with the real carrier.
    #[arg(long, global = true, env = "CARELINE_EGRESS_TOWNS", default_value = "", hide_env_values = true)]
    pub egress_towns: String,

    /// How many telephones of patients may be rung in a minute from one caller number, 1 to 3000. Keep it below the
    /// carrier's limit, which is usually one a second: what is above waits at the carrier, unseen.
    #[arg(long, global = true, env = "CARELINE_CALLS_PER_MINUTE", default_value = "50", hide_env_values = true)]
    pub calls_per_minute: String,

    /// The same for all caller numbers of one organization together.
    #[arg(
        long,
        global = true,
        env = "CARELINE_CALLS_PER_MINUTE_OF_ORGANIZATION",
        default_value = "50",
        hide_env_values = true
    )]
    pub calls_per_minute_of_organization: String,

    /// How long a telephone may ring, in seconds, 5 to 120.
    #[arg(long, global = true, env = "CARELINE_RING_SECONDS", default_value = "30", hide_env_values = true)]
    pub ring_seconds: String,

    /// The host at which the carrier's script in a nurse's browser registers, such as one edge of the carrier's.
    #[arg(
        long,
        global = true,
        env = "CARELINE_BROWSER_SIGNALLING",
        default_value = BROWSER_SIGNALLING,
        hide_env_values = true
    )]
    pub browser_signalling: String,

    /// How log lines are written: plain or json.
    #[arg(long, global = true, env = "CARELINE_LOG_FORMAT", default_value = "plain", hide_env_values = true)]
    pub log_format: String,

    /// Which log lines are written, such as `info` or `careline=debug,info`.
    #[arg(long, global = true, env = "CARELINE_LOG", default_value = USUAL_LOG, hide_env_values = true)]
    pub log: String,
}

/// Variables whose values are never shown.
pub const SECRETS: [&str; 10] = [
    "CARELINE_KEYS_TOKEN",
    "CARELINE_S3_SECRET",
    "CARELINE_TWILIO_AUTH_TOKEN",
    "CARELINE_TWILIO_OTHER_AUTH_TOKEN",
    "CARELINE_MODEL_KEY",
    "CARELINE_SPEECH_KEY",
    "CARELINE_SPEECH_SECOND_KEY",
    "CARELINE_CALL_CODE_KEY",
    "CARELINE_KEYS",
    "CARELINE_MAIL_URL",
];

/// Where browsers register when nothing is set: the nearest edge of Twilio
/// (<https://www.twilio.com/docs/global-infrastructure/edge-locations>).
pub const BROWSER_SIGNALLING: &str = "voice-js.roaming.twilio.com";

/// Settings that hold.
pub struct Config {
    /// Where the web entrance listens.
    pub listen: SocketAddr,
    /// The origin under which it is reached, without a slash at the end.
    pub public_url: String,
    /// The database.
    pub database: DatabaseConfig,
    /// The carrier.
    pub carrier: CarrierConfig,
    /// The model.
    pub model: ModelConfig,
    /// The engines that hear.
    pub speech: SpeechConfig,
    /// Business time.
    pub clock: ClockConfig,
    /// What is kept outside the database.
    pub outside: OutsideConfig,
    /// Key of the hashes of call codes.
    pub call_code_key: Private<Vec<u8>>,
    /// How long a telephone may ring.
    pub ring_seconds: u64,
    /// The host at which a nurse's browser registers.
    pub browser_signalling: String,
    /// How dialling is bounded in time and number.
    pub dialling: Dialling,
    /// How many proxies stand in front.
    pub trusted_proxies: usize,
    /// Where addresses that people or peers wrote may lead.
    pub bounds: Bounds,
    /// How many times the usual pace is allowed; 1 wherever people work.
    pub patience: Patience,
}

/// Which database.
pub enum DatabaseConfig {
    /// A private PostgreSQL in this folder.
    Private {
        /// The data folder.
        folder: PathBuf,
    },
    /// One that is there already.
    Given {
        /// As the application's role.
        url: Private<String>,
        /// As the role that owns the tables.
        owner_url: Private<String>,
    },
}

/// What a subcommand at the desk needs.
pub struct DeskConfig {
    /// The database.
    pub database: DatabaseConfig,
    /// Business time.
    pub clock: ClockConfig,
    /// What is kept outside the database.
    pub outside: OutsideConfig,
}

/// What is kept outside the database.
#[derive(Clone)]
pub struct OutsideConfig {
    /// Keys.
    pub keys: KeysConfig,
    /// Files.
    pub objects: ObjectsConfig,
    /// Signed checkpoints of the record.
    pub witness: ObjectsConfig,
    /// Letters.
    pub mail: MailConfig,
}

/// Who keeps the keys.
#[derive(Clone)]
pub enum KeysConfig {
    /// A key file.
    File(PathBuf),
    /// The text of one, from the environment.
    Text(Private<String>),
    /// The Transit engine of HashiCorp Vault.
    Transit {
        /// Mount, then `keys-` and the prefix of its keys.
        address: Url,
        /// Vault's token.
        token: Private<String>,
    },
}

/// Where objects are kept.
#[derive(Clone)]
pub enum ObjectsConfig {
    /// A folder.
    Folder(PathBuf),
    /// An S3-compatible bucket.
    Bucket(BucketConfig),
}

/// An S3-compatible bucket.
#[derive(Clone)]
pub struct BucketConfig {
    /// `s3://bucket/path`.
    pub url: Url,
    /// `aws_...` options of `object_store`, such as `aws_endpoint`.
    pub options: Vec<(String, Private<String>)>,
}

/// How letters leave.
#[derive(Clone)]
pub enum MailConfig {
    /// As files in a folder.
    Spool {
        /// The folder.
        folder: PathBuf,
        /// The sender.
        from: String,
    },
    /// By a server.
    Smtp {
        /// Its address, with user and password.
        url: Private<String>,
        /// The sender.
        from: String,
    },
}

/// Which carrier account.
pub struct CarrierConfig {
    /// Base URL of the API.
    pub api_url: String,
    /// The account.
    pub account_sid: String,
    /// Its primary token.
    pub auth_token: Private<String>,
    /// A second token that signs too while tokens are changed; empty when there is none.
    pub other_auth_token: Private<String>,
}

/// Which model.
pub enum ModelConfig {
    /// None: guidance shows the passages themselves.
    Extractive,
    /// An OpenAI-shaped server.
    Server {
        /// Base URL up to and with the version.
        url: String,
        /// Its key.
        key: Private<String>,
        /// Name of the chat model.
        chat: String,
        /// Name of the embedding model.
        embedding: String,
    },
}

/// Whose time.
pub enum ClockConfig {
    /// The machine's.
    Machine,
    /// A simulated town's, at this base URL.
    Town(String),
}
