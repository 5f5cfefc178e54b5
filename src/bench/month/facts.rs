//! What is known at the end of a month: the carrier's own book on one side, what the product wrote down on the other, and
//! what the month itself knows because it drew it. The verdict reads nothing else, so a test can tamper with any of them.

use super::{
    cast::Patient,
    deeds::{Closed, Silence},
    diary::Span,
    stage::Stage,
};
use crate::{
    bench::Broken,
    domain::people::Actor,
    flows::verify_record,
    ports::clock::Clock,
    simulator::carrier::{CallSeen, Direction, TextSeen},
};
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use sqlx::{FromRow, PgConnection, Row, postgres::PgRow};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A call as the product wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFact {
    /// Its id.
    pub id: Uuid,
    /// The patient's number.
    pub number: String,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub outcome: Option<String>,
    /// Whether they rang us.
    pub is_inbound: bool,
    /// When it was last to ring.
    pub due_at: DateTime<Utc>,
    /// When it was first to ring, as it was planned.
    pub first_due: Option<DateTime<Utc>>,
    /// Whether a person gave it another time.
    pub was_moved: bool,
    /// Its plan, and the date of the plan, on the patient's clock.
    pub occurrence: Option<(Uuid, NaiveDateTime)>,
    /// Whether a named person was given work because of it.
    pub is_owed: bool,
}

/// A dial of a patient or nurse as the product wrote it down.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Dialled {
    /// The call.
    pub call: Uuid,
    /// Whether it rang the patient.
    pub is_patient: bool,
    /// The carrier's name for it.
    pub sid: Option<String>,
    /// When it was sent.
    pub posted_at: Option<DateTime<Utc>>,
}

/// A ring in the carrier's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// The carrier's name for it.
    pub sid: String,
    /// Who was rung.
    pub to: String,
    /// When the carrier took it.
    pub at: DateTime<Utc>,
    /// Whether a telephone rang.
    pub rang: bool,
    /// Whether somebody answered.
    pub was_answered: bool,
    /// Whether it was ended at the product's request.
    pub was_ended: bool,
    /// Words spoken into it.
    pub words: usize,
}

/// A text in the carrier's book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Whose telephone shows it.
    pub to: String,
    /// When the carrier took it.
    pub at: DateTime<Utc>,
}

/// A date on which a plan must have made its call: nothing ever happened to this patient, and it lies within the month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The plan.
    pub plan: Uuid,
    /// The date and time on the patient's clock.
    pub local: NaiveDateTime,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When the month was over.
    pub end: DateTime<Utc>,
    /// Calls.
    pub calls: Vec<CallFact>,
    /// Dials.
    pub dialled: Vec<Dialled>,
    /// The carrier's book: rings it made for us.
    pub rings: Vec<Ring>,
    /// The carrier's book: texts it took from us.
    pub texts: Vec<Text>,
    /// Dates that plans must have kept.
    pub expected: Vec<Expected>,
    /// When nobody may be rung or texted.
    pub closed: Vec<Closed>,
    /// Calls held back or called off, by rule.
    pub held: BTreeMap<String, i64>,
    /// Calls that were held back at their time.
    pub held_calls: BTreeSet<Uuid>,
    /// The product's texts, by how they stand.
    pub text_states: BTreeMap<String, i64>,
    /// People who were promised to be rung back; of these, in time; of these, still waiting past their time.
    pub promises: [i64; 3],
    /// Assessments signed, and calls that took place without one.
    pub assessments: [i64; 2],
    /// Follow-ups, and those still open.
    pub follow_ups: [i64; 2],
    /// Entries of the record.
    pub entries: i64,
    /// What is wrong with the record.
    pub record_fault: Option<String>,
}

impl FromRow<'_, PgRow> for CallFact {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let (plan, occurs_at): (Option<Uuid>, Option<NaiveDateTime>) =
            (row.try_get("plan_id")?, row.try_get("occurs_at")?);
        Ok(Self {
            id: row.try_get("id")?,
            number: row.try_get("phone")?,
            state: row.try_get("state")?,
            outcome: row.try_get("outcome")?,
            is_inbound: row.try_get("is_inbound")?,
            due_at: row.try_get("due_at")?,
            first_due: row.try_get("first_due")?,
            was_moved: row.try_get("was_moved")?,
            occurrence: plan.zip(occurs_at),
            is_owed: row.try_get("is_owed")?,
        })
    }
}

impl Facts {
    /// Gathers them.
    ///
    /// # Errors
    /// When the database is away or the record cannot be read.
    pub async fn gather(stage: &mut Stage, span: Span, closed: Vec<Closed>) -> Result<Self, Broken> {
        let report = verify_record::verify(&stage.app, &Actor::careline(stage.admin.org)).await.map_err(Broken::of)?;
        let book = stage.ground.town.carrier().calls();
        let texts = stage.ground.town.carrier().texts();
        let expected = stage.patients.iter().flat_map(|patient| expected(patient, span, &closed)).collect();
        let to = &mut stage.superuser;
        Ok(Self {
            end: stage.clock.now(),
            calls: calls(to).await?,
            dialled: dialled(to).await?,
            rings: book.iter().filter(|call| call.direction == Direction::OutboundApi).map(ring).collect(),
            texts: texts.iter().filter(|text| !text.inbound).map(text).collect(),
            expected,
            closed,
            held: counts(to, HELD).await?,
            held_calls: held_calls(to).await?,
            text_states: counts(to, "select state, count(*) from text_message where direction = 'out' group by 1")
                .await?,
            promises: three(to, PROMISES).await?,
            assessments: two(to, ASSESSMENTS).await?,
            follow_ups: two(to, "select count(*), count(*) filter (where state = 'open') from follow_up").await?,
            entries: report.entries,
            record_fault: report.fault.map(|fault| format!("{fault:?}")),
        })
    }
}

const HELD: &str = "select rule, sum(calls)::bigint
   from (select detail->>'rule' as rule, count(*) as calls from audit_entry where deed = 'held_back_call' group by 1
          union all
         select because, coalesce(sum(cardinality(due)), 0) from calling_off group by 1) held
  where calls > 0
  group by 1";
const PROMISES: &str = "select count(*), count(*) filter (where done_at <= due_at),
        count(*) filter (where state = 'open' and due_at < (select max(at) from audit_entry)) from caller";
const ASSESSMENTS: &str = "select (select count(*) from assessment where signed_at is not null),
        (select count(*) from call c where c.state = 'done'
            and not exists (select from assessment a where a.org_id = c.org_id and a.call_id = c.id))";

async fn calls(to: &mut PgConnection) -> Result<Vec<CallFact>, Broken> {
    sqlx::query_as(
        "select c.id, p.phone, c.state, c.outcome, c.purpose = 'inbound' as is_inbound, c.due_at, j.run_at as first_due,
                c.moved_by is not null as was_moved, c.plan_id, c.occurs_at,
                exists (select from follow_up f join staff_member s on s.org_id = f.org_id and s.id = f.owner_id
                         where f.org_id = c.org_id and f.call_id = c.id) as is_owed
           from call c
           join patient p on p.org_id = c.org_id and p.id = c.patient_id
           left join job j on j.org_id = c.org_id and j.unique_key = 'place:' || c.id || ':due'
          order by c.id",
    )
    .fetch_all(to)
    .await
    .map_err(Broken::of)
}

async fn dialled(to: &mut PgConnection) -> Result<Vec<Dialled>, Broken> {
    sqlx::query_as("select call_id as call, party = 'patient' as is_patient, sid, posted_at from attempt order by id")
        .fetch_all(to)
        .await
        .map_err(Broken::of)
}

async fn held_calls(to: &mut PgConnection) -> Result<BTreeSet<Uuid>, Broken> {
    let held: Vec<Uuid> = sqlx::query_scalar(
        "select distinct subject from audit_entry where deed = 'held_back_call' and subject is not null",
    )
    .fetch_all(to)
    .await
    .map_err(Broken::of)?;
    Ok(held.into_iter().collect())
}

async fn counts(to: &mut PgConnection, statement: &'static str) -> Result<BTreeMap<String, i64>, Broken> {
    let rows: Vec<(String, i64)> = sqlx::query_as(statement).fetch_all(to).await.map_err(Broken::of)?;
    Ok(rows.into_iter().collect())
}

async fn two(to: &mut PgConnection, statement: &'static str) -> Result<[i64; 2], Broken> {
    let (one, two): (i64, i64) = sqlx::query_as(statement).fetch_one(to).await.map_err(Broken::of)?;
    Ok([one, two])
}

async fn three(to: &mut PgConnection, statement: &'static str) -> Result<[i64; 3], Broken> {
    let (one, two, three): (i64, i64, i64) = sqlx::query_as(statement).fetch_one(to).await.map_err(Broken::of)?;
    Ok([one, two, three])
}

fn ring(call: &CallSeen) -> Ring {
    Ring {
        sid: call.sid.clone(),
        to: call.to.clone(),
        at: call.created_at,
        rang: call.rings > 0,
        was_answered: call.started_at.is_some(),
        was_ended: call.ended_on_request,
        words: call.spoken.len(),
    }
}

fn text(text: &TextSeen) -> Text {
    Text { to: text.to.clone(), at: text.created_at }
}

/// The dates of a plan by the month's own arithmetic, for a patient whom nothing befell that stops plans.
fn expected(patient: &Patient, span: Span, closed: &[Closed]) -> Vec<Expected> {
    let (Some(plan), false) = (patient.plan, is_touched(patient, closed)) else { return Vec::new() };
    let local = |day: NaiveDate| day.and_time(patient.at);
    // The plan is made before dawn of the first day; the last call must have had its time to ring.
    let within = |local: &NaiveDateTime| is_over(*local, patient.zone, span.ends() - Duration::hours(6));
    let days = span.each().filter(|day| patient.beat.falls_on(*day));
    days.map(local).filter(within).map(|local| Expected { plan: plan.0, local }).collect()
}

fn is_touched(patient: &Patient, closed: &[Closed]) -> bool {
    closed.iter().any(|one| one.number == patient.number && one.what == Silence::Everything)
}

fn is_over(local: NaiveDateTime, zone: Tz, end: DateTime<Utc>) -> bool {
    end.with_timezone(&zone).naive_local() > local
}
