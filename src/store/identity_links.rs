//! Who of a provider is who here, and logins that follow groups.

use super::{OrgTx, audit::Receipt, staff};
use crate::{
    domain::{ids::StaffId, people::Role},
    error::Error,
};
use chrono::{DateTime, Utc};

/// Somebody here, as far as single sign-on asks.
#[derive(Clone, Debug)]
pub struct Known {
    /// Who.
    pub staff: StaffId,
    /// Their role.
    pub role: Role,
    /// Where their login stands.
    pub login: LoginState,
}

/// Where a login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// Open.
    Open,
    /// Closed because their groups meant nothing any more; groups may open it again.
    ClosedByGroups,
    /// Closed by somebody here.
    Closed,
}

/// Who here a person of a provider is.
///
/// # Errors
/// When the database is away.
pub async fn linked(tx: &mut OrgTx, issuer: &str, subject: &str) -> Result<Option<Known>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select l.staff_id, l.closed_at, m.role, m.active
           from identity_link l
           join staff_member m on m.org_id = l.org_id and m.id = l.staff_id
          where l.org_id = $1
            and l.issuer = $2
            and l.subject = $3
            for update",
        org.0,
        issuer,
        subject
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        let login = match (row.active, row.closed_at) {
            (true, _) => LoginState::Open,
            (false, Some(_)) => LoginState::ClosedByGroups,
            (false, None) => LoginState::Closed,
        };
        Ok(Known { staff: StaffId(row.staff_id), role: staff::role(&row.role)?, login })
    })
    .transpose()
}

/// Whoever has an e-mail address here, and whether another person of the provider is them already.
///
/// # Errors
/// When the database is away.
pub async fn by_address(tx: &mut OrgTx, issuer: &str, email: &str) -> Result<Option<(Known, bool)>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select m.id, m.role, m.active,
                  exists (select from identity_link l
                           where l.org_id = m.org_id
                             and l.issuer = $2
                             and l.staff_id = m.id) as "taken!"
             from staff_member m
            where m.org_id = $1
              and m.email = lower($3)"#,
        org.0,
        issuer,
        email
    )
    .fetch_optional(tx.connection())
    .await?;
    row.map(|row| {
        let login = if row.active { LoginState::Open } else { LoginState::Closed };
        Ok((Known { staff: StaffId(row.id), role: staff::role(&row.role)?, login }, row.taken))
    })
    .transpose()
}

/// From now on a person of a provider is this staff member.
///
/// # Errors
/// When either is somebody else already.
pub async fn link(
    tx: &mut OrgTx,
    _: &Receipt,
    issuer: &str,
    subject: &str,
    staff: StaffId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into identity_link (org_id, issuer, subject, staff_id, created_at)
         values ($1, $2, $3, $4, $5)",
        org.0,
        issuer,
        subject,
        staff.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Their groups give somebody a role: it is theirs, and their login is open.
///
/// # Errors
/// When the database is away.
pub async fn follow(tx: &mut OrgTx, _: &Receipt, staff: StaffId, role: Role) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update staff_member
            set role = $3, active = true
          where org_id = $1
            and id = $2",
        org.0,
        staff.0,
        role.word()
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!("update identity_link set closed_at = null where org_id = $1 and staff_id = $2", org.0, staff.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Their groups mean nothing any more: their login is closed until they do.
///
/// # Errors
/// When the database is away.
pub async fn close(tx: &mut OrgTx, _: &Receipt, staff: StaffId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update staff_member set active = false where org_id = $1 and id = $2", org.0, staff.0)
        .execute(tx.connection())
        .await?;
    sqlx::query!("update identity_link set closed_at = $3 where org_id = $1 and staff_id = $2", org.0, staff.0, now)
        .execute(tx.connection())
        .await?;
    Ok(())
}
