//! What the page of one call shows: the call, legs with their streams, gaps.

use super::{OrgTx, audit::ChartReceipt};
use crate::{
    domain::{
        call::{CallManner, CallPurpose, CallState, Speaker},
        floor::GuestKind,
        ids::{CallId, LegId, PatientId, StaffId},
        private::Private,
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The call itself.
#[derive(Clone)]
pub struct CallHead {
    /// Its id.
    pub id: CallId,
    /// Whom it is for.
    pub patient: PatientId,
    /// Why it is planned.
    pub purpose: CallPurpose,
    /// Who asks.
    pub manner: CallManner,
    /// The protocol asked on it.
    pub protocol: String,
    /// The nurse planned for it, with their name.
    pub nurse: Option<(StaffId, String)>,
    /// When it falls due.
    pub due_at: DateTime<Utc>,
    /// Where it stands.
    pub state: CallState,
    /// Why it ended or waits, a code.
    pub outcome: Option<String>,
    /// Attempts so far.
    pub attempts: i32,
    /// Who proved who they are.
    pub speaker: Option<Speaker>,
    /// The caregiver's name and relation, when one speaks.
    pub caregiver: Option<(Private<String>, Private<String>)>,
    /// Consent to record; `None` until asked.
    pub may_record: Option<bool>,
    /// When patient and nurse began to talk.
    pub bridged_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

/// One party in the conference.
#[derive(Clone)]
pub struct PageLeg {
    /// Its id.
    pub id: LegId,
    /// Whose it is, in words: `Patient's line`, `Nurse` with their name, or who was asked in.
    pub who: String,
    /// Whose it is, a code.
    pub party: String,
    /// When it entered.
    pub joined_at: DateTime<Utc>,
    /// When it left.
    pub left_at: Option<DateTime<Utc>>,
    /// Where its newest media stream stands.
    pub stream: StreamState,
}

/// Where the forked audio of a leg stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// None was asked for.
    None,
    /// Asked for; nothing came yet.
    Asked,
    /// Audio arrives.
    Open,
    /// Audio arrives, somebody speaks, and no words come.
    Unheard,
    /// It has ended.
    Ended,
}

/// Audio that never reached us.
#[derive(Clone)]
pub struct PageGap {
    /// Whether it is the nurse's leg.
    pub of_nurse: bool,
    /// When it began.
    pub from_at: DateTime<Utc>,
    /// When audio came again.
    pub to_at: DateTime<Utc>,
    /// Why, a code.
    pub reason: String,
}

/// Reads the call. It says whose chart must be opened, so it comes before the receipt and shows nothing clinical.
///
/// # Errors
/// `NotFound` when there is no such call in this organization.
pub async fn head(tx: &mut OrgTx, id: CallId) -> Result<CallHead, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select c.patient_id, c.purpose, c.manner, c.protocol_id, c.nurse_id, s.full_name as "nurse_name?",
                  c.due_at, c.state, c.outcome, c.attempts, c.speaker, k.full_name as "caregiver_name?", k.relation as "relation?",
                  c.may_record, c.bridged_at, c.ended_at
             from call c
             left join staff_member s on s.org_id = c.org_id and s.id = c.nurse_id
             left join contact k on k.org_id = c.org_id and k.id = c.contact_id
            where c.org_id = $1
              and c.id = $2"#,
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    Ok(CallHead {
        id,
        patient: PatientId(row.patient_id),
        purpose: CallPurpose::from_word(&row.purpose).ok_or_else(|| unreadable("purpose"))?,
        manner: CallManner::from_word(&row.manner).ok_or_else(|| unreadable("manner"))?,
        protocol: row.protocol_id,
        nurse: row.nurse_id.map(StaffId).zip(row.nurse_name),
        due_at: row.due_at,
        state: CallState::from_word(&row.state).ok_or_else(|| unreadable("state"))?,
        outcome: row.outcome,
        attempts: row.attempts,
        speaker: match row.speaker.as_deref() {
            None => None,
            Some("patient") => Some(Speaker::Patient),
            Some("caregiver") => Some(Speaker::Caregiver),
            Some(_) => return Err(unreadable("speaker")),
        },
        caregiver: row.caregiver_name.map(Private::new).zip(row.relation.map(Private::new)),
        may_record: row.may_record,
        bridged_at: row.bridged_at,
        ended_at: row.ended_at,
    })
}

/// The legs of the call, each with its newest stream, in the order they entered.
///
/// # Errors
/// When the database is away.
pub async fn legs(tx: &mut OrgTx, call: CallId) -> Result<Vec<PageLeg>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select l.id, l.party, coalesce(s.full_name, o.label, '') as "name!", g.kind as "kind?", l.joined_at, l.left_at, m.opened_at as "opened_at?",
                  m.started_at as "started_at?", m.ended_at as "ended_at?",
                  exists (select from stream_turn b
                           where b.org_id = l.org_id
                             and b.stream_id = m.id
                             and b.turn = 'blind'
                             and not exists (select from stream_turn h
                                              where h.org_id = b.org_id
                                                and h.stream_id = b.stream_id
                                                and h.turn = 'hears_again'
                                                and h.number > b.number)) as "unheard!"
             from leg l
             left join staff_member s on s.org_id = l.org_id and s.id = l.staff_id
             left join guest g on g.org_id = l.org_id and g.id = l.guest_id
             left join outside_number o on o.org_id = g.org_id and o.id = g.outside_id
             left join lateral (select id, opened_at, started_at, ended_at
                                  from media_stream
                                 where org_id = l.org_id
                                   and leg_id = l.id
                                 order by opened_at desc
                                 limit 1) m on true
            where l.org_id = $1
              and l.call_id = $2
            order by l.joined_at"#,
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PageLeg {
            id: LegId(row.id),
            who: match row.kind.as_deref().and_then(GuestKind::from_word) {
                Some(kind) => format!("{} {}", kind.says(), row.name),
                None if row.party == "patient" => "Patient's line".to_owned(),
                None => format!("Nurse {}", row.name),
            },
            party: row.party,
            joined_at: row.joined_at,
            left_at: row.left_at,
            stream: match (row.opened_at, row.started_at, row.ended_at) {
                (None, _, _) => StreamState::None,
                (Some(_), _, Some(_)) => StreamState::Ended,
                (Some(_), Some(_), None) if row.unheard => StreamState::Unheard,
                (Some(_), Some(_), None) => StreamState::Open,
                (Some(_), None, None) => StreamState::Asked,
            },
        })
        .collect())
}

/// Audio that never reached us, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn gaps(tx: &mut OrgTx, _: &ChartReceipt, call: CallId) -> Result<Vec<PageGap>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select l.party = 'nurse' as "of_nurse!", g.from_at, g.to_at, g.reason
             from gap g
             join leg l on l.org_id = g.org_id and l.id = g.leg_id
            where g.org_id = $1
              and g.call_id = $2
            order by g.from_at
            limit 500"#,
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PageGap { of_nurse: row.of_nurse, from_at: row.from_at, to_at: row.to_at, reason: row.reason })
        .collect())
}

/// Whether somebody began the assessment of the call.
///
/// # Errors
/// When the database is away.
pub async fn begun(tx: &mut OrgTx, call: CallId) -> Result<bool, Error> {
    let org = tx.org();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from assessment where org_id = $1 and call_id = $2) as "begun!""#,
        org.0,
        call.0
    )
    .fetch_one(tx.connection())
    .await?)
}

fn unreadable(what: &str) -> Error {
    Error::Fault(format!("a stored call's {what} cannot be read"))
}
