//! Finds the id of a patient whose exact name and birth date somebody has in hand, so that auditors and admins can search
//! the record without seeing who else there is. Looking up is itself a deed.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::PatientId,
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
    store::{access, audit},
};
use chrono::NaiveDate;

/// Whom to look for.
pub struct Sought {
    /// As in the chart; capitals do not count.
    pub given_name: Private<String>,
    /// As in the chart; capitals do not count.
    pub family_name: Private<String>,
    /// As in the chart.
    pub born: Private<NaiveDate>,
}

/// The ids of the patients of exactly this name and birth date: none, one, or, seldom, more.
///
/// # Errors
/// `Forbidden` for anybody but an auditor and an admin.
pub async fn look_up(app: &App, actor: &Actor, sought: &Sought) -> Result<Vec<PatientId>, Error> {
    let _entitled = actor.staff_among(&[Role::Admin, Role::Auditor]).ok_or(Error::Forbidden)?;
    // They reach no patient. Careline looks, for them and in their name, and hands out nothing but ids.
    let mut tx = app.db.begin(&Actor::careline(actor.org)).await?;
    let receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::LookedUpPatient), app.clock.now()).await?;
    let found = access::ids_of(&mut tx, &receipt, &sought.given_name, &sought.family_name, &sought.born).await?;
    tx.commit().await?;
    Ok(found)
}
