//! Today's worklist: one question for the calls of a day, one for the follow-ups whose clock runs.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        call::{CallManner, CallPurpose, CallState},
        disposition::Disposition,
        ids::{CallId, FollowUpId, PatientId, StaffId},
        people::Language,
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// Most rows of either list; a day beyond that is searched, not read.
const MOST_ROWS: i64 = 300;

/// One call of the day.
#[derive(Clone)]
pub struct DayCall {
    /// The call.
    pub id: CallId,
    /// Whom it is for.
    pub patient: PatientId,
    /// Given and family name.
    pub patient_name: Private<String>,
    /// The language of the call script.
    pub language: Language,
    /// Why it is planned.
    pub purpose: CallPurpose,
    /// Who asks.
    pub manner: CallManner,
    /// The protocol asked on it.
    pub protocol: String,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Where it stands.
    pub state: CallState,
    /// Why it ended or waits, a code.
    pub outcome: Option<String>,
    /// Attempts so far.
    pub attempts: i32,
    /// The nurse planned for it.
    pub nurse: Option<StaffId>,
    /// Their name.
    pub nurse_name: Option<String>,
    /// When patient and nurse began to talk.
    pub bridged_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether its assessment is signed; `None` when there is none.
    pub signed: Option<bool>,
    /// What the nurse decided, or the evaluator so far.
    pub disposition: Option<Disposition>,
}

/// One open follow-up whose clock runs.
#[derive(Clone)]
pub struct ClockedFollowUp {
    /// The follow-up.
    pub id: FollowUpId,
    /// Whom it is owed to.
    pub patient: PatientId,
    /// Given and family name.
    pub patient_name: Private<String>,
    /// What is owed.
    pub summary: Private<String>,
    /// How urgent; `None` when stored by a code this version does not know.
    pub urgency: Option<Disposition>,
    /// Who owes it.
    pub owner: StaffId,
    /// Their name.
    pub owner_name: String,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// How often it went to the next person.
    pub escalations: i32,
    /// The call it came from.
    pub call: Option<CallId>,
}

/// The organization's own zone: its day is the worklist's day.
///
/// # Errors
/// When the database is away or the stored zone is not an IANA name.
pub async fn zone(tx: &mut OrgTx) -> Result<Tz, Error> {
    let org = tx.org();
    let name = sqlx::query_scalar!("select time_zone from organization where org_id = $1", org.0)
        .fetch_one(tx.connection())
        .await?;
    name.parse().map_err(|_| Error::Fault("the organization's time zone is not an IANA name".to_owned()))
}

/// Calls due before `until` that are not over, and calls that ended or were due between `from` and `until`.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn calls(
    tx: &mut OrgTx,
    _: &Receipt,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<DayCall>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select c.id, c.patient_id, p.given_name || ' ' || p.family_name as "patient_name!", p.language, c.purpose,
                  c.manner, c.protocol_id, c.due_at, c.state, c.outcome, c.attempts, c.nurse_id, s.full_name as "nurse_name?",
                  c.bridged_at, c.ended_at, a.state as "assessment?",
                  coalesce(a.disposition, a.engine_disposition) as disposition
             from call c
             join patient p on p.org_id = c.org_id and p.id = c.patient_id
             left join staff_member s on s.org_id = c.org_id and s.id = c.nurse_id
             left join assessment a on a.org_id = c.org_id and a.call_id = c.id
            where c.org_id = $1
              and c.due_at < $3
              and (c.state in ('scheduled', 'asking_nurse', 'nurse_ready', 'placing', 'placed',
                               'waiting_for_nurse', 'bridged')
                   or c.due_at >= $2
                   or c.ended_at >= $2
                   or (c.state = 'done' and a.state = 'draft'))
            order by c.due_at, c.id
            limit $4"#,
        org.0,
        from,
        until,
        MOST_ROWS
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(DayCall {
                id: CallId(row.id),
                patient: PatientId(row.patient_id),
                patient_name: Private::new(row.patient_name),
                language: Language::from_tag(&row.language).ok_or_else(|| unreadable("language"))?,
                purpose: CallPurpose::from_word(&row.purpose).ok_or_else(|| unreadable("purpose"))?,
                manner: CallManner::from_word(&row.manner).ok_or_else(|| unreadable("manner"))?,
                protocol: row.protocol_id,
                due_at: row.due_at,
                state: CallState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
                outcome: row.outcome,
                attempts: row.attempts,
                nurse: row.nurse_id.map(StaffId),
                nurse_name: row.nurse_name,
                bridged_at: row.bridged_at,
                ended_at: row.ended_at,
                signed: row.assessment.map(|state| state == "signed"),
                disposition: row.disposition.as_deref().and_then(Disposition::from_code),
            })
        })
        .collect()
}

/// Open follow-ups due before `until`, soonest first.
///
/// # Errors
/// When the database is away.
pub async fn follow_ups(tx: &mut OrgTx, _: &Receipt, until: DateTime<Utc>) -> Result<Vec<ClockedFollowUp>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select f.id, f.patient_id, p.given_name || ' ' || p.family_name as "patient_name!", f.summary, f.urgency,
                  f.owner_id, s.full_name, f.due_at, f.escalations, f.call_id
             from follow_up f
             join patient p on p.org_id = f.org_id and p.id = f.patient_id
             join staff_member s on s.org_id = f.org_id and s.id = f.owner_id
            where f.org_id = $1
              and f.state = 'open'
              and f.due_at < $2
            order by f.due_at, f.id
            limit $3"#,
        org.0,
        until,
        MOST_ROWS
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ClockedFollowUp {
            id: FollowUpId(row.id),
            patient: PatientId(row.patient_id),
            patient_name: Private::new(row.patient_name),
            summary: Private::new(row.summary),
            urgency: Disposition::from_code(&row.urgency),
            owner: StaffId(row.owner_id),
            owner_name: row.full_name,
            due_at: row.due_at,
            escalations: row.escalations,
            call: row.call_id.map(CallId),
        })
        .collect())
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored call's {what} cannot be read"))
}
