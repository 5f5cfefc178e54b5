//! Drafts of what was said on a call, what was decided about their items, and signed summaries, as they are read. All of it
//! is patient data, so every read needs the receipt of its chart.

mod keep;

pub use keep::{NewDraft, decide, keep, lock, sign};

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        ids::{CallId, DraftId, ItemId, StaffId, UtteranceId},
        people::Language,
        private::Private,
        summary::{
            FoundBy, Heard, Item, ItemKind, Source, Stance,
            evidence::DraftEvidence,
            settle::{Decided, DraftItem, Line, SummarySignature},
        },
        transcript::Voice,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A stored draft.
#[derive(Clone)]
pub struct Draft {
    /// Its id.
    pub id: DraftId,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// The version of lists and rules that made it.
    pub rules: String,
    /// Rules alone, or a model as well.
    pub way: FoundBy,
    /// What was withheld, and the model.
    pub evidence: DraftEvidence,
    /// Its items.
    pub items: Vec<DraftItem>,
    /// When each utterance that is quoted began.
    pub began: BTreeMap<UtteranceId, DateTime<Utc>>,
    /// How many decisions were made; a form names it, so that nobody signs what another has changed since.
    pub decisions: i32,
    /// The signature, once there is one.
    pub signed: Option<SummarySignature>,
}

/// What was said on a call, in the order it began.
///
/// # Errors
/// When the database is away or a stored speaker cannot be read.
pub async fn words(tx: &mut OrgTx, _: &ChartReceipt, call: CallId) -> Result<Vec<Heard>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, speaker, text
           from utterance
          where org_id = $1
            and call_id = $2
          order by from_at, id
          limit 4000",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    let heard =
        |id, speaker: &str, text| Ok(Heard { id: UtteranceId(id), voice: voice(speaker)?, text: Private::new(text) });
    rows.into_iter().map(|row| heard(row.id, &row.speaker, row.text)).collect()
}

/// The language of a patient, and what the chart says about their medicines.
///
/// # Errors
/// When the database is away.
pub async fn listens_for(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<(Language, Private<String>), Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select language, medications from patient where org_id = $1 and id = $2",
        org.0,
        receipt.patient().0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok((Language::from_tag(&row.language).unwrap_or(Language::English), Private::new(row.medications)))
}

/// Where a call stands before its draft.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Whether it has one.
    pub drafted: bool,
    /// Whether audio of it may still become words.
    pub heard: bool,
}

/// Whether a call has a draft, and whether audio of it may still become words.
///
/// # Errors
/// When the database is away.
pub async fn standing(tx: &mut OrgTx, call: CallId) -> Result<Standing, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select exists (select from summary_draft where org_id = $1 and call_id = $2) as "drafted!",
                  exists (select
                            from media_stream s
                            join leg l on l.org_id = s.org_id and l.id = s.leg_id
                           where s.org_id = $1
                             and l.call_id = $2
                             and s.started_at is not null
                             and s.ended_at is null) as "heard!""#,
        org.0,
        call.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Standing { drafted: row.drafted, heard: row.heard })
}

/// The draft of a call with its items, what was decided, and the signature. Items whose words were erased are not shown.
///
/// # Errors
/// `Fault` when what is stored cannot be read.
pub async fn of_call(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Option<Draft>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select d.id, d.made_at, d.rules, d.way, d.evidence,
                  (select coalesce(max(n.number), 0)
                     from summary_decision n
                    where n.org_id = d.org_id
                      and n.draft_id = d.id) as "decisions!"
             from summary_draft d
            where d.org_id = $1
              and d.call_id = $2
              and d.patient_id = $3"#,
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = DraftId(row.id);
    Ok(Some(Draft {
        id,
        made_at: row.made_at,
        rules: row.rules,
        way: FoundBy::from_word(&row.way).ok_or_else(|| unreadable("way"))?,
        evidence: serde_json::from_value(row.evidence).map_err(|_| unreadable("evidence"))?,
        items: items(tx, id).await?,
        began: began(tx, id).await?,
        decisions: row.decisions,
        signed: signature(tx, id).await?,
    }))
}

async fn items(tx: &mut OrgTx, draft: DraftId) -> Result<Vec<DraftItem>, Error> {
    let org = tx.org();
    let mut sources = sources(tx, draft).await?;
    let rows = sqlx::query!(
        r#"select i.id, i.kind, i.code, i.stance, i.least, i.most, i.found_by, d.decided as "decided?", d.words
             from summary_item i
             left join lateral (select n.decided, n.words
                                  from summary_decision n
                                 where n.org_id = i.org_id
                                   and n.item_id = i.id
                                 order by n.number desc
                                 limit 1) d on true
            where i.org_id = $1
              and i.draft_id = $2
            order by i.number"#,
        org.0,
        draft.0
    )
    .fetch_all(tx.connection())
    .await?;
    let mut items = Vec::new();
    for row in rows {
        let own: Vec<(Uuid, i32, Source)> = sources.extract_if(.., |(item, _, _)| *item == row.id).collect();
        // Without the words it rests on, an item says nothing, even where the question it answered is left.
        if own.first().is_none_or(|(_, number, _)| *number != 1) {
            continue;
        }
        let byte = |value: i16| u8::try_from(value).ok();
        let decided = row.decided.as_deref().map(|word| Decided::read(word, row.words.as_deref()));
        let item = Item {
            kind: ItemKind::from_word(&row.kind).ok_or_else(|| unreadable("kind"))?,
            code: row.code,
            stance: Stance::from_word(&row.stance).ok_or_else(|| unreadable("stance"))?,
            score: row.least.and_then(byte).zip(row.most.and_then(byte)),
            by: FoundBy::from_word(&row.found_by).ok_or_else(|| unreadable("finder"))?,
            sources: own.into_iter().map(|(_, _, source)| source).collect(),
        };
        let decided = match decided {
            Some(read) => Some(read.ok_or_else(|| unreadable("decision"))?),
            None => None,
        };
        items.push(DraftItem { id: ItemId(row.id), item, decided });
    }
    Ok(items)
}

async fn sources(tx: &mut OrgTx, draft: DraftId) -> Result<Vec<(Uuid, i32, Source)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select s.item_id, s.number, s.utterance_id, s.speaker, s.from_byte, s.to_byte, s.words
           from summary_source s
           join summary_item i on i.org_id = s.org_id and i.id = s.item_id
          where s.org_id = $1
            and i.draft_id = $2
          order by i.number, s.number",
        org.0,
        draft.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let place = |byte: i32| usize::try_from(byte).map_err(|_| unreadable("place"));
            let source = Source {
                utterance: UtteranceId(row.utterance_id),
                voice: voice(&row.speaker)?,
                from: place(row.from_byte)?,
                to: place(row.to_byte)?,
                words: Private::new(row.words),
            };
            Ok((row.item_id, row.number, source))
        })
        .collect()
}

async fn signature(tx: &mut OrgTx, draft: DraftId) -> Result<Option<SummarySignature>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select n.signed_by, n.signed_at, n.lines, s.full_name
           from summary_signature n
           join staff_member s on s.org_id = n.org_id and s.id = n.signed_by
          where n.org_id = $1
            and n.draft_id = $2",
        org.0,
        draft.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let lines: Vec<Line> = serde_json::from_value(row.lines).map_err(|_| unreadable("lines"))?;
    Ok(Some(SummarySignature { by: StaffId(row.signed_by), by_name: row.full_name, at: row.signed_at, lines }))
}

/// When the utterances that are quoted began, so that they can be heard again.
async fn began(tx: &mut OrgTx, draft: DraftId) -> Result<BTreeMap<UtteranceId, DateTime<Utc>>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select distinct u.id, u.from_at
           from summary_source s
           join summary_item i on i.org_id = s.org_id and i.id = s.item_id
           join utterance u on u.org_id = s.org_id and u.id = s.utterance_id
          where s.org_id = $1
            and i.draft_id = $2",
        org.0,
        draft.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (UtteranceId(row.id), row.from_at)).collect())
}

fn voice(word: &str) -> Result<Voice, Error> {
    match word {
        "patient" => Ok(Voice::Patient),
        "caregiver" => Ok(Voice::Caregiver),
        "nurse" => Ok(Voice::Nurse),
        _ => Err(unreadable("speaker")),
    }
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored summary's {what} cannot be read"))
}
