//! Passages as guidance reads them, and the answers that were shown with their evidence.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        guidance::{GuidanceView, Passage, ProtocolRef, Standing, evidence::Evidence},
        ids::{CallId, GuidanceId, StaffId},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The protocol version of a call: the one its assessment is pinned to, else the one in use. `None` when the protocol
/// has no version in use.
///
/// # Errors
/// `NotFound` when there is no such call.
pub async fn pinned(tx: &mut OrgTx, call: CallId) -> Result<(String, Option<ProtocolRef>), Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select call.protocol_id,
                  assessment.protocol_id as "pinned_id?",
                  coalesce(assessment.protocol_version, protocol_version.version) as "version?"
           from call
           left join assessment on assessment.org_id = call.org_id and assessment.call_id = call.id
           left join protocol_version on protocol_version.org_id = call.org_id
             and protocol_version.protocol_id = call.protocol_id and protocol_version.in_use
           where call.org_id = $1 and call.id = $2"#,
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let id = row.pinned_id.unwrap_or(row.protocol_id);
    let version = row.version.map(|version| ProtocolRef { id: id.clone(), version });
    Ok((id, version))
}

/// The passages of one version in the order of the document; none when the version is retired.
///
/// # Errors
/// When the database is away.
pub async fn passages(tx: &mut OrgTx, protocol: &ProtocolRef) -> Result<Vec<Passage>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select passage.anchor, passage.heading, passage.text, passage.tags, passage.sha256, protocol_version.status
         from passage
         join protocol_version on protocol_version.org_id = passage.org_id
           and protocol_version.protocol_id = passage.protocol_id and protocol_version.version = passage.version
         where passage.org_id = $1 and passage.protocol_id = $2 and passage.version = $3
         order by passage.ordinal",
        org.0,
        protocol.id,
        protocol.version
    )
    .fetch_all(tx.connection())
    .await?;
    let passage = rows.into_iter().filter_map(|row| {
        Some(Passage {
            standing: Standing::of_status(&row.status)?,
            anchor: row.anchor,
            heading: row.heading,
            text: row.text,
            tags: row.tags,
            sha256: row.sha256,
        })
    });
    Ok(passage.collect())
}

/// The given and family names of a patient and the names of their contacts, to be taken out of questions.
///
/// # Errors
/// When the database is away.
pub async fn names(tx: &mut OrgTx, chart: &ChartReceipt) -> Result<Vec<Private<String>>, Error> {
    let org = tx.org();
    let names = sqlx::query_scalar!(
        r#"select given_name || ' ' || family_name as "name!"
           from patient
           where org_id = $1 and id = $2
           union all
           select full_name
           from contact
           where org_id = $1 and patient_id = $2"#,
        org.0,
        chart.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(names.into_iter().map(Private::new).collect())
}

/// A passage that may be searched for.
#[derive(Clone, Debug)]
pub struct Searchable {
    /// Its protocol version.
    pub protocol: ProtocolRef,
    /// Its anchor.
    pub anchor: String,
    /// Its heading.
    pub heading: String,
    /// Its text.
    pub text: String,
    /// Its vector, when one was stored.
    pub embedding: Option<Vec<f32>>,
}

/// Every passage of the versions in use and of versions that unsigned assessments are pinned to.
///
/// # Errors
/// When the database is away.
pub async fn searchable(tx: &mut OrgTx) -> Result<Vec<Searchable>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select passage.protocol_id, passage.version, passage.anchor, passage.heading, passage.text, passage.embedding
         from passage
         join protocol_version on protocol_version.org_id = passage.org_id
           and protocol_version.protocol_id = passage.protocol_id and protocol_version.version = passage.version
         where passage.org_id = $1
           and (protocol_version.in_use
                or exists (select from assessment
                           where assessment.org_id = passage.org_id and assessment.state = 'draft'
                             and assessment.protocol_id = passage.protocol_id
                             and assessment.protocol_version = passage.version))
         order by passage.protocol_id, passage.version, passage.ordinal",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    let searchable = rows.into_iter().map(|row| Searchable {
        protocol: ProtocolRef { id: row.protocol_id, version: row.version },
        anchor: row.anchor,
        heading: row.heading,
        text: row.text,
        embedding: row.embedding,
    });
    Ok(searchable.collect())
}

/// Keeps a passage's vector, so that it is computed once.
///
/// # Errors
/// When the database is away.
pub async fn keep_embedding(tx: &mut OrgTx, passage: &Searchable, vector: &[f32]) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update passage
         set embedding = $5
         where org_id = $1 and protocol_id = $2 and version = $3 and anchor = $4",
        org.0,
        passage.protocol.id,
        passage.protocol.version,
        passage.anchor,
        vector
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes what was shown, with its evidence. Guidance is never changed afterwards.
///
/// # Errors
/// When the database is away.
pub async fn keep(tx: &mut OrgTx, call: CallId, view: &GuidanceView, evidence: &Evidence) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into guidance (org_id, id, call_id, asked_by, question, outcome, shown, evidence, asked_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        org.0,
        view.id.0,
        call.0,
        view.asked_by.0,
        view.question.reveal(),
        view.shown.outcome.word(),
        serde_json::to_value(&view.shown).map_err(|error| Error::Fault(error.to_string()))?,
        serde_json::to_value(evidence).map_err(|error| Error::Fault(error.to_string()))?,
        view.asked_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What was shown on the call of an opened chart, oldest first.
///
/// # Errors
/// `Fault` when a stored answer cannot be read.
pub async fn shown(tx: &mut OrgTx, chart: &ChartReceipt, call: CallId) -> Result<Vec<GuidanceView>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select guidance.id, guidance.asked_by, guidance.question, guidance.shown, guidance.asked_at
         from guidance
         join call on call.org_id = guidance.org_id and call.id = guidance.call_id
         where guidance.org_id = $1 and guidance.call_id = $2 and call.patient_id = $3
         order by guidance.asked_at, guidance.id",
        org.0,
        call.0,
        chart.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(|row| view(row.id, row.asked_by, row.asked_at, row.question, row.shown)).collect()
}

fn view(
    id: uuid::Uuid,
    asked_by: uuid::Uuid,
    asked_at: DateTime<Utc>,
    question: String,
    shown: serde_json::Value,
) -> Result<GuidanceView, Error> {
    // The text of a parse error could repeat what was stored, so it is not passed on.
    let shown = serde_json::from_value(shown).map_err(|_| Error::Fault(format!("guidance {id} cannot be read")))?;
    Ok(GuidanceView {
        id: GuidanceId(id),
        asked_by: StaffId(asked_by),
        asked_at,
        question: Private::new(question),
        shown,
    })
}
