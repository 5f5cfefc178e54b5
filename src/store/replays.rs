//! What a call needs to be run again, and who ran one. Answers, questions and words are patient data, so every read needs the
//! receipt of its chart.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        ids::{CallId, UtteranceId},
        private::Private,
        replay::{Asked, State},
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Every state that the answers of a call had, in order. `began` is when its time begins.
///
/// # Errors
/// `Fault` when what is stored cannot be read.
pub async fn states(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    call: CallId,
    began: DateTime<Utc>,
) -> Result<Vec<State>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select revision, inputs, evaluation, saved_at
           from assessment_revision
          where org_id = $1
            and call_id = $2
            and patient_id = $3
          order by revision",
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(State {
                at_ms: (row.saved_at - began).num_milliseconds(),
                revision: row.revision,
                inputs: serde_json::from_value(row.inputs).map_err(|_| unreadable("answers"))?,
                evaluation: serde_json::from_value(row.evaluation).map_err(|_| unreadable("evaluation"))?,
            })
        })
        .collect()
}

/// Every question of a call with what was shown and what it rested on, in order.
///
/// # Errors
/// `Fault` when what is stored cannot be read.
pub async fn asked(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    call: CallId,
    began: DateTime<Utc>,
) -> Result<Vec<Asked>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select g.question, g.shown, g.evidence, g.asked_at
           from guidance g
           join call c on c.org_id = g.org_id and c.id = g.call_id
          where g.org_id = $1
            and g.call_id = $2
            and c.patient_id = $3
          order by g.asked_at, g.id",
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Asked {
                at_ms: (row.asked_at - began).num_milliseconds(),
                question: Private::new(row.question),
                shown: serde_json::from_value(row.shown).map_err(|_| unreadable("guidance"))?,
                evidence: serde_json::from_value(row.evidence).map_err(|_| unreadable("evidence"))?,
            })
        })
        .collect()
}

/// The seals of the words that a draft was made from.
pub struct Seals {
    /// The salt.
    pub salt: Vec<u8>,
    /// Of each utterance, in order.
    pub each: Vec<(UtteranceId, Vec<u8>)>,
    /// Medicines that were listened for.
    pub medicines: Vec<String>,
    /// What a model replied.
    pub reply: Option<String>,
    /// Of all of them, as the record says it.
    pub recorded: Option<String>,
}

/// The seals of a call's draft; `None` when it has none.
///
/// # Errors
/// When the database is away.
pub async fn seals(tx: &mut OrgTx, _: &ChartReceipt, call: CallId) -> Result<Option<Seals>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select d.id, d.salt, d.medicines,
                  (select r.reply
                     from summary_reply r
                    where r.org_id = d.org_id
                      and r.draft_id = d.id) as reply,
                  (select e.detail ->> 'sha256'
                     from audit_entry e
                    where e.org_id = d.org_id
                      and e.deed = 'drafted_summary'
                      and e.patient_id = d.patient_id
                      and e.subject = d.id
                    order by e.id
                    limit 1) as recorded
             from summary_draft d
            where d.org_id = $1
              and d.call_id = $2"#,
        org.0,
        call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let each = sqlx::query!(
        "select utterance_id, sha256
           from summary_heard
          where org_id = $1
            and draft_id = $2
          order by number",
        org.0,
        row.id
    )
    .fetch_all(tx.connection())
    .await?;
    let each = each.into_iter().map(|heard| (UtteranceId(heard.utterance_id), heard.sha256)).collect();
    Ok(Some(Seals { salt: row.salt, each, medicines: row.medicines, reply: row.reply, recorded: row.recorded }))
}

/// A replay as it is written down.
pub struct Done<'a> {
    /// Why it was run.
    pub why: &'a str,
    /// Who ran it, by name.
    pub operator: &'a str,
    /// Under which protocol and version.
    pub edition: Option<(&'a str, &'a str)>,
    /// `same`, `differs` or `cannot`.
    pub verdict: &'a str,
    /// How many cards changed.
    pub differences: usize,
}

/// Writes down who ran a call again, why, and what came of it.
///
/// # Errors
/// When the database is away.
pub async fn note(
    tx: &mut OrgTx,
    _: &ChartReceipt,
    call: CallId,
    done: &Done<'_>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into call_replay (org_id, id, call_id, why, operator, protocol_id, version, verdict, differences, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        org.0,
        Uuid::now_v7(),
        call.0,
        done.why,
        done.operator,
        done.edition.map(|(protocol, _)| protocol),
        done.edition.map(|(_, version)| version),
        done.verdict,
        i32::try_from(done.differences).unwrap_or(i32::MAX),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored call's {what} cannot be read"))
}
