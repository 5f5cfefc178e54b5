//! Sessions of staff members, and the tickets that open their live sockets.

use super::{OrgTx, audit::Receipt, staff};
use crate::{
    domain::{
        factor::{BegunBy, FactorPolicy},
        ids::{SessionId, StaffId},
        people::Role,
        session::{Device, Lifetime, Line},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A session as it begins.
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub staff: StaffId,
    /// SHA-256 of the token in its cookie.
    pub token_hash: Vec<u8>,
    /// When it ends however much it is used.
    pub expires_at: DateTime<Utc>,
    /// Where it is used.
    pub device: Device,
    /// How its person proved who they are.
    pub by: BegunBy,
}

/// Writes a session, proven now.
///
/// # Errors
/// When the database is away.
pub async fn begin(tx: &mut OrgTx, _: &Receipt, new: &NewSession, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into session (org_id, id, token_hash, staff_id, created_at, seen_at, proven_at, expires_at, device, begun_by)
         values ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8)",
        org.0,
        new.id.0,
        new.token_hash,
        new.staff.0,
        now,
        new.expires_at,
        new.device.word(),
        new.by.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A session that was begun by a password alone has shown a second factor since.
///
/// # Errors
/// When the database is away.
pub async fn strengthen(tx: &mut OrgTx, _: &Receipt, session: SessionId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update session
            set begun_by = 'second_factor'
          where org_id = $1
            and id = $2
            and begun_by = 'password'",
        org.0,
        session.0
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A session that has not ended, with the person behind it.
#[derive(Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who signed in.
    pub staff: StaffId,
    /// What they may do now; a change of role is effective with the next request.
    pub role: Role,
    /// Their name.
    pub full_name: String,
    /// Their organization's name.
    pub org_name: String,
    /// Their organization's code.
    pub org_code: String,
    /// When they last proved who they are.
    pub proven_at: Option<DateTime<Utc>>,
    /// How long it lives.
    pub lifetime: Lifetime,
    /// Whether its organization wants a second factor of this person before anything opens.
    pub owes_factor: bool,
}

/// Which session is meant.
#[derive(Clone, Copy, Debug)]
pub enum Which<'a> {
    /// The one of a token's hash.
    Token(&'a [u8]),
    /// The one of an id.
    Id(SessionId),
}

/// A session, while neither it nor the login was ended.
///
/// # Errors
/// When the database is away.
pub async fn read(tx: &mut OrgTx, which: Which<'_>) -> Result<Option<Session>, Error> {
    let org = tx.org();
    let (token, id) = match which {
        Which::Token(hash) => (Some(hash), None),
        Which::Id(id) => (None, Some(id.0)),
    };
    let row = sqlx::query!(
        r#"select s.id, s.staff_id, s.seen_at, s.proven_at, s.expires_at, s.begun_by, m.role, m.full_name, o.name as org_name,
                o.second_factor,
                d.code as org_code,
                exists (select from leg l
                          join call c on c.org_id = l.org_id and c.id = l.call_id
                         where l.org_id = s.org_id
                           and l.staff_id = s.staff_id
                           and l.left_at is null
                           and c.state = 'bridged') as "on_call!",
                (select max(l.left_at)
                   from leg l
                  where l.org_id = s.org_id
                    and l.staff_id = s.staff_id) as left_at
           from session s
           join staff_member m on m.org_id = s.org_id and m.id = s.staff_id
           join organization o on o.org_id = s.org_id
           join organization_directory d on d.org_id = s.org_id
          where s.org_id = $1
            and (s.token_hash = $2 or s.id = $3)
            and s.ended_at is null
            and m.active"#,
        org.0,
        token,
        id
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        let line = match row.left_at {
            _ if row.on_call => Line::Live,
            Some(at) => Line::Left(at),
            None => Line::Quiet,
        };
        let unread = || Error::Fault("how a stored session was begun cannot be read".to_owned());
        let by = BegunBy::from_word(&row.begun_by).ok_or_else(unread)?;
        let policy = FactorPolicy::from_word(&row.second_factor).ok_or_else(unread)?;
        Ok(Session {
            id: SessionId(row.id),
            staff: StaffId(row.staff_id),
            role: staff::role(&row.role)?,
            full_name: row.full_name,
            org_name: row.org_name,
            org_code: row.org_code,
            proven_at: row.proven_at,
            lifetime: Lifetime { seen_at: row.seen_at, expires_at: row.expires_at, line },
            owes_factor: by.owes_a_factor(policy),
        })
    })
    .transpose()
}

/// Notes that a session was used.
///
/// # Errors
/// When the database is away.
pub async fn touch(tx: &mut OrgTx, id: SessionId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update session
            set seen_at = $3
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Its person proved again who they are: the session goes on under a new token, and the old one opens nothing.
///
/// # Errors
/// When the database is away.
pub async fn prove(
    tx: &mut OrgTx,
    _: &Receipt,
    id: SessionId,
    token_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update session
            set token_hash = $3, proven_at = $4, seen_at = $4
          where org_id = $1
            and id = $2
            and ended_at is null",
        org.0,
        id.0,
        token_hash,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// When the person of a session proved to the provider who they are; null is "a while ago".
///
/// # Errors
/// When the database is away.
pub async fn proven_there(
    tx: &mut OrgTx,
    _: &Receipt,
    session: SessionId,
    at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update session set proven_at = $3 where org_id = $1 and id = $2", org.0, session.0, at)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Ends one session of a person; returns whether there was one to end.
///
/// # Errors
/// When the database is away.
pub async fn end(
    tx: &mut OrgTx,
    _: &Receipt,
    staff: StaffId,
    id: SessionId,
    now: DateTime<Utc>,
) -> Result<Ended, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update session
            set ended_at = $4
          where org_id = $1
            and id = $2
            and staff_id = $3
            and ended_at is null",
        org.0,
        id.0,
        staff.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(Ended(done.rows_affected()))
}

/// How many were ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(pub u64);

/// Ends every session of a person, but the one they are using if they are.
///
/// # Errors
/// When the database is away.
pub async fn end_all(
    tx: &mut OrgTx,
    _: &Receipt,
    staff: StaffId,
    but: Option<SessionId>,
    now: DateTime<Utc>,
) -> Result<Ended, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update session
            set ended_at = $4
          where org_id = $1
            and staff_id = $2
            and id is distinct from $3
            and ended_at is null",
        org.0,
        staff.0,
        but.map(|id| id.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(Ended(done.rows_affected()))
}

/// One open session on the page of an account.
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// Where it is used.
    pub device: Device,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub seen_at: DateTime<Utc>,
}

/// The sessions of a person that have not ended and would not be over by their age, newest first.
///
/// # Errors
/// When the database is away.
pub async fn open(
    tx: &mut OrgTx,
    staff: StaffId,
    idle_since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<OpenSession>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, device, created_at, seen_at
           from session
          where org_id = $1
            and staff_id = $2
            and ended_at is null
            and expires_at > $3
            and seen_at > $4
          order by seen_at desc, id",
        org.0,
        staff.0,
        now,
        idle_since
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OpenSession {
            id: SessionId(row.id),
            device: Device::from_word(&row.device),
            created_at: row.created_at,
            seen_at: row.seen_at,
        })
        .collect())
}

/// Writes the ticket of a live socket, and forgets the earlier ones of its session that nobody used in time.
///
/// # Errors
/// When the database is away.
pub async fn write_ticket(
    tx: &mut OrgTx,
    session: SessionId,
    token_hash: &[u8],
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "with late as (
           delete from socket_ticket
            where org_id = $1
              and session_id = $2
              and expires_at <= $5
         )
         insert into socket_ticket (org_id, token_hash, session_id, expires_at)
         values ($1, $3, $2, $4)",
        org.0,
        session.0,
        token_hash,
        expires_at,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Uses a ticket up; `None` when there is none, it was used, or it is late.
///
/// # Errors
/// When the database is away.
pub async fn take_ticket(tx: &mut OrgTx, token_hash: &[u8], now: DateTime<Utc>) -> Result<Option<SessionId>, Error> {
    let org = tx.org();
    let taken = sqlx::query!(
        "delete from socket_ticket
          where org_id = $1
            and token_hash = $2
      returning session_id, expires_at",
        org.0,
        token_hash
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(taken.filter(|ticket| now < ticket.expires_at).map(|ticket| SessionId(ticket.session_id)))
}
