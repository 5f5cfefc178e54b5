//! Everything that runs during a demo and must be stopped after it, in the order it was started.

use super::{
    children::Running,
    nurse::Mishap,
    town::TownAt,
    vault::{Keys, Vault},
};
use crate::{
    adapters::private_postgres::{Durability, PrivatePostgres, PrivatePostgresSettings},
    app::App,
    boot,
    config::{ClockConfig, Config, DatabaseConfig, KeysConfig, ModelConfig, ObjectsConfig},
    error::Error,
};
use std::{net::TcpListener, sync::Arc};

/// What runs.
#[derive(Default)]
pub(super) struct Stage {
    cluster: Option<PrivatePostgres>,
    town: Option<Running>,
    pub(super) app: Option<Arc<App>>,
    pub(super) ward: Option<Running>,
}

impl Stage {
    /// Starts the private PostgreSQL; an invented ward is not worth waiting for a disk.
    pub(super) async fn open_database(&mut self, vault: &Vault) -> Result<DatabaseConfig, Mishap> {
        let settings = PrivatePostgresSettings { folder: vault.path(""), durability: Durability::Forgone };
        let cluster =
            PrivatePostgres::start(settings).await.map_err(|fault| Mishap::at_the_start(fault.to_string()))?;
        let given = DatabaseConfig::Given { url: cluster.app_url(), owner_url: cluster.owner_url() };
        self.cluster = Some(cluster);
        Ok(given)
    }

    /// Starts the town and waits until it answers.
    pub(super) async fn open_town(&mut self, vault: &Vault, keys: &Keys) -> Result<TownAt, Mishap> {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let at = free.map_err(|fault| Mishap::of(format!("no port is free: {fault}")))?;
        let town = TownAt::new(web()?, &format!("http://{at}"));
        let settings = [
            ("CARELINE_LISTEN", at.to_string()),
            ("CARELINE_TWILIO_ACCOUNT_SID", keys.account_sid.clone()),
            ("CARELINE_TWILIO_AUTH_TOKEN", keys.auth_token.clone()),
            ("CARELINE_MODEL_KEY", keys.model_key.clone()),
        ];
        let child = Running::start("the town", &["simulate", "--tethered"], &settings, &vault.path("town.log"))?;
        self.town.insert(child).answers(&web()?, &town.url("/town/health")).await?;
        Ok(town)
    }

    /// Opens the demo's own door to the ward, which also brings the tables up to date.
    pub(super) async fn open_app(&mut self, config: &Config) -> Result<Arc<App>, Mishap> {
        let failed = |error: Error| Mishap::of(error.to_string());
        let database = boot::database(&config.database).await.map_err(failed)?;
        let app = boot::app(config, &database).await.map_err(failed)?;
        Ok(Arc::clone(self.app.insert(app)))
    }

    /// Starts the ward and waits until it answers.
    pub(super) async fn open_ward(&mut self, config: &Config, vault: &Vault) -> Result<(), Mishap> {
        let arguments = ["serve", "--tethered", "--drain-seconds", "0"];
        let child = Running::start("the ward", &arguments, &settings(config), &vault.path("ward.log"))?;
        let ready = format!("{}/health/ready", config.public_url);
        self.ward.insert(child).answers(&web()?, &ready).await
    }

    /// Stops the ward alone.
    pub(super) async fn close_ward(&mut self) {
        if let Some(ward) = self.ward.take() {
            ward.stop().await;
        }
    }

    /// Waits until a child ends by itself.
    pub(super) async fn one_has_ended(&mut self) -> Mishap {
        let (Some(ward), Some(town)) = (&mut self.ward, &mut self.town) else {
            return Mishap::of("there is nothing to wait for");
        };
        tokio::select! {
            mishap = ward.ended() => mishap,
            mishap = town.ended() => mishap,
        }
    }

    /// Stops everything, the last started first.
    pub(super) async fn clear(&mut self) {
        self.close_ward().await;
        if let Some(app) = self.app.take() {
            app.db.close().await;
        }
        if let Some(town) = self.town.take() {
            town.stop().await;
        }
        if let Some(cluster) = self.cluster.take() {
            cluster.stop().await;
        }
    }
}

fn web() -> Result<reqwest::Client, Mishap> {
    reqwest::Client::builder().no_proxy().build().map_err(|fault| Mishap::of(fault.to_string()))
}

/// The same settings as variables, as an operator would set them.
pub(crate) fn settings(config: &Config) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("CARELINE_LISTEN", config.listen.to_string()),
        ("CARELINE_PUBLIC_URL", config.public_url.clone()),
        ("CARELINE_TWILIO_API_URL", config.carrier.api_url.clone()),
        ("CARELINE_TWILIO_ACCOUNT_SID", config.carrier.account_sid.clone()),
        ("CARELINE_TWILIO_AUTH_TOKEN", config.carrier.auth_token.reveal().clone()),
        ("CARELINE_CALL_CODE_KEY", String::from_utf8_lossy(config.call_code_key.reveal()).into_owned()),
    ];
    if let KeysConfig::Text(keys) = &config.outside.keys {
        settings.push(("CARELINE_KEYS", keys.reveal().clone()));
    }
    // The private PostgreSQL is named by address, so this is the folder of files, letters and checkpoints alone.
    if let ObjectsConfig::Folder(folder) = &config.outside.objects
        && let Some(data) = folder.parent()
    {
        settings.push(("CARELINE_DATA", data.display().to_string()));
    }
    match &config.database {
        DatabaseConfig::Given { url, owner_url } => settings.extend([
            ("DATABASE_URL", url.reveal().clone()),
            ("CARELINE_MIGRATION_DATABASE_URL", owner_url.reveal().clone()),
        ]),
        DatabaseConfig::Private { folder } => settings.push(("CARELINE_DATA", folder.display().to_string())),
    }
    match &config.model {
        ModelConfig::Extractive => {}
        ModelConfig::Server { url, key, chat, embedding } => settings.extend([
            ("CARELINE_MODEL_URL", url.clone()),
            ("CARELINE_MODEL_KEY", key.reveal().clone()),
            ("CARELINE_MODEL_NAME", chat.clone()),
            ("CARELINE_EMBEDDING_MODEL_NAME", embedding.clone()),
        ]),
    }
    match &config.clock {
        ClockConfig::Machine => {}
        ClockConfig::Town(url) => settings.push(("CARELINE_TOWN_CLOCK_URL", url.clone())),
    }
    settings
}
