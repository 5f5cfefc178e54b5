//! How long recordings are kept: the organization's rule, holds, what is due to be erased, and the erasing. Keys go in the
//! transaction that says so; the objects, which nobody can open any more, follow.

use super::{
    OrgTx,
    audit::{ChartReceipt, Receipt},
};
use crate::{
    domain::{
        ids::{CallId, FileId, HoldId, PatientId, StaffId},
        private::Private,
        retention::{AfterWithdrawal, ErasedWhy, RetentionRule},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// The organization's rule on recordings, or the default.
///
/// # Errors
/// When the database is away.
pub async fn rule(tx: &mut OrgTx) -> Result<RetentionRule, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select days as "days!", after_withdrawal from retention_rule where org_id = $1 and class = 'recording'"#,
        org.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(RetentionRule::default()) };
    let after_withdrawal = AfterWithdrawal::from_word(&row.after_withdrawal)
        .ok_or_else(|| Error::Fault("a stored rule on withdrawn consent cannot be read".to_owned()))?;
    Ok(RetentionRule { days: row.days, after_withdrawal })
}

/// Sets it.
///
/// # Errors
/// When the database is away or refuses the number.
pub async fn set_rule(
    tx: &mut OrgTx,
    _: &Receipt,
    rule: RetentionRule,
    by: Option<StaffId>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    sqlx::query!(
        "insert into retention_rule (org_id, class, days, after_withdrawal, set_by, set_at)
         values ($1, 'recording', $2, $3, $4, $5)
         on conflict (org_id, class) do update
            set days = excluded.days, after_withdrawal = excluded.after_withdrawal, set_by = excluded.set_by,
                set_at = excluded.set_at",
        org.0,
        rule.days,
        rule.after_withdrawal.word(),
        by.map(|by| by.0),
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Recordings that are to be erased by a rule at an instant, longest ago first. What is held is not among them.
///
/// # Errors
/// When the database is away.
pub async fn due(tx: &mut OrgTx, rule: RetentionRule, now: DateTime<Utc>, most: i64) -> Result<Vec<CallId>, Error> {
    Ok(look(tx, None, rule, now, most).await?.into_iter().map(|(call, _)| call).collect())
}

/// Why one recording is to be erased; `None` when it is not.
///
/// # Errors
/// When the database is away.
pub async fn why_due(
    tx: &mut OrgTx,
    call: CallId,
    rule: RetentionRule,
    now: DateTime<Utc>,
) -> Result<Option<ErasedWhy>, Error> {
    Ok(look(tx, Some(call), rule, now, 1).await?.first().map(|(_, why)| *why))
}

async fn look(
    tx: &mut OrgTx,
    only: Option<CallId>,
    rule: RetentionRule,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(CallId, ErasedWhy)>, Error> {
    let org = tx.org();
    let rows = sqlx::query!(
        r#"select r.call_id, r.began_at < $2 as "is_old!"
             from recording r
            where r.org_id = $1
              and r.erased_at is null
              and ($5::uuid is null or r.call_id = $5)
              and not exists (select
                                from recording_hold h
                               where h.org_id = r.org_id
                                 and h.call_id = r.call_id
                                 and h.lifted_at is null)
              and (r.began_at < $2
                   or $3 and exists (select
                                       from consent c
                                      where c.org_id = r.org_id
                                        and c.patient_id = r.patient_id
                                        and c.purpose = 'record_call'
                                        and not c.given
                                        and c.at >= r.began_at
                                        and (c.call_id = r.call_id or c.call_id is null and c.contact_id is null)))
            order by r.began_at
            limit $4"#,
        org.0,
        rule.kept_since(now),
        rule.after_withdrawal == AfterWithdrawal::Erase,
        most,
        only.map(|call| call.0)
    )
    .fetch_all(tx.connection())
    .await?;
    let why = |is_old| if is_old { ErasedWhy::Retention } else { ErasedWhy::ConsentWithdrawn };
    Ok(rows.into_iter().map(|row| (CallId(row.call_id), why(row.is_old))).collect())
}

/// Forgets the keys of a recording, unless somebody holds it; its audio can never be heard again, in no copy. Whose it was
/// and how many chunks it had; `None` when there was nothing to do.
///
/// # Errors
/// When the database is away.
pub async fn erase(
    tx: &mut OrgTx,
    call: CallId,
    why: ErasedWhy,
    now: DateTime<Utc>,
) -> Result<Option<(PatientId, u64)>, Error> {
    let org = tx.org();
    // Whoever places a hold takes this row first, so a hold comes before the erasing or after it.
    let Some(patient) = lock(tx, call, Left::Audio).await? else { return Ok(None) };
    let erased = sqlx::query!(
        "update recording
            set erased_at = $3, erased_why = $4
          where org_id = $1
            and call_id = $2
            and erased_at is null
            and not exists (select
                              from recording_hold h
                             where h.org_id = $1
                               and h.call_id = $2
                               and h.lifted_at is null)",
        org.0,
        call.0,
        now,
        why.word()
    )
    .execute(tx.connection())
    .await?;
    if erased.rows_affected() == 0 {
        return Ok(None);
    }
    let chunks = sqlx::query!(
        "update recording_chunk set sealed = null, peaks = '{}', fault = null where org_id = $1 and call_id = $2",
        org.0,
        call.0
    )
    .execute(tx.connection())
    .await?;
    Ok(Some((patient, chunks.rows_affected())))
}

/// What must be left of a call for its row to be of use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Its audio.
    Audio,
    /// Its audio or its words.
    Anything,
}

async fn lock(tx: &mut OrgTx, call: CallId, left: Left) -> Result<Option<PatientId>, Error> {
    let org = tx.org();
    let patient = sqlx::query_scalar!(
        "select patient_id
           from recording r
          where org_id = $1
            and call_id = $2
            and (erased_at is null
                 or $3 and exists (select
                                     from utterance u
                                    where u.org_id = r.org_id
                                      and u.call_id = r.call_id
                                      and u.erased_at is null))
            for update",
        org.0,
        call.0,
        left == Left::Anything
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(patient.map(PatientId))
}

/// Objects of an erased recording that may still be there.
///
/// # Errors
/// When the database is away.
pub async fn objects_left(tx: &mut OrgTx, call: CallId) -> Result<Vec<FileId>, Error> {
    let org = tx.org();
    let left = sqlx::query_scalar!(
        "select id from recording_chunk where org_id = $1 and call_id = $2 and sealed is null and gone_at is null",
        org.0,
        call.0
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(left.into_iter().map(FileId).collect())
}

/// Writes down that objects are gone.
///
/// # Errors
/// When the database is away.
pub async fn objects_gone(tx: &mut OrgTx, chunks: &[FileId], now: DateTime<Utc>) -> Result<(), Error> {
    let org = tx.org();
    let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.0).collect();
    sqlx::query!(
        "update recording_chunk set gone_at = $3 where org_id = $1 and id = any ($2) and sealed is null",
        org.0,
        &chunks,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Who keeps a recording from being erased.
#[derive(Clone)]
pub struct Hold {
    /// Their name.
    pub by: String,
    /// Why.
    pub why: Private<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Where a recording stands.
#[derive(Clone)]
pub struct Standing {
    /// When it was erased and why, if it was.
    pub erased: Option<(DateTime<Utc>, ErasedWhy)>,
    /// Who holds it, if somebody does.
    pub hold: Option<Hold>,
}

/// Where the recording of a call stands; `None` when there never was one.
///
/// # Errors
/// When the database is away.
pub async fn standing(tx: &mut OrgTx, receipt: &ChartReceipt, call: CallId) -> Result<Option<Standing>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select r.erased_at, r.erased_why, h.why as "why?", h.since as "since?", m.full_name as "by?"
             from recording r
             left join recording_hold h on h.org_id = r.org_id and h.call_id = r.call_id and h.lifted_at is null
             left join staff_member m on m.org_id = h.org_id and m.id = h.placed_by
            where r.org_id = $1
              and r.call_id = $2
              and r.patient_id = $3"#,
        org.0,
        call.0,
        receipt.patient().0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let erased = row.erased_at.zip(row.erased_why.as_deref().and_then(ErasedWhy::from_word));
    let hold = match (row.by, row.why, row.since) {
        (Some(by), Some(why), Some(since)) => Some(Hold { by, why: Private::new(why), since }),
        (_, _, _) => None,
    };
    Ok(Some(Standing { erased, hold }))
}

/// Holds the recording of a call, and the words said on it.
///
/// # Errors
/// `NotFound` when there is none, or none any more; `Conflict` when it is held already.
pub async fn hold(
    tx: &mut OrgTx,
    receipt: &ChartReceipt,
    call: CallId,
    why: &Private<String>,
    by: StaffId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let of = lock(tx, call, Left::Anything).await?;
    if of != Some(receipt.patient()) {
        return Err(Error::NotFound);
    }
    let held = sqlx::query!(
        "insert into recording_hold (org_id, id, call_id, why, placed_by, since)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, call_id) where lifted_at is null do nothing",
        org.0,
        HoldId::at(now).0,
        call.0,
        why.reveal(),
        by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    if held.rows_affected() == 0 {
        return Err(Error::Conflict("this recording is held already; release it first".to_owned()));
    }
    Ok(())
}

/// Lifts a hold.
///
/// # Errors
/// `NotFound` when nobody holds it.
pub async fn release(
    tx: &mut OrgTx,
    _: &ChartReceipt,
    call: CallId,
    by: StaffId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let org = tx.org();
    let lifted = sqlx::query!(
        "update recording_hold set lifted_by = $3, lifted_at = $4 where org_id = $1 and call_id = $2 and lifted_at is null",
        org.0,
        call.0,
        by.0,
        now
    )
    .execute(tx.connection())
    .await?;
    if lifted.rows_affected() == 0 { Err(Error::NotFound) } else { Ok(()) }
}
