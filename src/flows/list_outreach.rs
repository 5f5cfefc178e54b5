//! The outreach list: patients by the days since anybody talked with them, so that nobody slips out of contact unseen.

pub use crate::store::outreach::Slipping;

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::record, outreach, worklist},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The list with the clock it was read by.
#[derive(Clone)]
pub struct Outreach {
    /// Patients, the longest without a conversation first.
    pub patients: Vec<Slipping>,
    /// The organization's zone.
    pub zone: Tz,
    /// The instant it was read.
    pub now: DateTime<Utc>,
}

/// Reads it.
///
/// # Errors
/// `Forbidden` unless a coordinator.
pub async fn list(app: &App, actor: &Actor) -> Result<Outreach, Error> {
    actor.staff_among(&[Role::Coordinator]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::ListedOutreach), now).await?;
    let patients = outreach::slipping(&mut tx, &receipt).await?;
    let zone = worklist::zone(&mut tx).await?;
    tx.commit().await?;
    Ok(Outreach { patients, zone, now })
}
