//! Nurses who are reached in the browser: who chose it, under which id the carrier knows the browser, and whether a page of
//! theirs is ready at this moment, by the database's clock.

use super::{OrgTx, audit::Receipt};
use crate::{
    domain::{
        ids::StaffId,
        line::{BrowserId, Line, ReachedBy},
    },
    error::Error,
};

/// How long a page counts as ready after it last said so, in seconds; it says so three times as often.
pub const READY_SECONDS: f64 = 60.0;

/// How somebody is reached, as they or an admin chose.
///
/// # Errors
/// When the database is away.
pub async fn chosen(tx: &mut OrgTx, staff: StaffId) -> Result<ReachedBy, Error> {
    let org = tx.org();
    let chosen = sqlx::query_scalar!(
        "select chosen
           from browser_line
          where org_id = $1
            and staff_id = $2",
        org.0,
        staff.0
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(if chosen == Some(true) { ReachedBy::Browser } else { ReachedBy::Telephone })
}

/// Sets how somebody is reached. An id is made with the first choice of the browser, and made anew with every later one, so
/// that a token that was given before rings nobody.
///
/// # Errors
/// When there is no such colleague, or the database is away.
pub async fn choose(tx: &mut OrgTx, _: &Receipt, staff: StaffId, by: ReachedBy) -> Result<(), Error> {
    let org = tx.org();
    let identity = BrowserId::of(rand::random());
    sqlx::query!(
        "insert into browser_line (org_id, staff_id, identity, chosen)
         values ($1, $2, $3, $4)
         on conflict (org_id, staff_id) do update
            set identity = excluded.identity, chosen = excluded.chosen, ready_until = null",
        org.0,
        staff.0,
        identity.reveal(),
        by == ReachedBy::Browser
    )
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// The browser of somebody who chose it.
///
/// # Errors
/// When the database is away or a stored id cannot be read.
pub async fn identity(tx: &mut OrgTx, staff: StaffId) -> Result<Option<BrowserId>, Error> {
    let org = tx.org();
    let text = sqlx::query_scalar!(
        "select identity
           from browser_line
          where org_id = $1
            and staff_id = $2
            and chosen",
        org.0,
        staff.0
    )
    .fetch_optional(tx.connection())
    .await?;
    text.map(|text| BrowserId::read(&text).map_err(|_| unreadable())).transpose()
}

/// A page of somebody's says that it can ring. `true` when none of theirs could just before; `None` unless they chose the
/// browser.
///
/// # Errors
/// When the database is away.
pub async fn ready(tx: &mut OrgTx, staff: StaffId) -> Result<Option<bool>, Error> {
    let org = tx.org();
    let is_new = sqlx::query_scalar!(
        r#"update browser_line as line
              set ready_until = clock_timestamp() + make_interval(secs => $3)
             from (select ready_until
                     from browser_line
                    where org_id = $1
                      and staff_id = $2
                      for update) as before
            where line.org_id = $1
              and line.staff_id = $2
              and line.chosen
        returning before.ready_until is null or before.ready_until < clock_timestamp() as "new!""#,
        org.0,
        staff.0,
        READY_SECONDS
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(is_new)
}

/// No page of somebody's can ring any more. `true` when one could.
///
/// # Errors
/// When the database is away.
pub async fn gone(tx: &mut OrgTx, staff: StaffId) -> Result<bool, Error> {
    let org = tx.org();
    let changed = sqlx::query!(
        "update browser_line
            set ready_until = null
          where org_id = $1
            and staff_id = $2
            and ready_until > clock_timestamp()",
        org.0,
        staff.0
    )
    .execute(tx.connection())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Where a nurse is rung now: her browser while a page of hers is ready and she chose it, else her telephone.
///
/// # Errors
/// When the database is away, or what is stored cannot be read.
pub async fn of_nurse(tx: &mut OrgTx, nurse: StaffId) -> Result<Option<Line>, Error> {
    let org = tx.org();
    let row = sqlx::query!(
        r#"select s.phone,
                  (select b.identity
                     from browser_line b
                    where b.org_id = s.org_id
                      and b.staff_id = s.id
                      and b.chosen
                      and b.ready_until > clock_timestamp()) as browser
             from staff_member s
            where s.org_id = $1
              and s.id = $2
              and s.active"#,
        org.0,
        nurse.0
    )
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    if let Some(identity) = row.browser {
        return Ok(Some(Line::Browser(BrowserId::read(&identity).map_err(|_| unreadable())?)));
    }
    row.phone.map(|phone| Line::stored(&phone).map_err(|_| unreadable())).transpose()
}

fn unreadable() -> Error {
    Error::Fault("a stored line of a nurse cannot be read".to_owned())
}
