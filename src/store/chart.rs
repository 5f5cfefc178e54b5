//! What a chart shows beside the person: calls, open work, signed and unsigned assessments, each as one line.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        call::{CallPurpose, CallState},
        disposition::Disposition,
        follow_up::FollowUpReason,
        ids::{AssessmentId, CallId, FollowUpId},
        matching::Reason,
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Most lines of one kind on a chart.
const MOST: i64 = 30;

/// One call of a chart.
#[derive(Clone, Debug)]
pub struct ChartCall {
    /// Its id.
    pub id: CallId,
    /// Why it is planned.
    pub purpose: CallPurpose,
    /// Where it stands.
    pub state: CallState,
    /// Why it ended or waits, a code.
    pub outcome: Option<String>,
    /// When it is or was due.
    pub due_at: DateTime<Utc>,
    /// Who is to talk, by name; `None` is anybody on duty.
    pub nurse_name: Option<String>,
    /// Why they and nobody else.
    pub matched: Vec<Reason>,
}

/// The newest calls of the chart, latest due first. Dates that a care plan gave up before anybody was rung are none of it.
///
/// # Errors
/// When the database is away.
pub async fn calls(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<ChartCall>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select c.id, c.purpose, c.state, c.outcome, c.due_at, c.matched, m.full_name as "nurse_name?"
             from call c
             left join staff_member m on m.org_id = c.org_id and m.id = c.nurse_id
            where c.org_id = $1
              and c.patient_id = $2
              and not (c.state = 'cancelled' and c.outcome = 'plan_changed')
            order by c.due_at desc, c.id desc
            limit $3"#,
        org.0,
        receipt.patient().0,
        MOST
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ChartCall {
                id: CallId(row.id),
                purpose: CallPurpose::from_word(&row.purpose).ok_or_else(|| unreadable("call"))?,
                state: CallState::from_word(&row.state).ok_or_else(|| unreadable("call"))?,
                outcome: row.outcome,
                due_at: row.due_at,
                nurse_name: row.nurse_name,
                matched: row.matched.iter().filter_map(|code| Reason::from_code(code)).collect(),
            })
        })
        .collect()
}

/// One open follow-up of a chart.
#[derive(Clone)]
pub struct ChartFollowUp {
    /// Its id.
    pub id: FollowUpId,
    /// Why it is owed.
    pub reason: FollowUpReason,
    /// What a person should do.
    pub summary: Private<String>,
    /// How urgent.
    pub urgency: Disposition,
    /// Who owns it, by name.
    pub owner_name: String,
    /// When somebody must have acted.
    pub due_at: DateTime<Utc>,
}

/// The open follow-ups of the chart, first due first.
///
/// # Errors
/// When the database is away.
pub async fn open_follow_ups(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<ChartFollowUp>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select f.id, f.reason, f.summary, f.urgency, f.due_at, m.full_name as owner_name
           from follow_up f
           join staff_member m on m.org_id = f.org_id and m.id = f.owner_id
          where f.org_id = $1
            and f.patient_id = $2
            and f.state = 'open'
          order by f.due_at, f.id
          limit $3",
        org.0,
        receipt.patient().0,
        MOST
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ChartFollowUp {
                id: FollowUpId(row.id),
                reason: FollowUpReason::from_code(&row.reason).ok_or_else(|| unreadable("follow-up"))?,
                summary: Private::new(row.summary),
                urgency: Disposition::from_code(&row.urgency).ok_or_else(|| unreadable("follow-up"))?,
                owner_name: row.owner_name,
                due_at: row.due_at,
            })
        })
        .collect()
}

/// One assessment of a chart.
#[derive(Clone)]
pub struct ChartAssessment {
    /// Its id.
    pub id: AssessmentId,
    /// The call it belongs to.
    pub call: CallId,
    /// The protocol.
    pub protocol: String,
    /// The version it is pinned to.
    pub version: String,
    /// What the nurse decided, once signed.
    pub disposition: Option<Disposition>,
    /// What was agreed.
    pub agreed_plan: Private<String>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Who signed it, by name, and when; `None` is a draft.
    pub signed: Option<(String, DateTime<Utc>)>,
}

/// The newest assessments of the chart, latest first.
///
/// # Errors
/// When the database is away.
pub async fn assessments(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<ChartAssessment>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select a.id, a.call_id, a.protocol_id, a.protocol_version, a.disposition, a.agreed_plan, a.created_at,
                  a.signed_at, m.full_name as "signed_by?"
             from assessment a
             left join staff_member m on m.org_id = a.org_id and m.id = a.signed_by
            where a.org_id = $1
              and a.patient_id = $2
            order by a.created_at desc, a.id desc
            limit $3"#,
        org.0,
        receipt.patient().0,
        MOST
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let disposition = row
                .disposition
                .map(|code| Disposition::from_code(&code).ok_or_else(|| unreadable("assessment")))
                .transpose()?;
            Ok(ChartAssessment {
                id: AssessmentId(row.id),
                call: CallId(row.call_id),
                protocol: row.protocol_id,
                version: row.protocol_version,
                disposition,
                agreed_plan: Private::new(row.agreed_plan),
                created_at: row.created_at,
                signed: row.signed_by.zip(row.signed_at),
            })
        })
        .collect()
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored {what} cannot be read"))
}
