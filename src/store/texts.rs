//! Texts that go out: written once per cause, sent once per permission, and what the carrier says of them.

use super::{OrgTx, audit::Receipt, jobs};
use crate::{
    domain::{
        ids::{CallId, PatientId, StaffId, TextId},
        job::Job,
        people::PhoneNumber,
        private::Private,
        text::{Delivery, Fate, TextState, Wording, body_hash, segments},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// A text to be sent.
#[derive(Clone)]
pub struct NewText {
    /// Its id.
    pub id: TextId,
    /// Whom it is for; `None` answers a number that nobody known has.
    pub patient: Option<PatientId>,
    /// Where it goes.
    pub number: PhoneNumber,
    /// The organization's own number.
    pub own_number: PhoneNumber,
    /// Whose words.
    pub wording: Wording,
    /// The words.
    pub body: Private<String>,
    /// The planned call it announces, and for when.
    pub call: Option<(CallId, DateTime<Utc>)>,
    /// The text it answers.
    pub answers: Option<TextId>,
    /// The call whose check-in it belongs to.
    pub check_in: Option<CallId>,
    /// Who wrote it; `None` is Careline.
    pub written_by: Option<StaffId>,
    /// When it is to go out.
    pub send_at: DateTime<Utc>,
    /// One cause makes one text.
    pub once_key: String,
}

/// Writes a text and the job that will send it. `false` when the same cause wrote it before.
///
/// # Errors
/// When the database is away.
pub async fn write(tx: &mut OrgTx, _: &Receipt, new: &NewText, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let body = new.body.reveal();
    let written = sqlx::query!(
        "insert into text_message (org_id, id, direction, patient_id, number, own_number, wording, body, body_hash,
                                   segments, call_id, call_due_at, answers, state, send_at, written_by, created_at,
                                   once_key, check_in)
         values ($1, $2, 'out', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'scheduled', $13, $14, $15, $16, $17)
         on conflict (org_id, once_key) do nothing",
        org.0,
        new.id.0,
        new.patient.map(|patient| patient.0),
        new.number.reveal(),
        new.own_number.reveal(),
        new.wording.word(),
        body,
        body_hash(body),
        i32::try_from(segments::count(body).segments).unwrap_or(i32::MAX),
        new.call.map(|(call, _)| call.0),
        new.call.map(|(_, due_at)| due_at),
        new.answers.map(|text| text.0),
        new.send_at,
        new.written_by.map(|staff| staff.0),
        now,
        new.once_key,
        new.check_in.map(|call| call.0)
    )
    .execute(tx.connection())
    .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    jobs::enqueue(tx, &Job::SendText { text: new.id }, "0", new.send_at, now).await?;
    Ok(true)
}

/// A text that goes out, under its row lock.
#[derive(Clone)]
pub struct HeldText {
    /// Its id.
    pub id: TextId,
    /// Whom it is for.
    pub patient: Option<PatientId>,
    /// Where it goes.
    pub number: PhoneNumber,
    /// The organization's own number.
    pub own_number: PhoneNumber,
    /// Whose words.
    pub wording: Wording,
    /// The words.
    pub body: Private<String>,
    /// The planned call it announces, and for when.
    pub call: Option<(CallId, DateTime<Utc>)>,
    /// The call whose check-in it belongs to.
    pub check_in: Option<CallId>,
    /// Who wrote it; `None` is Careline.
    pub written_by: Option<StaffId>,
    /// Where it stands.
    pub state: TextState,
    /// The carrier's name for it, once bound.
    pub sid: Option<String>,
    /// What the carrier said so far.
    pub fate: Fate,
    /// How often it was allowed to be sent.
    pub tries: i32,
    /// Lists of the carrier without a trace of it since then.
    pub clean_lists: i32,
    /// When it is to go out.
    pub send_at: DateTime<Utc>,
    /// When it was last allowed to be sent.
    pub posted_at: Option<DateTime<Utc>>,
}

/// Reads a text that goes out and keeps its row. Whoever also asks for the patient's standing asks that first: everybody
/// takes the patient before the text.
///
/// # Errors
/// `NotFound` when there is none in this organization.
pub async fn lock(tx: &mut OrgTx, id: TextId) -> Result<HeldText, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select patient_id, number, own_number, wording, body, call_id, call_due_at, check_in, written_by, state, sid, delivery,
                delivery_code, tries, clean_lists, send_at, posted_at
           from text_message
          where org_id = $1
            and id = $2
            and direction = 'out'
            for update",
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let step = row.delivery.map(|word| Delivery::from_word(&word).ok_or_else(|| unreadable("delivery"))).transpose()?;
    Ok(HeldText {
        id,
        patient: row.patient_id.map(PatientId),
        number: number(&row.number)?,
        own_number: number(&row.own_number)?,
        wording: Wording::from_word(&row.wording).ok_or_else(|| unreadable("wording"))?,
        body: Private::new(row.body),
        call: row.call_id.map(CallId).zip(row.call_due_at),
        check_in: row.check_in.map(CallId),
        written_by: row.written_by.map(StaffId),
        state: TextState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
        sid: row.sid,
        fate: Fate { step, code: row.delivery_code },
        tries: row.tries,
        clean_lists: row.clean_lists,
        send_at: row.send_at,
        posted_at: row.posted_at,
    })
}

/// Whom a text is for, without locking it.
///
/// # Errors
/// `NotFound` when there is none in this organization.
pub async fn patient_of(tx: &mut OrgTx, id: TextId) -> Result<Option<PatientId>, Error> {
    let org = tx.org();
    let found = sqlx::query_scalar!("select patient_id from text_message where org_id = $1 and id = $2", org.0, id.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    Ok(found.map(PatientId))
}

/// Allows a locked text to be sent once. `false` when it stands elsewhere, or while the same words to the same number are in
/// doubt: then a list of the carrier could not tell the two apart.
///
/// # Errors
/// When the database is away.
pub async fn arm(tx: &mut OrgTx, held: &HeldText, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let hash = body_hash(held.body.reveal());
    // Two of the same words wait for each other here rather than break on the index.
    sqlx::query_scalar!(
        r#"select pg_advisory_xact_lock(hashtextextended($1::text || encode($2, 'hex'), 19)) is null as "held!""#,
        format!("{org}{}", held.number.reveal()),
        hash
    )
    .fetch_one(tx.connection())
    .await?;
    let armed = sqlx::query!(
        "update text_message t
            set state = 'sending', posted_at = $3, tries = tries + 1, clean_lists = 0, outcome = null
          where org_id = $1
            and id = $2
            and state = 'scheduled'
            and not exists (select
                              from text_message o
                             where o.org_id = t.org_id
                               and o.number = t.number
                               and o.body_hash = t.body_hash
                               and o.state in ('sending', 'unknown'))",
        org.0,
        held.id.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(armed.rows_affected() == 1)
}

/// Gives a text its sid. `false` when it has one, or the sid belongs to another.
///
/// # Errors
/// When the database is away.
pub async fn bind(tx: &mut OrgTx, id: TextId, sid: &str, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let bound = sqlx::query!(
        "update text_message
            set state = 'bound', sid = $3, settled_at = $4
          where org_id = $1
            and id = $2
            and state in ('sending', 'unknown')
            and not exists (select
                              from text_message o
                             where o.org_id = $1
                               and o.sid = $3)",
        org.0,
        id.0,
        sid,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(bound.rows_affected() == 1)
}

/// Ends, or leaves in doubt, a text that is not bound. `false` when it stands elsewhere already.
///
/// # Errors
/// When the database is away.
pub async fn settle(
    tx: &mut OrgTx,
    id: TextId,
    state: TextState,
    outcome: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let settled = sqlx::query!(
        "update text_message
            set state = $3, outcome = $4, settled_at = $5
          where org_id = $1
            and id = $2
            and state in ('scheduled', 'sending', 'unknown')",
        org.0,
        id.0,
        state.word(),
        outcome,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(settled.rows_affected() == 1)
}

/// Lets a locked text that is provably with nobody go out at `send_at`, and enqueues the job.
///
/// # Errors
/// When the database is away.
pub async fn postpone(
    tx: &mut OrgTx,
    held: &HeldText,
    send_at: DateTime<Utc>,
    outcome: &str,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update text_message
            set state = 'scheduled', send_at = $3, outcome = $4
          where org_id = $1
            and id = $2
            and state in ('scheduled', 'sending', 'unknown')",
        org.0,
        held.id.0,
        send_at,
        outcome
    )
    .execute(tx.connection())
    .await?;
    let salt = format!("{}:{}", held.tries, send_at.timestamp_millis());
    jobs::enqueue(tx, &Job::SendText { text: held.id }, &salt, send_at, now).await
}

/// Counts a list of the carrier without a trace of the text.
///
/// # Errors
/// When the database is away.
pub async fn count_clean_list(tx: &mut OrgTx, id: TextId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!("update text_message set clean_lists = clean_lists + 1 where org_id = $1 and id = $2", org.0, id.0)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Stores what the carrier said so far of a locked text.
///
/// # Errors
/// When the database is away.
pub async fn follow(tx: &mut OrgTx, id: TextId, fate: &Fate) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update text_message
            set delivery = $3, delivery_rank = $4, delivery_code = $5
          where org_id = $1
            and id = $2
            and delivery_rank <= $4",
        org.0,
        id.0,
        fate.step.map(Delivery::word),
        fate.step.map_or(0, Delivery::rank),
        fate.code
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Sids that some text of this organization owns, out of a list.
///
/// # Errors
/// When the database is away.
pub async fn owned(tx: &mut OrgTx, sids: &[String]) -> Result<Vec<String>, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select sid as "sid!" from text_message where org_id = $1 and sid = any($2)"#,
        org.0,
        sids
    )
    .fetch_all(tx.connection())
    .await?)
}

/// Calls off every text of a patient that is not on its way yet. How many there were.
///
/// # Errors
/// When the database is away.
pub async fn call_off(tx: &mut OrgTx, _: &Receipt, patient: PatientId, now: DateTime<Utc>) -> Result<u64, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update text_message
            set state = 'called_off', outcome = 'patient_changed', settled_at = $3
          where org_id = $1
            and patient_id = $2
            and state = 'scheduled'",
        org.0,
        patient.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected())
}

/// Whether a text of the carrier is kept already.
///
/// # Errors
/// When the database is away.
pub async fn is_kept(tx: &mut OrgTx, sid: &str) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select
                            from text_message
                           where org_id = $1
                             and once_key = $2) as "is_kept!""#,
        org.0,
        format!("in:{sid}")
    )
    .fetch_one(tx.connection())
    .await?)
}

pub(super) fn number(text: &str) -> Result<PhoneNumber, Error> {
    PhoneNumber::from_e164(text).map_err(|_| unreadable("number"))
}

pub(super) fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored text's {what} cannot be read"))
}
