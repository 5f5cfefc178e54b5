//! Periodic work: the record is chained every second, in each organization by one sequencer.

use crate::{app::App, domain::people::Actor, flows};
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Runs until told to stop.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let Ok(organizations) = app.db.organizations().await else { continue };
        for (org, _code) in organizations {
            if let Err(error) = flows::chain_record::chain(&app, &Actor::careline(org)).await {
                tracing::warn!(error = %error, org = %org, "the record was not chained");
            }
        }
    }
}
