//! Who works here as an admin sees it: logins, roles, teams, rights. No patient's row is read.

use super::{OrgTx, audit::Receipt, sessions};
use crate::{
    domain::{
        approval::Right,
        ids::{RightId, StaffId, TeamId},
        people::Role,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// One staff member on the admin's list.
#[derive(Clone, Debug)]
pub struct Member {
    /// Their id.
    pub id: StaffId,
    /// Their name.
    pub full_name: String,
    /// What they sign in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether their login is open.
    pub is_active: bool,
    /// Whether they are a clinical lead.
    pub leads: bool,
    /// The teams they serve: id and name.
    pub teams: Vec<(TeamId, String)>,
}

/// Everybody, by name, open logins first; or one.
///
/// # Errors
/// When the database is away or a stored role cannot be read.
pub async fn members(tx: &mut OrgTx, one: Option<StaffId>) -> Result<Vec<Member>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select s.id, s.full_name, s.email, s.role, s.active,
                  exists (select
                            from staff_right r
                           where r.org_id = s.org_id
                             and r.staff_id = s.id
                             and r.entitles = $2
                             and r.revoked_at is null) as "leads!",
                  array(select t.id
                          from team_member m
                          join care_team t on t.org_id = m.org_id and t.id = m.team_id
                         where m.org_id = s.org_id
                           and m.staff_id = s.id
                           and m.ended_at is null
                         order by t.name, t.id) as "team_ids!",
                  array(select t.name
                          from team_member m
                          join care_team t on t.org_id = m.org_id and t.id = m.team_id
                         where m.org_id = s.org_id
                           and m.staff_id = s.id
                           and m.ended_at is null
                         order by t.name, t.id) as "team_names!"
             from staff_member s
            where s.org_id = $1
              and ($3::uuid is null or s.id = $3)
            order by s.active desc, s.full_name, s.id"#,
        org.0,
        Right::ClinicalLead.word(),
        one.map(|one| one.0)
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Member {
                id: StaffId(row.id),
                full_name: row.full_name,
                email: row.email,
                role: Role::from_word(&row.role)
                    .ok_or_else(|| Error::Fault("a stored role cannot be read".to_owned()))?,
                is_active: row.active,
                leads: row.leads,
                teams: row.team_ids.into_iter().map(TeamId).zip(row.team_names).collect(),
            })
        })
        .collect()
}

/// Grants a right. Somebody who has it already keeps it.
///
/// # Errors
/// When the database is away.
pub async fn grant(
    tx: &mut OrgTx,
    _: &Receipt,
    right: Right,
    staff: StaffId,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into staff_right (org_id, id, staff_id, entitles, granted_at, granted_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, staff_id, entitles) where revoked_at is null do nothing",
        org.0,
        RightId::at(now).0,
        staff.0,
        right.word(),
        now,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Takes a right back.
///
/// # Errors
/// When the database is away.
pub async fn revoke(
    tx: &mut OrgTx,
    _: &Receipt,
    right: Right,
    staff: StaffId,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update staff_right
            set revoked_at = $4, revoked_by = $5
          where org_id = $1
            and staff_id = $2
            and entitles = $3
            and revoked_at is null",
        org.0,
        staff.0,
        right.word(),
        now,
        by.map(|by| by.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Closes a login and ends its sessions.
///
/// # Errors
/// When the database is away.
pub async fn close_login(tx: &mut OrgTx, receipt: &Receipt, staff: StaffId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update staff_member
            set active = false, on_duty = false
          where org_id = $1
            and id = $2",
        org.0,
        staff.0
    )
    .execute(tx.connection())
    .await?;
    sessions::end_all(tx, receipt, staff, None, now).await.map(drop)
}

/// Gives a login another role and ends its sessions, so that nobody goes on under the old one.
///
/// # Errors
/// When the database is away.
pub async fn change_role(
    tx: &mut OrgTx,
    receipt: &Receipt,
    staff: StaffId,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update staff_member
            set role = $3, on_duty = false
          where org_id = $1
            and id = $2",
        org.0,
        staff.0,
        role.word()
    )
    .execute(tx.connection())
    .await?;
    sessions::end_all(tx, receipt, staff, None, now).await.map(drop)
}

/// Clinical leads whose login is open.
///
/// # Errors
/// When the database is away.
pub async fn leads(tx: &mut OrgTx) -> Result<Vec<StaffId>, Error> {
    let org = tx.org();
    let rows = sqlx::query_scalar!(
        "select s.id
           from staff_member s
           join staff_right r on r.org_id = s.org_id and r.staff_id = s.id
          where s.org_id = $1
            and s.active
            and r.entitles = $2
            and r.revoked_at is null
          order by s.id",
        org.0,
        Right::ClinicalLead.word()
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(StaffId).collect())
}
