//! Gaps: audio that never reached us, shown to the nurse and part of the record.

use super::{
    OrgTx,
    audit::{Receipt, record},
    seats,
};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        floor::Hush,
        ids::{AttemptId, CallId, GapId, LegId, PatientId, StreamId},
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Silence between two streams of a leg that is no gap worth telling, in milliseconds.
const NO_GAP_MS: i64 = 200;

/// Why audio is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapReason {
    /// Frames of a running stream.
    FramesLost,
    /// The stream ended while its leg went on.
    StreamLost,
    /// Careline itself was away.
    CarelineRestarted,
    /// It was heard, and the recording could not keep it.
    NotRecorded,
    /// The audio came, and no engine turned it into words.
    NotHeard,
    /// Nobody listened: they were on hold.
    OnHold,
    /// Nobody listened: they had muted themselves.
    Muted,
}

impl From<Hush> for GapReason {
    fn from(hush: Hush) -> Self {
        match hush {
            Hush::OnHold => Self::OnHold,
            Hush::Muted => Self::Muted,
        }
    }
}

impl GapReason {
    /// The word stored and shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::FramesLost => "frames_lost",
            Self::StreamLost => "stream_lost",
            Self::CarelineRestarted => "careline_restarted",
            Self::NotRecorded => "not_recorded",
            Self::NotHeard => "not_heard",
            Self::OnHold => "on_hold",
            Self::Muted => "muted",
        }
    }
}

/// Audio that never reached us.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// Its id: the same gap written twice is one.
    pub id: GapId,
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// Whose chart it belongs to.
    pub patient: PatientId,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// Why.
    pub reason: GapReason,
}

/// A leg that is not heard.
#[derive(Clone, Copy, Debug)]
pub struct Deaf {
    /// The call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// Whose chart it belongs to.
    pub patient: PatientId,
}

/// Writes a gap, unless it is too short to matter.
///
/// # Errors
/// When the database is away.
pub async fn add(tx: &mut OrgTx, actor: &Actor, gap: &Gap, now: DateTime<Utc>) -> Result<(), Error> {
    let length_ms = (gap.to - gap.from).num_milliseconds();
    if length_ms <= 0 {
        return Ok(());
    }
    let org = tx.org();
    let written = sqlx::query!(
        "insert into gap (org_id, id, call_id, leg_id, from_at, to_at, reason)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (org_id, id) do nothing",
        org.0,
        gap.id.0,
        gap.call.0,
        gap.leg.0,
        gap.from,
        gap.to,
        gap.reason.word()
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(());
    }
    let deed = Deed::of(DeedKind::FoundGap)
        .patient(gap.patient)
        .subject(gap.id.0)
        .with("call", gap.call)
        .with("leg", gap.leg)
        .with("reason", gap.reason.word())
        .with("milliseconds", length_ms);
    let _receipt: Receipt = record(tx, actor, &deed, now).await?;
    Ok(())
}

/// Tells as a gap how long a leg has not been heard until now: since the end of its last audio, or of the gap told
/// last. `but` is the stream that begins now. A leg that never had a stream has no gap. What lies before that and was not
/// listened to, because the leg was hushed when its process died, is told with that reason.
///
/// # Errors
/// When the database is away.
pub async fn tell_silence(
    tx: &mut OrgTx,
    actor: &Actor,
    deaf: Deaf,
    but: Option<StreamId>,
    reason: GapReason,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select max(coalesce(s.heard_at, s.opened_at)) as heard_at,
                (select max(g.to_at) from gap g where g.org_id = $1 and g.leg_id = $2) as told_at
           from media_stream s
          where s.org_id = $1
            and s.leg_id = $2
            and s.id is distinct from $3",
        org.0,
        deaf.leg.0,
        but.map(|stream| stream.0)
    )
    .fetch_one(tx.connection())
    .await?;
    let gap = |from, to, reason| Gap {
        id: GapId::at(now),
        call: deaf.call,
        leg: deaf.leg,
        patient: deaf.patient,
        from,
        to,
        reason,
    };
    let hushing = seats::hushing(tx, deaf.leg).await?;
    if let (Some(hush), Some(since), Some(heard)) = (hushing.now, hushing.since, row.heard_at) {
        let from = row.told_at.map_or(since, |told| told.max(since));
        if is_worth_telling(from, heard) {
            add(tx, actor, &gap(from, heard, hush.into()), now).await?;
        }
    }
    match row.heard_at.max(row.told_at).filter(|from| is_worth_telling(*from, now)) {
        Some(from) => add(tx, actor, &gap(from, now, reason), now).await,
        None => Ok(()),
    }
}

fn is_worth_telling(from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
    (to - from).num_milliseconds() >= NO_GAP_MS
}

/// A leg is about to be noted as left: when it should have been heard and was not, the silence until now is told, for no
/// later stream will.
///
/// # Errors
/// When the database is away.
pub async fn tell_last_silence(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: AttemptId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select l.id, l.call_id, c.patient_id
           from leg l
           join call c on c.org_id = l.org_id and c.id = l.call_id
          where l.org_id = $1
            and l.attempt_id = $2
            and l.left_at is null
            and c.may_record
            and not exists (select 1
                              from media_stream s
                             where s.org_id = l.org_id
                               and s.leg_id = l.id
                               and s.heard_at > $3::timestamptz - interval '3 seconds')",
        org.0,
        attempt.0,
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(()) };
    let deaf = Deaf { call: CallId(row.call_id), leg: LegId(row.id), patient: PatientId(row.patient_id) };
    tell_silence(tx, actor, deaf, None, GapReason::StreamLost, now).await
}
