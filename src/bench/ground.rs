//! The ground a bench stands on: a private PostgreSQL in a folder that goes away, brought up to date, and an application
//! over it whose telephone is connected to nothing.

use super::Broken;
use crate::{
    adapters::{
        key_file::KeyFile,
        private_postgres::{Durability, PrivatePostgres, PrivatePostgresSettings},
    },
    app::App,
    boot::{self, Database},
    config::{
        BROWSER_SIGNALLING, CarrierConfig, ClockConfig, Config, DatabaseConfig, KeysConfig, MailConfig, ModelConfig,
        ObjectsConfig, OutsideConfig, SpeechConfig,
    },
    domain::{destination::Bounds, dialling::Dialling, pace::Patience, private::Private},
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A database with its folder. `leave` removes both.
pub struct Ground {
    cluster: PrivatePostgres,
    folder: PathBuf,
}

impl Ground {
    /// Opens one.
    ///
    /// # Errors
    /// When PostgreSQL cannot be started here.
    pub async fn open(durability: Durability) -> Result<Self, Broken> {
        let folder = std::env::temp_dir().join(format!("careline-bench-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).map_err(Broken::of)?;
        let settings = PrivatePostgresSettings { folder: folder.clone(), durability };
        let cluster = PrivatePostgres::start(settings).await.map_err(Broken::of)?;
        Ok(Self { cluster, folder })
    }

    /// The database server.
    #[must_use]
    pub const fn cluster(&self) -> &PrivatePostgres {
        &self.cluster
    }

    /// The folder that goes away.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Settings of an application over it.
    #[must_use]
    pub fn config(&self, keys: &Private<String>, listen: SocketAddr) -> Config {
        Config {
            listen,
            public_url: format!("http://{listen}"),
            database: DatabaseConfig::Given { url: self.cluster.app_url(), owner_url: self.cluster.owner_url() },
            carrier: CarrierConfig {
                api_url: "http://127.0.0.1:9".to_owned(),
                account_sid: "AC0".to_owned(),
                auth_token: Private::new(hex::encode(rand::random::<[u8; 16]>())),
                other_auth_token: Private::default(),
            },
            model: ModelConfig::Extractive,
            speech: SpeechConfig::offline(),
            clock: ClockConfig::Machine,
            outside: OutsideConfig {
                keys: KeysConfig::Text(keys.clone()),
                objects: ObjectsConfig::Folder(self.folder.join("objects")),
                witness: ObjectsConfig::Folder(self.folder.join("witness")),
                mail: MailConfig::Spool {
                    folder: self.folder.join("mail"),
                    from: "Careline <careline@localhost>".to_owned(),
                },
            },
            call_code_key: Private::new(rand::random::<[u8; 32]>().to_vec()),
            ring_seconds: 30,
            browser_signalling: BROWSER_SIGNALLING.to_owned(),
            dialling: Dialling::default(),
            trusted_proxies: 0,
            bounds: Bounds::default(),
            patience: Patience(10_000),
        }
    }

    /// An application over it, with fresh keys.
    ///
    /// # Errors
    /// When something of it does not start.
    pub async fn app(&self, listen: SocketAddr) -> Result<Arc<App>, Broken> {
        let config = self.config(&KeyFile::fresh(), listen);
        let database: Database = boot::database(&config.database).await.map_err(Broken::of)?;
        boot::app(&config, &database).await.map_err(Broken::of)
    }

    /// Stops the server and removes the folder.
    pub async fn leave(self) {
        self.cluster.stop().await;
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}
