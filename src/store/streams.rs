//! Media streams and what is heard on them: burnt tokens, beginnings and ends, gaps, utterances. Nothing spoken is
//! stored unless the call may be recorded; the statement that stores it asks.

use super::{
    OrgTx,
    audit::{Receipt, record},
    gaps::{self, GapReason},
    jobs, legs, seats,
    transcripts::Times,
};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        floor::Hushing,
        ids::{CallId, LegId, PatientId, StreamId, UtteranceId},
        job::Job,
        people::{Actor, Language},
        private::Private,
        recording::Track,
        transcript::{Voice, WordTime},
    },
    error::Error,
};
use chrono::{DateTime, Duration, Utc};

/// How soon after a lost stream the leg is looked at again.
const LOOK_AGAIN_SECONDS: i64 = 1;

/// A stream whose token was burnt just now.
#[derive(Clone, Debug)]
pub struct BegunStream {
    /// Our name for it.
    pub id: StreamId,
    /// The leg that is heard.
    pub leg: LegId,
    /// The call.
    pub call: CallId,
    /// Whose chart the words belong to.
    pub patient: PatientId,
    /// Who speaks on the leg.
    pub voice: Voice,
    /// Where it is heard in the recording.
    pub track: Track,
    /// Whether words may be kept.
    pub consent: Consent,
    /// Whether anybody may listen.
    pub hushing: Hushing,
    /// The language the patient is spoken to in.
    pub language: Language,
    /// Instant of the stream's first millisecond.
    pub started_at: DateTime<Utc>,
}

impl BegunStream {
    /// The instant of a millisecond of the stream.
    #[must_use]
    pub fn instant(&self, at_ms: u64) -> DateTime<Utc> {
        let into = i64::try_from(at_ms).ok().and_then(Duration::try_milliseconds);
        into.and_then(|into| self.started_at.checked_add_signed(into)).unwrap_or(self.started_at)
    }
}

/// Whether what is said on a call may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// They said so on this call.
    Given,
    /// They did not, or not any more.
    NotGiven,
}

/// What has come in on a stream so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Frames that arrived in time.
    pub frames: u64,
    /// Frames that did not, or that the transcriber could not take.
    pub lost: u64,
}

/// One transcribed stretch of speech.
#[derive(Clone)]
pub struct Utterance {
    /// Its id.
    pub id: UtteranceId,
    /// The words.
    pub text: Private<String>,
    /// When it began.
    pub from: DateTime<Utc>,
    /// When it ended.
    pub to: DateTime<Utc>,
    /// Words that were spoken but not understood.
    pub lost_words: u32,
    /// When each word of the text was said; empty when the engine gives no times.
    pub words: Vec<Option<WordTime>>,
    /// How sure the engine is of it all, of a hundred.
    pub confidence: Option<u8>,
}

/// Burns a token: it must be unused, of a leg that is in its conference, and told by that leg's own carrier call. Audio
/// missed since the leg's last stream becomes a gap. `None` when the token opens nothing.
///
/// # Errors
/// When the database is away.
pub async fn begin(
    tx: &mut OrgTx,
    actor: &Actor,
    token: &str,
    stream_sid: &str,
    sid: &str,
    now: DateTime<Utc>,
) -> Result<Option<BegunStream>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"update media_stream s
              set started_at = $5, heard_at = $5, stream_sid = $4
             from leg l, call c, patient p
            where s.org_id = $1
              and s.token_hash = $2
              and s.started_at is null
              and s.ended_at is null
              and l.org_id = $1
              and l.id = s.leg_id
              and l.sid = $3
              and l.left_at is null
              and c.org_id = $1
              and c.id = s.call_id
              and p.org_id = $1
              and p.id = c.patient_id
        returning s.id, s.leg_id, s.call_id, c.patient_id, l.party, c.speaker, p.language,
                  coalesce(c.may_record, false) as "may_record!""#,
        org.0,
        legs::token_hash(token),
        sid,
        stream_sid,
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let hushing = seats::hushing(tx, LegId(row.leg_id)).await?;
    let begun = BegunStream {
        id: StreamId(row.id),
        leg: LegId(row.leg_id),
        call: CallId(row.call_id),
        patient: PatientId(row.patient_id),
        voice: voice(&row.party, row.speaker.as_deref()),
        track: Track::of_party(&row.party),
        consent: consent(row.may_record),
        hushing,
        // A language that is spoken in no script of ours is heard as English rather than not at all.
        language: Language::from_tag(&row.language).unwrap_or(Language::English),
        started_at: now,
    };
    let deaf = gaps::Deaf { call: begun.call, leg: begun.leg, patient: begun.patient };
    gaps::tell_silence(tx, actor, deaf, Some(begun.id), GapReason::StreamLost, now).await?;
    moved(tx, actor, &begun, "began", Counted::default(), now).await?;
    Ok(Some(begun))
}

/// Ends a stream. When its leg is still in the conference, a job looks at it in a moment and forks it again.
///
/// # Errors
/// When the database is away.
pub async fn end(
    tx: &mut OrgTx,
    actor: &Actor,
    stream: &BegunStream,
    heard_at: DateTime<Utc>,
    counted: Counted,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let ended = sqlx::query!(
        "update media_stream
            set ended_at = $3, heard_at = greatest(heard_at, $4), frames = $5, lost_frames = $6
          where org_id = $1
            and id = $2
            and ended_at is null",
        org.0,
        stream.id.0,
        now,
        heard_at,
        stored(counted.frames),
        stored(counted.lost)
    )
    .execute(tx.connection())
    .await?;
    if ended.rows_affected() == 0 {
        return Ok(());
    }
    moved(tx, actor, stream, "ended", counted, now).await?;
    if legs::lock_live(tx, stream.leg, now).await?.is_some() {
        let job = Job::ForkLeg { leg: stream.leg };
        jobs::enqueue(tx, &job, &format!("after:{}", stream.id), now + Duration::seconds(LOOK_AGAIN_SECONDS), now)
            .await?;
    }
    Ok(())
}

/// What became of words that were to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// They are in the record.
    Yes,
    /// The call may not be recorded, or they were written before.
    No,
    /// Whether anybody may listen has changed since it was last asked: what was said is to be judged by this, then offered again.
    NotYet(Hushing),
}

/// Writes what was said, if the call may be recorded at this instant; otherwise nothing is kept. `known` is the newest change
/// of who may be listened to by which the words were judged.
///
/// # Errors
/// When the database is away.
pub async fn add_utterance(
    tx: &mut OrgTx,
    actor: &Actor,
    stream: &BegunStream,
    utterance: &Utterance,
    known: u32,
    now: DateTime<Utc>,
) -> Result<Kept, Error> {
    let org = tx.org();
    let hushing = seats::hushing(tx, stream.leg).await?;
    if hushing.revision > known {
        return Ok(Kept::NotYet(hushing));
    }
    let times = Times::of(&utterance.words);
    let written = sqlx::query!(
        "insert into utterance (org_id, id, call_id, leg_id, speaker, text, from_at, to_at, lost_words, language, confidence,
                                word_from_ms, word_to_ms, word_confidence)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
           from call
          where org_id = $1
            and id = $3
            and may_record
         on conflict (org_id, id) do nothing",
        org.0,
        utterance.id.0,
        stream.call.0,
        stream.leg.0,
        stream.voice.word(),
        utterance.text.reveal(),
        utterance.from,
        utterance.to,
        i32::try_from(utterance.lost_words).unwrap_or(i32::MAX),
        stream.language.tag(),
        utterance.confidence.map(i16::from),
        times.from_ms as _,
        times.to_ms as _,
        times.confidence as _
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(Kept::No);
    }
    let deed = Deed::of(DeedKind::HeardUtterance)
        .patient(stream.patient)
        .subject(utterance.id.0)
        .with("call", stream.call)
        .with("speaker", stream.voice.word())
        .with("words", utterance.text.reveal().split_whitespace().count())
        .with("lost_words", utterance.lost_words);
    let _receipt: Receipt = record(tx, actor, &deed, now).await?;
    Ok(Kept::Yes)
}

/// How well the leg of a stream is heard from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Somebody speaks and no words come.
    Blind,
    /// The engine was begun again and told what it had not said finally.
    AskedAgain,
    /// The next engine was begun.
    OtherEngine,
    /// Words come again.
    HearsAgain,
}

impl Turn {
    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blind => "blind",
            Self::AskedAgain => "asked_again",
            Self::OtherEngine => "other_engine",
            Self::HearsAgain => "hears_again",
        }
    }
}

/// Writes how well a stream's leg is heard, as a fact.
///
/// # Errors
/// When the database is away.
pub async fn add_turn(
    tx: &mut OrgTx,
    actor: &Actor,
    stream: &BegunStream,
    turn: Turn,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into stream_turn (org_id, stream_id, number, call_id, turn, at)
         select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5
           from stream_turn
          where org_id = $1
            and stream_id = $2",
        org.0,
        stream.id.0,
        stream.call.0,
        turn.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    moved(tx, actor, stream, turn.word(), Counted::default(), now).await
}

async fn moved(
    tx: &mut OrgTx,
    actor: &Actor,
    stream: &BegunStream,
    event: &'static str,
    counted: Counted,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = Deed::of(DeedKind::MovedStream)
        .patient(stream.patient)
        .subject(stream.id.0)
        .with("call", stream.call)
        .with("leg", stream.leg)
        .with("event", event)
        .with("frames", counted.frames)
        .with("lost", counted.lost);
    let _receipt: Receipt = record(tx, actor, &deed, now).await?;
    Ok(())
}

fn voice(party: &str, speaker: Option<&str>) -> Voice {
    match (party, speaker) {
        ("nurse" | "guest", _) => Voice::Nurse,
        (_, Some("caregiver")) => Voice::Caregiver,
        (_, _) => Voice::Patient,
    }
}

const fn consent(may_record: bool) -> Consent {
    if may_record { Consent::Given } else { Consent::NotGiven }
}

pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
