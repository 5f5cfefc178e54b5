//! Authenticator apps and recovery codes of staff, and the organization's rule about them.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        factor::FactorPolicy,
        ids::{AppId, RecoveryCodeId, StaffId},
        people::Role,
        recovery_code::CodeMark,
        sealed::Sealed,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Which second factors somebody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Authenticator apps in force: none or one.
    pub apps: i64,
    /// Passkeys.
    pub passkeys: i64,
    /// Recovery codes that were not used.
    pub recovery_codes: i64,
}

impl Held {
    /// Whether a password alone is not enough. Recovery codes replace a factor; they are none.
    #[must_use]
    pub const fn any(self) -> bool {
        self.apps + self.passkeys > 0
    }
}

/// Which factors a staff member has.
///
/// # Errors
/// When the database is away.
pub async fn held(tx: &mut OrgTx, staff: StaffId) -> Result<Held, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select (select count(*) from authenticator_app
                    where org_id = $1 and staff_id = $2 and confirmed_at is not null) as "apps!",
                  (select count(*) from passkey where org_id = $1 and staff_id = $2) as "passkeys!",
                  (select count(*) from recovery_code
                    where org_id = $1 and staff_id = $2 and used_at is null) as "codes!""#,
        org.0,
        staff.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(Held { apps: row.apps, passkeys: row.passkeys, recovery_codes: row.codes })
}

/// The rule of the organization.
///
/// # Errors
/// `NotFound` for an organization that was never founded.
pub async fn policy(tx: &mut OrgTx) -> Result<FactorPolicy, Error> {
    let org = tx.org();
    let word = sqlx::query_scalar!("select second_factor from organization where org_id = $1", org.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    FactorPolicy::from_word(&word).ok_or_else(|| Error::Fault("a stored factor policy cannot be read".to_owned()))
}

/// Changes it.
///
/// # Errors
/// When the database is away.
pub async fn set_policy(tx: &mut OrgTx, _: &Receipt, policy: FactorPolicy) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update organization
            set second_factor = $2
          where org_id = $1",
        org.0,
        policy.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// An authenticator app.
pub struct App {
    /// Its id: the row that its secret is sealed for.
    pub id: AppId,
    /// Its secret.
    pub secret: Sealed,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// Writes an app that is not in force yet; an earlier one that never was is forgotten.
///
/// # Errors
/// When the database is away.
pub async fn propose_app(
    tx: &mut OrgTx,
    _: &Receipt,
    staff: StaffId,
    id: AppId,
    secret: &Sealed,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from authenticator_app
          where org_id = $1
            and staff_id = $2
            and confirmed_at is null",
        org.0,
        staff.0
    )
    .execute(tx.connection())
    .await?;
    sqlx::query!(
        "insert into authenticator_app (org_id, id, staff_id, secret_sealed, created_at)
         values ($1, $2, $3, $4, $5)",
        org.0,
        id.0,
        staff.0,
        secret.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The app that waits for its first code, if it was proposed after `since`.
///
/// # Errors
/// When the database is away.
pub async fn proposed_app(tx: &mut OrgTx, staff: StaffId, since: DateTime<Utc>) -> Result<Option<App>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, secret_sealed, created_at
           from authenticator_app
          where org_id = $1
            and staff_id = $2
            and confirmed_at is null
            and created_at > $3",
        org.0,
        staff.0,
        since
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| App { id: AppId(row.id), secret: Sealed(row.secret_sealed), created_at: row.created_at }))
}

/// The app in force.
///
/// # Errors
/// When the database is away.
pub async fn app(tx: &mut OrgTx, staff: StaffId) -> Result<Option<App>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, secret_sealed, created_at
           from authenticator_app
          where org_id = $1
            and staff_id = $2
            and confirmed_at is not null",
        org.0,
        staff.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| App { id: AppId(row.id), secret: Sealed(row.secret_sealed), created_at: row.created_at }))
}

/// Puts a proposed app in force in place of the one before, and spends the step of its first code.
///
/// # Errors
/// `Conflict` when it was confirmed or replaced meanwhile.
pub async fn confirm_app(
    tx: &mut OrgTx,
    _: &Receipt,
    staff: StaffId,
    id: AppId,
    step: i64,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from authenticator_app
          where org_id = $1
            and staff_id = $2
            and id <> $3",
        org.0,
        staff.0,
        id.0
    )
    .execute(tx.connection())
    .await?;
    let confirmed = sqlx::query!(
        "update authenticator_app
            set confirmed_at = $4,
                last_step = $5
          where org_id = $1
            and staff_id = $2
            and id = $3
            and confirmed_at is null",
        org.0,
        staff.0,
        id.0,
        now,
        step
    )
    .execute(tx.connection())
    .await?;
    if confirmed.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Conflict("this app was confirmed or replaced meanwhile; open the page again".to_owned()))
}

/// Spends a step of an app in force: true once for each step, and never for one before the last that was spent.
///
/// # Errors
/// When the database is away.
pub async fn spend_step(tx: &mut OrgTx, id: AppId, step: i64) -> Result<bool, Error> {
    let org = tx.org();
    let spent = sqlx::query!(
        "update authenticator_app
            set last_step = $3
          where org_id = $1
            and id = $2
            and confirmed_at is not null
            and last_step < $3",
        org.0,
        id.0,
        step
    )
    .execute(tx.connection())
    .await?;
    Ok(spent.rows_affected() == 1)
}

/// Forgets every app of a staff member; returns whether there was one in force.
///
/// # Errors
/// When the database is away.
pub async fn remove_apps(tx: &mut OrgTx, _: &Receipt, staff: StaffId) -> Result<bool, Error> {
    let org = tx.org();
    let removed = sqlx::query_scalar!(
        r#"delete from authenticator_app
          where org_id = $1
            and staff_id = $2
      returning confirmed_at is not null as "in_force!""#,
        org.0,
        staff.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(removed.contains(&true))
}

/// Replaces every recovery code of a staff member.
///
/// # Errors
/// When the database is away.
pub async fn replace_recovery_codes(
    tx: &mut OrgTx,
    _: &Receipt,
    staff: StaffId,
    marks: &[CodeMark],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "delete from recovery_code
          where org_id = $1
            and staff_id = $2",
        org.0,
        staff.0
    )
    .execute(tx.connection())
    .await?;
    for mark in marks {
        sqlx::query!(
            "insert into recovery_code (org_id, id, staff_id, mark, mark_key, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            org.0,
            RecoveryCodeId::at(now).0,
            staff.0,
            mark.bytes,
            mark.key,
            now
        )
        .execute(tx.connection())
        .await?;
    }
    Ok(())
}

/// Names of the keys under which a staff member's unused codes are marked.
///
/// # Errors
/// When the database is away.
pub async fn recovery_code_keys(tx: &mut OrgTx, staff: StaffId) -> Result<Vec<String>, Error> {
    let org = tx.org();
    let keys = sqlx::query_scalar!(
        "select distinct mark_key
           from recovery_code
          where org_id = $1
            and staff_id = $2
            and used_at is null",
        org.0,
        staff.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(keys)
}

/// Spends the code of a mark: true for one caller only.
///
/// # Errors
/// When the database is away.
pub async fn spend_recovery_code(
    tx: &mut OrgTx,
    staff: StaffId,
    mark: &CodeMark,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let spent = sqlx::query!(
        "update recovery_code
            set used_at = $4
          where org_id = $1
            and staff_id = $2
            and mark = $3
            and used_at is null",
        org.0,
        staff.0,
        mark.bytes,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(spent.rows_affected() == 1)
}

/// A colleague with the factors they have.
pub struct Standing {
    /// Who.
    pub staff: StaffId,
    /// Their name.
    pub full_name: String,
    /// Their role.
    pub role: Role,
    /// What they have.
    pub held: Held,
}

/// Everybody who works here, by name, with the factors they have.
///
/// # Errors
/// When the database is away.
pub async fn standings(tx: &mut OrgTx, _: &Receipt) -> Result<Vec<Standing>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select m.id, m.full_name, m.role,
                  (select count(*) from authenticator_app a
                    where a.org_id = m.org_id and a.staff_id = m.id and a.confirmed_at is not null) as "apps!",
                  (select count(*) from passkey p where p.org_id = m.org_id and p.staff_id = m.id) as "passkeys!",
                  (select count(*) from recovery_code c
                    where c.org_id = m.org_id and c.staff_id = m.id and c.used_at is null) as "codes!"
             from staff_member m
            where m.org_id = $1
              and m.active
            order by m.full_name, m.id"#,
        org.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Standing {
                staff: StaffId(row.id),
                full_name: row.full_name,
                role: Role::from_word(&row.role)
                    .ok_or_else(|| Error::Fault("a stored role cannot be read".to_owned()))?,
                held: Held { apps: row.apps, passkeys: row.passkeys, recovery_codes: row.codes },
            })
        })
        .collect()
}
