//! Counting how often somebody knocks, over all replicas, before anything else is done for them.

use crate::{
    app::App,
    domain::{
        ids::OrgId,
        pace::{self, Drawer, Drawn, Pace},
        people::{Actor, Who},
    },
    error::Error,
    ports::keys::Purpose,
    store::limits,
};

/// Draws once from every bucket of a pace for one who draws, or from none.
///
/// # Errors
/// When the counter does not answer.
pub async fn draw(app: &App, org: OrgId, pace: Pace, drawer: &Drawer) -> Result<Drawn, Error> {
    let allowances = pace.allowances(drawer);
    let at_once = pace.draws_at_once(drawer);
    if allowances.is_empty() || (at_once > 1 && app.db.spend_draw(org, pace)) {
        return Ok(Drawn::Granted);
    }
    let drawn = draw_so_many(app, org, pace, drawer, at_once).await?;
    match drawn {
        Drawn::Granted => app.db.keep_draws(org, pace, at_once - 1),
        // A bucket that has fewer left may still have one.
        Drawn::Wait { .. } if at_once > 1 => return draw_so_many(app, org, pace, drawer, 1).await,
        Drawn::Wait { .. } => {}
    }
    Ok(drawn)
}

async fn draw_so_many(app: &App, org: OrgId, pace: Pace, drawer: &Drawer, draws: u32) -> Result<Drawn, Error> {
    let whom = name_of(app, drawer).await?;
    let mut tx = begin(app, org).await?;
    for (number, allowance) in pace.allowances(drawer).iter().enumerate() {
        let bucket = bucket(pace, number);
        match limits::draw(&mut tx, &bucket, &whom, allowance.times(app.settings.patience), draws).await? {
            Drawn::Granted => {}
            // What was drawn from an earlier bucket is rolled back.
            Drawn::Wait { seconds } => return Ok(Drawn::Wait { seconds }),
        }
    }
    tx.commit().await?;
    Ok(Drawn::Granted)
}

/// Draws for everybody of an organization of this code together; a code nobody has draws nothing.
///
/// # Errors
/// When the counter does not answer.
pub async fn draw_for_code(app: &App, code: &str, pace: Pace) -> Result<Drawn, Error> {
    match app.db.organization(code).await? {
        Some(org) => draw(app, org, pace, &Drawer::Organization).await,
        None => Ok(Drawn::Granted),
    }
}

/// Gives a draw back, because what it guarded against did not happen.
///
/// # Errors
/// When the counter does not answer.
pub async fn give_back(app: &App, org: OrgId, pace: Pace, drawer: &Drawer) -> Result<(), Error> {
    let whom = name_of(app, drawer).await?;
    let mut tx = begin(app, org).await?;
    for (number, allowance) in pace.allowances(drawer).iter().enumerate() {
        let allowance = allowance.times(app.settings.patience);
        limits::give_back(&mut tx, &bucket(pace, number), &whom, allowance).await?;
    }
    tx.commit().await
}

/// Forgets buckets that have filled again, in one organization or in none.
///
/// # Errors
/// When the database is away.
pub async fn sweep(app: &App, org: OrgId) -> Result<u64, Error> {
    let mut tx = begin(app, org).await?;
    let swept = limits::sweep(&mut tx).await?;
    tx.commit().await?;
    Ok(swept)
}

async fn begin(app: &App, org: OrgId) -> Result<crate::store::OrgTx, Error> {
    app.db.begin_hurried(&Actor { org, who: Who::Visitor }).await
}

fn bucket(pace: Pace, number: usize) -> String {
    format!("{}.{number}", pace.word())
}

/// Who draws, as it may be kept: an address only as a mark under a key outside the database.
async fn name_of(app: &App, drawer: &Drawer) -> Result<String, Error> {
    match drawer {
        Drawer::Address(address) => {
            let text = pace::household(*address).to_string();
            let mark = app.vault.keys().mark(Purpose::Lookup, OrgId::NOBODYS, None, text.as_bytes()).await?;
            Ok(hex::encode(mark.bytes))
        }
        Drawer::Session(session) => Ok(session.to_string()),
        Drawer::Token(token) => Ok(token.to_string()),
        Drawer::Organization => Ok(String::new()),
    }
}
