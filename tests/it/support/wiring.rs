//! The application as tests wire it: production adapters, pointed at what the test has opened. The only place in the
//! tests that puts an `App` together.

use super::database::Database;
use careline::{
    adapters::{
        egress::GuardedEgress,
        index::MemoryIndex,
        key_file::KeyFile,
        mail::Mail,
        object_stores::ObjectStores,
        openid::OpenId,
        tones::ToneTranscriber,
        twilio::{Twilio, TwilioSettings},
    },
    app::{App, Guide, Settings},
    domain::{
        destination::Bounds,
        dialling::{Dialling, Rate},
        pace::Patience,
        private::Private,
    },
    live::Live,
    passwords::Passwords,
    ports::{clock::Clock, speech::Engines},
    vault::Vault,
};
use std::sync::Arc;

/// Where the telephone of a test is connected to.
pub struct Line<'a> {
    /// Base URL of the carrier.
    pub api: &'a str,
    /// Its account.
    pub account: &'a str,
    /// The account's token.
    pub token: &'a str,
    /// The origin under which the product is reached.
    pub origin: &'a str,
}

/// A telephone that is connected to nothing.
pub const NO_LINE: Line<'static> =
    Line { api: "http://127.0.0.1:1", account: "AC1", token: "token", origin: "http://127.0.0.1:1" };

/// An application over a leased database: quoting passages, hearing tones, writing files, letters and checkpoints to the
/// lease's own folder. Keys are the same for every start over one lease.
pub async fn app(database: &Database, connections: u32, clock: Arc<dyn Clock>, line: &Line<'_>) -> App {
    let twilio = Arc::new(
        Twilio::new(TwilioSettings {
            api_base: line.api.to_owned(),
            account_sid: line.account.to_owned(),
            auth_token: Private::new(line.token.to_owned()),
            other_auth_token: Private::default(),
            public_url: line.origin.to_owned(),
        })
        .unwrap(),
    );
    let vault = Vault::over(Arc::new(KeyFile::read(database.keys.reveal()).unwrap()));
    let bounds = Bounds { towns: vec![line.api.to_owned()], ..Bounds::default() };
    let egress = Arc::new(GuardedEgress::new(bounds).unwrap());
    App {
        db: database.open(connections).await,
        clock,
        phone: twilio.clone(),
        conferences: twilio.clone(),
        texts: twilio.clone(),
        media: twilio,
        speech: Engines::only(Arc::new(ToneTranscriber)),
        guide: Guide::Extractive,
        vectors: Arc::new(MemoryIndex::default()),
        passwords: Passwords::over(vault.clone()),
        vault,
        objects: Arc::new(ObjectStores::folder("objects", &database.folder().join("objects")).unwrap()),
        witness: Arc::new(ObjectStores::folder("witness", &database.folder().join("witness")).unwrap()),
        sign_on: Arc::new(OpenId::over(egress.clone())),
        egress,
        mailer: Arc::new(Mail::spool(&database.folder().join("mail"), "Careline <careline@localhost>").unwrap()),
        live: Live::default(),
        settings: Settings {
            public_url: line.origin.into(),
            call_code_key: Arc::from([7_u8; 32]),
            secure_cookies: false,
            ring_seconds: 25,
            browser_signalling: line.api.trim_start_matches("http://").into(),
            dialling: Dialling { rate: Rate::per_minute(3_000, 3_000), ..Dialling::default() },
            trusted_proxies: 0,
            patience: Patience(1000),
        },
    }
}
