//! Files of patients: whose they are, what they are called, the header that opens them, when each was last verified. The
//! bytes are objects elsewhere.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        document::MediaType,
        file_format::{FileKind, FilePlace},
        ids::{FileId, PatientId, StaffId},
        private::Private,
        sealed::Sealed,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A file to keep, whose object is whole already.
pub struct NewFile<'a> {
    /// Where it belongs.
    pub place: FilePlace,
    /// What a person called it.
    pub name: &'a Private<String>,
    /// What it is.
    pub media_type: MediaType,
    /// Bytes of plaintext.
    pub bytes: u64,
    /// Wrapped data key and preamble.
    pub header: &'a Sealed,
    /// Who keeps it.
    pub by: StaffId,
}

/// Keeps a file.
///
/// # Errors
/// When there is no such patient in this organization.
pub async fn keep(tx: &mut OrgTx, _: &ChartReceipt, file: &NewFile<'_>, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into stored_file (org_id, id, patient_id, kind, name, media_type, bytes, sealed, kept_by, kept_at, read_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        org.0,
        file.place.file.0,
        file.place.patient.0,
        file.place.kind.word(),
        file.name.reveal(),
        file.media_type.word(),
        i64::try_from(file.bytes).map_err(|_| Error::Fault("a file is too long to be counted".to_owned()))?,
        file.header.0,
        file.by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A file of a chart.
#[derive(Clone)]
pub struct KeptFile {
    /// The file.
    pub id: FileId,
    /// What a person called it.
    pub name: Private<String>,
    /// What it is.
    pub media_type: MediaType,
    /// Bytes of plaintext.
    pub bytes: i64,
    /// Who kept it, by name.
    pub kept_by: String,
    /// When.
    pub kept_at: DateTime<Utc>,
    /// Whether the last verification found it altered or missing.
    pub faulty: bool,
}

/// The files of the chart, newest first; removed ones are not among them.
///
/// # Errors
/// When the database is away.
pub async fn of_chart(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<KeptFile>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select f.id, f.name, f.media_type, f.bytes, f.kept_at, f.fault is not null as "faulty!",
                  m.full_name as kept_by
             from stored_file f
             join staff_member m on m.org_id = f.org_id and m.id = f.kept_by
            where f.org_id = $1
              and f.patient_id = $2
              and f.removed_at is null
            order by f.kept_at desc, f.id desc
            limit 100"#,
        org.0,
        receipt.patient().0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(KeptFile {
                id: FileId(row.id),
                name: Private::new(row.name),
                media_type: media_type(&row.media_type)?,
                bytes: row.bytes,
                kept_by: row.kept_by,
                kept_at: row.kept_at,
                faulty: row.faulty,
            })
        })
        .collect()
}

/// What opens a file, and how it is handed out.
#[derive(Clone)]
pub struct FileToOpen {
    /// Where it belongs.
    pub place: FilePlace,
    /// Wrapped data key and preamble.
    pub header: Sealed,
    /// What a person called it.
    pub name: Private<String>,
    /// What it is.
    pub media_type: MediaType,
}

/// One file of the chart.
///
/// # Errors
/// `NotFound` when the chart has none of that name, or no more.
pub async fn one(tx: &mut OrgTx, receipt: &ChartReceipt, id: FileId) -> Result<FileToOpen, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select name, media_type, sealed as "sealed!"
             from stored_file
            where org_id = $1
              and id = $2
              and patient_id = $3
              and removed_at is null
              and sealed is not null"#,
        org.0,
        id.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(FileToOpen {
        place: FilePlace { org, patient: receipt.patient(), file: id, kind: FileKind::Document },
        header: Sealed(row.sealed),
        name: Private::new(row.name),
        media_type: media_type(&row.media_type)?,
    })
}

/// Takes a file off the chart.
///
/// # Errors
/// `NotFound` when the chart has none of that name, or no more.
pub async fn remove(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    id: FileId,
    by: StaffId,
    why: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update stored_file
            set removed_by = $4, removed_at = $5, removed_why = $6
          where org_id = $1
            and id = $2
            and patient_id = $3
            and removed_at is null",
        org.0,
        id.0,
        receipt.patient().0,
        by.0,
        now,
        why
    )
    .execute(tx.connection())
    .await?;
    if done.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Forgets the key of a removed file; its bytes can never be read again, in no copy. Says whether it was there to forget.
///
/// # Errors
/// When the database is away.
pub async fn erase(tx: &mut OrgTx, id: FileId, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update stored_file
            set sealed = null, erased_at = $3, fault = null
          where org_id = $1
            and id = $2
            and removed_at is not null
            and erased_at is null",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whether a file is off its chart.
///
/// # Errors
/// When the database is away.
pub async fn is_removed(tx: &mut OrgTx, id: FileId) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from stored_file where org_id = $1 and id = $2 and removed_at is not null) as "is!""#,
        org.0,
        id.0
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Files whose tags were last verified before `before`, longest ago first.
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
        r#"select id, patient_id, bytes, sealed as "sealed!"
             from stored_file
            where org_id = $1
              and read_at < $2
              and sealed is not null
              and removed_at is null
            order by read_at, id
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
            let (patient, file) = (PatientId(row.patient_id), FileId(row.id));
            let place = FilePlace { org, patient, file, kind: FileKind::Document };
            (place, Sealed(row.sealed), u64::try_from(row.bytes).unwrap_or(0))
        })
        .collect())
}

/// Writes down that a file was verified and what was found; says whether the fault is news.
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
        "select fault from stored_file where org_id = $1 and id = $2 and removed_at is null for update",
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(before) = before else { return Ok(false) };
    sqlx::query!(
        "update stored_file set read_at = $3, fault = $4 where org_id = $1 and id = $2",
        org.0,
        id.0,
        now,
        fault
    )
    .execute(tx.connection())
    .await?;
    Ok(fault.is_some() && before.as_deref() != fault)
}

/// How many files and chunks of recordings there are, how many are faulty, and when the one verified longest ago was.
#[derive(Clone, Copy, Debug)]
pub struct FileHealth {
    /// Files and chunks that are kept.
    pub kept: i64,
    /// Those that were altered or are missing.
    pub faulty: i64,
    /// When the one that waits longest was last verified; `None` when there is none.
    pub oldest: Option<DateTime<Utc>>,
}

/// The state of all files of the organization.
///
/// # Errors
/// When the database is away.
pub async fn health(tx: &mut OrgTx) -> Result<FileHealth, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select count(*) as "kept!", count(fault) as "faulty!", min(read_at) as oldest
             from (select fault, read_at
                     from stored_file
                    where org_id = $1
                      and removed_at is null
                   union all
                   select fault, read_at
                     from recording_chunk
                    where org_id = $1
                      and sealed is not null) kept"#,
        org.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(FileHealth { kept: row.kept, faulty: row.faulty, oldest: row.oldest })
}

fn media_type(word: &str) -> Result<MediaType, Error> {
    MediaType::from_word(word).ok_or_else(|| Error::Fault("a stored file's type cannot be read".to_owned()))
}

/// Makes a file due for verification before all others.
///
/// # Errors
/// When the database is away.
pub async fn suspect(tx: &mut OrgTx, id: FileId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update stored_file set read_at = 'epoch' where org_id = $1 and id = $2 and removed_at is null",
        org.0,
        id.0
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
