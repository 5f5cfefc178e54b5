//! Check-ins by keypad and by text: where the dialogue stands, every answer as it was given, how urgent they are, how it ended.

use super::{OrgTx, audit::ChartReceipt, protocols};
use crate::{
    domain::{
        check_in::{Dialogue, Ending, Sheet},
        contact_hours::Channel,
        disposition::Disposition,
        ids::{AnswerId, CallId, PatientId, TextId},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Begins the check-in of a call. Two that begin at once are one.
///
/// # Errors
/// When the database is away.
pub async fn begin(
    tx: &mut OrgTx,
    call: CallId,
    patient: PatientId,
    (channel, level): (Channel, Disposition),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into check_in (org_id, call_id, patient_id, dialogue, level, began_at, channel)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (org_id, call_id) do nothing",
        org.0,
        call.0,
        patient.0,
        json(&Dialogue::default())?,
        level.code(),
        now,
        word(channel)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Whether the version of a protocol in use can be asked by a machine, by this way.
///
/// # Errors
/// `Invalid` says what is in the way; otherwise when the database is away.
pub async fn can_be_asked(tx: &mut OrgTx, protocol: &str, channel: Channel) -> Result<(), Error> {
    let Some(pinned) = protocols::in_use(tx, protocol).await? else {
        return Err(Error::Invalid(format!(
            "protocol: no version of {protocol} is in use; ask an admin to import one"
        )));
    };
    let package = protocols::package(tx, protocol, &pinned.version).await?;
    Sheet::by(&package, channel).map(drop).map_err(|why| Error::Invalid(format!("protocol: {why}")))
}

/// Where the dialogue of a call stands; its call is locked, and so nobody else moves it.
///
/// # Errors
/// `NotFound` when the call has no check-in.
pub async fn dialogue(tx: &mut OrgTx, call: CallId) -> Result<Dialogue, Error> {
    let org = tx.org();
    let stored = sqlx::query_scalar!("select dialogue from check_in where org_id = $1 and call_id = $2", org.0, call.0)
        .fetch_optional(tx.connection())
        .await?
        .ok_or(Error::NotFound)?;
    serde_json::from_value(stored).map_err(|_| Error::Fault("a stored check-in cannot be read".to_owned()))
}

/// Stores where the dialogue stands and how urgent the answers so far are.
///
/// # Errors
/// When the database is away.
pub async fn save(tx: &mut OrgTx, call: CallId, dialogue: &Dialogue, level: Disposition) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "update check_in
            set dialogue = $3, level = $4
          where org_id = $1
            and call_id = $2",
        org.0,
        call.0,
        json(dialogue)?,
        level.code()
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Writes down what was answered, and by which text if by one. It never changes; a correction is another row, and one text is
/// one answer.
///
/// # Errors
/// When the database is away.
pub async fn answered(
    tx: &mut OrgTx,
    _: &ChartReceipt,
    call: CallId,
    (question, value): (&str, &str),
    text: Option<TextId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into check_in_answer (org_id, id, call_id, question, value, at, text_id)
         values ($1, $2, $3, $4, $5, $6, $7)",
        org.0,
        AnswerId::at(now).0,
        call.0,
        question,
        value,
        now,
        text.map(|text| text.0)
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Ends a check-in that goes on; one that has ended, or never was, stays as it is. `true` when it ended now.
///
/// # Errors
/// When the database is away.
pub async fn end(
    tx: &mut OrgTx,
    call: CallId,
    ending: Ending,
    red_flag: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let org = tx.org();
    let done = sqlx::query!(
        "update check_in
            set ending = $3, red_flag = $4, ended_at = $5
          where org_id = $1
            and call_id = $2
            and ending is null",
        org.0,
        call.0,
        ending.word(),
        red_flag,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How urgent the answers of a call's check-in are, and the red flag that ended it; `None` when it has none. A level and the
/// name of a rule, no answers.
///
/// # Errors
/// When the database is away or a stored code cannot be read.
pub async fn urgency(tx: &mut OrgTx, call: CallId) -> Result<Option<(Disposition, Option<String>)>, Error> {
    let org = tx.org();
    let row = sqlx::query!("select level, red_flag from check_in where org_id = $1 and call_id = $2", org.0, call.0)
        .fetch_optional(tx.connection())
        .await?;
    row.map(|row| Ok((Disposition::from_code(&row.level).ok_or_else(unreadable)?, row.red_flag))).transpose()
}

/// What an organization's automatic voice says of itself: its name, and what it tells people to dial in an emergency.
///
/// # Errors
/// When the database is away.
pub async fn house(tx: &mut OrgTx) -> Result<(String, String), Error> {
    let org = tx.org();
    let row = sqlx::query!("select name, emergency_number from organization where org_id = $1", org.0)
        .fetch_one(tx.connection())
        .await?;
    Ok((row.name, row.emergency_number))
}

/// One answer, as the page of the call shows it.
#[derive(Clone)]
pub struct Pressed {
    /// The question.
    pub question: String,
    /// `yes`, `no` or a number.
    pub value: Private<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A check-in as the page of the call shows it.
#[derive(Clone)]
pub struct CheckInSeen {
    /// By which way it was asked.
    pub channel: Channel,
    /// How it ended; `None` while it goes on.
    pub ending: Option<Ending>,
    /// The rule that ended the questions.
    pub red_flag: Option<String>,
    /// How urgent the answers so far are.
    pub level: Disposition,
    /// Every answer, in the order it was given.
    pub pressed: Vec<Pressed>,
}

/// Reads the check-in of a call; `None` when it has none.
///
/// # Errors
/// When the database is away or a stored code cannot be read.
pub async fn of_call(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Option<CheckInSeen>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        "select channel, ending, red_flag, level
           from check_in
          where org_id = $1
            and call_id = $2
            and patient_id = $3",
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let pressed = sqlx::query!(
        "select question, value, at
           from check_in_answer
          where org_id = $1
            and call_id = $2
          order by at, id",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(Some(CheckInSeen {
        channel: if row.channel == word(Channel::Text) { Channel::Text } else { Channel::Voice },
        ending: row.ending.map(|word| Ending::from_word(&word).ok_or_else(unreadable)).transpose()?,
        red_flag: row.red_flag,
        level: Disposition::from_code(&row.level).ok_or_else(unreadable)?,
        pressed: pressed
            .into_iter()
            .map(|row| Pressed { question: row.question, value: Private::new(row.value), at: row.at })
            .collect(),
    }))
}

/// One number of the ESAS-r in an assessment.
#[derive(Clone)]
pub struct EsasValue {
    /// The assessment's call.
    pub call: CallId,
    /// When the assessment was begun.
    pub at: DateTime<Utc>,
    /// The question, such as `esas_pain`.
    pub question: String,
    /// The number.
    pub value: Private<String>,
}

/// The numbers of the newest assessments with the ESAS-r, latest first, whoever asked.
///
/// # Errors
/// When the database is away.
pub async fn esas_values(tx: &mut OrgTx, receipt: &ChartReceipt, most: i64) -> Result<Vec<EsasValue>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select a.call_id, a.created_at, given.key as "question!", given.value ->> 'number' as "value!"
             from (select org_id, call_id, created_at, answers
                     from assessment
                    where org_id = $1
                      and patient_id = $2
                      and protocol_id = 'check-in-esas'
                    order by created_at desc
                    limit $3) a
            cross join lateral jsonb_each(a.answers) given
            where a.org_id = $1
              and given.key like 'esas\_%'
              and given.value ->> 'number' is not null
            order by a.created_at desc, given.key"#,
        org.0,
        receipt.patient().0,
        most
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| EsasValue {
            call: CallId(row.call_id),
            at: row.created_at,
            question: row.question,
            value: Private::new(row.value),
        })
        .collect())
}

const fn word(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "voice",
        Channel::Text => "text",
    }
}

fn json(dialogue: &Dialogue) -> Result<serde_json::Value, Error> {
    serde_json::to_value(dialogue).map_err(|error| Error::Fault(error.to_string()))
}

fn unreadable() -> Error {
    Error::Fault("a stored check-in cannot be read".to_owned())
}
