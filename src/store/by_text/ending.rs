//! How a check-in by text ends: all was asked, a red flag, a wish for a person, silence, a stop, closed hours. Whatever
//! ends it leaves work with an owner and a clock; where somebody needs a person, a nurse is rung at once.

use super::{Turn, opening, questions, say};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::{CallEvent, CallManner, CallPurpose},
        check_in::{Ending, opening::OpeningParting},
        contact_hours::may_call,
        ids::CallId,
        job::Job,
    },
    error::Error,
    store::{
        asking::Asking,
        audit::record,
        calls::{self, Planned, PlannedCall},
        dialling, errands, jobs, standing,
    },
};
use chrono::Duration;

/// How long a nurse may be sought for somebody who was told that one is.
const SOUGHT_FOR: Duration = Duration::hours(4);

/// Why a nurse is asked to call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Because {
    /// A red flag came up.
    RedFlag,
    /// They asked for a person.
    Wish,
}

/// Every question was asked: a draft waits for a nurse.
pub(super) async fn finish(turn: &mut Turn<'_>, asking: &Asking) -> Result<(), Error> {
    questions::close(turn, Ending::Finished, None).await?;
    follow(turn, CallEvent::CheckedIn).await?;
    say::part(turn, asking.spoken().told("script.text.end")).await
}

/// A red flag: the protocol's own emergency words at once, urgent work, and a nurse is rung to call them.
pub(super) async fn red_flag(turn: &mut Turn<'_>, asking: &Asking) -> Result<(), Error> {
    crate::store::asking::save(turn.tx, asking, turn.call.id).await?;
    let rule = asking.red_flag();
    questions::close(turn, Ending::RedFlag, rule.as_deref()).await?;
    turn.call.is_flagged = true;
    follow(turn, CallEvent::RedFlagByText).await?;
    say::part(turn, asking.spoken().red_flag_by_text(rule.as_deref())).await?;
    ring_nurse(turn, Because::RedFlag).await
}

/// They want a person, or a machine cannot ask them: a nurse is rung to call them.
pub(super) async fn person(turn: &mut Turn<'_>, asking: Option<&Asking>) -> Result<(), Error> {
    questions::close(turn, Ending::Person, None).await?;
    follow(turn, CallEvent::AskedForPerson).await?;
    match asking {
        Some(asking) => say::part(turn, asking.spoken().told("script.text.person")).await?,
        None => opening::part(turn, OpeningParting::Person).await?,
    }
    ring_nurse(turn, Because::Wish).await
}

/// Nobody answers any more.
pub(super) async fn silent(turn: &mut Turn<'_>, asking: &Asking) -> Result<(), Error> {
    questions::close(turn, Ending::Silent, None).await?;
    follow(turn, CallEvent::FellSilent).await?;
    say::part(turn, asking.spoken().told("script.text.silent")).await
}

/// It cannot go on, and whoever wrote a moment ago is told.
pub(super) async fn close(turn: &mut Turn<'_>) -> Result<(), Error> {
    let asking = questions::begun(turn).await?;
    break_off(turn, Ending::Closed).await?;
    match asking {
        Some(asking) => say::part(turn, asking.spoken().told("script.text.closed")).await,
        None => Ok(()),
    }
}

/// It ends in the middle, with nothing more written.
pub(super) async fn break_off(turn: &mut Turn<'_>, ending: Ending) -> Result<(), Error> {
    questions::close(turn, ending, None).await?;
    follow(turn, CallEvent::BrokeOff).await
}

async fn follow(turn: &mut Turn<'_>, event: CallEvent) -> Result<(), Error> {
    errands::follow(turn.tx, turn.actor, &mut turn.call, event, turn.now).await.map(drop)
}

/// Plans a call for now, once, and has a nurse rung before the patient: she calls them as soon as she is on the line. Every
/// rule on calls holds; what holds it back leaves the work that is open already.
async fn ring_nurse(turn: &mut Turn<'_>, because: Because) -> Result<(), Error> {
    let (now, from) = (turn.now, &turn.call);
    let planned = PlannedCall {
        id: CallId::at(now),
        patient: from.patient,
        purpose: CallPurpose::FollowUp,
        manner: CallManner::Nurse,
        protocol: from.protocol.clone(),
        nurse: from.nurse,
        due_at: now,
        idem_key: format!("person-wanted:{}", from.id),
        window_until: Some(now + SOUGHT_FOR),
        occurrence: None,
        matched: Vec::new(),
        covers_for: None,
    };
    let Planned::New(id) = calls::plan(turn.tx, &planned, None, now).await? else { return Ok(()) };
    let deed = Deed::of(DeedKind::ScheduledCall)
        .patient(planned.patient)
        .subject(id.0)
        .with("purpose", planned.purpose.word())
        .with("manner", planned.manner.word())
        .with("because_of", turn.call.id);
    let _receipt = record(turn.tx, turn.actor, &deed, now).await?;
    let mut call = calls::lock(turn.tx, id).await?;
    call.is_flagged = because == Because::RedFlag;
    calls::save(turn.tx, &call).await?;
    let standing = standing::standing(turn.tx, call.patient, now).await?;
    let may_ring = may_call(now, &standing, call.manner).is_ok();
    if may_ring && dialling::pause_in_force(turn.tx, turn.actor, now).await?.is_none() {
        return errands::follow(turn.tx, turn.actor, &mut call, CallEvent::NurseFirst, now).await.map(drop);
    }
    jobs::enqueue(turn.tx, &Job::PlaceCall { call: id }, "due", now, now).await
}
