//! How soon words are on a page: from the last voiced frame of what somebody says to its final words at a browser's live
//! socket.

use super::{legs::Leg, monotonic_nanos, stage::Stage};
use crate::{
    bench::{
        Broken,
        bridged::ward::{PASSWORD, email},
    },
    demo::nurse::{LiveSocket, Nurse},
    domain::tones::{FRAME, FRAME_MS, SILENCE, frames},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

/// Longest wait for words that are bound to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Silence before somebody speaks, in frames: the browser has read what there was.
const BEFORE: usize = 25;

/// Has somebody say so many sentences on as many calls as there are pairs; how long each took to be on the page.
pub(super) async fn measure(stage: &Stage, round: &str, sentences: u32) -> Result<Vec<Duration>, Broken> {
    let pairs = u32::try_from(stage.ward.pairs.len()).unwrap_or(1);
    let each = sentences.div_ceil(pairs.max(1));
    // One nurse looks at every call: her team cares for all of them.
    let browser = Nurse::at(stage.ground.origin()).map_err(Broken::of)?;
    browser.sign_in("harbor", &email(0), PASSWORD).await.map_err(Broken::of)?;
    let speakers = (0..pairs).map(|pair| speak(stage, &browser, round, pair, each));
    let took = futures_util::future::try_join_all(speakers).await?;
    Ok(took.into_iter().flatten().collect())
}

async fn speak(
    stage: &Stage,
    browser: &Nurse,
    round: &str,
    pair: u32,
    sentences: u32,
) -> Result<Vec<Duration>, Broken> {
    let own = format!("{round}{pair}x");
    let at = usize::try_from(pair).unwrap_or(0);
    let (patient, _) = stage.ward.pairs.get(at).copied().ok_or_else(|| Broken::of("no such pair"))?;
    stage.sit(&own, 1, patient).await?;
    let mut superuser = stage.ground.superuser().await?;
    let found = format!("select id from call where idem_key = '{own}0'");
    let call: Uuid = sqlx::query_scalar(AssertSqlSafe(found)).fetch_one(&mut superuser).await.map_err(Broken::of)?;
    let mut page = browser.listen(&format!("/calls/{call}/live")).await.map_err(Broken::of)?;
    let mut mouth = Leg::open(&stage.orders(&own, 1, ""), 0).await?;
    let mut took = Vec::new();
    let mut ticks = interval(Duration::from_millis(FRAME_MS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0..sentences {
        let text = format!("Pain is four today {pair} {number}");
        let silence = STANDARD.encode([SILENCE; FRAME]);
        for _ in 0..BEFORE {
            ticks.tick().await;
            mouth.say(&silence, monotonic_nanos()).await?;
        }
        let mut said_at = Instant::now();
        for frame in frames(&text) {
            said_at = ticks.tick().await;
            mouth.say(&STANDARD.encode(frame), monotonic_nanos()).await?;
        }
        // Silence goes on while the words are awaited: a leg is never without audio.
        let shown = shown(&mut page, &text);
        let mut shown = std::pin::pin!(shown);
        let shown_at = loop {
            tokio::select! {
                at = shown.as_mut() => break at?,
                _ = ticks.tick() => mouth.say(&silence, monotonic_nanos()).await?,
            }
        };
        took.push(shown_at.saturating_duration_since(said_at));
    }
    mouth.stop().await;
    Ok(took)
}

/// When the final words of a sentence were at the browser.
async fn shown(page: &mut LiveSocket, text: &str) -> Result<Instant, Broken> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let news = page.next(PATIENCE).await.map_err(Broken::of)?;
        let is = |name: &str, value: &str| news.get(name).and_then(Value::as_str) == Some(value);
        if is("event", "utterance") && is("text", text) {
            return Ok(Instant::now());
        }
    }
    Err(Broken(format!("{} words never came", text.split_whitespace().count())))
}
