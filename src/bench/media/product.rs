//! The product of the media bench, as a process of its own: what `careline serve` serves, wired from the same settings, with a
//! stopwatch at the reader of the media protocol. Its orders come on standard input, and it ends with it.

use super::{Flaw, Hears, stopwatch::Stopwatch};
use crate::{
    app::App,
    bench::Broken,
    boot,
    config::{self, Settings},
    ports::{
        Outage,
        speech::{Engines, Heard, Hearing, Listen, Sound, Speech},
    },
    web,
};
use async_trait::async_trait;
use clap::Parser;
use serde::{Deserialize, Serialize};
use std::{io::Write, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

/// The orders of the product, one line of JSON.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Orders {
    /// Who hears.
    pub hears: Hears,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// Settings from the environment alone.
#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    settings: Settings,
}

/// Serves until standard input closes.
///
/// # Errors
/// When something does not start.
pub async fn run() -> Result<String, Broken> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let orders = lines.next_line().await.map_err(Broken::of)?.unwrap_or_default();
    let orders: Orders = serde_json::from_str(&orders).map_err(Broken::of)?;
    let settings = Alone::try_parse_from(["media-product"]).map_err(Broken::of)?.settings;
    let config = config::check(&settings, &[]).map_err(Broken::of)?;
    let database = boot::database(&config.database).await.map_err(Broken::of)?;
    let app = boot::app(&config, &database).await.map_err(Broken::of)?;
    let mut app: App = Arc::into_inner(app).ok_or_else(|| Broken::of("the application is held by somebody else"))?;
    let watch = Arc::new(Stopwatch::over(app.media.clone(), orders.flaw));
    app.media = watch.clone();
    if orders.hears == Hears::Nobody {
        app.speech = Engines::only(Arc::new(Nobody));
    }
    let listener = TcpListener::bind(config.listen).await.map_err(Broken::of)?;
    let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
    let serving = tokio::spawn(web::serve_and_drain(Arc::new(app), listener, stop.clone(), cut.clone()));
    say("ready")?;
    while let Some(order) = lines.next_line().await.map_err(Broken::of)? {
        match order.as_str() {
            "begin" => {
                watch.begin();
                say("begun")?;
            }
            _ => say(&serde_json::to_string(&watch.shown()).map_err(Broken::of)?)?,
        }
    }
    stop.cancel();
    cut.cancel();
    serving.await.map_err(Broken::of)?.map_err(Broken::of)?;
    Ok(String::new())
}

fn say(words: &str) -> Result<(), Broken> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{words}").and_then(|()| out.flush()).map_err(Broken::of)
}

/// An engine that takes everything and says nothing of it, so that what is measured is the way there. Its maker's word once a
/// second keeps the watch over the words calm.
struct Nobody;

/// Frames between two words.
const A_SECOND: u32 = 50;

#[async_trait]
impl Speech for Nobody {
    fn name(&self) -> &'static str {
        "nobody"
    }

    async fn listen(&self, _wanted: &Listen) -> Result<Hearing, Outage> {
        let (audio, mut sounds) = mpsc::channel::<Sound>(100);
        let (tell, words) = mpsc::channel(4);
        tokio::spawn(async move {
            let mut taken = 0_u32;
            while sounds.recv().await.is_some() {
                taken = taken.wrapping_add(1);
                if taken.is_multiple_of(A_SECOND) {
                    // Whoever does not read it has enough.
                    let _unread = tell.try_send(Ok(Heard::Interim { text: String::new().into() }));
                }
            }
        });
        Ok(Hearing { audio, words })
    }
}
