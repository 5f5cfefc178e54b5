//! What the match between a patient and a nurse is made of: read here, weighed in `domain/matching.rs`.

use super::{OrgTx, audit::ChartReceipt, covers, rosters, worklist};
use crate::{
    domain::{
        call::{Call, CallState},
        care_plan::CarePlan,
        ids::{CallId, PatientId, StaffId},
        matching::{Candidate, Match, Reason, Wanted, rank},
        people::Language,
        roster::Presence,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Every active nurse, the best for a patient at an instant first.
///
/// # Errors
/// `NotFound` when there is no such patient; otherwise when the database is away or a stored word cannot be read.
pub async fn nurses_for(
    tx: &mut OrgTx,
    patient: PatientId,
    wished: Option<StaffId>,
    at: DateTime<Utc>,
) -> Result<Vec<Match>, Error> {
    let wanted = wanted(tx, patient, wished).await?;
    Ok(rank(&wanted, &candidates(tx, patient, at).await?))
}

/// Who is rung for a patient who waits on the line: the best of those whose telephone is known, who are on duty, not off by
/// their roster, not on another line and were not rung for this call. While nobody waits, nobody is rung beside another ring.
///
/// # Errors
/// When the database is away or a stored word cannot be read.
pub async fn next_nurse(tx: &mut OrgTx, call: &Call, now: DateTime<Utc>) -> Result<Option<Match>, Error> {
    let org = tx.org();
    let free = sqlx::query_scalar!(
        "select s.id
           from staff_member s
          where s.org_id = $1
            and s.role = 'nurse'
            and s.active
            and s.on_duty
            and (s.phone is not null
                 or exists (select 1
                              from browser_line b
                             where b.org_id = s.org_id
                               and b.staff_id = s.id
                               and b.chosen
                               and b.ready_until > clock_timestamp()))
            and s.id <> all($2)
            and not exists (select 1
                              from leg l
                             where l.org_id = s.org_id
                               and l.staff_id = s.id
                               and l.left_at is null)
            and ($3 or not exists (select 1
                                     from attempt a
                                    where a.org_id = s.org_id
                                      and a.staff_id = s.id
                                      and a.state in ('intent', 'dialing', 'bound', 'unknown')
                                      and a.outcome is null
                                      and a.ended_at is null))",
        org.0,
        &call.nurses_asked.iter().map(|nurse| nurse.0).collect::<Vec<_>>(),
        call.state != CallState::AskingNurse
    )
    .fetch_all(tx.connection())
    .await?;
    let ranked = nurses_for(tx, call.patient, call.nurse, now).await?;
    // Somebody waits on the line: a nurse who is licensed elsewhere only comes last, but comes.
    let there = |found: &Match| !found.reasons.contains(&Reason::NotAtWork);
    Ok(ranked.into_iter().find(|found| there(found) && free.contains(&found.nurse.0)))
}

/// Whose calls somebody has at an instant, of those a plan could have had: the nurse wished for, then the patient's own.
///
/// # Errors
/// When the database is away.
pub async fn away(tx: &mut OrgTx, plan: &CarePlan, by: StaffId, at: DateTime<Utc>) -> Result<Option<StaffId>, Error> {
    let wanted = wanted(tx, plan.patient, plan.cadence.nurse).await?;
    for nurse in [wanted.wished, wanted.own].into_iter().flatten() {
        if covers::of(tx, nurse, at).await? == Some(by) {
            return Ok(Some(nurse));
        }
    }
    Ok(None)
}

/// Where the patient of a chart lives (ISO 3166-2), when it is known.
///
/// # Errors
/// `NotFound` when there is no such patient.
pub async fn region(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Option<String>, Error> {
    let org = tx.org();
    sqlx::query_scalar!("select region from patient where org_id = $1 and id = $2", org.0, receipt.patient().0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)
}

/// Writes down where the patient of a chart lives; `None` is not known.
///
/// # Errors
/// When the database refuses.
pub async fn set_region(tx: &mut OrgTx, receipt: &ChartReceipt, region: Option<&str>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update patient
            set region = $3
          where org_id = $1
            and id = $2",
        org.0,
        receipt.patient().0,
        region
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

async fn wanted(tx: &mut OrgTx, patient: PatientId, wished: Option<StaffId>) -> Result<Wanted, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select nurse_id, language, region
           from patient
          where org_id = $1
            and id = $2",
        org.0,
        patient.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Wanted {
        wished,
        own: row.nurse_id.map(StaffId),
        language: Language::from_tag(&row.language).ok_or_else(unreadable)?,
        region: row.region,
    })
}

async fn candidates(tx: &mut OrgTx, patient: PatientId, at: DateTime<Utc>) -> Result<Vec<Candidate>, Error> {
    let org = tx.org();
    let zone = worklist::zone(tx).await?;
    let rosters = rosters::all(tx, at).await?;
    let covers = covers::at(tx, at).await?;
    let rows = sqlx::query!(
        r#"select s.id, s.full_name,
                  exists (select 1
                            from team_member m
                            join patient p on p.org_id = m.org_id and p.team_id = m.team_id
                           where m.org_id = s.org_id
                             and m.staff_id = s.id
                             and m.ended_at is null
                             and p.id = $2) as "serves!",
                  array(select l.language from staff_language l where l.org_id = s.org_id and l.staff_id = s.id)
                      as "languages!",
                  array(select l.region from staff_licence l where l.org_id = s.org_id and l.staff_id = s.id)
                      as "regions!",
                  (select count(*)
                     from call c
                    where c.org_id = s.org_id
                      and c.patient_id = $2
                      and c.nurse_id = s.id
                      and c.state = 'done'
                      and c.bridged_at > $3::timestamptz - interval '90 days') as "talks!",
                  (select count(*)
                     from call c
                    where c.org_id = s.org_id
                      and c.nurse_id = s.id
                      and c.state = 'scheduled'
                      and c.due_at between $3::timestamptz - interval '12 hours'
                                       and $3::timestamptz + interval '12 hours') as "load!"
             from staff_member s
            where s.org_id = $1
              and s.role = 'nurse'
              and s.active"#,
        org.0,
        patient.0,
        at
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = StaffId(row.id);
            let roster = rosters.get(&id).map_or(Presence::Unplanned, |roster| roster.presence(at, zone));
            Ok(Candidate {
                id,
                name: row.full_name,
                serves_team: row.serves,
                presence: if covers.iter().any(|(away, _)| *away == id) { Presence::Off } else { roster },
                languages: languages(&row.languages)?,
                regions: row.regions,
                talks: row.talks,
                load: row.load,
                covers: covers.iter().filter(|(_, by)| *by == id).map(|(away, _)| *away).collect(),
            })
        })
        .collect()
}

fn languages(tags: &[String]) -> Result<Vec<Language>, Error> {
    tags.iter().map(|tag| Language::from_tag(tag).ok_or_else(unreadable)).collect()
}

/// What stands in the way of a time: other calls of the patient, other calls of the nurse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clashes {
    /// Calls of the same patient around that time, and when they fall due.
    pub of_patient: Vec<(CallId, DateTime<Utc>)>,
    /// When the nurse has other calls around that time.
    pub of_nurse: Vec<DateTime<Utc>>,
}

impl Clashes {
    /// Whether nothing stands in the way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_patient.is_empty() && self.of_nurse.is_empty()
    }
}

/// Calls that would clash with one at `due_at`: of the patient within an hour, of the nurse within twenty minutes. `except` is the call that is being moved.
///
/// # Errors
/// When the database is away.
pub async fn clashes(
    tx: &mut OrgTx,
    patient: PatientId,
    nurse: Option<StaffId>,
    due_at: DateTime<Utc>,
    except: Option<CallId>,
) -> Result<Clashes, Error> {
    let org = tx.org();
    let of_patient = sqlx::query!(
        "select id, due_at
           from call
          where org_id = $1
            and patient_id = $2
            and state in ('scheduled', 'asking_nurse', 'nurse_ready', 'placing', 'placed', 'waiting_for_nurse',
                          'bridged')
            and due_at > $3::timestamptz - interval '1 hour'
            and due_at < $3::timestamptz + interval '1 hour'
            and id is distinct from $4
          order by due_at",
        org.0,
        patient.0,
        due_at,
        except.map(|call| call.0)
    )
    .fetch_all(tx.connection())
    .await?;
    let of_nurse = sqlx::query_scalar!(
        "select due_at
           from call
          where org_id = $1
            and nurse_id = $2
            and patient_id <> $5
            and state = 'scheduled'
            and due_at > $3::timestamptz - interval '20 minutes'
            and due_at < $3::timestamptz + interval '20 minutes'
            and id is distinct from $4
          order by due_at",
        org.0,
        nurse.map(|nurse| nurse.0),
        due_at,
        except.map(|call| call.0),
        patient.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(Clashes { of_patient: of_patient.into_iter().map(|row| (CallId(row.id), row.due_at)).collect(), of_nurse })
}

fn unreadable() -> Error {
    Error::Fault("a stored language cannot be read".to_owned())
}
