//! What was said on a call once it is written: its words with their times, corrections beside them, and the search
//! within a patient. The writing of what was heard is in `streams.rs`, the erasing in `transcript_retention.rs`.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        ids::{CallId, StaffId, UtteranceId},
        private::Private,
        transcript::{Voice, WordTime, timed_again},
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// Why a correction is refused, and what to do about it.
const ERASED: &str = "these words are erased; there is nothing left to correct";
const MOVED_ON: &str =
    "somebody else has corrected these words meanwhile; read them again, and correct what stands there now";

/// One finished utterance.
#[derive(Clone)]
pub struct PageUtterance {
    /// Its id.
    pub id: UtteranceId,
    /// Who spoke.
    pub voice: Voice,
    /// The words as they were heard.
    pub text: Private<String>,
    /// When they began.
    pub from_at: DateTime<Utc>,
    /// Words that were spoken and could not be understood.
    pub lost_words: i32,
    /// When each word was said; empty when the engine gave no times.
    pub times: Vec<Option<WordTime>>,
    /// How sure the engine was of it all, of a hundred, where it said so.
    pub confidence: Option<u8>,
    /// When its words were erased.
    pub erased_at: Option<DateTime<Utc>>,
    /// What was written down instead, oldest first.
    pub corrections: Vec<PageCorrection>,
}

/// What somebody wrote down instead of what was heard, or of an earlier correction.
#[derive(Clone)]
pub struct PageCorrection {
    /// The words.
    pub text: Private<String>,
    /// Who wrote them, by name.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl PageUtterance {
    /// The words as they stand: the newest correction, or what was heard.
    #[must_use]
    pub fn words(&self) -> &Private<String> {
        self.corrections.last().map_or(&self.text, |correction| &correction.text)
    }

    /// When each of these words was said; empty when nothing is known of it.
    #[must_use]
    pub fn word_times(&self) -> Vec<Option<WordTime>> {
        match self.corrections.last() {
            None => self.times.clone(),
            Some(_) if self.times.is_empty() => Vec::new(),
            Some(correction) => timed_again(correction.text.reveal(), self.text.reveal(), &self.times),
        }
    }

    /// What stood there before the newest correction, the newest first.
    #[must_use]
    pub fn stood_before(&self) -> Vec<&Private<String>> {
        let corrected = self.corrections.iter().rev().skip(1).map(|correction| &correction.text);
        if self.corrections.is_empty() { Vec::new() } else { corrected.chain([&self.text]).collect() }
    }
}

/// Times of words as they are stored: three lists of one length, or none.
pub(super) struct Times {
    pub(super) from_ms: Option<Vec<Option<i32>>>,
    pub(super) to_ms: Option<Vec<Option<i32>>>,
    pub(super) confidence: Option<Vec<Option<i16>>>,
}

impl Times {
    pub(super) fn of(words: &[Option<WordTime>]) -> Self {
        if words.iter().all(Option::is_none) {
            return Self { from_ms: None, to_ms: None, confidence: None };
        }
        let stored = |ms: u32| i32::try_from(ms).unwrap_or(i32::MAX);
        Self {
            from_ms: Some(words.iter().map(|word| word.map(|word| stored(word.from_ms))).collect()),
            to_ms: Some(words.iter().map(|word| word.map(|word| stored(word.to_ms))).collect()),
            confidence: Some(words.iter().map(|word| word.and_then(|word| word.confidence).map(i16::from)).collect()),
        }
    }

    fn read(self) -> Vec<Option<WordTime>> {
        let (from_ms, to_ms) = (self.from_ms.unwrap_or_default(), self.to_ms.unwrap_or_default());
        let sure = self.confidence.unwrap_or_default().into_iter().chain(std::iter::repeat(None));
        let known = |ms: i32| u32::try_from(ms).unwrap_or(0);
        let word = |((from, to), confidence): ((Option<i32>, Option<i32>), Option<i16>)| {
            let confidence = confidence.and_then(|confidence| u8::try_from(confidence).ok());
            Some(WordTime { from_ms: known(from?), to_ms: known(to?), confidence })
        };
        from_ms.into_iter().zip(to_ms).zip(sure).map(word).collect()
    }
}

/// What was said, in the order it began; the last 2,000 utterances.
///
/// # Errors
/// When the database is away or a stored speaker cannot be read.
pub async fn of_call(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Vec<PageUtterance>, Error> {
    let org = tx.org();
    let mut corrections = corrections(tx, receipt, call).await?;
    let rows = sqlx::query!(
        r#"select id, speaker, text, from_at, lost_words, confidence, erased_at,
                  word_from_ms as "word_from_ms: Vec<Option<i32>>", word_to_ms as "word_to_ms: Vec<Option<i32>>",
                  word_confidence as "word_confidence: Vec<Option<i16>>"
             from (select id, speaker, text, from_at, lost_words, confidence, erased_at, word_from_ms, word_to_ms,
                          word_confidence
                     from utterance
                    where org_id = $1
                      and call_id = $2
                    order by from_at desc, id desc
                    limit 2000) newest
            order by from_at, id"#,
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let times =
                Times { from_ms: row.word_from_ms, to_ms: row.word_to_ms, confidence: row.word_confidence }.read();
            Ok(PageUtterance {
                id: UtteranceId(row.id),
                voice: voice(&row.speaker)?,
                text: Private::new(row.text),
                from_at: row.from_at,
                lost_words: row.lost_words,
                times,
                confidence: row.confidence.and_then(|confidence| u8::try_from(confidence).ok()),
                erased_at: row.erased_at,
                corrections: corrections.remove(&row.id).unwrap_or_default(),
            })
        })
        .collect()
}

/// The corrections of a call by utterance, each list oldest first.
async fn corrections(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    call: CallId,
) -> Result<HashMap<Uuid, Vec<PageCorrection>>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select k.utterance_id, k.text, k.made_at, m.full_name
           from utterance_correction k
           join staff_member m on m.org_id = k.org_id and m.id = k.made_by
          where k.org_id = $1
            and k.call_id = $2
            and k.patient_id = $3
            and k.erased_at is null
          order by k.number",
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    let mut found = HashMap::<Uuid, Vec<PageCorrection>>::new();
    for row in rows {
        let correction = PageCorrection { text: Private::new(row.text), by: row.full_name, at: row.made_at };
        found.entry(row.utterance_id).or_default().push(correction);
    }
    Ok(found)
}

/// Other words for an utterance.
pub struct NewCorrection {
    /// The utterance.
    pub utterance: UtteranceId,
    /// The call it was said on.
    pub call: CallId,
    /// How many corrections whoever writes has seen.
    pub seen: i32,
    /// The words.
    pub text: Private<String>,
    /// Who writes.
    pub by: StaffId,
}

/// What became of a correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corrected {
    /// It is written.
    Yes,
    /// The same words stand there already.
    StoodAlready,
}

/// Writes one; whoever has not seen the newest is told so.
///
/// # Errors
/// `NotFound` for an utterance of another call; `Conflict` when somebody else corrected it meanwhile, or its words are erased.
pub async fn correct(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    new: &NewCorrection,
    now: DateTime<Utc>,
) -> Result<Corrected, Error> {
    let org = tx.org();
    // Its row is nobody's to change, so the call's row is what those who correct at once wait for.
    let row = sqlx::query!(
        r#"select u.text, u.language, u.erased_at,
                  (select count(*) from utterance_correction k where k.org_id = u.org_id and k.utterance_id = u.id) as "seen!",
                  (select k.text
                     from utterance_correction k
                    where k.org_id = u.org_id
                      and k.utterance_id = u.id
                    order by k.number desc
                    limit 1) as newest
             from utterance u
             join call c on c.org_id = u.org_id and c.id = u.call_id
            where u.org_id = $1
              and u.id = $2
              and u.call_id = $3
              and c.patient_id = $4
              for update of c"#,
        org.0,
        new.utterance.0,
        new.call.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    if row.erased_at.is_some() {
        return Err(Error::Conflict(ERASED.to_owned()));
    }
    if row.newest.as_ref().unwrap_or(&row.text) == new.text.reveal() {
        return Ok(Corrected::StoodAlready);
    }
    if row.seen != i64::from(new.seen) {
        return Err(Error::Conflict(MOVED_ON.to_owned()));
    }
    let written = sqlx::query!(
        "insert into utterance_correction (org_id, utterance_id, number, call_id, patient_id, text, language, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (org_id, utterance_id, number) do nothing",
        org.0,
        new.utterance.0,
        new.seen.saturating_add(1),
        new.call.0,
        receipt.patient().0,
        new.text.reveal(),
        row.language,
        new.by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 0 { Err(Error::Conflict(MOVED_ON.to_owned())) } else { Ok(Corrected::Yes) }
}

/// One utterance that was looked for.
#[derive(Clone)]
pub struct FoundUtterance {
    /// It.
    pub id: UtteranceId,
    /// The call it was said on.
    pub call: CallId,
    /// Who spoke.
    pub voice: Voice,
    /// The words as they stand.
    pub text: Private<String>,
    /// When they began.
    pub from_at: DateTime<Utc>,
    /// Whether somebody corrected them.
    pub is_corrected: bool,
}

/// Looks for words on the calls of one patient, each utterance in its own language, the newest first. Corrected words are
/// found and what they replaced is not.
///
/// # Errors
/// When the database is away or a stored speaker cannot be read.
pub async fn search(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    words: &Private<String>,
    most: i64,
) -> Result<Vec<FoundUtterance>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select u.id, u.call_id, u.speaker, u.from_at, coalesce(k.text, u.text) as "text!",
                  k.text is not null as "is_corrected!"
             from call c
             join utterance u on u.org_id = c.org_id and u.call_id = c.id
             left join lateral (select text, search
                                  from utterance_correction
                                 where org_id = u.org_id
                                   and utterance_id = u.id
                                 order by number desc
                                 limit 1) k on true
            where c.org_id = $1
              and c.patient_id = $2
              and u.erased_at is null
              and coalesce(k.search, u.search) @@ case when u.language = 'es-US'
                                                       then websearch_to_tsquery('pg_catalog.spanish'::regconfig, $3)
                                                       else websearch_to_tsquery('pg_catalog.english'::regconfig, $3) end
            order by u.from_at desc, u.id
            limit $4"#,
        org.0,
        receipt.patient().0,
        words.reveal(),
        most
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(FoundUtterance {
                id: UtteranceId(row.id),
                call: CallId(row.call_id),
                voice: voice(&row.speaker)?,
                text: Private::new(row.text),
                from_at: row.from_at,
                is_corrected: row.is_corrected,
            })
        })
        .collect()
}

fn voice(word: &str) -> Result<Voice, Error> {
    Voice::from_word(word).ok_or_else(|| Error::Fault("a stored call's speaker cannot be read".to_owned()))
}
