//! Keeps a document of a patient: sealed while it arrives, whole in the store before the chart knows of it.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        document::{LARGEST_DOCUMENT, MediaType, TELLING, name_of},
        file_format::{FileKind, FilePlace},
        ids::{FileId, PatientId, StaffId},
        people::{Actor, Role, Who},
        private::Private,
        sealed::Sealed,
    },
    error::Error,
    ports::objects::{ObjectKey, ObjectWriter},
    store::{
        audit,
        files::{self, NewFile},
    },
};
use futures_util::{Stream, StreamExt};

/// Keeps what arrives. Nothing is kept when the document is too long, empty, or not of a kind that is taken.
///
/// # Errors
/// `Invalid` with what to do; `Forbidden` for whoever does not care for patients or has urgent access only; `NotFound`
/// for a patient the actor does not reach.
pub async fn keep<S>(app: &App, actor: &Actor, patient: PatientId, typed: &str, source: S) -> Result<FileId, Error>
where
    S: Stream<Item = Result<Vec<u8>, Error>> + Send + Unpin,
{
    let by = permit(actor)?;
    let now = app.clock.now();
    // Asked before the first byte is taken. Nothing is read by it, so nothing is recorded.
    let mut tx = app.db.begin(actor).await?;
    audit::open_chart(&mut tx, actor, patient, DeedKind::KeptDocument, now).await?.may_change()?;
    drop(tx);
    let place = FilePlace { org: actor.org, patient, file: FileId::at(now), kind: FileKind::Document };
    let key = ObjectKey::of(&place);
    let mut object = app.objects.begin(&key).await?;
    let taken = match take(app, place, &mut *object, source).await {
        Ok(taken) => taken,
        Err(error) => {
            object.abort().await?;
            return Err(error);
        }
    };
    object.finish().await?;
    let kept = write(app, actor, place, &taken, &Private::new(name_of(typed)), by).await;
    if kept.is_err() {
        app.objects.remove(&key).await?;
    }
    kept.map(|()| place.file)
}

/// What arrived.
struct Taken {
    header: Sealed,
    media_type: MediaType,
    bytes: u64,
}

async fn take<S>(app: &App, place: FilePlace, object: &mut dyn ObjectWriter, mut source: S) -> Result<Taken, Error>
where
    S: Stream<Item = Result<Vec<u8>, Error>> + Send + Unpin,
{
    let (mut sealing, header) = app.vault.begin_file(place).await?;
    let mut first = Vec::new();
    let mut bytes = 0;
    while let Some(piece) = source.next().await {
        let piece = piece?;
        bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if bytes > LARGEST_DOCUMENT {
            return Err(invalid("it is larger than 20 MiB; send a smaller scan, or several documents"));
        }
        if first.len() < TELLING {
            first.extend(piece.iter().take(TELLING));
            // What is not of a kind that is taken is refused before more of it arrives.
            if first.len() >= TELLING && MediaType::told_by(&first).is_none() {
                return Err(unknown());
            }
        }
        object.write(sealing.write(&piece)?).await?;
    }
    let media_type = MediaType::told_by(&first).ok_or_else(unknown)?;
    object.write(sealing.finish()?).await?;
    Ok(Taken { header, media_type, bytes })
}

async fn write(
    app: &App,
    actor: &Actor,
    place: FilePlace,
    taken: &Taken,
    name: &Private<String>,
    by: StaffId,
) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let deed = Deed::of(DeedKind::KeptDocument)
        .subject(place.file.0)
        .with("type", taken.media_type.word())
        .with("bytes", taken.bytes);
    let receipt = audit::open_chart_for(&mut tx, actor, place.patient, deed, now).await?;
    receipt.may_change()?;
    let new = NewFile { place, name, media_type: taken.media_type, bytes: taken.bytes, header: &taken.header, by };
    files::keep(&mut tx, &receipt, &new, now).await?;
    tx.commit().await
}

fn unknown() -> Error {
    invalid("it is not a PDF, PNG or JPEG; scan it again, or export it as PDF")
}

fn invalid(text: &str) -> Error {
    Error::Invalid(format!("document: {text}"))
}

const fn permit(actor: &Actor) -> Result<StaffId, Error> {
    match actor.who {
        Who::Staff { id, role: Role::Nurse | Role::Coordinator | Role::Physician, .. } => Ok(id),
        Who::Staff { role: Role::Admin | Role::Auditor, .. }
        | Who::Operator
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => Err(Error::Forbidden),
    }
}
