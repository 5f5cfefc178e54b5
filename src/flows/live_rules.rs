//! What an admin keeps for live calls: the numbers nurses may ask into one, and how patients learn of supervision.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        floor::{GuestKind, Supervision},
        ids::OutsideId,
        people::{Actor, PhoneNumber, Role},
    },
    error::Error,
    store::{audit::record, outside_numbers},
};

pub use crate::store::outside_numbers::OutsideNumber;

/// What the page shows.
#[derive(Clone, Debug)]
pub struct LiveRules {
    /// The numbers.
    pub numbers: Vec<OutsideNumber>,
    /// How patients learn of supervision.
    pub supervision: Supervision,
}

/// A number as a person types it.
#[derive(Clone, Debug, Default)]
pub struct TypedNumber {
    /// What it is called.
    pub label: String,
    /// The number.
    pub number: String,
    /// Who answers it, a word.
    pub kind: String,
}

/// Reads them.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn read(app: &App, actor: &Actor) -> Result<LiveRules, Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let numbers = outside_numbers::all(&mut tx).await?;
    let supervision = outside_numbers::supervision(&mut tx).await?;
    tx.commit().await?;
    Ok(LiveRules { numbers, supervision })
}

/// Adds a number; one that is on the list stays as it is.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` naming every faulty field.
pub async fn add(app: &App, actor: &Actor, typed: &TypedNumber) -> Result<(), Error> {
    permit(actor)?;
    let mut faults = Vec::new();
    let label = typed.label.trim();
    if !(1..=80).contains(&label.chars().count()) {
        faults.push("name: write who answers, in 1 to 80 characters".to_owned());
    }
    let typed_number = Some(typed.number.trim()).filter(|number| number.starts_with('+'));
    // With the country code written, the country given here decides nothing.
    let number = typed_number.ok_or(()).and_then(|number| PhoneNumber::parse(number, "US").map_err(drop));
    if number.is_err() {
        faults.push("number: write it with + and the country code, such as +1 212 555 0100".to_owned());
    }
    let kind = GuestKind::from_word(&typed.kind).filter(|kind| GuestKind::OUTSIDE.contains(kind));
    if kind.is_none() {
        faults.push("kind: choose physician, interpreter or other".to_owned());
    }
    let (Ok(number), Some(kind), true) = (number, kind, faults.is_empty()) else {
        return Err(Error::Invalid(faults.join("; ")));
    };
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::ChangedOutsideNumbers).with("event", "added").with("who", kind.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    if !outside_numbers::add(&mut tx, &receipt, (label, &number, kind), actor.staff_id(), now).await? {
        return Err(Error::Invalid("number: it is on the list already".to_owned()));
    }
    tx.commit().await
}

/// Takes a number off the list; one that is not on it is gone already.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn remove(app: &App, actor: &Actor, id: OutsideId) -> Result<(), Error> {
    permit(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::ChangedOutsideNumbers).subject(id.0).with("event", "removed");
    let receipt = record(&mut tx, actor, &deed, now).await?;
    outside_numbers::remove(&mut tx, &receipt, id, actor.staff_id(), now).await?;
    tx.commit().await
}

/// Sets how patients learn of supervision.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` for no policy.
pub async fn set_supervision(app: &App, actor: &Actor, word: &str) -> Result<(), Error> {
    permit(actor)?;
    let policy = Supervision::from_word(word).ok_or_else(|| Error::Invalid("policy: choose one".to_owned()))?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::SetSupervision).with("policy", policy.word());
    let receipt = record(&mut tx, actor, &deed, now).await?;
    outside_numbers::set_supervision(&mut tx, &receipt, policy).await?;
    tx.commit().await
}

fn permit(actor: &Actor) -> Result<(), Error> {
    actor.staff_among(&[Role::Admin]).map(drop).ok_or(Error::Forbidden)
}
