//! Periodic work: the record is chained every second, in each organization by one sequencer; buckets that have filled
//! again are forgotten every quarter of an hour.

use crate::{
    app::App,
    domain::{ids::OrgId, people::Actor},
    flows::{self, keep_pace},
};
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// Seconds between two sweeps.
const SWEEP_EVERY: u32 = 900;

/// Runs until told to stop.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut second = 0_u32;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let Ok(organizations) = app.db.organizations().await else { continue };
        second = (second + 1) % SWEEP_EVERY;
        if second == 0 {
            sweep(&app, organizations.iter().map(|(org, _)| *org)).await;
        }
        for (org, _code) in organizations {
            if let Err(error) = flows::chain_record::chain(&app, &Actor::careline(org)).await {
                tracing::warn!(error = %error, org = %org, "the record was not chained");
            }
        }
    }
}

async fn sweep(app: &App, organizations: impl Iterator<Item = OrgId>) {
    for org in organizations.chain([keep_pace::NO_ORGANIZATION]) {
        if let Err(error) = keep_pace::sweep(app, org).await {
            tracing::warn!(cause = %error.cause(), "full buckets were not swept");
        }
    }
}
