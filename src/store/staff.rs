//! Staff members and their sessions.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{SessionId, StaffId},
        people::{PhoneNumber, Role},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// What signing in compares with.
pub struct Login {
    /// Who.
    pub id: StaffId,
    /// What they may do.
    pub role: Role,
    /// The PHC string of their password.
    pub password_hash: String,
}

/// The open login of an e-mail address, which is compared in lower case.
///
/// # Errors
/// When the database is away.
pub async fn login(tx: &mut OrgTx, email: &str) -> Result<Option<Login>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, role, password_hash
           from staff_member
          where org_id = $1
            and email = lower($2)
            and active",
        org.0,
        email
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| Ok(Login { id: StaffId(row.id), role: role(&row.role)?, password_hash: row.password_hash }))
        .transpose()
}

/// A staff member as they are written.
pub struct NewStaff {
    /// Their id.
    pub id: StaffId,
    /// E-mail address, lower case: the name they sign in with.
    pub email: String,
    /// Full name.
    pub full_name: String,
    /// What they may do.
    pub role: Role,
    /// The PHC string of their password.
    pub password_hash: String,
    /// Where they take calls.
    pub phone: Option<PhoneNumber>,
    /// Whether calls may be put through to them now.
    pub on_duty: bool,
}

/// Writes a new staff member.
///
/// # Errors
/// `Conflict` when the e-mail address is taken in this organization.
pub async fn add(tx: &mut OrgTx, _: &Receipt, staff: &NewStaff, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into staff_member (org_id, id, email, full_name, role, password_hash, phone, on_duty, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (org_id, email) do nothing",
        org.0,
        staff.id.0,
        staff.email,
        staff.full_name,
        staff.role.word(),
        staff.password_hash,
        staff.phone.as_ref().map(PhoneNumber::reveal),
        staff.on_duty,
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Conflict("a staff member with this e-mail address exists already; choose another".to_owned()))
}

/// Writes a session. Only the hash of its token is kept.
///
/// # Errors
/// When the database is away.
pub async fn begin_session(
    tx: &mut OrgTx,
    _: &Receipt,
    id: SessionId,
    staff: StaffId,
    token_hash: &[u8],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into session (org_id, id, token_hash, staff_id, created_at, seen_at, expires_at)
         values ($1, $2, $3, $4, $5, $5, $6)",
        org.0,
        id.0,
        token_hash,
        staff.0,
        now,
        expires_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A session that has not ended, with the person behind it.
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
    /// When it was last used.
    pub seen_at: DateTime<Utc>,
    /// When it ends however much it is used.
    pub expires_at: DateTime<Utc>,
}

/// The session of a token's hash, while neither it nor the login was ended.
///
/// # Errors
/// When the database is away.
pub async fn session(tx: &mut OrgTx, token_hash: &[u8]) -> Result<Option<Session>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select s.id, s.staff_id, s.seen_at, s.expires_at, m.role, m.full_name, o.name as org_name, d.code as org_code
           from session s
           join staff_member m on m.org_id = s.org_id and m.id = s.staff_id
           join organization o on o.org_id = s.org_id
           join organization_directory d on d.org_id = s.org_id
          where s.org_id = $1
            and s.token_hash = $2
            and s.ended_at is null
            and m.active",
        org.0,
        token_hash
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        Ok(Session {
            id: SessionId(row.id),
            staff: StaffId(row.staff_id),
            role: role(&row.role)?,
            full_name: row.full_name,
            org_name: row.org_name,
            org_code: row.org_code,
            seen_at: row.seen_at,
            expires_at: row.expires_at,
        })
    })
    .transpose()
}

/// Notes that a session was used.
///
/// # Errors
/// When the database is away.
pub async fn touch_session(tx: &mut OrgTx, id: SessionId, now: DateTime<Utc>) -> Result<(), Error> {
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

/// Ends a session.
///
/// # Errors
/// When the database is away.
pub async fn end_session(tx: &mut OrgTx, _: &Receipt, id: SessionId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update session
            set ended_at = $3
          where org_id = $1
            and id = $2
            and ended_at is null",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

fn role(word: &str) -> Result<Role, Error> {
    Role::from_word(word).ok_or_else(|| Error::Fault("a stored role cannot be read".to_owned()))
}

/// The e-mail address of a member who still works here.
///
/// # Errors
/// When the database is away.
pub async fn address(tx: &mut OrgTx, staff: StaffId) -> Result<Option<Private<String>>, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        "select email
           from staff_member
          where org_id = $1
            and id = $2
            and active",
        org.0,
        staff.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(found.map(Private::new))
}
