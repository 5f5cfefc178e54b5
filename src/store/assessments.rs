//! Assessments: one to a call, pinned to a protocol version, saved by revision, final once signed. Answers are patient
//! data, so every read needs the receipt of its chart.

use super::{OrgTx, audit::ChartReceipt, protocols::Stored};
use crate::{
    domain::{
        assessment::{Assessment, Signature, Signing},
        disposition::Disposition,
        ids::{AssessmentId, CallId, PatientId, StaffId},
        private::Private,
        protocol::{Evaluation, Inputs},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The protocol a call is planned with.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn protocol_of(tx: &mut OrgTx, call: CallId) -> Result<String, Error> {
    let org = tx.org();
    sqlx::query_scalar!("select protocol_id from call where org_id = $1 and id = $2", org.0, call.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)
}

/// The protocol and version that a call's assessment is pinned to; nothing that was answered.
///
/// # Errors
/// `NotFound` when none was begun.
pub async fn pinned(tx: &mut OrgTx, call: CallId) -> Result<(String, String), Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select protocol_id, protocol_version from assessment where org_id = $1 and call_id = $2",
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok((row.protocol_id, row.protocol_version))
}

/// The assessment of a call, its row kept for this transaction; `None` when there is none yet.
///
/// # Errors
/// When the database is away or what is stored cannot be read.
pub async fn lock(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Option<Assessment>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select a.id, a.protocol_id, a.protocol_version, a.protocol_sha256, a.answers, a.facts, a.confirmed,
                  a.evaluation, a.disposition, a.override_reason, a.agreed_plan, a.revision, a.signed_by, a.signed_at,
                  (select s.full_name
                     from staff_member s
                    where s.org_id = a.org_id
                      and s.id = a.signed_by) as signed_by_name
             from assessment a
            where a.org_id = $1
              and a.call_id = $2
              and a.patient_id = $3
              for update of a"#,
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let signed = match (row.signed_by, row.signed_at, row.disposition.as_deref().map(Disposition::from_code)) {
        (Some(by), Some(at), Some(disposition)) => Some(Signature {
            by: StaffId(by),
            by_name: row.signed_by_name.unwrap_or_default(),
            at,
            disposition: disposition.ok_or_else(|| unreadable("disposition"))?,
            override_reason: row.override_reason.map(Private::new),
            agreed_plan: Private::new(row.agreed_plan),
        }),
        (Some(_) | None, _, _) => None,
    };
    Ok(Some(Assessment {
        id: AssessmentId(row.id),
        call,
        patient: receipt.patient(),
        protocol: row.protocol_id,
        version: row.protocol_version,
        sha256: row.protocol_sha256,
        inputs: Inputs {
            answers: serde_json::from_value(row.answers).map_err(|_| unreadable("answers"))?,
            facts: serde_json::from_value(row.facts).map_err(|_| unreadable("facts"))?,
            confirmed: serde_json::from_value(row.confirmed).map_err(|_| unreadable("confirmations"))?,
        },
        evaluation: serde_json::from_value(row.evaluation).map_err(|_| unreadable("evaluation"))?,
        revision: row.revision,
        signed,
    }))
}

/// Begins the assessment of a call, pinned to a version. Two who open at once begin one.
///
/// # Errors
/// When the database is away.
pub async fn begin(
    tx: &mut OrgTx,
    call: CallId,
    patient: PatientId,
    pinned: &Stored,
    evaluation: &Evaluation,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let nothing = Inputs::default();
    sqlx::query!(
        "insert into assessment (org_id, id, call_id, patient_id, protocol_id, protocol_version, protocol_sha256,
                                 state, answers, facts, confirmed, evaluation, engine_disposition, created_at,
                                 updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, 'draft', $8, $9, $10, $11, $12, $13, $13)
         on conflict (org_id, call_id) do nothing",
        org.0,
        AssessmentId::at(now).0,
        call.0,
        patient.0,
        pinned.protocol,
        pinned.version,
        pinned.sha256,
        json(&nothing.answers)?,
        json(&nothing.facts)?,
        json(&nothing.confirmed)?,
        json(evaluation)?,
        evaluation.disposition.map(Disposition::code),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Keeps the state that the answers have at one revision, so that the call can be run again.
async fn keep_revision(tx: &mut OrgTx, assessment: &Assessment, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into assessment_revision (org_id, assessment_id, revision, call_id, patient_id, inputs, evaluation, saved_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        assessment.id.0,
        assessment.revision,
        assessment.call.0,
        assessment.patient.0,
        json(&assessment.inputs)?,
        json(&assessment.evaluation)?,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Stores what a locked draft has become, as its next revision.
///
/// # Errors
/// When the database is away.
pub async fn save(tx: &mut OrgTx, assessment: &Assessment, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update assessment
            set answers = $3, facts = $4, confirmed = $5, evaluation = $6, engine_disposition = $7, revision = $8,
                updated_at = $9
          where org_id = $1
            and id = $2",
        org.0,
        assessment.id.0,
        json(&assessment.inputs.answers)?,
        json(&assessment.inputs.facts)?,
        json(&assessment.inputs.confirmed)?,
        json(&assessment.evaluation)?,
        assessment.evaluation.disposition.map(Disposition::code),
        assessment.revision,
        now
    )
    .execute(tx.connection())
    .await?;
    keep_revision(tx, assessment, now).await
}

/// Freezes a locked draft under a signature.
///
/// # Errors
/// When the database is away.
pub async fn sign(
    tx: &mut OrgTx,
    assessment: &Assessment,
    signing: &Signing,
    by: StaffId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let reason = signing.override_reason.as_ref().map(|reason| reason.reveal().trim());
    sqlx::query!(
        "update assessment
            set state = 'signed', evaluation = $3, engine_disposition = $4, disposition = $5, override_reason = $6,
                agreed_plan = $7, signed_by = $8, signed_at = $9, updated_at = $9
          where org_id = $1
            and id = $2",
        org.0,
        assessment.id.0,
        json(&assessment.evaluation)?,
        assessment.evaluation.disposition.map(Disposition::code),
        signing.disposition.code(),
        reason.filter(|reason| !reason.is_empty()),
        signing.agreed_plan.reveal().trim(),
        by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Fault(error.to_string()))
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored assessment's {what} cannot be read"))
}
