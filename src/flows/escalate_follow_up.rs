//! The clock of a follow-up: overdue work goes to the next person by itself. Run by a job; may run twice.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        follow_up::{next_rung, patience},
        ids::FollowUpId,
        job::Job,
        people::Actor,
    },
    error::Error,
    store::{
        audit::{Receipt, record},
        follow_ups, jobs,
    },
};

/// What the clock found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escalated {
    /// Somebody had acted.
    DoneBefore,
    /// Its time has not come.
    NotYet,
    /// It went to the next person.
    PassedOn,
    /// Nobody is above its owner; it stays with them, overdue and in sight.
    Stays,
}

/// Looks at a follow-up and passes it on when its time has gone by.
///
/// # Errors
/// `NotFound` when there is none in this organization; otherwise when the database is away.
pub async fn escalate(app: &App, actor: &Actor, id: FollowUpId) -> Result<Escalated, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = follow_ups::lock(&mut tx, id).await?;
    if !held.is_open {
        return Ok(Escalated::DoneBefore);
    }
    // A second run of the same job must not climb two rungs: each rung has its own time.
    let falls_due = held.due_at + patience(held.urgency) * held.escalations;
    if now < falls_due {
        return Ok(Escalated::NotYet);
    }
    let Some(rung) = next_rung(held.escalations) else { return Ok(Escalated::Stays) };
    // When nobody of that role is there, the owner keeps it and the count still moves towards the next rung.
    let next = follow_ups::next_owner(&mut tx, &held, rung).await?.unwrap_or(held.owner);
    follow_ups::pass_on(&mut tx, &held, next).await?;
    let deed = Deed::of(DeedKind::EscalatedFollowUp)
        .patient(held.patient)
        .subject(id.0)
        .with("from", held.owner)
        .with("to", next)
        .with("rung", rung.word());
    let _receipt: Receipt = record(&mut tx, actor, &deed, now).await?;
    let again = held.escalations.saturating_add(1);
    let job = Job::EscalateFollowUp { follow_up: id };
    jobs::enqueue(&mut tx, &job, &again.to_string(), falls_due + patience(held.urgency), now).await?;
    tx.commit().await?;
    Ok(Escalated::PassedOn)
}
