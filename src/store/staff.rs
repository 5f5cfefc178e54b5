//! Staff members.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::StaffId,
        password::StoredPassword,
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
    /// Their password.
    pub password: StoredPassword,
}

/// The open login of an e-mail address, which is compared in lower case.
///
/// # Errors
/// When the database is away.
pub async fn login(tx: &mut OrgTx, email: &str) -> Result<Option<Login>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, role, password_hash, password_key
           from staff_member
          where org_id = $1
            and email = lower($2)
            and active",
        org.0,
        email
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        let password = StoredPassword { hash: row.password_hash, key: row.password_key };
        Ok(Login { id: StaffId(row.id), role: role(&row.role)?, password })
    })
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
    /// Their password.
    pub password: StoredPassword,
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
        "insert into staff_member (org_id, id, email, full_name, role, password_hash, password_key, phone, on_duty,
                                   created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (org_id, email) do nothing",
        org.0,
        staff.id.0,
        staff.email,
        staff.full_name,
        staff.role.word(),
        staff.password.hash,
        staff.password.key,
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

/// Replaces a password.
///
/// # Errors
/// When the database is away.
pub async fn set_password(tx: &mut OrgTx, _: &Receipt, staff: StaffId, new: &StoredPassword) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update staff_member
            set password_hash = $3, password_key = $4
          where org_id = $1
            and id = $2",
        org.0,
        staff.0,
        new.hash,
        new.key
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// What a signed-in person's password is compared with, and what it must not be guessed from.
pub struct OwnPassword {
    /// As it is stored.
    pub stored: StoredPassword,
    /// Organization, name and address.
    pub about: [String; 4],
}

/// The password of a member who still works here.
///
/// # Errors
/// `NotFound` when they have left.
pub async fn own_password(tx: &mut OrgTx, staff: StaffId) -> Result<OwnPassword, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select m.password_hash, m.password_key, m.full_name, m.email, o.name, d.code
           from staff_member m
           join organization o on o.org_id = m.org_id
           join organization_directory d on d.org_id = m.org_id
          where m.org_id = $1
            and m.id = $2
            and m.active",
        org.0,
        staff.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(OwnPassword {
        stored: StoredPassword { hash: row.password_hash, key: row.password_key },
        about: [row.full_name, row.email, row.name, row.code],
    })
}

/// The role of a stored word.
pub(in crate::store) fn role(word: &str) -> Result<Role, Error> {
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

/// Those of a role whose login is open.
///
/// # Errors
/// When the database is away.
pub async fn of_role(tx: &mut OrgTx, role: Role) -> Result<Vec<StaffId>, Error> {
    let org = tx.org();
    let rows = sqlx::query_scalar!(
        "select id
           from staff_member
          where org_id = $1
            and role = $2
            and active
          order by id",
        org.0,
        role.word()
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(StaffId).collect())
}

/// The admins whose login is open, with their addresses, by address.
///
/// # Errors
/// When the database is away.
pub async fn admins(tx: &mut OrgTx) -> Result<Vec<(StaffId, Private<String>)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, email
           from staff_member
          where org_id = $1
            and role = 'admin'
            and active
          order by email",
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (StaffId(row.id), Private::new(row.email))).collect())
}
