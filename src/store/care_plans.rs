//! Care plans, and the calls that came of them.

use super::{
    OrgTx,
    audit::{ChartReceipt, Receipt},
};
use crate::{
    domain::{
        call::{CallManner, CallPurpose, CallState},
        care_plan::{Cadence, CarePlan, PlanState},
        ids::{CallId, PatientId, PlanId, StaffId},
    },
    error::Error,
};
use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};

/// Writes a new plan; the planner looks at it at once.
///
/// # Errors
/// When the patient or nurse is not of this organization.
pub async fn add(
    tx: &mut OrgTx,
    _: &Receipt,
    plan: &CarePlan,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into care_plan (org_id, id, patient_id, purpose, protocol_id, nurse_id, rule, starts_on, at_local,
                                window_minutes, state, look_at, created_by, created_at, changed_at, manner)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, $12, $14)",
        org.0,
        plan.id.0,
        plan.patient.0,
        plan.cadence.purpose.word(),
        plan.cadence.protocol,
        plan.cadence.nurse.map(|nurse| nurse.0),
        plan.cadence.rule,
        plan.cadence.starts_on,
        plan.cadence.at,
        plan.cadence.window_minutes,
        plan.state.word(),
        now,
        by.map(|by| by.0),
        plan.cadence.manner.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Stores what a person made of a locked plan. Its calls are gone over anew, from now on.
///
/// # Errors
/// When the nurse is not of this organization.
pub async fn save(tx: &mut OrgTx, _: &Receipt, plan: &CarePlan, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update care_plan
            set purpose = $3, protocol_id = $4, nurse_id = $5, rule = $6, starts_on = $7, at_local = $8,
                window_minutes = $9, state = $10, look_at = $11, changed_at = $11, covered_until = null,
                manner = $12
          where org_id = $1
            and id = $2",
        org.0,
        plan.id.0,
        plan.cadence.purpose.word(),
        plan.cadence.protocol,
        plan.cadence.nurse.map(|nurse| nurse.0),
        plan.cadence.rule,
        plan.cadence.starts_on,
        plan.cadence.at,
        plan.cadence.window_minutes,
        plan.state.word(),
        now,
        plan.cadence.manner.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

struct Row {
    id: uuid::Uuid,
    patient_id: uuid::Uuid,
    purpose: String,
    manner: String,
    protocol_id: String,
    nurse_id: Option<uuid::Uuid>,
    rule: String,
    starts_on: chrono::NaiveDate,
    at_local: NaiveTime,
    window_minutes: i32,
    state: String,
    covered_until: Option<DateTime<Utc>>,
    look_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<CarePlan, Error> {
        Ok(CarePlan {
            id: PlanId(self.id),
            patient: PatientId(self.patient_id),
            cadence: Cadence {
                purpose: CallPurpose::from_word(&self.purpose).ok_or_else(unreadable)?,
                manner: CallManner::from_word(&self.manner).ok_or_else(unreadable)?,
                protocol: self.protocol_id,
                nurse: self.nurse_id.map(StaffId),
                rule: self.rule,
                starts_on: self.starts_on,
                at: self.at_local,
                window_minutes: self.window_minutes,
            },
            state: PlanState::from_word(&self.state).ok_or_else(unreadable)?,
        })
    }
}

/// A plan under its row lock, with how far the planner came.
#[derive(Clone, Debug)]
pub struct LockedPlan {
    /// The plan.
    pub plan: CarePlan,
    /// Calls exist up to here.
    pub covered_until: Option<DateTime<Utc>>,
    /// When the planner looks next.
    pub look_at: DateTime<Utc>,
}

/// Reads a plan and keeps its row for this transaction: whoever makes calls of it, or changes it, does so alone.
///
/// # Errors
/// `NotFound` when there is no such plan in this organization.
pub async fn lock(tx: &mut OrgTx, id: PlanId) -> Result<LockedPlan, Error> {
    let org = tx.org();
    let row = sqlx::query_as!(
        Row,
        "select id, patient_id, purpose, manner, protocol_id, nurse_id, rule, starts_on, at_local, window_minutes, state,
                covered_until, look_at
           from care_plan
          where org_id = $1
            and id = $2
            for update",
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let (covered_until, look_at) = (row.covered_until, row.look_at);
    Ok(LockedPlan { plan: row.read()?, covered_until, look_at })
}

/// Whose plan it is, without locking it.
///
/// # Errors
/// `NotFound` when there is no such plan in this organization.
pub async fn patient_of(tx: &mut OrgTx, id: PlanId) -> Result<PatientId, Error> {
    let org = tx.org();
    let patient = sqlx::query_scalar!("select patient_id from care_plan where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(PatientId(patient))
}

/// The plans of a chart that are not over, oldest first.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn of_chart(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<CarePlan>, Error> {
    let org = tx.org();
    let rows = sqlx::query_as!(
        Row,
        "select id, patient_id, purpose, manner, protocol_id, nurse_id, rule, starts_on, at_local, window_minutes, state,
                covered_until, look_at
           from care_plan
          where org_id = $1
            and patient_id = $2
            and state <> 'ended'
          order by created_at, id",
        org.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Plans that are to be looked at, the longest waiting first.
///
/// # Errors
/// When the database is away.
pub async fn to_look_at(tx: &mut OrgTx, now: DateTime<Utc>, most: i64) -> Result<Vec<PlanId>, Error> {
    let org = tx.org();
    let rows = sqlx::query_scalar!(
        "select id
           from care_plan
          where org_id = $1
            and state = 'active'
            and look_at <= $2
          order by look_at, id
          limit $3",
        org.0,
        now,
        most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(PlanId).collect())
}

/// Writes down how far the planner came and when it looks again.
///
/// # Errors
/// When the database is away.
pub async fn looked(
    tx: &mut OrgTx,
    id: PlanId,
    covered_until: Option<DateTime<Utc>>,
    look_at: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update care_plan
            set covered_until = $3, look_at = $4
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        covered_until,
        look_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// One call that came of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOfPlan {
    /// The call.
    pub id: CallId,
    /// Which occurrence it is.
    pub local: NaiveDateTime,
    /// How often a rule called this occurrence off before.
    pub round: i32,
    /// Where it stands.
    pub state: CallState,
    /// Why it ended or waits, a code.
    pub outcome: Option<String>,
    /// Attempts so far.
    pub attempts: i32,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Whether a person gave it its time.
    pub is_moved: bool,
}

impl CallOfPlan {
    /// Whether it waits as the planner made it: nobody was rung for it, nobody gave it another time.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.state == CallState::Scheduled && self.attempts == 0 && self.outcome.is_none() && !self.is_moved
    }
}

/// Calls of a plan whose occurrence is not before a local time.
///
/// # Errors
/// When the database is away or a stored state cannot be read.
pub async fn calls(tx: &mut OrgTx, plan: PlanId, since: NaiveDateTime) -> Result<Vec<CallOfPlan>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select id, occurs_at as "local!", round, state, outcome, attempts, due_at, moved_by is not null as "moved!"
             from call
            where org_id = $1
              and plan_id = $2
              and occurs_at >= $3
            order by occurs_at, round"#,
        org.0,
        plan.0,
        since
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CallOfPlan {
                id: CallId(row.id),
                local: row.local,
                round: row.round,
                state: CallState::from_word(&row.state).ok_or_else(unreadable)?,
                outcome: row.outcome,
                attempts: row.attempts,
                due_at: row.due_at,
                is_moved: row.moved,
            })
        })
        .collect()
}

fn unreadable() -> Error {
    Error::Fault("a stored care plan cannot be read".to_owned())
}
