//! Who has seen a patient's record, and what a search of the record needs of people: ids by exact name, names of staff.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::{PatientId, StaffId},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// Deeds of one kind by one person on one day.
#[derive(Clone, Debug)]
pub struct AccessLine {
    /// The day, in the organization's zone.
    pub day: NaiveDate,
    /// `staff`, `careline`, `carrier`, `operator` or `visitor`.
    pub actor_kind: String,
    /// The staff member, if one acted.
    pub staff: Option<Uuid>,
    /// Their name.
    pub staff_name: Option<String>,
    /// Their role when they acted.
    pub actor_role: Option<String>,
    /// The deed's word as stored.
    pub deed_word: String,
    /// How often.
    pub times: i64,
    /// The first time that day.
    pub first: DateTime<Utc>,
    /// The last time that day.
    pub last: DateTime<Utc>,
    /// Whether it was by urgent access outside their care team.
    pub urgent: bool,
}

/// Everything the record knows about one patient, newest day first, by person.
///
/// # Errors
/// When the database is away.
pub async fn of_patient(
    tx: &mut OrgTx,
    _: &Receipt,
    patient: PatientId,
    zone: Tz,
    most: i64,
) -> Result<Vec<AccessLine>, Error> {
    let org = tx.org();
    let lines = sqlx::query_as!(
        AccessLine,
        r#"select (e.at at time zone $3::text)::date as "day!", e.actor_kind, e.actor_id as staff,
                  m.full_name as "staff_name?", e.actor_role, e.deed as deed_word, count(*) as "times!", min(e.at) as "first!", max(e.at) as "last!",
                  bool_or(jsonb_exists(e.detail, 'break_glass')) as "urgent!"
             from audit_entry e
             left join staff_member m on m.org_id = e.org_id and m.id = e.actor_id
            where e.org_id = $1
              and e.patient_id = $2
            group by 1, e.actor_kind, e.actor_id, m.full_name, e.actor_role, e.deed
            order by 1 desc, e.actor_kind desc, m.full_name, e.actor_id, min(e.at)
            limit $4"#,
        org.0,
        patient.0,
        zone.name(),
        most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(lines)
}

/// The patients of exactly this name and birth date; capitals do not count. Their ids and nothing else.
///
/// # Errors
/// When the database is away.
pub async fn ids_of(
    tx: &mut OrgTx,
    _: &Receipt,
    given_name: &Private<String>,
    family_name: &Private<String>,
    born: &Private<NaiveDate>,
) -> Result<Vec<PatientId>, Error> {
    let org = tx.org();
    let ids = sqlx::query_scalar!(
        "select id
           from patient
          where org_id = $1
            and lower(given_name) = lower($2)
            and lower(family_name) = lower($3)
            and date_of_birth = $4
          order by id
          limit 10",
        org.0,
        given_name.reveal(),
        family_name.reveal(),
        born.reveal()
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(ids.into_iter().map(PatientId).collect())
}

/// Every staff member there is or was, by name.
///
/// # Errors
/// When the database is away.
pub async fn staff(tx: &mut OrgTx) -> Result<Vec<(StaffId, String)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!("select id, full_name from staff_member where org_id = $1 order by full_name, id", org.0)
        .fetch_all(tx.connection())
        .await?;
    Ok(rows.into_iter().map(|row| (StaffId(row.id), row.full_name)).collect())
}

/// Whether the organization has a patient of this id.
///
/// # Errors
/// When the database is away.
pub async fn is_patient(tx: &mut OrgTx, patient: PatientId) -> Result<bool, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!(
        r#"select exists (select from patient where org_id = $1 and id = $2) as "found!""#,
        org.0,
        patient.0
    )
    .fetch_one(tx.connection())
    .await?;
    Ok(found)
}
