//! Writing drafts, decisions and signatures. Nothing of it is ever changed.

use super::Draft;
use crate::{
    domain::{
        ids::{CallId, DraftId, ItemId, StaffId, UtteranceId},
        summary::{
            FoundBy, Item, RULES,
            evidence::DraftEvidence,
            settle::{Decided, Line},
        },
    },
    error::Error,
    store::{
        OrgTx,
        audit::{ChartReceipt, Receipt},
    },
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A draft as it is written: once, whole.
pub struct NewDraft<'a> {
    /// Its id.
    pub id: DraftId,
    /// The call.
    pub call: CallId,
    /// Its items, in order.
    pub items: &'a [Item],
    /// Who found them: rules alone, or a model as well.
    pub way: FoundBy,
    /// The salt of the hashes.
    pub salt: &'a [u8],
    /// The hash over all words.
    pub sha256: &'a [u8],
    /// The hash of each utterance, in order.
    pub heard: &'a [(UtteranceId, [u8; 32])],
    /// Medicines of the chart that were listened for.
    pub medicines: &'a [String],
    /// What was withheld, and the model.
    pub evidence: &'a DraftEvidence,
    /// What a model replied.
    pub reply: Option<&'a str>,
}

/// Writes a draft with its items. `false` when the call has one already.
///
/// # Errors
/// When the database is away.
pub async fn keep(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    draft: &NewDraft<'_>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into summary_draft (org_id, id, call_id, patient_id, rules, way, salt, sha256, medicines, evidence, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (org_id, call_id) do nothing",
        org.0,
        draft.id.0,
        draft.call.0,
        receipt.patient().0,
        RULES,
        draft.way.word(),
        draft.salt,
        draft.sha256,
        draft.medicines,
        json(draft.evidence)?,
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    let (ids, seals): (Vec<Uuid>, Vec<Vec<u8>>) = draft.heard.iter().map(|(id, seal)| (id.0, seal.to_vec())).unzip();
    sqlx::query!(
        "insert into summary_heard (org_id, draft_id, call_id, number, utterance_id, sha256)
         select $1, $2, $3, heard.number::int, heard.id, heard.seal
           from unnest($4::uuid[], $5::bytea[]) with ordinality as heard (id, seal, number)",
        org.0,
        draft.id.0,
        draft.call.0,
        &ids,
        &seals
    )
    .execute(tx.connection())
    .await?;
    if let Some(reply) = draft.reply {
        sqlx::query!(
            "insert into summary_reply (org_id, draft_id, call_id, reply) values ($1, $2, $3, $4)",
            org.0,
            draft.id.0,
            draft.call.0,
            reply
        )
        .execute(tx.connection())
        .await?;
    }
    for (number, item) in (1..).zip(draft.items) {
        keep_item(tx, draft, number, item, now).await?;
    }
    Ok(true)
}

async fn keep_item(
    tx: &mut OrgTx,
    draft: &NewDraft<'_>,
    number: i32,
    item: &Item,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let id = ItemId::at(now);
    sqlx::query!(
        "insert into summary_item (org_id, id, draft_id, call_id, number, kind, code, stance, least, most, found_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        org.0,
        id.0,
        draft.id.0,
        draft.call.0,
        number,
        item.kind.word(),
        item.code,
        item.stance.word(),
        item.score.map(|(least, _)| i16::from(least)),
        item.score.map(|(_, most)| i16::from(most)),
        item.by.word()
    )
    .execute(tx.connection())
    .await?;
    for (number, source) in (1..).zip(&item.sources) {
        sqlx::query!(
            "insert into summary_source (org_id, item_id, number, call_id, utterance_id, speaker, from_byte, to_byte, words)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            org.0,
            id.0,
            number,
            draft.call.0,
            source.utterance.0,
            source.voice.word(),
            i32::try_from(source.from).unwrap_or(i32::MAX),
            i32::try_from(source.to).unwrap_or(i32::MAX),
            source.words.reveal()
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

/// Lets decisions about the draft of a call and its signature come one after the other.
///
/// # Errors
/// When the database is away.
pub async fn lock(tx: &mut OrgTx, call: CallId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query_scalar!(
        r#"select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::uuid::text, 37)) is null as "held!""#,
        org.0,
        call.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(())
}

/// Writes what was decided about an item, as a fact after those that stand.
///
/// # Errors
/// When the database is away.
pub async fn decide(
    tx: &mut OrgTx,
    _: &Receipt,
    (draft, call): (&Draft, CallId),
    (item, decided): (ItemId, &Decided),
    (by, now): (StaffId, DateTime<Utc>),
) -> Result<(), Error> {
    let org = tx.org();
    let words = match decided {
        Decided::Edited(words) => Some(words.reveal().as_str()),
        Decided::Accepted | Decided::Dropped => None,
    };
    sqlx::query!(
        "insert into summary_decision (org_id, id, draft_id, item_id, call_id, number, decided, words, decided_by, decided_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        org.0,
        ItemId::at(now).0,
        draft.id.0,
        item.0,
        call.0,
        draft.decisions.saturating_add(1),
        decided.word(),
        words,
        by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Puts the lines of a draft into the record, under a signature.
///
/// # Errors
/// When the database is away.
pub async fn sign(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    (draft, call): (&Draft, CallId),
    (lines, sha256): (&[Line], &[u8]),
    (by, now): (StaffId, DateTime<Utc>),
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into summary_signature (org_id, draft_id, call_id, patient_id, lines, sha256, signed_by, signed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        draft.id.0,
        call.0,
        receipt.patient().0,
        json(&lines)?,
        sha256,
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
