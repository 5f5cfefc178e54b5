//! Who was asked into a live call, and where they stand.

use super::{OrgTx, stored_number};
use crate::{
    domain::{
        floor::{Guest, GuestKind, GuestState, Part, Whom},
        ids::{CallId, GuestId, OutsideId, StaffId},
        people::{PhoneNumber, Role},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Somebody to be asked in.
#[derive(Clone, Copy, Debug)]
pub struct NewGuest {
    /// Their id on this call.
    pub id: GuestId,
    /// The call.
    pub call: CallId,
    /// Who they are to it.
    pub kind: GuestKind,
    /// What they may do in it.
    pub part: Part,
    /// Whose telephone rings.
    pub whom: Whom,
    /// Who asks.
    pub by: StaffId,
}

/// Writes who is asked in. `false` when somebody is on the way into this call already.
///
/// # Errors
/// When the database is away.
pub async fn ask(tx: &mut OrgTx, guest: &NewGuest, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let (staff, outside) = match guest.whom {
        Whom::Staff(staff) => (Some(staff.0), None),
        Whom::Outside(outside) => (None, Some(outside.0)),
    };
    let written = sqlx::query!(
        "insert into guest (org_id, id, call_id, kind, part, staff_id, outside_id, asked_by, asked_at, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'asked')
         on conflict (org_id, call_id) where state in ('asked', 'admitted') do nothing",
        org.0,
        guest.id.0,
        guest.call.0,
        guest.kind.word(),
        guest.part.word(),
        staff,
        outside,
        guest.by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Everybody who was ever asked into a call, in that order.
///
/// # Errors
/// When the database is away or what is stored cannot be read.
pub async fn of_call(tx: &mut OrgTx, call: CallId) -> Result<Vec<Guest>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, kind, part, staff_id, outside_id, state, admitted_at, announced_at, dismissed_at
           from guest
          where org_id = $1
            and call_id = $2
          order by asked_at, id",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Guest {
                id: GuestId(row.id),
                call,
                kind: GuestKind::from_word(&row.kind).ok_or_else(unreadable)?,
                part: Part::from_word(&row.part).ok_or_else(unreadable)?,
                whom: match (row.staff_id, row.outside_id) {
                    (Some(staff), None) => Whom::Staff(StaffId(staff)),
                    (None, Some(outside)) => Whom::Outside(OutsideId(outside)),
                    (_, _) => return Err(unreadable()),
                },
                state: GuestState::from_word(&row.state).ok_or_else(unreadable)?,
                admitted_at: row.admitted_at,
                announced_at: row.announced_at,
                dismissed_at: row.dismissed_at,
            })
        })
        .collect()
}

/// One of them.
///
/// # Errors
/// `NotFound` when nobody of that id was asked into that call.
pub async fn read(tx: &mut OrgTx, call: CallId, id: GuestId) -> Result<Guest, Error> {
    of_call(tx, call).await?.into_iter().find(|guest| guest.id == id).ok_or(Error::NotFound)
}

/// Takes somebody from one state to the next; the instant of it is kept.
///
/// # Errors
/// When the database is away.
pub async fn advance(tx: &mut OrgTx, id: GuestId, to: GuestState, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update guest
            set state = $3,
                admitted_at = case when $3 = 'admitted' then $4 else admitted_at end,
                joined_at = case when $3 = 'joined' then $4 else joined_at end,
                ended_at = case when $3 in ('left', 'did_not_come') then $4 else ended_at end
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        to.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Notes that the patient was told of somebody.
///
/// # Errors
/// When the database is away.
pub async fn announced(tx: &mut OrgTx, id: GuestId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update guest set announced_at = $3 where org_id = $1 and id = $2", org.0, id.0, now)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Lets somebody go; a second time changes nothing. `false` then.
///
/// # Errors
/// When the database is away.
pub async fn dismiss(tx: &mut OrgTx, id: GuestId, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update guest
            set dismissed_at = $3
          where org_id = $1
            and id = $2
            and dismissed_at is null
            and state in ('asked', 'admitted', 'joined')",
        org.0,
        id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Lets a supervisor take another part.
///
/// # Errors
/// When the database is away.
pub async fn take_part(tx: &mut OrgTx, id: GuestId, part: Part) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update guest set part = $3 where org_id = $1 and id = $2", org.0, id.0, part.word())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Where somebody is rung; `None` when no telephone is known, their login is closed, or the number was taken off the list.
///
/// # Errors
/// When the database is away or a stored number is none.
pub async fn number(tx: &mut OrgTx, whom: Whom) -> Result<Option<PhoneNumber>, Error> {
    let org = tx.org();
    let number = match whom {
        Whom::Staff(staff) => sqlx::query_scalar!(
            "select phone from staff_member where org_id = $1 and id = $2 and active",
            org.0,
            staff.0
        )
        .fetch_optional(tx.connection())
        .await?
        .flatten(),
        Whom::Outside(outside) => {
            sqlx::query_scalar!(
                "select number from outside_number where org_id = $1 and id = $2 and removed_at is null",
                org.0,
                outside.0
            )
            .fetch_optional(tx.connection())
            .await?
        }
    };
    number.filter(|number| !number.is_empty()).map(|number| stored_number(&number)).transpose()
}

/// A colleague who could be asked in.
#[derive(Clone, Debug)]
pub struct Colleague {
    /// Who.
    pub id: StaffId,
    /// Their name.
    pub name: String,
    /// What they do.
    pub role: Role,
    /// Whether they may take the call over: a nurse or physician of the patient's team.
    pub may_take_over: bool,
}

/// Colleagues with a telephone who are not on a line, by name.
///
/// # Errors
/// When the database is away or a stored role cannot be read.
pub async fn colleagues(tx: &mut OrgTx, call: CallId) -> Result<Vec<Colleague>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select s.id, s.full_name, s.role,
                  (s.role in ('nurse', 'physician')
                   and exists (select from call c
                                 join patient p on p.org_id = c.org_id and p.id = c.patient_id
                                 join team_member m on m.org_id = p.org_id and m.team_id = p.team_id
                                where c.org_id = s.org_id
                                  and c.id = $2
                                  and m.staff_id = s.id
                                  and m.ended_at is null)) as "may_take_over!"
             from staff_member s
            where s.org_id = $1
              and s.active
              and s.role in ('nurse', 'physician', 'coordinator')
              and coalesce(s.phone, '') <> ''
              and not exists (select 1
                                from leg l
                               where l.org_id = s.org_id
                                 and l.staff_id = s.id
                                 and l.left_at is null)
            order by s.full_name, s.id"#,
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Colleague {
                id: StaffId(row.id),
                name: row.full_name,
                role: Role::from_word(&row.role).ok_or_else(unreadable)?,
                may_take_over: row.may_take_over,
            })
        })
        .collect()
}

/// Whether somebody may take a call over: a nurse or physician who serves its patient's team.
///
/// # Errors
/// When the database is away.
pub async fn may_take_over(tx: &mut OrgTx, call: CallId, staff: StaffId) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from staff_member s
                            join team_member m on m.org_id = s.org_id and m.staff_id = s.id and m.ended_at is null
                            join patient p on p.org_id = m.org_id and p.team_id = m.team_id
                            join call c on c.org_id = p.org_id and c.patient_id = p.id
                           where s.org_id = $1
                             and s.id = $3
                             and s.active
                             and s.role in ('nurse', 'physician')
                             and c.id = $2) as "may!""#,
        org.0,
        call.0,
        staff.0
    )
    .fetch_one(tx.connection())
    .await?)
}

/// The names under which the guests of a call are shown.
///
/// # Errors
/// When the database is away.
pub async fn names(tx: &mut OrgTx, call: CallId) -> Result<Vec<(GuestId, String)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select g.id, coalesce(s.full_name, o.label) as "name!"
             from guest g
             left join staff_member s on s.org_id = g.org_id and s.id = g.staff_id
             left join outside_number o on o.org_id = g.org_id and o.id = g.outside_id
            where g.org_id = $1
              and g.call_id = $2"#,
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (GuestId(row.id), row.name)).collect())
}

fn unreadable() -> Error {
    Error::Fault("a stored guest cannot be read".to_owned())
}
