//! A nurse is away and a colleague has their calls: what waits changes hands, and goes back when the cover is taken back.
//! Both see it.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{CoverId, StaffId},
        people::{Actor, Role},
    },
    error::Error,
    store::{
        OrgTx,
        audit::record,
        covers::{self, Cover, Moved},
        planning,
    },
};
use chrono::{DateTime, Duration, Utc};

/// Longest cover.
const LONGEST: Duration = Duration::days(92);

/// What became of a cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// The cover.
    pub id: CoverId,
    /// Calls that changed hands.
    pub given: usize,
    /// Calls that stayed, because who covers does not serve the patient's care team.
    pub left: i64,
}

/// Begins a cover.
///
/// # Errors
/// `Forbidden` unless a coordinator or the nurse who will be away; `Invalid` when the time cannot be; `Conflict` when one of
/// the two is away or covered for then already.
pub async fn begin(
    app: &App,
    actor: &Actor,
    away: StaffId,
    by: StaffId,
    from_at: DateTime<Utc>,
    until_at: DateTime<Utc>,
) -> Result<HandedOver, Error> {
    permit(actor, away)?;
    let now = app.clock.now();
    if from_at >= until_at || until_at <= now || until_at - from_at > LONGEST {
        return Err(Error::Invalid(
            "a cover ends after it begins, in the future, and lasts three months at most".to_owned(),
        ));
    }
    // Calls with patients of other teams than the actor's change hands too, so this has the reach of Careline itself; the
    // record names the person.
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let nurses = planning::nurses(&mut tx).await?;
    let is_nurse = |staff: StaffId| nurses.iter().any(|(id, _)| *id == staff);
    if away == by || !is_nurse(away) || !is_nurse(by) {
        return Err(Error::Invalid("choose two different nurses".to_owned()));
    }
    let cover = Cover { id: CoverId::at(now), away, by, from_at, until_at };
    if covers::overlaps(&mut tx, &cover).await? {
        return Err(Error::Conflict(
            "one of the two is away then already; choose another colleague or another time".to_owned(),
        ));
    }
    let given = covers::give(&mut tx, &cover).await?;
    let left = covers::left_behind(&mut tx, &cover).await?;
    let deed = Deed::of(DeedKind::BeganCover)
        .subject(cover.id.0)
        .with("away", away)
        .with("by", by)
        .with("given", given.len())
        .with("left", left);
    let receipt = record(&mut tx, actor, &deed, now).await?;
    covers::add(&mut tx, &receipt, &cover, actor.staff_id(), now).await?;
    tell(&mut tx, actor, &given, by, now).await?;
    tx.commit().await?;
    Ok(HandedOver { id: cover.id, given: given.len(), left })
}

/// Takes a cover back: calls that still wait return.
///
/// # Errors
/// `Forbidden` unless a coordinator or the nurse who was to be away; `NotFound` when it is over.
pub async fn end(app: &App, actor: &Actor, id: CoverId) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let cover = covers::end(&mut tx, id, actor.staff_id(), now).await?;
    permit(actor, cover.away)?;
    let returned = covers::give_back(&mut tx, &cover).await?;
    let deed = Deed::of(DeedKind::EndedCover).subject(id.0).with("returned", returned.len());
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    tell(&mut tx, actor, &returned, cover.away, now).await?;
    tx.commit().await?;
    Ok(returned.len())
}

fn permit(actor: &Actor, away: StaffId) -> Result<(), Error> {
    let coordinates = actor.staff_among(&[Role::Coordinator]).is_some();
    let is_self = actor.staff_among(&[Role::Nurse]) == Some(away);
    if coordinates || is_self { Ok(()) } else { Err(Error::Forbidden) }
}

async fn tell(tx: &mut OrgTx, actor: &Actor, moved: &[Moved], to: StaffId, now: DateTime<Utc>) -> Result<(), Error> {
    for one in moved {
        let deed = Deed::of(DeedKind::CoveredCall).patient(one.patient).subject(one.call.0).with("nurse", to);
        let _receipt = record(tx, actor, &deed, now).await?;
    }
    Ok(())
}
