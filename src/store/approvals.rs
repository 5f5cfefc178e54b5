//! What one person asks for and others must sign. The table itself refuses a second signature of one person, and one by
//! whoever asked.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        approval::{Answer, ApprovalKind, ApprovalState, EXPORT_LASTS},
        ids::{ApprovalId, StaffId},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Something asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id.
    pub id: ApprovalId,
    /// What.
    pub kind: ApprovalKind,
    /// Who is to become an admin.
    pub staff: Option<StaffId>,
    /// Which version of which protocol.
    pub protocol: Option<(String, String)>,
    /// What exactly is signed.
    pub sha256: Vec<u8>,
    /// Who asked.
    pub asked_by: StaffId,
}

/// Writes a request.
///
/// # Errors
/// `Conflict` when the very same waits or is granted already.
pub async fn ask(tx: &mut OrgTx, _: &Receipt, asked: &Asked, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    let (protocol, version) = asked.protocol.clone().unzip();
    let written = sqlx::query!(
        "insert into approval (org_id, id, kind, staff_id, protocol_id, version, sha256, asked_by, asked_at, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open')
         on conflict (org_id, kind, sha256) where state in ('open', 'granted') do nothing",
        org.0,
        asked.id.0,
        asked.kind.word(),
        asked.staff.map(|staff| staff.0),
        protocol,
        version,
        asked.sha256,
        asked.asked_by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Conflict("This was asked for before and waits; look at the approvals.".to_owned()))
}

/// A request with who signed it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What was asked.
    pub asked: Asked,
    /// Who asked, by name.
    pub asked_by_name: String,
    /// Whom it is about, by name.
    pub staff_name: Option<String>,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Where it stands.
    pub state: ApprovalState,
    /// Who approved so far, with names, in order.
    pub approved: Vec<(StaffId, String)>,
}

/// Which requests are read.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// One.
    One(ApprovalId),
    /// All that wait, and those settled lately: the newest hundred.
    Newest,
    /// All of one kind, the newest hundred.
    Kind(ApprovalKind),
}

/// Reads requests, newest first.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn read(tx: &mut OrgTx, which: Which) -> Result<Vec<Request>, Error> {
    let org = tx.org();
    let (id, kind) = match which {
        Which::One(id) => (Some(id.0), None),
        Which::Newest => (None, None),
        Which::Kind(kind) => (None, Some(kind.word())),
    };
    let rows = sqlx::query!(
        r#"select a.id, a.kind, a.staff_id, a.protocol_id, a.version, a.sha256, a.asked_by, a.asked_at, a.state,
                  b.full_name as asked_by_name, m.full_name as "staff_name?",
                  array(select g.signed_by
                          from approval_signature g
                         where g.org_id = a.org_id
                           and g.approval_id = a.id
                           and g.sha256 = a.sha256
                           and g.answer = 'approved'
                         order by g.at, g.signed_by) as "signers!",
                  array(select s.full_name
                          from approval_signature g
                          join staff_member s on s.org_id = g.org_id and s.id = g.signed_by
                         where g.org_id = a.org_id
                           and g.approval_id = a.id
                           and g.sha256 = a.sha256
                           and g.answer = 'approved'
                         order by g.at, g.signed_by) as "names!"
             from approval a
             join staff_member b on b.org_id = a.org_id and b.id = a.asked_by
             left join staff_member m on m.org_id = a.org_id and m.id = a.staff_id
            where a.org_id = $1
              and ($2::uuid is null or a.id = $2)
              and ($3::text is null or a.kind = $3)
            order by a.state <> 'open', a.asked_at desc, a.id
            limit 100"#,
        org.0,
        id,
        kind
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Request {
                asked: Asked {
                    id: ApprovalId(row.id),
                    kind: ApprovalKind::from_word(&row.kind).ok_or_else(unreadable)?,
                    staff: row.staff_id.map(StaffId),
                    protocol: row.protocol_id.zip(row.version),
                    sha256: row.sha256,
                    asked_by: StaffId(row.asked_by),
                },
                asked_by_name: row.asked_by_name,
                staff_name: row.staff_name,
                asked_at: row.asked_at,
                state: ApprovalState::from_word(&row.state).ok_or_else(unreadable)?,
                approved: row.signers.into_iter().map(StaffId).zip(row.names).collect(),
            })
        })
        .collect()
}

/// Keeps a request's row for this transaction, then reads it.
///
/// # Errors
/// `NotFound` when there is none in this organization.
pub async fn lock(tx: &mut OrgTx, id: ApprovalId) -> Result<Request, Error> {
    let org = tx.org();
    sqlx::query_scalar!("select id from approval where org_id = $1 and id = $2 for update", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    read(tx, Which::One(id)).await?.into_iter().next().ok_or(Error::NotFound)
}

/// Writes one person's answer under exactly what was asked.
///
/// # Errors
/// `Conflict` when they answered before; when the database refuses whoever asked.
pub async fn answer(
    tx: &mut OrgTx,
    _: &Receipt,
    asked: &Asked,
    by: StaffId,
    answer: Answer,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into approval_signature (org_id, approval_id, asked_by, sha256, signed_by, answer, at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (org_id, approval_id, signed_by) do nothing",
        org.0,
        asked.id.0,
        asked.asked_by.0,
        asked.sha256,
        by.0,
        answer.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Conflict("You answered this before; another person must.".to_owned()))
}

/// Moves a locked request on.
///
/// # Errors
/// When the database is away.
pub async fn settle(tx: &mut OrgTx, id: ApprovalId, state: ApprovalState, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update approval
            set state = $3, settled_at = $4
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        state.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends grants of a kind that were not used in time, so that the same may be asked for again.
///
/// # Errors
/// When the database is away.
pub async fn lapse(
    tx: &mut OrgTx,
    kind: ApprovalKind,
    granted_before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update approval
            set state = 'lapsed', settled_at = $4
          where org_id = $1
            and kind = $2
            and state = 'granted'
            and settled_at < $3",
        org.0,
        kind.word(),
        granted_before,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Where one person's wish to export the record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportWish {
    /// They may ask.
    Unasked,
    /// It waits for a second person.
    Waits,
    /// They may export once, until this instant.
    Granted(ApprovalId, DateTime<Utc>),
}

/// Reads it.
///
/// # Errors
/// When the database is away.
pub async fn export_wish(tx: &mut OrgTx, by: StaffId, now: DateTime<Utc>) -> Result<ExportWish, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select id, case when state = 'granted' then settled_at end as granted_at
             from approval
            where org_id = $1
              and kind = 'record_export'
              and asked_by = $2
              and (state = 'open' or (state = 'granted' and settled_at >= $3))
            order by asked_at desc
            limit 1"#,
        org.0,
        by.0,
        now - EXPORT_LASTS
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(match row.map(|row| (row.id, row.granted_at)) {
        None => ExportWish::Unasked,
        Some((_, None)) => ExportWish::Waits,
        Some((id, Some(at))) => ExportWish::Granted(ApprovalId(id), at + EXPORT_LASTS),
    })
}

/// The names of those who may approve somebody's export.
///
/// # Errors
/// When the database is away.
pub async fn approvers_of_export(tx: &mut OrgTx, by: StaffId) -> Result<Vec<String>, Error> {
    let org = tx.org();
    let names = sqlx::query_scalar!(
        "select full_name
           from staff_member
          where org_id = $1
            and active
            and role in ('admin', 'auditor')
            and id <> $2
          order by full_name",
        org.0,
        by.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(names)
}

/// Uses up the granted request of whoever asked for it, granted not before an instant; `None` when there is none. What it
/// allows is done in the same transaction, once.
///
/// # Errors
/// When the database is away.
pub async fn spend(
    tx: &mut OrgTx,
    _: &Receipt,
    kind: ApprovalKind,
    asked_by: StaffId,
    granted_from: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<ApprovalId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "update approval
            set state = 'used', settled_at = $5
          where org_id = $1
            and id = (select id
                        from approval
                       where org_id = $1
                         and kind = $2
                         and asked_by = $3
                         and state = 'granted'
                         and settled_at >= $4
                       order by settled_at
                       limit 1
                         for update)
        returning id",
        org.0,
        kind.word(),
        asked_by.0,
        granted_from,
        now
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(ApprovalId))
}

fn unreadable() -> Error {
    Error::Fault("a stored request for approval cannot be read".to_owned())
}
