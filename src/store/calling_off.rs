//! Calls off what a change makes impossible, in the transaction of the change: planned calls, attempts about to be dialled,
//! what the carrier already has, texts that wait. Nothing here speaks to the carrier; a job ends what rings.

use super::{
    OrgTx, attempts,
    audit::{ChartReceipt, record},
    calls, errands, texts,
};
use crate::{
    domain::{
        attempt::{AttemptState, Party},
        audit::{Deed, DeedKind},
        call::{CallEvent, CallManner, CallState},
        contact_hours::Channel,
        hold_back::Rule,
        ids::{CallId, CallingOffId, PatientId},
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Why something is called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The rule that holds from now on.
    pub rule: Rule,
    /// The fact behind it: a status change, a consent, an opt-out.
    pub fact: Uuid,
}

/// What was called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledOff {
    /// The calls, for those who watch them.
    pub calls: Vec<CallId>,
    /// When they were due, soonest first.
    pub due: Vec<DateTime<Utc>>,
    /// Of these, attempts that were about to be dialled.
    pub intents: i32,
    /// Of these, attempts the carrier has or may have; each is ended.
    pub at_carrier: i32,
    /// Conversations under way, which go on: somebody who has proven who they are is on the line.
    pub talking: i32,
    /// Texts that will not be sent.
    pub texts: i64,
    /// When.
    pub at: DateTime<Utc>,
}

/// Calls off everything of the channels named, and records what. The patient's row must be held by this transaction, so
/// that no dial is armed beside it.
///
/// # Errors
/// When the database is away.
pub async fn call_off(
    tx: &mut OrgTx,
    actor: &Actor,
    chart: &ChartReceipt,
    cause: Cause,
    channels: &[Channel],
    now: DateTime<Utc>,
) -> Result<CalledOff, Error> {
    let patient = chart.patient();
    let mut off =
        CalledOff { calls: Vec::new(), due: Vec::new(), intents: 0, at_carrier: 0, talking: 0, texts: 0, at: now };
    for call in open_calls(tx, patient).await? {
        // Who wants no calls may still be asked by text, and the other way round.
        if channels.contains(&calls::manner_of(tx, call).await?.channel()) {
            call_off_one(tx, actor, call, cause.rule, now, &mut off).await?;
        }
    }
    off.due.sort();
    if channels.contains(&Channel::Text) {
        off.texts = texts::call_off(tx, chart.entry(), patient, now).await?.try_into().unwrap_or(i64::MAX);
    }
    let deed = Deed::of(DeedKind::CalledOffContact)
        .patient(patient)
        .subject(cause.fact)
        .with("rule", cause.rule.code())
        .with("calls", off.due.len())
        .with("about_to_be_dialled", off.intents)
        .with("at_the_carrier", off.at_carrier)
        .with("talking", off.talking)
        .with("texts", off.texts)
        .with("first_due", instant(off.due.first()))
        .with("last_due", instant(off.due.last()));
    let _receipt = record(tx, actor, &deed, now).await?;
    keep(tx, patient, cause, &off).await?;
    Ok(off)
}

async fn call_off_one(
    tx: &mut OrgTx,
    actor: &Actor,
    id: CallId,
    rule: Rule,
    now: DateTime<Utc>,
    off: &mut CalledOff,
) -> Result<(), Error> {
    let mut call = calls::lock(tx, id).await?;
    match call.state {
        // Where nurses are rung first, the patient's telephone is still quiet.
        CallState::Scheduled | CallState::AskingNurse | CallState::NurseReady => {}
        CallState::Placing => match attempts::open_one(tx, id, Party::Patient).await? {
            Some(attempt) if attempts::read(tx, attempt).await?.state == AttemptState::Intent => {
                attempts::settle(tx, (attempt, attempts::FIRST_EPOCH), AttemptState::Abandoned, "called_off", now)
                    .await?;
                off.intents += 1;
            }
            Some(_) => off.at_carrier += 1,
            None => {}
        },
        CallState::Placed if call.manner == CallManner::ReplyText => {}
        CallState::Placed => off.at_carrier += 1,
        CallState::WaitingForNurse | CallState::Bridged => {
            off.talking += 1;
            return Ok(());
        }
        CallState::Done | CallState::Missed | CallState::Cancelled | CallState::NeedsPerson => return Ok(()),
    }
    if errands::follow(tx, actor, &mut call, CallEvent::CalledOff, now).await? {
        call.outcome = Some(rule.code().to_owned());
        calls::save(tx, &call).await?;
        off.calls.push(id);
        off.due.push(call.due_at);
    }
    Ok(())
}

/// Calls of a patient that are not over, by id: the order in which everybody locks them.
async fn open_calls(tx: &mut OrgTx, patient: PatientId) -> Result<Vec<CallId>, Error> {
    let org = tx.org();
    let rows = sqlx::query_scalar!(
        "select id
           from call
          where org_id = $1
            and patient_id = $2
            and state in ('scheduled', 'asking_nurse', 'nurse_ready', 'placing', 'placed', 'waiting_for_nurse',
                          'bridged')
          order by id",
        org.0,
        patient.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(CallId).collect())
}

async fn keep(tx: &mut OrgTx, patient: PatientId, cause: Cause, off: &CalledOff) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into calling_off (org_id, id, patient_id, because, cause, due, intents, at_carrier, talking, texts, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        org.0,
        CallingOffId::at(off.at).0,
        patient.0,
        cause.rule.code(),
        cause.fact,
        &off.due,
        off.intents,
        off.at_carrier,
        off.talking,
        off.texts,
        off.at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What the chart's changes have called off, newest first, each with its cause.
///
/// # Errors
/// When the database is away.
pub async fn of_chart(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<(Cause, CalledOff)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select because, cause, due, intents, at_carrier, talking, texts, at
           from calling_off
          where org_id = $1
            and patient_id = $2
          order by at desc, id desc
          limit 30",
        org.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let rule =
                Rule::from_code(&row.because).ok_or_else(|| Error::Fault("a stored rule cannot be read".to_owned()))?;
            let off = CalledOff {
                calls: Vec::new(),
                due: row.due,
                intents: row.intents,
                at_carrier: row.at_carrier,
                talking: row.talking,
                texts: row.texts,
                at: row.at,
            };
            Ok((Cause { rule, fact: row.cause }, off))
        })
        .collect()
}

fn instant(at: Option<&DateTime<Utc>>) -> String {
    at.map_or_else(|| "none".to_owned(), DateTime::to_rfc3339)
}
