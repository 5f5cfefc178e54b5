//! How long an organization keeps the words of its calls.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Role},
        retention::read_days,
    },
    error::Error,
    store::{audit::record, transcript_retention},
};

/// Days; `None` is as long as the record.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn read(app: &App, actor: &Actor) -> Result<Option<i32>, Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let days = transcript_retention::days(&mut tx).await?;
    tx.commit().await?;
    Ok(days)
}

/// Sets them; an empty field is as long as the record. What is older is erased within the hour, unless it is held.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` with what to write instead.
pub async fn set(app: &App, actor: &Actor, days: &str) -> Result<(), Error> {
    permit(actor)?;
    let days = match days.trim() {
        "" => None,
        typed => Some(read_days(typed).map_err(Error::Invalid)?),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let kept = days.map_or_else(|| "as_the_record".to_owned(), |days| days.to_string());
    let deed = Deed::of(DeedKind::SetRetention).with("class", "transcript").with("days", kept);
    let receipt = record(&mut tx, actor, &deed, now).await?;
    transcript_retention::set_days(&mut tx, &receipt, days, actor.staff_id(), now).await?;
    tx.commit().await
}

fn permit(actor: &Actor) -> Result<(), Error> {
    actor.staff_among(&[Role::Admin]).map(drop).ok_or(Error::Forbidden)
}
