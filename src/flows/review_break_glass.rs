//! Urgent accesses wait for review: the queue, the finding, and the reminder when 72 hours have gone by.

pub use crate::{
    domain::reach::{UrgentEnd, UrgentFinding},
    store::break_glass::Line,
};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::BreakGlassId,
        job::Job,
        notice::Notice,
        people::{Actor, Role, Who},
        reach::{REMIND_EVERY, USUAL, USUAL_SPAN},
    },
    error::Error,
    store::{
        audit::record,
        break_glass::{self, Scope},
        jobs, teams,
    },
};
use chrono::{DateTime, Utc};

/// What the page of urgent accesses shows.
#[derive(Clone)]
pub struct Queue {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// Lines: what waits first.
    pub lines: Vec<Line>,
}

impl Line {
    /// Whether the same person took more than is usual.
    #[must_use]
    pub const fn is_unusual(&self) -> bool {
        self.lately > USUAL
    }
}

/// Reads the queue: a coordinator's is that of the teams they serve, an admin's is everybody's without anything clinical,
/// a nurse's or physician's is what they hold open themselves.
///
/// # Errors
/// `Forbidden` for an auditor.
pub async fn queue(app: &App, actor: &Actor) -> Result<Queue, Error> {
    let now = app.clock.now();
    let scope = match actor.who {
        Who::Staff { role: Role::Coordinator, .. } => Scope::Reached,
        Who::Staff { role: Role::Admin, .. } => Scope::Every,
        Who::Staff { id, role: Role::Nurse | Role::Physician, .. } => Scope::Own(id, now),
        Who::Staff { role: Role::Auditor, .. } | Who::Careline | Who::Carrier | Who::Operator | Who::Visitor => {
            return Err(Error::Forbidden);
        }
    };
    let mut tx = app.db.begin(actor).await?;
    let receipt = record(&mut tx, actor, &Deed::of(DeedKind::ListedBreakGlass), now).await?;
    let lines = break_glass::queue(&mut tx, &receipt, scope, now - USUAL_SPAN).await?;
    tx.commit().await?;
    Ok(Queue { now, lines })
}

/// Records what a reviewer found. Nobody reviews their own.
///
/// # Errors
/// `Forbidden` unless an admin or a coordinator; `NotFound` for a coordinator outside the patient's team; `Conflict` when it
/// was reviewed before.
pub async fn review(app: &App, actor: &Actor, id: BreakGlassId, finding: UrgentFinding) -> Result<(), Error> {
    let (by, coordinates) = match actor.who {
        Who::Staff { id, role: Role::Coordinator, .. } => (id, true),
        Who::Staff { id, role: Role::Admin, .. } => (id, false),
        Who::Staff { role: Role::Nurse | Role::Physician | Role::Auditor, .. }
        | Who::Careline
        | Who::Carrier
        | Who::Operator
        | Who::Visitor => return Err(Error::Forbidden),
    };
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = break_glass::lock(&mut tx, id).await?;
    if coordinates {
        let _reached = teams::reach(&mut tx, actor, held.patient, now).await?;
    }
    if held.staff == by {
        return Err(Error::Forbidden);
    }
    let deed = Deed::of(DeedKind::ReviewedBreakGlass)
        .patient(held.patient)
        .subject(id.0)
        .with("finding", finding.word())
        .with("taken_by", held.staff);
    let receipt = record(&mut tx, actor, &deed, now).await?;
    break_glass::review(&mut tx, &receipt, &held, by, finding, now).await?;
    tx.commit().await
}

/// Reminds the reviewers of one that nobody reviewed, and winds the clock again. Run by a job; may run twice.
///
/// # Errors
/// When the database is away.
pub async fn remind(app: &App, actor: &Actor, id: BreakGlassId, round: u32) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = break_glass::lock(&mut tx, id).await?;
    if held.is_reviewed {
        return Ok(());
    }
    let deed = Deed::of(DeedKind::MissedBreakGlassReview).patient(held.patient).subject(id.0).with("round", round);
    let _receipt = record(&mut tx, actor, &deed, now).await?;
    for staff in break_glass::reviewers(&mut tx, held.patient, held.staff).await? {
        let letter = Job::SendNotice { staff, notice: Notice::BreakGlassReviewDue };
        jobs::enqueue(&mut tx, &letter, &format!("{id}:{round}"), now, now).await?;
    }
    let again = Job::RemindBreakGlass { break_glass: id, round: round.saturating_add(1) };
    jobs::enqueue(&mut tx, &again, "review", now + REMIND_EVERY, now).await?;
    tx.commit().await
}
