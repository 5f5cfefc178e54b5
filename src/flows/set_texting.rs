//! How the organization texts, as an admin sets it: the neutral name it gives itself, and how long before a planned call it
//! announces it.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::{Actor, Role},
    },
    error::Error,
    store::{audit::record, reminders},
};
use chrono::Duration;

/// Most characters of the name; every text carries it.
const LONGEST_NAME: usize = 30;
/// Longest announcement, in hours: a week.
const LONGEST_LEAD: i64 = 168;

/// As a person types it.
#[derive(Clone, Default)]
pub struct TypedTexting {
    /// How texts name the organization.
    pub name: String,
    /// Hours; 0 is never.
    pub lead_hours: String,
}

/// What the page shows.
#[derive(Clone)]
pub struct Texting {
    /// What is set.
    pub typed: TypedTexting,
    /// The organization's own number, E.164.
    pub own_number: String,
    /// Where the carrier is to bring texts that come in.
    pub address: String,
}

/// Reads it.
///
/// # Errors
/// `Forbidden` unless an admin.
pub async fn read(app: &App, actor: &Actor) -> Result<Texting, Error> {
    permit(actor)?;
    let mut tx = app.db.begin(actor).await?;
    let set = reminders::settings(&mut tx).await?;
    tx.commit().await?;
    let typed = TypedTexting { name: set.filling.name, lead_hours: set.lead.num_hours().to_string() };
    // The carrier repeats what we did not answer only when the address asks for it.
    let address = format!("{}/hooks/text/{}/in#rc=3&rp=ct,rt,5xx", app.settings.public_url, actor.org);
    Ok(Texting { typed, own_number: set.filling.ring, address })
}

/// Sets it.
///
/// # Errors
/// `Forbidden` unless an admin; `Invalid` naming every faulty field.
pub async fn set(app: &App, actor: &Actor, typed: &TypedTexting) -> Result<(), Error> {
    permit(actor)?;
    let mut faults = Vec::new();
    let name = typed.name.trim();
    if !(1..=LONGEST_NAME).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        faults.push(format!("name: write 1 to {LONGEST_NAME} characters, and nothing of health"));
    }
    let lead = typed.lead_hours.trim().parse::<i64>().ok().filter(|hours| (0..=LONGEST_LEAD).contains(hours));
    let (Some(lead), true) = (lead, faults.is_empty()) else {
        if lead.is_none() {
            faults.push(format!("hours: write a number from 0 to {LONGEST_LEAD}; 0 announces nothing"));
        }
        return Err(Error::Invalid(faults.join("; ")));
    };
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::SetTexting).with("lead_hours", lead), now).await?;
    reminders::set(&mut tx, &receipt, name, Duration::hours(lead)).await?;
    tx.commit().await
}

fn permit(actor: &Actor) -> Result<(), Error> {
    actor.staff_among(&[Role::Admin]).map(drop).ok_or(Error::Forbidden)
}
