//! How far attempts came, by what the carrier reports: one report is one row changed at most.

use super::OrgTx;
use crate::{
    domain::{
        attempt::CarrierStatus,
        ids::AttemptId,
        progress::{Ending, Heard, Progress, Report, Word},
    },
    error::Error,
};
use chrono::{DateTime, Utc};

/// Lets an attempt take a report and stores what it changed. The attempt's call must be locked.
///
/// # Errors
/// `NotFound` when there is no such attempt in this organization; otherwise when the database is away.
pub async fn hear(tx: &mut OrgTx, id: AttemptId, report: Report, now: DateTime<Utc>) -> Result<Heard, Error> {
    let (mut progress, is_over) = read(tx, id).await?;
    // An attempt that was over before anybody was told how has nothing more to say.
    if is_over && progress.ending.is_none() {
        return Ok(Heard::OldNews);
    }
    let before = progress;
    let heard = progress.hear(report);
    if progress == before {
        return Ok(heard);
    }
    let corrected = match heard {
        Heard::Corrected { from, .. } => from.ending(),
        Heard::OldNews | Heard::News | Heard::Ended(_) | Heard::Disputed => None,
    };
    let org = tx.org();
    sqlx::query!(
        "update attempt
            set status_rank = $3,
                ending = $4,
                ending_word = $5,
                outcome = case when outcome is null or outcome = $6 then $4 else outcome end,
                ended_at = case when $4::text is null then ended_at else coalesce(ended_at, $7) end
          where org_id = $1
            and id = $2",
        org.0,
        id.0,
        progress.rank,
        progress.ending.and_then(|ending| ending.status.ending()),
        progress.ending.map(|ending| ending.word.word()),
        corrected,
        now
    )
    .execute(tx.connection())
    .await?;
    Ok(heard)
}

/// Whether callbacks contradict each other about the end of an attempt.
///
/// # Errors
/// `NotFound` when there is no such attempt in this organization; otherwise when the database is away.
pub async fn is_disputed(tx: &mut OrgTx, id: AttemptId) -> Result<bool, Error> {
    Ok(read(tx, id).await?.0.is_disputed())
}

/// How far an attempt came, and whether it is over for any reason.
async fn read(tx: &mut OrgTx, id: AttemptId) -> Result<(Progress, bool), Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select status_rank, ending, ending_word, ended_at is not null as "is_over!"
             from attempt
            where org_id = $1
              and id = $2"#,
        org.0,
        id.0
    )
    .fetch_optional(tx.connection())
    .await?
    .ok_or(Error::NotFound)?;
    let ending = match (row.ending.as_deref(), row.ending_word.as_deref()) {
        (Some(status), Some(word)) => Some(Ending {
            status: CarrierStatus::from_ending(status).ok_or_else(unreadable)?,
            word: Word::from_word(word).ok_or_else(unreadable)?,
        }),
        (None | Some(_), None) | (None, Some(_)) => None,
    };
    Ok((Progress { rank: row.status_rank, ending }, row.is_over))
}

fn unreadable() -> Error {
    Error::Fault("a stored attempt's ending cannot be read".to_owned())
}
