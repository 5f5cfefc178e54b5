//! Plays a recording, or the part of it that a player asks for: recorded first, then read chunk by chunk. Nothing of a chunk
//! goes out before its tag was verified; one that was altered or is missing ends the playback.

use crate::{
    app::{App, Vault},
    domain::{
        audit::{Deed, DeedKind},
        ids::{CallId, FileId},
        people::{Actor, Role},
        private::Private,
        recording::{CHUNK_SAMPLES, Span},
        wave::{HEADER, MOMENT, Placed, Wanted, Wave, mix},
    },
    error::Error,
    ports::objects::Objects,
    store::{
        Db, audit, call_page,
        recordings::{self, ChunkToOpen, Layout},
        retention,
    },
};
use futures_util::{Stream, StreamExt, stream};
use std::sync::Arc;

/// What is played.
pub struct Playback {
    /// What is given: what was asked for, or the whole file where that has changed.
    pub given: Wanted,
    /// Bytes of the whole file.
    pub whole: u64,
    /// The first byte of the part.
    pub from: u64,
    /// The byte after its last.
    pub to: u64,
    /// Changes when the file does.
    pub version: String,
    /// The beginning of the part; its chunks are verified.
    first: Private<Vec<u8>>,
    rest: Reader,
}

impl Playback {
    /// The bytes of the part, piece by piece; each is verified before it is handed out. Ends with an error when one cannot be.
    pub fn pieces(self) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send + 'static {
        let rest = stream::unfold(self.rest, |mut reader| async move {
            match reader.next().await {
                Ok(Some(piece)) => Some((Ok(piece.into_revealed()), reader)),
                Ok(None) => None,
                Err(error) => {
                    reader.at = reader.to;
                    Some((Err(error), reader))
                }
            }
        });
        stream::once(async move { Ok(self.first.into_revealed()) }).chain(rest)
    }
}

/// What a player asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Which bytes.
    pub wanted: Wanted,
    /// The version it has a part of already; of another version it gets the whole file.
    pub if_version: Option<&'a str>,
}

/// Begins to play.
///
/// # Errors
/// `NotFound` when the call has no recording or is out of reach; `Invalid` when there are no such bytes; `Conflict` while people
/// still talk, when it was erased, and when its beginning is not what was kept.
pub async fn play(app: &App, actor: &Actor, call: CallId, asked: Asked<'_>) -> Result<Playback, Error> {
    let permitted = [Role::Nurse, Role::Coordinator, Role::Physician];
    let _entitled = actor.staff_among(&permitted).ok_or(Error::Forbidden)?;
    let mut tx = app.db.begin(actor).await?;
    let head = call_page::head(&mut tx, call).await?;
    let deed = Deed::of(DeedKind::PlayedRecording).subject(call.0).with("bytes", asked.wanted);
    let receipt = audit::open_chart_for(&mut tx, actor, head.patient, deed, app.clock.now()).await?;
    let standing = retention::standing(&mut tx, &receipt, call).await?.ok_or(Error::NotFound)?;
    if let Some((_, why)) = standing.erased {
        return Err(Error::Conflict(format!("this recording was erased, because {}", why.says())));
    }
    if !head.state.is_over() {
        return Err(Error::Conflict(
            "they are still talking; the recording can be played when the call is over".to_owned(),
        ));
    }
    let layout = recordings::layout(&mut tx, &receipt, call).await?.ok_or(Error::NotFound)?;
    let wave = Wave { samples: layout.samples };
    let version = format!("{}-{}", layout.chunks.len(), layout.samples);
    let given = if asked.if_version.is_none_or(|has| has == version) { asked.wanted } else { Wanted::Whole };
    let Some((from, to)) = wave.part(given) else {
        return Err(Error::Invalid(format!("the recording has {} bytes; ask for some of them", wave.bytes())));
    };
    tx.commit().await?;
    let mut rest = Reader::of(app, actor, layout, from, to);
    let first = rest.next().await?.unwrap_or_default();
    Ok(Playback { given, whole: wave.bytes(), from, to, version, first, rest })
}

/// Reads a part of a recording, some seconds at a time.
struct Reader {
    careline: Actor,
    objects: Arc<dyn Objects>,
    vault: Vault,
    db: Db,
    wave: Wave,
    chunks: Vec<ChunkToOpen>,
    /// Chunks that reach into what is read now, opened.
    open: Vec<(FileId, Private<Vec<u8>>)>,
    at: u64,
    to: u64,
}

impl Reader {
    fn of(app: &App, actor: &Actor, layout: Layout, from: u64, to: u64) -> Self {
        Self {
            careline: Actor::careline(actor.org),
            objects: app.objects.clone(),
            vault: app.vault.clone(),
            db: app.db.clone(),
            wave: Wave { samples: layout.samples },
            chunks: layout.chunks,
            open: Vec::new(),
            at: from,
            to,
        }
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Private<Vec<u8>>>, Error> {
        if self.at >= self.to {
            return Ok(None);
        }
        let mut bytes = if self.at < HEADER { self.wave.header() } else { Vec::new() };
        // Where the bytes that are put together begin in the file.
        let mut begins = 0;
        let from = self.at.saturating_sub(HEADER) / MOMENT;
        let until = self.to.saturating_sub(HEADER).div_ceil(MOMENT);
        let most = from.saturating_add(u64::try_from(CHUNK_SAMPLES).unwrap_or(0));
        if bytes.is_empty() {
            begins = HEADER.saturating_add(from.saturating_mul(MOMENT));
        }
        let span = Span { from, to: until.min(most).max(from) };
        bytes.extend(self.moments(span).await?);
        let skip = usize::try_from(self.at.saturating_sub(begins)).unwrap_or(0);
        let take = usize::try_from(self.to.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let piece: Vec<u8> = bytes.into_iter().skip(skip).take(take).collect();
        self.at = self.at.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        Ok(Some(Private::new(piece)))
    }

    async fn moments(&mut self, span: Span) -> Result<Vec<u8>, Error> {
        let needed: Vec<ChunkToOpen> = self.chunks.iter().filter(|chunk| chunk.span.meets(span)).cloned().collect();
        self.open.retain(|(id, _)| needed.iter().any(|chunk| chunk.place.file == *id));
        for chunk in &needed {
            if self.open.iter().all(|(id, _)| *id != chunk.place.file) {
                let opened = self.unseal(chunk).await?;
                self.open.push((chunk.place.file, opened));
            }
        }
        let placed: Vec<Placed<'_>> = needed
            .iter()
            .filter_map(|chunk| {
                let (_, ulaw) = self.open.iter().find(|(id, _)| *id == chunk.place.file)?;
                Some(Placed { side: chunk.track.side(), from: chunk.span.from, ulaw: ulaw.reveal() })
            })
            .collect();
        Ok(mix(span, &placed))
    }

    async fn unseal(&self, chunk: &ChunkToOpen) -> Result<Private<Vec<u8>>, Error> {
        match self.vault.read_kept(&*self.objects, chunk.place, &chunk.header).await? {
            Some(ulaw) if u64::try_from(ulaw.reveal().len()) == Ok(chunk.span.samples()) => Ok(ulaw),
            Some(_) | None => Err(self.suspect(chunk.place.file).await?),
        }
    }

    /// The next verification looks at this chunk first, and tells the admins what it finds.
    async fn suspect(&self, chunk: FileId) -> Result<Error, Error> {
        let mut tx = self.db.begin(&self.careline).await?;
        recordings::suspect(&mut tx, chunk).await?;
        tx.commit().await?;
        Ok(Error::Conflict(
            "this part of the recording is not what was kept: it was altered, or is missing. It is not played. Tell your \
             admin, who can bring it back from a backup."
                .to_owned(),
        ))
    }
}
