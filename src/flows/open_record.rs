//! What stands above the record: how it is kept, and whose deeds can be searched.

pub use crate::store::{approvals::ExportWish, checkpoints::RecordCheck};

use crate::{
    app::App,
    domain::{
        checkpoint::StoredCheckpoint,
        ids::StaffId,
        people::{Actor, Role},
    },
    error::Error,
    store::{access, approvals, checkpoints, worklist},
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// A checkpoint that the second place lacks for longer is a fault people must see.
const LATE: TimeDelta = TimeDelta::minutes(10);

/// How the record is kept.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The organization's zone; every time is shown in it.
    pub zone: Tz,
    /// The last checkpoint.
    pub checkpoint: Option<StoredCheckpoint>,
    /// Whether the second place has every checkpoint.
    pub second_place: SecondPlace,
    /// The last verification by the calendar.
    pub check: Option<RecordCheck>,
    /// Every staff member, for the search.
    pub staff: Vec<(StaffId, String)>,
    /// Where the reader's wish to take the record out stands.
    pub export: ExportWish,
    /// Who else may approve it, by name.
    pub approvers: Vec<String>,
}

/// Whether the second place has every checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondPlace {
    /// All of them.
    HasAll,
    /// Some are on their way, since this instant.
    Waits(DateTime<Utc>),
    /// Some are on their way for too long.
    Away(DateTime<Utc>),
}

/// Reads it.
///
/// # Errors
/// `Forbidden` for anybody but an auditor and an admin.
pub async fn open(app: &App, actor: &Actor) -> Result<Standing, Error> {
    let reader = actor.staff_among(&[Role::Admin, Role::Auditor]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let zone = worklist::zone(&mut tx).await?;
    let checkpoint = checkpoints::last(&mut tx).await?;
    let oldest = checkpoints::unwitnessed(&mut tx).await?.first().map(|oldest| oldest.made_at);
    let second_place = match oldest {
        None => SecondPlace::HasAll,
        Some(since) if now - since > LATE => SecondPlace::Away(since),
        Some(since) => SecondPlace::Waits(since),
    };
    let check = checkpoints::last_check(&mut tx).await?;
    let staff = access::staff(&mut tx).await?;
    let export = approvals::export_wish(&mut tx, reader, now).await?;
    let approvers = approvals::approvers_of_export(&mut tx, reader).await?;
    Ok(Standing { now, zone, checkpoint, second_place, check, staff, export, approvers })
}
