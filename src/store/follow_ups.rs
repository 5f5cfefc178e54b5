//! Follow-ups: opened once per cause with an owner, a deed and a job that watches the clock, all in one transaction.

use super::{
    OrgTx,
    audit::{Receipt, record},
    jobs::enqueue,
};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        disposition::Disposition,
        follow_up::{Done, FollowUp, FollowUpReason, NewFollowUp, Opened},
        ids::{CallId, FollowUpId, PatientId, StaffId},
        job::Job,
        people::{Actor, Role},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Opens work owed to a patient, once per `once_key`: finds its owner, records the deed, and enqueues the job that
/// passes it on when its time has gone by.
///
/// # Errors
/// `Fault` when the organization has nobody who could own it; otherwise when the database is away.
pub async fn open(tx: &mut OrgTx, actor: &Actor, work: &NewFollowUp, now: DateTime<Utc>) -> Result<Opened, Error> {
    let org = tx.org();
    let owner = choose_owner(tx, work).await?;
    let id = FollowUpId::at(now);
    let inserted = sqlx::query_scalar!(
        "insert into follow_up (org_id, id, patient_id, call_id, assessment_id, reason, summary, urgency, owner_id,
                                due_at, state, created_at, once_key)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', $11, $12)
         on conflict (org_id, once_key) do nothing
         returning id",
        org.0,
        id.0,
        work.patient.0,
        work.call.map(|call| call.0),
        work.assessment.map(|assessment| assessment.0),
        work.reason.code(),
        work.summary.reveal(),
        work.urgency.code(),
        owner.0,
        work.due_at,
        now,
        work.once_key
    )
    .fetch_optional(tx.connection())
    .await?;
    if inserted.is_none() {
        return opened_before(tx, &work.once_key).await;
    }
    let deed = Deed::of(DeedKind::OpenedFollowUp)
        .patient(work.patient)
        .subject(id.0)
        .with("reason", work.reason.code())
        .with("urgency", work.urgency.code())
        .with("owner", owner)
        .with("due_at", work.due_at.to_rfc3339());
    let _receipt: Receipt = record(tx, actor, &deed, now).await?;
    enqueue(tx, &Job::EscalateFollowUp { follow_up: id }, "0", work.due_at, now).await?;
    Ok(Opened::New(id))
}

async fn opened_before(tx: &mut OrgTx, once_key: &str) -> Result<Opened, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!("select id from follow_up where org_id = $1 and once_key = $2", org.0, once_key)
        .fetch_one(tx.connection())
        .await?;
    Ok(Opened::Before(FollowUpId(id)))
}

/// The proposed owner, the call's nurse, the patient's, one on duty, a coordinator, then whoever else is there; those of
/// the patient's team before all others, for only they see it on their list.
async fn choose_owner(tx: &mut OrgTx, work: &NewFollowUp) -> Result<StaffId, Error> {
    let org = tx.org();
    let owner = sqlx::query_scalar!(
        "select s.id
           from staff_member s
           join patient p on p.org_id = s.org_id and p.id = $2
           left join call c on c.org_id = s.org_id and c.id = $3
          where s.org_id = $1
            and s.active
            and s.role in ('nurse', 'coordinator', 'physician')
          order by exists (select
                             from team_member m
                            where m.org_id = s.org_id
                              and m.staff_id = s.id
                              and m.team_id = p.team_id
                              and m.ended_at is null) desc,
                   (s.id is not distinct from $4::uuid) desc,
                   (s.id is not distinct from c.nurse_id) desc,
                   (s.id is not distinct from p.nurse_id) desc,
                   (s.role = 'nurse' and s.on_duty) desc,
                   (s.role = 'coordinator') desc,
                   s.on_duty desc,
                   s.full_name
          limit 1",
        org.0,
        work.patient.0,
        work.call.map(|call| call.0),
        work.owner.map(|owner| owner.0)
    )
    .fetch_optional(tx.connection())
    .await?;
    owner.map(StaffId).ok_or_else(|| {
        Error::Fault("no active nurse, coordinator or physician of the patient's organization can own work".to_owned())
    })
}

/// What the list of follow-ups shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Everything open.
    Open,
    /// What one person owns and has not done.
    OpenOf(StaffId),
    /// Everything owed to one patient, done or not.
    OwedTo(PatientId),
}

/// Follow-ups with names, open ones first, the earliest due first. Names are patient data, hence the receipt.
///
/// # Errors
/// When the database is away or a stored code cannot be read.
pub async fn list(tx: &mut OrgTx, _receipt: &Receipt, show: Show) -> Result<Vec<FollowUp>, Error> {
    let org = tx.org();
    let (owner, patient) = match show {
        Show::Open => (None, None),
        Show::OpenOf(owner) => (Some(owner.0), None),
        Show::OwedTo(patient) => (None, Some(patient.0)),
    };
    let rows = sqlx::query_as!(
        Row,
        r#"select f.id, f.patient_id, p.given_name || ' ' || p.family_name as "patient_name!", f.call_id, f.reason,
                  f.summary, f.urgency, f.owner_id, s.full_name as owner_name, f.due_at, f.escalations, f.outcome,
                  f.done_at
             from follow_up f
             join patient p on p.org_id = f.org_id and p.id = f.patient_id
             join staff_member s on s.org_id = f.org_id and s.id = f.owner_id
            where f.org_id = $1
              and ($2::uuid is null or f.owner_id = $2)
              and ($3::uuid is null or f.patient_id = $3)
              and ($3::uuid is not null or f.state = 'open')
            order by f.state desc, f.due_at, f.id
            limit 500"#,
        org.0,
        owner,
        patient
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// A follow-up under its row lock, without names: for completing and passing on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: FollowUpId,
    /// Whom it is owed to.
    pub patient: PatientId,
    /// Who owns it.
    pub owner: StaffId,
    /// How urgent.
    pub urgency: Disposition,
    /// When somebody must have acted.
    pub due_at: DateTime<Utc>,
    /// How often it went to the next person.
    pub escalations: i32,
    /// Whether it is still to be done.
    pub is_open: bool,
}

/// Reads a follow-up and keeps its row for this transaction.
///
/// # Errors
/// `NotFound` when there is none in this organization.
pub async fn lock(tx: &mut OrgTx, id: FollowUpId) -> Result<Held, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select patient_id, owner_id, urgency, due_at, escalations, state = 'open' as "is_open!"
             from follow_up
            where org_id = $1
              and id = $2
              for update"#,
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(Held {
        id,
        patient: PatientId(row.patient_id),
        owner: StaffId(row.owner_id),
        urgency: Disposition::from_code(&row.urgency).ok_or_else(|| unreadable("urgency"))?,
        due_at: row.due_at,
        escalations: row.escalations,
        is_open: row.is_open,
    })
}

/// Marks a locked follow-up as done.
///
/// # Errors
/// When the database is away.
pub async fn complete(
    tx: &mut OrgTx,
    held: &Held,
    by: StaffId,
    outcome: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update follow_up
            set state = 'done', outcome = $3, done_by = $4, done_at = $5
          where org_id = $1
            and id = $2",
        org.0,
        held.id.0,
        outcome,
        by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Open work after a call for one of these reasons; the rows are kept for this transaction.
///
/// # Errors
/// When the database is away.
pub async fn open_after(tx: &mut OrgTx, call: CallId, reasons: &[FollowUpReason]) -> Result<Vec<Held>, Error> {
    let org = tx.org();
    let codes: Vec<String> = reasons.iter().map(|reason| reason.code().to_owned()).collect();
    let ids = sqlx::query_scalar!(
        "select id
           from follow_up
          where org_id = $1
            and call_id = $2
            and state = 'open'
            and reason = any($3)
          order by id",
        org.0,
        call.0,
        &codes
    )
    .fetch_all(tx.connection())
    .await?;
    let mut open = Vec::new();
    for id in ids {
        open.push(lock(tx, FollowUpId(id)).await?);
    }
    open.retain(|held| held.is_open);
    Ok(open)
}

/// Somebody of a role in the patient's team who could take overdue work over, on duty first; never the present owner.
///
/// # Errors
/// When the database is away.
pub async fn next_owner(tx: &mut OrgTx, held: &Held, role: Role) -> Result<Option<StaffId>, Error> {
    let org = tx.org();
    let id = sqlx::query_scalar!(
        "select s.id
           from staff_member s
           join patient p on p.org_id = s.org_id and p.id = $4
           join team_member m on m.org_id = s.org_id and m.staff_id = s.id and m.team_id = p.team_id
          where s.org_id = $1
            and s.active
            and s.role = $2
            and s.id <> $3
            and m.ended_at is null
          order by s.on_duty desc, s.full_name
          limit 1",
        org.0,
        role.word(),
        held.owner.0,
        held.patient.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(id.map(StaffId))
}

/// Hands a locked follow-up to its next owner and counts it. Its due time stays, so that it keeps showing as overdue.
///
/// # Errors
/// When the database is away.
pub async fn pass_on(tx: &mut OrgTx, held: &Held, to: StaffId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update follow_up
            set owner_id = $3, escalations = escalations + 1
          where org_id = $1
            and id = $2",
        org.0,
        held.id.0,
        to.0
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

struct Row {
    id: uuid::Uuid,
    patient_id: uuid::Uuid,
    patient_name: String,
    call_id: Option<uuid::Uuid>,
    reason: String,
    summary: String,
    urgency: String,
    owner_id: uuid::Uuid,
    owner_name: String,
    due_at: DateTime<Utc>,
    escalations: i32,
    outcome: Option<String>,
    done_at: Option<DateTime<Utc>>,
}

impl Row {
    fn read(self) -> Result<FollowUp, Error> {
        Ok(FollowUp {
            id: FollowUpId(self.id),
            patient: PatientId(self.patient_id),
            patient_name: Private::new(self.patient_name),
            call: self.call_id.map(CallId),
            reason: FollowUpReason::from_code(&self.reason).ok_or_else(|| unreadable("reason"))?,
            summary: Private::new(self.summary),
            urgency: Disposition::from_code(&self.urgency).ok_or_else(|| unreadable("urgency"))?,
            owner: StaffId(self.owner_id),
            owner_name: self.owner_name,
            due_at: self.due_at,
            escalations: self.escalations,
            done: self.done_at.map(|at| Done { at, outcome: Private::new(self.outcome.unwrap_or_default()) }),
        })
    }
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored follow-up's {what} cannot be read"))
}
