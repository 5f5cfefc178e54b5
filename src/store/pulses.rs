//! The pulse of media streams: how far each was heard, and how it stands. Streams of one process that beat at about the same time
//! are written by one statement for each organization, so that a thousand legs ask PostgreSQL hardly more often than one.

use super::{
    Db, OrgTx, seats,
    streams::{BegunStream, Consent, Counted, stored},
};
use crate::{
    domain::{
        floor::Hushing,
        ids::{OrgId, StreamId},
        people::Actor,
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;

/// How long the first to beat waits for others: short beside the second between two beats, long beside a statement.
const GATHER: Duration = Duration::from_millis(40);

/// How a stream stands after a beat of its pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// It goes on; whether what is said may be kept, and whether anybody may listen.
    Alive(Consent, Hushing),
    /// Another stream of the leg has taken its place, or the leg is over.
    Superseded,
}

/// How far a stream was heard.
struct Beat {
    stream: StreamId,
    heard_at: DateTime<Utc>,
    counted: Counted,
}

/// Streams that wait for the statement that is about to be made.
type Gathered = Vec<(Beat, oneshot::Sender<Pulse>)>;

/// What is about to be written, by organization.
#[derive(Clone, Default)]
pub(super) struct Beats(Arc<Mutex<HashMap<OrgId, Gathered>>>);

impl Beats {
    fn waiting(&self) -> MutexGuard<'_, HashMap<OrgId, Gathered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever writes for all. Should they go before it is done, the others are let go too, and beat again in a second.
struct Writer {
    beats: Beats,
    org: OrgId,
    has_taken: bool,
}

impl Writer {
    /// Takes what was gathered; whoever beats next gathers anew.
    fn take(mut self) -> Gathered {
        self.has_taken = true;
        self.beats.waiting().remove(&self.org).unwrap_or_default()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.has_taken {
            self.beats.waiting().remove(&self.org);
        }
    }
}

impl Db {
    /// Writes how far a stream was heard, about once a second, and asks how it stands.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn beat(
        &self,
        actor: &Actor,
        stream: &BegunStream,
        heard_at: DateTime<Utc>,
        counted: Counted,
    ) -> Result<Pulse, Error> {
        let (tell, told) = oneshot::channel();
        let beat = Beat { stream: stream.id, heard_at, counted };
        let writer = {
            let mut waiting = self.beats.waiting();
            let is_first = !waiting.contains_key(&actor.org);
            waiting.entry(actor.org).or_default().push((beat, tell));
            is_first.then(|| Writer { beats: self.beats.clone(), org: actor.org, has_taken: false })
        };
        if let Some(writer) = writer {
            tokio::time::sleep(GATHER).await;
            self.write(actor, writer.take()).await?;
        }
        told.await.map_err(|_| Error::Database(sqlx::Error::WorkerCrashed))
    }

    async fn write(&self, actor: &Actor, gathered: Gathered) -> Result<(), Error> {
        // A pulse that a crash of the database forgets is made good by the next.
        let mut tx = self.begin_hurried(actor).await?;
        let pulses = write(&mut tx, gathered.iter().map(|(beat, _)| beat)).await?;
        tx.commit().await?;
        for (beat, tell) in gathered {
            // Whoever has gone meanwhile does not want to know.
            let _gone = tell.send(pulses.get(&beat.stream).copied().unwrap_or(Pulse::Superseded));
        }
        Ok(())
    }
}

/// The streams that go on; those that are not among them are over.
async fn write(tx: &mut OrgTx, beats: impl Iterator<Item = &Beat>) -> Result<BTreeMap<StreamId, Pulse>, Error> {
    let org = tx.org();
    let (mut ids, mut heard, mut frames, mut lost) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for beat in beats {
        ids.push(beat.stream.0);
        heard.push(beat.heard_at);
        frames.push(stored(beat.counted.frames));
        lost.push(stored(beat.counted.lost));
    }
    let rows = sqlx::query!(
        r#"update media_stream s
              set heard_at = greatest(s.heard_at, b.heard_at), frames = b.frames, lost_frames = b.lost
             from unnest($2::uuid[], $3::timestamptz[], $4::bigint[], $5::bigint[]) as b (id, heard_at, frames, lost)
             join media_stream m on m.org_id = $1 and m.id = b.id
             join call c on c.org_id = $1 and c.id = m.call_id
             left join seat t on t.org_id = $1 and t.leg_id = m.leg_id
            where s.org_id = $1
              and s.id = m.id
              and s.ended_at is null
        returning s.id, coalesce(c.may_record, false) as "may_record!", t.hushed as "hushed?",
                  t.hushed_at as "hushed_at?", t.hush as "hush?""#,
        org.0,
        &ids,
        &heard,
        &frames,
        &lost
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let consent = if row.may_record { Consent::Given } else { Consent::NotGiven };
            let hushing = seats::stored_hushing(row.hushed.as_deref(), row.hush.unwrap_or(0), row.hushed_at)?;
            Ok((StreamId(row.id), Pulse::Alive(consent, hushing)))
        })
        .collect()
}
