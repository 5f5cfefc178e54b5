//! Reviews of signed assessments by coordinators: what waits, and what was found. Append-only.

use super::{
    OrgTx,
    audit::{ChartReceipt, Receipt},
};
use crate::{
    domain::{
        disposition::Disposition,
        ids::{AssessmentId, CallId, PatientId, StaffId},
        private::Private,
        reach::ReviewFinding,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A signed assessment that nobody has reviewed.
#[derive(Clone)]
pub struct Waiting {
    /// The assessment.
    pub assessment: AssessmentId,
    /// Its call.
    pub call: CallId,
    /// Whose.
    pub patient: PatientId,
    /// Their name.
    pub patient_name: Private<String>,
    /// The protocol.
    pub protocol: String,
    /// What was decided.
    pub disposition: Option<Disposition>,
    /// Who signed, by name.
    pub signed_by: String,
    /// When.
    pub signed_at: DateTime<Utc>,
}

/// Signed assessments without a review, of patients the reader reaches, the oldest signature first.
///
/// # Errors
/// When the database is away.
pub async fn waiting(tx: &mut OrgTx, _: &Receipt) -> Result<Vec<Waiting>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select a.id, a.call_id, a.patient_id, p.given_name || ' ' || p.family_name as "patient_name!", a.protocol_id,
                  a.disposition, s.full_name as signed_by, a.signed_at as "signed_at!"
             from assessment a
             join patient p on p.org_id = a.org_id and p.id = a.patient_id
             join staff_member s on s.org_id = a.org_id and s.id = a.signed_by
            where a.org_id = $1
              and a.state = 'signed'
              and not exists (select
                                from assessment_review r
                               where r.org_id = a.org_id
                                 and r.assessment_id = a.id)
            order by a.signed_at, a.id
            limit 200"#,
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            assessment: AssessmentId(row.id),
            call: CallId(row.call_id),
            patient: PatientId(row.patient_id),
            patient_name: Private::new(row.patient_name),
            protocol: row.protocol_id,
            disposition: row.disposition.as_deref().and_then(Disposition::from_code),
            signed_by: row.signed_by,
            signed_at: row.signed_at,
        })
        .collect())
}

/// The signed assessment of a call; `None` while it is a draft or there is none.
///
/// # Errors
/// When the database is away.
pub async fn signed_of(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Option<AssessmentId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "select id
           from assessment
          where org_id = $1
            and call_id = $2
            and patient_id = $3
            and state = 'signed'",
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(AssessmentId))
}

/// Writes a review. The same reviewer's second one changes nothing: `false`.
///
/// # Errors
/// When the database is away or refuses.
pub async fn add(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    assessment: AssessmentId,
    by: StaffId,
    finding: ReviewFinding,
    remark: &Private<String>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into assessment_review (org_id, assessment_id, reviewed_by, patient_id, finding, remark, at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (org_id, assessment_id, reviewed_by) do nothing",
        org.0,
        assessment.0,
        by.0,
        receipt.patient().0,
        finding.word(),
        remark.reveal(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// One review of a call's assessment.
#[derive(Clone)]
pub struct Review {
    /// Who, by name.
    pub by: String,
    /// What they found.
    pub finding: ReviewFinding,
    /// Their remark; may be empty.
    pub remark: Private<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The reviews of a call's assessment, first first.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn of_call(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Vec<Review>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select s.full_name, r.finding, r.remark, r.at
           from assessment_review r
           join assessment a on a.org_id = r.org_id and a.id = r.assessment_id
           join staff_member s on s.org_id = r.org_id and s.id = r.reviewed_by
          where r.org_id = $1
            and a.call_id = $2
            and r.patient_id = $3
          order by r.at, r.reviewed_by",
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Review {
                by: row.full_name,
                finding: ReviewFinding::from_word(&row.finding)
                    .ok_or_else(|| Error::Fault("a stored review cannot be read".to_owned()))?,
                remark: Private::new(row.remark),
                at: row.at,
            })
        })
        .collect()
}
