//! Recordings of calls: which chunk holds what of whom, the header that opens it, when it was last verified. The audio is
//! objects elsewhere. A chunk becomes known only while the call may be recorded; the statement that stores it asks.

use super::{
    OrgTx,
    audit::{ChartReceipt, Receipt, record},
    seats,
    streams::BegunStream,
};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        file_format::{ChunkPlace, FileKind, FilePlace},
        floor::Hushing,
        ids::{CallId, ContactId, FileId, LegId, OrgId, PatientId},
        people::Actor,
        recording::{Span, Track, sample_at},
        sealed::Sealed,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A chunk to be made known, whose object is whole already.
pub struct NewChunk<'a> {
    /// Where it belongs.
    pub place: FilePlace,
    /// Its number in its stream.
    pub number: u32,
    /// The instant of its first sample.
    pub from: DateTime<Utc>,
    /// Samples, a byte each.
    pub samples: usize,
    /// Loudness of each quarter of a second, 0 to 100.
    pub peaks: &'a [i16],
    /// Wrapped data key and preamble.
    pub header: &'a Sealed,
    /// The newest change of who may be listened to by which its audio was judged.
    pub known: u32,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is part of the recording.
    Known,
    /// The call may not be recorded, or not any more; or its recording was erased.
    Refused,
    /// Whether anybody may listen has changed since it was last asked: the chunk is to be judged by this, then offered again.
    NotYet(Hushing),
}

/// Makes a chunk known, if the call may be recorded at this instant. Twice is once.
///
/// # Errors
/// When the database is away.
pub async fn add(
    tx: &mut OrgTx,
    actor: &Actor,
    stream: &BegunStream,
    chunk: &NewChunk<'_>,
    now: DateTime<Utc>,
) -> Result<Fate, Error> {
    let org = tx.org();
    // Held until the end of the transaction: whoever withdraws the consent comes before this chunk or after it.
    let may = sqlx::query_scalar!(
        r#"select coalesce(may_record, false) as "may!" from call where org_id = $1 and id = $2 for share"#,
        org.0,
        stream.call.0
    )
    .fetch_optional(tx.connection())
    .await?;
    if may != Some(true) {
        return Ok(Fate::Refused);
    }
    // Whoever puts the leg on hold has locked the call's row too: before this chunk, and then it shows here, or after it.
    let hushing = seats::hushing(tx, stream.leg).await?;
    if hushing.revision > chunk.known {
        return Ok(Fate::NotYet(hushing));
    }
    begin(tx, actor, stream, chunk.from, now).await?;
    let count = |count: usize| i32::try_from(count).map_err(|_| Error::Fault("a chunk cannot be counted".to_owned()));
    let added = sqlx::query!(
        "insert into recording_chunk (org_id, id, call_id, leg_id, stream_id, track, number, from_at, samples, peaks,
                                      sealed, kept_at, read_at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12
           from recording
          where org_id = $1
            and call_id = $3
            and erased_at is null
         on conflict (org_id, id) do update set fault = recording_chunk.fault",
        org.0,
        chunk.place.file.0,
        stream.call.0,
        stream.leg.0,
        stream.id.0,
        stream.track.word(),
        count(usize::try_from(chunk.number).unwrap_or(usize::MAX))?,
        chunk.from,
        count(chunk.samples)?,
        chunk.peaks,
        chunk.header.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(if added.rows_affected() == 0 { Fate::Refused } else { Fate::Known })
}

async fn begin(
    tx: &mut OrgTx,
    actor: &Actor,
    stream: &BegunStream,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let began = sqlx::query!(
        "insert into recording (org_id, call_id, patient_id, began_at)
         values ($1, $2, $3, $4)
         on conflict (org_id, call_id) do nothing",
        org.0,
        stream.call.0,
        stream.patient.0,
        from
    )
    .execute(tx.connection())
    .await?;
    if began.rows_affected() > 0 {
        let deed = Deed::of(DeedKind::BeganRecording).patient(stream.patient).subject(stream.call.0);
        let _receipt: Receipt = record(tx, actor, &deed, now).await?;
    }
    Ok(())
}

/// Writes down how much of a stream the recording kept, when the stream is over.
///
/// # Errors
/// When the database is away.
pub async fn ended(
    tx: &mut OrgTx,
    actor: &Actor,
    stream: &BegunStream,
    chunks: u64,
    samples: u64,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = Deed::of(DeedKind::RecordedLeg)
        .patient(stream.patient)
        .subject(stream.call.0)
        .with("leg", stream.leg)
        .with("stream", stream.id)
        .with("track", stream.track.word())
        .with("chunks", chunks)
        .with("samples", samples);
    let _receipt: Receipt = record(tx, actor, &deed, now).await?;
    Ok(())
}

/// No call of the patient that is still talked on may be recorded any more; those that were. `contact` names the one person
/// who took it back, where it was not the patient.
///
/// # Errors
/// When the database is away.
pub async fn stop(tx: &mut OrgTx, receipt: &ChartReceipt, contact: Option<ContactId>) -> Result<Vec<CallId>, Error> {
    let org = tx.org();
    let calls = sqlx::query_scalar!(
        "update call
            set may_record = false
          where org_id = $1
            and patient_id = $2
            and may_record
            and state not in ('done', 'missed', 'cancelled')
            and ($3::uuid is null or contact_id = $3)
        returning id",
        org.0,
        receipt.patient().0,
        contact.map(|contact| contact.0)
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(calls.into_iter().map(CallId).collect())
}

/// A chunk as it is played.
#[derive(Clone)]
pub struct ChunkToOpen {
    /// Where it belongs.
    pub place: FilePlace,
    /// Wrapped data key and preamble.
    pub header: Sealed,
    /// Whose voice it carries.
    pub track: Track,
    /// The leg.
    pub leg: LegId,
    /// Where it lies in the recording.
    pub span: Span,
    /// Loudness of each quarter of a second, 0 to 100.
    pub peaks: Vec<i16>,
    /// Whether the last verification found it altered or missing.
    pub is_faulty: bool,
}

/// A recording, laid out from its first sample.
#[derive(Clone)]
pub struct Layout {
    /// The instant of the first sample.
    pub zero: DateTime<Utc>,
    /// How many samples it has.
    pub samples: u64,
    /// Its chunks, in the order they begin.
    pub chunks: Vec<ChunkToOpen>,
}

/// The recording of a call; `None` when there is none, or none any more.
///
/// # Errors
/// When the database is away.
pub async fn layout(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Option<Layout>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select k.id, k.leg_id, k.track, k.number, k.from_at, k.samples, k.peaks, k.sealed as "sealed!",
                  k.fault is not null as "is_faulty!"
             from recording_chunk k
             join recording r on r.org_id = k.org_id and r.call_id = k.call_id
            where k.org_id = $1
              and k.call_id = $2
              and r.patient_id = $3
              and k.sealed is not null
            order by k.from_at, k.id"#,
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    let Some(zero) = rows.first().map(|row| row.from_at) else { return Ok(None) };
    let mut layout = Layout { zero, samples: 0, chunks: Vec::with_capacity(rows.len()) };
    for row in rows {
        let leg = LegId(row.leg_id);
        let from = sample_at(zero, row.from_at);
        let span = Span { from, to: from.saturating_add(u64::try_from(row.samples).unwrap_or(0)) };
        layout.samples = layout.samples.max(span.to);
        layout.chunks.push(ChunkToOpen {
            place: place(org, receipt.patient(), FileId(row.id), chunk_place(call, leg, row.number, row.from_at)),
            header: Sealed(row.sealed),
            track: Track::from_word(&row.track).ok_or_else(|| Error::Fault("a stored track is none".to_owned()))?,
            leg,
            span,
            peaks: row.peaks,
            is_faulty: row.is_faulty,
        });
    }
    Ok(Some(layout))
}

/// Chunks whose tags were last verified before `before`, longest ago first.
///
/// # Errors
/// When the database is away.
pub async fn to_verify(
    tx: &mut OrgTx,
    before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(FilePlace, Sealed, u64)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select k.id, k.call_id, k.leg_id, k.number, k.from_at, k.samples, k.sealed as "sealed!", r.patient_id
             from recording_chunk k
             join recording r on r.org_id = k.org_id and r.call_id = k.call_id
            where k.org_id = $1
              and k.read_at < $2
              and k.sealed is not null
            order by k.read_at, k.id
            limit $3"#,
        org.0,
        before,
        most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let chunk = chunk_place(CallId(row.call_id), LegId(row.leg_id), row.number, row.from_at);
            let place = place(org, PatientId(row.patient_id), FileId(row.id), chunk);
            (place, Sealed(row.sealed), u64::try_from(row.samples).unwrap_or(0))
        })
        .collect())
}

/// Writes down that a chunk was verified and what was found; says whether the fault is news.
///
/// # Errors
/// When the database is away.
pub async fn verified(
    tx: &mut OrgTx,
    id: FileId,
    fault: Option<&'static str>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let before = sqlx::query_scalar!(
        "select fault from recording_chunk where org_id = $1 and id = $2 and sealed is not null for update",
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(before) = before else { return Ok(false) };
    sqlx::query!(
        "update recording_chunk set read_at = $3, fault = $4 where org_id = $1 and id = $2",
        org.0,
        id.0,
        now,
        fault
    )
    .execute(tx.connection())
    .await?;
    Ok(fault.is_some() && before.as_deref() != fault)
}

/// Makes a chunk due for verification before all others.
///
/// # Errors
/// When the database is away.
pub async fn suspect(tx: &mut OrgTx, id: FileId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update recording_chunk set read_at = 'epoch' where org_id = $1 and id = $2", org.0, id.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Where a chunk belongs.
#[must_use]
pub fn chunk_place(call: CallId, leg: LegId, number: i32, from: DateTime<Utc>) -> ChunkPlace {
    ChunkPlace { call, leg, number: u32::try_from(number).unwrap_or(0), from_micros: from.timestamp_micros() }
}

fn place(org: OrgId, patient: PatientId, file: FileId, chunk: ChunkPlace) -> FilePlace {
    FilePlace { org, patient, file, kind: FileKind::Recording(chunk) }
}
