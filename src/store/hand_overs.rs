//! A live call on its way from one nurse to another, and what follows when a nurse or a guest is gone: written in the
//! transaction that learns of it, like the errands of the call.

use super::{OrgTx, audit, calls, errands, guests, jobs, seats};
use crate::{
    domain::{
        attempt::Party,
        audit::{Deed, DeedKind},
        call::{Call, CallEvent},
        floor::{GuestKind, GuestState, Seat},
        ids::{AssessmentId, CallId, GuestId, HandOverId, StaffId},
        job::Job,
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A hand-over that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct HandOver {
    /// Its id.
    pub id: HandOverId,
    /// Whose call it is until then.
    pub from: StaffId,
    /// The guest who takes it.
    pub guest: GuestId,
    /// The same, as a staff member.
    pub to: StaffId,
}

/// Asks for a hand-over. `false` when one is open already.
///
/// # Errors
/// When the database is away.
pub async fn ask(tx: &mut OrgTx, call: CallId, over: &HandOver, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into call_hand_over (org_id, id, call_id, from_staff, guest_id, to_staff, asked_at, state)
         values ($1, $2, $3, $4, $5, $6, $7, 'asked')
         on conflict (org_id, call_id) where state = 'asked' do nothing",
        org.0,
        over.id.0,
        call.0,
        over.from.0,
        over.guest.0,
        over.to.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// The open hand-over of a call.
///
/// # Errors
/// When the database is away.
pub async fn open(tx: &mut OrgTx, call: CallId) -> Result<Option<HandOver>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, from_staff, guest_id, to_staff
           from call_hand_over
          where org_id = $1
            and call_id = $2
            and state = 'asked'",
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| HandOver {
        id: HandOverId(row.id),
        from: StaffId(row.from_staff),
        guest: GuestId(row.guest_id),
        to: StaffId(row.to_staff),
    }))
}

/// The call becomes the other's: its row, its draft, its audio and the end of its conference.
///
/// # Errors
/// When the database is away.
pub async fn complete(
    tx: &mut OrgTx,
    actor: &Actor,
    call: &mut Call,
    over: &HandOver,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    close(tx, over.id, "done", now).await?;
    call.nurse = Some(over.to);
    calls::save(tx, call).await?;
    let draft = draft(tx, call.id).await?.map_or_else(|| "none".to_owned(), |draft| draft.to_string());
    let deed = deed(call, over).with("event", "done").with("draft", draft);
    let _receipt = audit::record(tx, actor, &deed, now).await?;
    for sitting in seats::of_call(tx, call.id).await? {
        if sitting.party.guest() == Some(over.guest) {
            seats::wish(tx, sitting.leg, Seat { ends: true, ..sitting.seat }, now).await?;
            // From now on their words are the nurse's.
            jobs::enqueue(tx, &Job::ForkLeg { leg: sitting.leg }, "handed-over", now, now).await?;
        }
    }
    look(tx, call.id, now).await
}

/// The leg of whoever is the call's nurse is gone while they talked: what that means for the call.
///
/// # Errors
/// When the database is away.
pub async fn nurse_gone(
    tx: &mut OrgTx,
    actor: &Actor,
    call: &mut Call,
    now: DateTime<Utc>,
) -> Result<Option<CallEvent>, Error> {
    let seats = seats::of_call(tx, call.id).await?;
    if let Some(over) = open(tx, call.id).await? {
        // They left before the carrier's word came back: whoever was to take the call has it, if they are there.
        if seats.iter().any(|sitting| sitting.party.guest() == Some(over.guest)) {
            complete(tx, actor, call, &over, now).await?;
            return Ok(None);
        }
    }
    let Some(patient) = seats.iter().find(|sitting| sitting.party == Party::Patient && sitting.seat.held) else {
        return Ok(Some(CallEvent::NurseLeft));
    };
    seats::wish(tx, patient.leg, Seat { held: false, ..patient.seat }, now).await?;
    let deed = Deed::of(DeedKind::MovedSeat)
        .patient(call.patient)
        .subject(patient.leg.0)
        .with("call", call.id)
        .with("event", "resumed_without_nurse");
    let _receipt = audit::record(tx, actor, &deed, now).await?;
    look(tx, call.id, now).await?;
    Ok(Some(CallEvent::NurseLeftHolding))
}

/// An attempt came to nothing before anybody was on its line: the call goes on as the absence of whom it was to ring wants.
///
/// # Errors
/// When the database is away.
pub async fn came_to_nothing(
    tx: &mut OrgTx,
    actor: &Actor,
    party: Party,
    call: &mut Call,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    match party {
        Party::Patient => errands::follow(tx, actor, call, CallEvent::NotTaken, now).await.map(drop),
        Party::Nurse(_) => errands::follow(tx, actor, call, CallEvent::NurseDidNotCome, now).await.map(drop),
        Party::Guest { .. } => guest_gone(tx, actor, party, call, now).await,
    }
}

/// Somebody who was asked in has left, or did not come. Nothing happens for any other party, or the second time.
///
/// # Errors
/// When the database is away.
pub async fn guest_gone(
    tx: &mut OrgTx,
    actor: &Actor,
    party: Party,
    call: &Call,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let Some(id) = party.guest() else { return Ok(()) };
    let guest = guests::read(tx, call.id, id).await?;
    let to = match guest.state {
        GuestState::Left | GuestState::DidNotCome => return Ok(()),
        GuestState::Joined => GuestState::Left,
        GuestState::Asked | GuestState::Admitted => GuestState::DidNotCome,
    };
    guests::advance(tx, id, to, now).await?;
    let kind = match (guest.kind, to) {
        (GuestKind::Supervisor, GuestState::Left) => DeedKind::SupervisedCall,
        (_, _) => DeedKind::MovedGuest,
    };
    let deed = Deed::of(kind)
        .patient(call.patient)
        .subject(id.0)
        .with("call", call.id)
        .with("who", guest.kind.word())
        .with("event", to.word());
    let _receipt = audit::record(tx, actor, &deed, now).await?;
    let Some(over) = open(tx, call.id).await?.filter(|over| over.guest == id) else { return Ok(()) };
    close(tx, over.id, "void", now).await?;
    let deed = self::deed(call, &over).with("event", "void");
    let _receipt = audit::record(tx, actor, &deed, now).await?;
    // The call stays with its nurse, and so does the end of its conference.
    for sitting in seats::of_call(tx, call.id).await? {
        if sitting.party.is_that_of(call.nurse) {
            seats::wish(tx, sitting.leg, Seat { ends: true, ..sitting.seat }, now).await?;
        }
    }
    look(tx, call.id, now).await
}

/// Has a job look at the floor of a call now.
///
/// # Errors
/// When the database is away.
pub async fn look(tx: &mut OrgTx, call: CallId, now: DateTime<Utc>) -> Result<(), Error> {
    jobs::enqueue(tx, &Job::KeepFloor { call }, &now.timestamp_micros().to_string(), now, now).await
}

fn deed(call: &Call, over: &HandOver) -> Deed {
    Deed::of(DeedKind::HandedOverCall)
        .patient(call.patient)
        .subject(call.id.0)
        .with("from", over.from)
        .with("to", over.to)
}

async fn close(tx: &mut OrgTx, id: HandOverId, state: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update call_hand_over
            set state = $3, ended_at = $4
          where org_id = $1
            and id = $2
            and state = 'asked'",
        org.0,
        id.0,
        state,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The unsigned assessment that goes with a call.
async fn draft(tx: &mut OrgTx, call: CallId) -> Result<Option<AssessmentId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "select id from assessment where org_id = $1 and call_id = $2 and state = 'draft'",
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(AssessmentId))
}
