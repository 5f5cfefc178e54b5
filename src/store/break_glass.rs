//! Urgent access to a patient outside one's teams: begun, ended, reviewed. Rows are facts and stay.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{BreakGlassId, PatientId, StaffId},
        private::Private,
        reach::{UrgentAccess, UrgentEnd, UrgentFinding, UrgentReason},
    },
    error::Error,
};
use chrono::{DateTime, NaiveDate, Utc};

/// Patients of exactly this family name and date of birth, with their given names. Upper and lower case are the same.
///
/// # Errors
/// When the database is away.
pub async fn named(
    tx: &mut OrgTx,
    family_name: &str,
    born: NaiveDate,
) -> Result<Vec<(PatientId, Private<String>)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        "select id, given_name
           from patient
          where org_id = $1
            and lower(family_name) = lower($2)
            and date_of_birth = $3
          order by id
          limit 10",
        org.0,
        family_name,
        born
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (PatientId(row.id), Private::new(row.given_name))).collect())
}

/// An urgent access as it is begun.
pub struct Begun {
    /// Its id.
    pub id: BreakGlassId,
    /// Who takes it.
    pub staff: StaffId,
    /// Whose chart.
    pub patient: PatientId,
    /// Why, from the list.
    pub reason: UrgentReason,
    /// Why, in their own words.
    pub words: Private<String>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
}

/// Writes it. The receipt is the one of its beginning: without an entry there is no access.
///
/// # Errors
/// When the database refuses the row.
pub async fn begin(tx: &mut OrgTx, _: &Receipt, begun: &Begun, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into break_glass (org_id, id, staff_id, patient_id, reason, words, began_at, ends_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        org.0,
        begun.id.0,
        begun.staff.0,
        begun.patient.0,
        begun.reason.word(),
        begun.words.reveal(),
        now,
        begun.ends_at
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// An urgent access under its row lock.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Its id.
    pub id: BreakGlassId,
    /// Who took it.
    pub staff: StaffId,
    /// Whose chart.
    pub patient: PatientId,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
    /// Whether it has not ended.
    pub is_open: bool,
    /// Whether somebody reviewed it.
    pub is_reviewed: bool,
}

/// Reads one and keeps its row for this transaction.
///
/// # Errors
/// `NotFound` when there is none in this organization.
pub async fn lock(tx: &mut OrgTx, id: BreakGlassId) -> Result<Held, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select b.staff_id, b.patient_id, b.ends_at, b.ended_at is null as "is_open!",
                  exists (select
                            from break_glass_review r
                           where r.org_id = b.org_id
                             and r.break_glass_id = b.id) as "is_reviewed!"
             from break_glass b
            where b.org_id = $1
              and b.id = $2
              for update of b"#,
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Held {
        id,
        staff: StaffId(row.staff_id),
        patient: PatientId(row.patient_id),
        ends_at: row.ends_at,
        is_open: row.is_open,
        is_reviewed: row.is_reviewed,
    })
}

/// The open urgent access of one person to one patient, over or not by the clock.
///
/// # Errors
/// When the database is away.
pub async fn open_of(tx: &mut OrgTx, staff: StaffId, patient: PatientId) -> Result<Option<UrgentAccess>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select id, ends_at
           from break_glass
          where org_id = $1
            and staff_id = $2
            and patient_id = $3
            and ended_at is null",
        org.0,
        staff.0,
        patient.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row.map(|row| UrgentAccess { id: BreakGlassId(row.id), ends_at: row.ends_at }))
}

/// Ends one.
///
/// # Errors
/// When the database is away.
pub async fn end(
    tx: &mut OrgTx,
    _: &Receipt,
    id: BreakGlassId,
    how: UrgentEnd,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update break_glass
            set ended_at = $3, ended_how = $4
          where org_id = $1
            and id = $2
            and ended_at is null",
        org.0,
        id.0,
        now,
        how.word()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes the review of one.
///
/// # Errors
/// `Conflict` when it was reviewed before; when the database refuses somebody who reviews their own.
pub async fn review(
    tx: &mut OrgTx,
    _: &Receipt,
    held: &Held,
    by: StaffId,
    finding: UrgentFinding,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let written = sqlx::query!(
        "insert into break_glass_review (org_id, break_glass_id, taken_by, reviewed_by, finding, at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, break_glass_id) do nothing",
        org.0,
        held.id.0,
        held.staff.0,
        by.0,
        finding.word(),
        now
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 1 {
        return Ok(());
    }
    Err(Error::Conflict("Somebody reviewed this urgent access before; read the queue again.".to_owned()))
}

/// Whose patients a reader of the queue is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those the reader reaches, with the words and the patient's name.
    Reached,
    /// Every one, without either: for admins, who see nothing clinical.
    Every,
    /// The reader's own, still open at an instant.
    Own(StaffId, DateTime<Utc>),
}

/// One line of the review queue.
#[derive(Clone)]
pub struct Line {
    /// Its id.
    pub id: BreakGlassId,
    /// Who took it.
    pub staff: StaffId,
    /// Their name.
    pub staff_name: String,
    /// Whose chart.
    pub patient: PatientId,
    /// The patient's name, for who reaches them.
    pub patient_name: Option<Private<String>>,
    /// Why, from the list.
    pub reason: UrgentReason,
    /// Why, in their own words; for who reaches the patient.
    pub words: Option<Private<String>>,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// When it ends by itself.
    pub ends_at: DateTime<Utc>,
    /// When and how it ended.
    pub ended: Option<(DateTime<Utc>, UrgentEnd)>,
    /// What the review found, by whom, when.
    pub review: Option<(UrgentFinding, String, DateTime<Utc>)>,
    /// How many the same person took in the usual span before the present.
    pub lately: i64,
}

/// The queue: what waits for review first, newest first among equals.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn queue(tx: &mut OrgTx, _: &Receipt, scope: Scope, lately_from: DateTime<Utc>) -> Result<Vec<Line>, Error> {
    let org = tx.org();
    let (every, own, open_at) = match scope {
        Scope::Reached => (false, None, None),
        Scope::Every => (true, None, None),
        Scope::Own(staff, now) => (true, Some(staff.0), Some(now)),
    };
    let rows = sqlx::query!(
        r#"select b.id, b.staff_id, s.full_name, b.patient_id,
                  p.given_name || ' ' || p.family_name as "patient_name?", b.reason,
                  case when p.id is not null then b.words end as "words?", b.began_at, b.ends_at, b.ended_at,
                  b.ended_how, r.finding as "finding?", r.at as "reviewed_at?", v.full_name as "reviewer?",
                  (select count(*)
                     from break_glass o
                    where o.org_id = b.org_id
                      and o.staff_id = b.staff_id
                      and o.began_at >= $2) as "lately!"
             from break_glass b
             join staff_member s on s.org_id = b.org_id and s.id = b.staff_id
             left join patient p on p.org_id = b.org_id and p.id = b.patient_id
             left join break_glass_review r on r.org_id = b.org_id and r.break_glass_id = b.id
             left join staff_member v on v.org_id = r.org_id and v.id = r.reviewed_by
            where b.org_id = $1
              and ($3 or p.id is not null)
              and ($4::uuid is null or b.staff_id = $4)
              and ($5::timestamptz is null or (b.ended_at is null and b.ends_at > $5))
            order by r.at is not null, b.began_at desc
            limit 200"#,
        org.0,
        lately_from,
        every,
        own,
        open_at
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let ended_how = row.ended_how.as_deref().map(UrgentEnd::from_word);
            let found = row.finding.as_deref().map(UrgentFinding::from_word);
            Ok(Line {
                id: BreakGlassId(row.id),
                staff: StaffId(row.staff_id),
                staff_name: row.full_name,
                patient: PatientId(row.patient_id),
                patient_name: row.patient_name.map(Private::new),
                reason: UrgentReason::from_word(&row.reason).ok_or_else(unreadable)?,
                words: row.words.map(Private::new),
                began_at: row.began_at,
                ends_at: row.ends_at,
                ended: row.ended_at.zip(ended_how.map(|how| how.ok_or_else(unreadable)).transpose()?),
                review: match (found, row.reviewer, row.reviewed_at) {
                    (Some(found), Some(by), Some(at)) => Some((found.ok_or_else(unreadable)?, by, at)),
                    (_, _, _) => None,
                },
                lately: row.lately,
            })
        })
        .collect()
}

/// Who reviews the urgent accesses to a patient: the coordinators of the patient's team; the admins when there are none.
///
/// # Errors
/// When the database is away.
pub async fn reviewers(tx: &mut OrgTx, patient: PatientId, taken_by: StaffId) -> Result<Vec<StaffId>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select s.id, s.role = 'coordinator' as "coordinates!"
             from staff_member s
             join patient p on p.org_id = s.org_id and p.id = $2
            where s.org_id = $1
              and s.active
              and s.id <> $3
              and (s.role = 'admin'
                   or (s.role = 'coordinator'
                       and exists (select
                                     from team_member m
                                    where m.org_id = s.org_id
                                      and m.staff_id = s.id
                                      and m.team_id = p.team_id
                                      and m.ended_at is null)))
            order by s.id"#,
        org.0,
        patient.0,
        taken_by.0
    )
    .fetch_all(tx.connection())
    .await?;
    let coordinated = rows.iter().any(|row| row.coordinates);
    Ok(rows.into_iter().filter(|row| row.coordinates || !coordinated).map(|row| StaffId(row.id)).collect())
}

fn unreadable() -> Error {
    Error::Fault("a stored urgent access cannot be read".to_owned())
}
