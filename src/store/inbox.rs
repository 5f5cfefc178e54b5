//! Texts that come in, and what is known of a number: kept once, matched by number only as a hint, unread until a person has
//! seen them.

use super::{
    OrgTx,
    audit::{ChartReceipt, Receipt},
    texts::{number, unreadable},
};
use crate::{
    domain::{
        follow_up::{FollowUpReason, NewFollowUp, default_within},
        ids::{CallId, ContactId, PatientId, StaffId, TextId},
        people::{Language, PatientStatus, PhoneNumber},
        private::Private,
        text::{Delivery, TextState, Wording, body_hash, segments},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Most lines of a thread or of the list of unread texts.
const MOST: i64 = 200;

/// A text as the carrier brought it.
#[derive(Clone)]
pub struct Arrived {
    /// Its id.
    pub id: TextId,
    /// The carrier's name for it.
    pub sid: String,
    /// Who sent it, by number alone.
    pub number: PhoneNumber,
    /// The organization's number it was sent to.
    pub own_number: PhoneNumber,
    /// The one patient it may be from or about.
    pub patient: Option<PatientId>,
    /// The contact whose number it is.
    pub contact: Option<ContactId>,
    /// The call whose check-in it answers.
    pub check_in: Option<CallId>,
    /// The words.
    pub body: Private<String>,
    /// How they were read, a code.
    pub meaning: &'static str,
    /// Pictures that came along.
    pub pictures: i32,
}

/// Keeps a text that came in. `false` when it came before.
///
/// # Errors
/// When the database is away.
pub async fn keep(tx: &mut OrgTx, _: &Receipt, text: &Arrived, now: DateTime<Utc>) -> Result<bool, Error> {
    let org = tx.org();
    let body = text.body.reveal();
    let kept = sqlx::query!(
        "insert into text_message (org_id, id, direction, patient_id, contact_id, number, own_number, wording, body,
                                   body_hash, segments, state, sid, send_at, meaning, pictures, created_at, once_key,
                                   check_in)
         values ($1, $2, 'in', $3, $4, $5, $6, $7, $8, $9, $10, 'received', $11, $12, $13, $14, $12, $15, $16)
         on conflict (org_id, once_key) do nothing",
        org.0,
        text.id.0,
        text.patient.map(|patient| patient.0),
        text.contact.map(|contact| contact.0),
        text.number.reveal(),
        text.own_number.reveal(),
        Wording::Received.word(),
        body,
        body_hash(body),
        i32::try_from(segments::count(body).segments).unwrap_or(i32::MAX),
        text.sid,
        now,
        text.meaning,
        text.pictures,
        format!("in:{}", text.sid),
        text.check_in.map(|call| call.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Somebody who has a number, as far as charts say.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The patient, or the patient whose contact it is.
    pub patient: PatientId,
    /// The contact, if it is a contact's number.
    pub contact: Option<ContactId>,
    /// Where the patient stands.
    pub status: PatientStatus,
    /// The patient's language.
    pub language: Language,
}

/// Everybody a number may belong to: patients first, those still followed before others. Takes their rows, as whoever
/// contacts them does.
///
/// # Errors
/// When the database is away.
pub async fn holders(tx: &mut OrgTx, whose: &PhoneNumber) -> Result<Vec<Holder>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select p.id as "patient!", null::uuid as contact, p.status as "status!", p.language as "language!", 0 as rank
             from patient p
            where p.org_id = $1
              and p.phone = $2
           union all
           select p.id, k.id, p.status, p.language, 1
             from contact k
             join patient p on p.org_id = k.org_id and p.id = k.patient_id
            where k.org_id = $1
              and k.phone = $2
            order by rank, 3, 1"#,
        org.0,
        whose.reveal()
    )
    .fetch_all(tx.connection())
    .await?;
    let mut found: Vec<Holder> = Vec::new();
    for row in rows {
        let patient = PatientId(row.patient);
        if found.iter().any(|holder| holder.patient == patient) {
            continue;
        }
        found.push(Holder {
            patient,
            contact: row.contact.map(ContactId),
            status: PatientStatus::from_word(&row.status).ok_or_else(|| unreadable("patient's status"))?,
            language: Language::from_tag(&row.language).ok_or_else(|| unreadable("patient's language"))?,
        });
    }
    Ok(found)
}

/// One line of a thread, either way.
#[derive(Clone)]
pub struct ThreadLine {
    /// The text.
    pub id: TextId,
    /// Where it stands; `Received` came in.
    pub state: TextState,
    /// Why, a code.
    pub outcome: Option<String>,
    /// How far the carrier says it came.
    pub delivery: Option<Delivery>,
    /// The carrier's error code; empty when there is none.
    pub delivery_code: String,
    /// Whose words.
    pub wording: Wording,
    /// The words.
    pub body: Private<String>,
    /// How what came in was read, a code.
    pub meaning: Option<String>,
    /// Pictures that came along.
    pub pictures: i32,
    /// Who wrote it, or whose number it came from: a staff member's or a contact's name.
    pub by: Option<String>,
    /// When it came, or is to go or went out.
    pub at: DateTime<Utc>,
    /// When somebody read what came in.
    pub read_at: Option<DateTime<Utc>>,
}

/// The newest texts of the chart, the newest first.
///
/// # Errors
/// When the database is away.
pub async fn thread(tx: &mut OrgTx, receipt: &ChartReceipt) -> Result<Vec<ThreadLine>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select t.id, t.state, t.outcome, t.delivery, t.delivery_code, t.wording, t.body, t.meaning, t.pictures,
                  coalesce(m.full_name, k.full_name) as by, coalesce(t.posted_at, t.send_at) as "at!", t.read_at
             from text_message t
             left join staff_member m on m.org_id = t.org_id and m.id = t.written_by
             left join contact k on k.org_id = t.org_id and k.id = t.contact_id
            where t.org_id = $1
              and t.patient_id = $2
            order by t.created_at desc, t.id desc
            limit $3"#,
        org.0,
        receipt.patient().0,
        MOST
    )
    .fetch_all(tx.connection())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ThreadLine {
                id: TextId(row.id),
                state: TextState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
                outcome: row.outcome,
                delivery: row.delivery.as_deref().and_then(Delivery::from_word),
                delivery_code: row.delivery_code,
                wording: Wording::from_word(&row.wording).ok_or_else(|| unreadable("wording"))?,
                body: Private::new(row.body),
                meaning: row.meaning,
                pictures: row.pictures,
                by: row.by,
                at: row.at,
                read_at: row.read_at,
            })
        })
        .collect()
}

/// A text that nobody has read yet.
#[derive(Clone)]
pub struct UnreadText {
    /// The text.
    pub id: TextId,
    /// The patient it was put with by number, and their name.
    pub patient: Option<(PatientId, Private<String>)>,
    /// Whose number it is, if a contact's.
    pub contact: Option<String>,
    /// The number it came from.
    pub number: Private<String>,
    /// The words.
    pub body: Private<String>,
    /// How it was read, a code.
    pub meaning: String,
    /// Pictures that came along.
    pub pictures: i32,
    /// When it came.
    pub at: DateTime<Utc>,
}

impl UnreadText {
    /// Whether it may be about an emergency or how somebody feels.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        matches!(self.meaning.as_str(), "urgent" | "stop_and_urgent" | "help")
    }
}

/// How many texts nobody has read yet, of those the reader reaches and those of nobody known.
///
/// # Errors
/// When the database is away.
pub async fn count_unread(tx: &mut OrgTx, _: &Receipt) -> Result<i64, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!"
             from text_message
            where org_id = $1
              and state = 'received'
              and meaning is distinct from 'check_in'
              and read_at is null"#,
        org.0
    )
    .fetch_one(tx.connection())
    .await?)
}

/// Texts nobody has read yet that the reader reaches, and those of nobody known: what may be urgent first, then the longest
/// waiting.
///
/// # Errors
/// When the database is away.
pub async fn unread(tx: &mut OrgTx, _: &Receipt) -> Result<Vec<UnreadText>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select t.id, t.patient_id, p.given_name || ' ' || p.family_name as "name?", k.full_name as "contact?",
                  t.number, t.body, coalesce(t.meaning, '') as "meaning!", t.pictures, t.created_at
             from text_message t
             left join patient p on p.org_id = t.org_id and p.id = t.patient_id
             left join contact k on k.org_id = t.org_id and k.id = t.contact_id
            where t.org_id = $1
              and t.state = 'received'
              and t.meaning is distinct from 'check_in'
              and t.read_at is null
            order by t.meaning in ('urgent', 'stop_and_urgent', 'help', 'wrong_number') desc, t.created_at, t.id
            limit $2"#,
        org.0,
        MOST
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| UnreadText {
            id: TextId(row.id),
            patient: row.patient_id.map(PatientId).zip(row.name.map(Private::new)),
            contact: row.contact,
            number: Private::new(row.number),
            body: Private::new(row.body),
            meaning: row.meaning,
            pictures: row.pictures,
            at: row.created_at,
        })
        .collect())
}

/// A text that came in, under its row lock.
#[derive(Clone)]
pub struct HeldArrival {
    /// The patient it is with.
    pub patient: Option<PatientId>,
    /// The number it came from.
    pub number: PhoneNumber,
    /// How it was read, a code.
    pub meaning: String,
    /// The words.
    pub body: Private<String>,
}

impl HeldArrival {
    /// The work it makes for a patient it is put with; `None` when it asks for nothing.
    #[must_use]
    pub fn work_for(&self, patient: PatientId, id: TextId, now: DateTime<Utc>) -> Option<NewFollowUp> {
        let reason = match self.meaning.as_str() {
            "urgent" | "stop_and_urgent" | "help" => FollowUpReason::UrgentText,
            "to_read" | "wrong_number" => FollowUpReason::TextToRead,
            _ => return None,
        };
        let words: String = self.body.reveal().chars().take(160).collect();
        Some(NewFollowUp {
            patient,
            call: None,
            assessment: None,
            reason,
            summary: Private::new(format!("A text that a colleague put with this patient: “{}”", words.trim())),
            urgency: reason.default_urgency(),
            owner: None,
            due_at: now + default_within(reason.default_urgency()),
            once_key: format!("text:{id}:{patient}"),
        })
    }
}

/// Reads a text that came in and keeps its row.
///
/// # Errors
/// `NotFound` when there is none in this organization, or none that the reader reaches.
pub async fn lock(tx: &mut OrgTx, id: TextId) -> Result<HeldArrival, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select patient_id, number, coalesce(meaning, '') as "meaning!", body
             from text_message
            where org_id = $1
              and id = $2
              and state = 'received'
              for update"#,
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(HeldArrival {
        patient: row.patient_id.map(PatientId),
        number: number(&row.number)?,
        meaning: row.meaning,
        body: Private::new(row.body),
    })
}

/// Notes who read a text first. Reading it again changes nothing.
///
/// # Errors
/// When the database is away.
pub async fn mark_read(tx: &mut OrgTx, _: &Receipt, id: TextId, by: StaffId, now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update text_message
            set read_by = $3, read_at = $4
          where org_id = $1
            and id = $2
            and read_at is null",
        org.0,
        id.0,
        by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Puts a locked text of nobody known with a patient.
///
/// # Errors
/// When the database is away.
pub async fn put_with(tx: &mut OrgTx, receipt: &ChartReceipt, id: TextId) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update text_message
            set patient_id = $3
          where org_id = $1
            and id = $2
            and patient_id is null",
        org.0,
        id.0,
        receipt.patient().0
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}
