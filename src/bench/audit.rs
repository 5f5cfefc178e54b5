//! The record under load: how fast entries are written, chained and verified, and that no chain forks and no mutation is
//! missed (P12, P13).

use super::{Broken, ground::Ground, machine, tampering};
use crate::{
    adapters::private_postgres::Durability,
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        people::Actor,
    },
    flows::{
        chain_record,
        found_organization::{self, NewOrganization},
        verify_record,
    },
    store::{Db, audit},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    collections::BTreeMap,
    fmt::Write,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use url::Url;
use uuid::Uuid;

/// Connections the writers share; the ground's server has 80 for everybody.
const WRITING_CONNECTIONS: u32 = 40;
/// As often as the calendar chains.
const CHAIN_EVERY: Duration = Duration::from_millis(400);

/// Entries written a second, at least.
const WRITTEN: f64 = 2_000.0;
/// How long after its commit an entry may wait to be chained, but for the slowest of a hundred.
const CHAINED: Duration = Duration::from_secs(1);
/// Entries verified a second, at least.
const VERIFIED: f64 = 50_000.0;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// Writers at once.
    #[arg(long, default_value_t = 64)]
    writers: u32,
    /// Entries of each. So many that the server has looked at its tables by the time they are verified, as it has on a ward
    /// after its first minute; before that it plans for empty ones.
    #[arg(long, default_value_t = 2_000)]
    entries: u32,
    /// Organizations among them.
    #[arg(long, default_value_t = 16)]
    organizations: u32,
    /// Mutations, each of which must be found.
    #[arg(long, default_value_t = 10_000)]
    mutations: u32,
    /// What the mutations are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// When the entries of each organization were committed and are not known to be chained, oldest first; a count below zero
/// is of entries that were chained before their writer came to say so.
#[derive(Default)]
struct Commits {
    waiting: Vec<Instant>,
    ahead: usize,
    chained_after: Vec<Duration>,
}

type Board = Arc<Mutex<BTreeMap<Uuid, Commits>>>;

/// Measures.
///
/// # Errors
/// When a chain forked, an entry was lost, a record did not verify, a mutation was missed, or a speed was not reached.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let ground = Ground::open(Durability::Kept).await?;
    let measured = measure(args, &ground).await;
    ground.leave().await;
    measured
}

async fn measure(args: &Args, ground: &Ground) -> Result<String, Broken> {
    let app = ground.app(SocketAddr::from(([127, 0, 0, 1], 9))).await?;
    let mut actors = Vec::new();
    for number in 0..args.organizations.max(1) {
        actors.push(found(&app, &format!("org-{number}")).await?);
    }
    let mut says = format!("audit, seed {} ({})\n", args.seed, machine());
    let mut slow = write_all(args, &app, ground, &actors, &mut says).await?;
    slow.extend(verify_all(&app, ground, &actors, &mut says).await?);
    let actor = found(&app, "robbed").await?;
    let mut superuser = superuser(ground).await?;
    let began = Instant::now();
    let tallies = tampering::trial(&app, &actor, &mut superuser, args.seed, args.mutations).await?;
    let (mut made, mut found, mut missed) = (0, 0, Vec::new());
    for (kind, tally) in tallies {
        let _written = writeln!(
            says,
            "  {kind:?}: {} made, {} found; without checkpoints {} would be",
            tally.made, tally.found, tally.found_blindly
        );
        made += tally.made;
        found += tally.found;
        missed.extend(tally.missed);
    }
    let _written = write!(says, "mutations {made} / found {found} in {} s", began.elapsed().as_secs());
    app.db.close().await;
    if found < made {
        return Err(Broken(format!("{says}\nmissed: {missed:?}")));
    }
    if slow.is_empty() {
        return Ok(says);
    }
    Err(Broken(format!("{says}\ntoo slow, measured on a quiet machine with a release build? {}", slow.join("; "))))
}

/// A superuser in the application's own database.
async fn superuser(ground: &Ground) -> Result<PgConnection, Broken> {
    let mut url = Url::parse(ground.cluster().superuser_url().reveal()).map_err(Broken::of)?;
    let app_url = Url::parse(ground.cluster().app_url().reveal()).map_err(Broken::of)?;
    url.set_path(app_url.path());
    PgConnection::connect(url.as_str()).await.map_err(Broken::of)
}

/// With the database's own code, which an error keeps from the person at a screen.
fn because(error: &crate::error::Error) -> Broken {
    Broken(format!("{error} ({})", error.cause()))
}

async fn found(app: &App, code: &str) -> Result<Actor, Broken> {
    let new = NewOrganization {
        code: code.to_owned(),
        name: code.to_owned(),
        country: "US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        caller_number: "+12125550100".to_owned(),
    };
    found_organization::found(app, new).await.map_err(|error| because(&error))
}

async fn write_all(
    args: &Args,
    app: &Arc<App>,
    ground: &Ground,
    actors: &[Actor],
    says: &mut String,
) -> Result<Vec<String>, Broken> {
    let url = ground.cluster().app_url();
    let db = Db::open(url.reveal(), args.writers.clamp(1, WRITING_CONNECTIONS), Arc::new(app.vault.clone()))
        .await
        .map_err(Broken::of)?;
    let board: Board = Arc::default();
    let over = Arc::new(AtomicBool::new(false));
    let mut sequencers = JoinSet::new();
    for _ in 0..2 {
        sequencers.spawn(sequence(Arc::clone(app), actors.to_vec(), Arc::clone(&board), Arc::clone(&over)));
    }
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for (writer, actor) in (0..args.writers).zip(actors.iter().cycle()) {
        let (app, db, actor, board) = (Arc::clone(app), db.clone(), *actor, Arc::clone(&board));
        let entries = args.entries;
        writers.spawn(async move {
            for number in 0..entries {
                write_one(&app, &db, &actor, writer, number).await?;
                committed(&board, &actor);
            }
            Ok::<(), Broken>(())
        });
    }
    while let Some(written) = writers.join_next().await {
        written.map_err(Broken::of)??;
    }
    let wrote = began.elapsed();
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = sequencers.join_next().await {
        ended.map_err(Broken::of)??;
    }
    let drained = began.elapsed().saturating_sub(wrote);
    db.close().await;
    let late = slowest_but_one_percent(&board);
    let all = args.writers * args.entries;
    let rate = f64::from(all) / wrote.as_secs_f64();
    let _written = writeln!(
        says,
        "writers {}, organizations {}, entries {all}: {rate:.0}/s, drained {} ms after the last, chained p99 {} ms",
        args.writers,
        actors.len(),
        drained.as_millis(),
        late.as_millis()
    );
    let written = (rate < WRITTEN).then(|| format!("{rate:.0} entries written a second of {WRITTEN}"));
    let chained = (late > CHAINED).then(|| format!("chained after {} ms of {}", late.as_millis(), CHAINED.as_millis()));
    Ok(written.into_iter().chain(chained).collect())
}

fn committed(board: &Board, actor: &Actor) {
    let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
    let commits = board.entry(actor.org.0).or_default();
    if commits.ahead > 0 {
        commits.ahead -= 1;
        commits.chained_after.push(Duration::ZERO);
    } else {
        commits.waiting.push(Instant::now());
    }
}

/// How long after its commit an entry was chained, but for the slowest of a hundred.
fn slowest_but_one_percent(board: &Board) -> Duration {
    let mut times: Vec<Duration> = Vec::new();
    for commits in board.lock().unwrap_or_else(PoisonError::into_inner).values() {
        times.extend(&commits.chained_after);
    }
    times.sort_unstable();
    times.get(times.len().saturating_mul(99) / 100).copied().unwrap_or_default()
}

async fn write_one(app: &App, db: &Db, actor: &Actor, writer: u32, number: u32) -> Result<(), Broken> {
    let mut tx = db.begin(actor).await.map_err(|error| because(&error))?;
    let deed = Deed::of(DeedKind::OpenedWorklist).with("writer", writer).with("number", number);
    let _receipt = audit::record(&mut tx, actor, &deed, app.clock.now()).await.map_err(|error| because(&error))?;
    tx.commit().await.map_err(|error| because(&error))
}

/// Chains as the calendar does, until it is over and nothing is left.
async fn sequence(app: Arc<App>, actors: Vec<Actor>, board: Board, over: Arc<AtomicBool>) -> Result<(), Broken> {
    loop {
        let last = over.load(Ordering::Relaxed);
        for actor in &actors {
            loop {
                let chained = chain_record::chain(&app, actor).await.map_err(|error| because(&error))?;
                let now = Instant::now();
                let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
                let commits = board.entry(actor.org.0).or_default();
                let full = chained.was_full();
                let chained = usize::try_from(chained.entries).unwrap_or(usize::MAX);
                let known = chained.min(commits.waiting.len());
                let waited: Vec<Duration> = commits.waiting.drain(..known).map(|at| now - at).collect();
                commits.chained_after.extend(waited);
                commits.ahead += chained - known;
                if !full {
                    break;
                }
            }
        }
        if last {
            return Ok(());
        }
        tokio::time::sleep(CHAIN_EVERY).await;
    }
}

async fn verify_all(app: &App, ground: &Ground, actors: &[Actor], says: &mut String) -> Result<Option<String>, Broken> {
    let mut superuser = superuser(ground).await?;
    let counts = "select (select count(*) from audit_entry where org_id = $1) -
                         (select count(*) from audit_chain where org_id = $1),
                         (select count(*) - count(distinct previous) from audit_chain where org_id = $1)";
    let (mut lost, mut forks) = (0, 0);
    for actor in actors {
        let row: (i64, i64) = sqlx::query_as(AssertSqlSafe(counts.to_owned()))
            .bind(actor.org.0)
            .fetch_one(&mut superuser)
            .await
            .map_err(Broken::of)?;
        lost += row.0;
        forks += row.1;
    }
    let (began, mut entries) = (Instant::now(), 0_i64);
    for actor in actors {
        let report = verify_record::verify(app, actor).await.map_err(|error| because(&error))?;
        if let Some(fault) = report.fault {
            return Err(Broken(format!("{says}a record does not verify: {fault}")));
        }
        entries += report.entries;
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(entries).unwrap_or(u32::MAX)) / seconds;
    let _written = writeln!(says, "forks {forks}, unchained {lost}; verified {entries} entries: {rate:.0}/s");
    if forks != 0 || lost != 0 {
        return Err(Broken(format!("{says}a chain forked or lost an entry")));
    }
    Ok((rate < VERIFIED).then(|| format!("{rate:.0} entries verified a second of {VERIFIED}")))
}
