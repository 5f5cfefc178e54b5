//! The schedule at scale: what claiming due work costs beside a backlog of future calls, and how long after it falls due a
//! call is asked of the carrier (P30). The town is the oracle: what counts is what arrived there.

mod backlog;
mod punctual;

pub use backlog::{Claims, claims, fill, without_index};
pub use punctual::{Punctual, Rush};

use super::{Broken, ground::Ground, machine};
use crate::{
    adapters::{key_file::KeyFile, private_postgres::Durability, system_clock::SystemClock},
    app::App,
    boot,
    config::CarrierConfig,
    domain::{
        dialling::{Dialling, Rate},
        people::Actor,
        private::Private,
    },
    flows::found_organization::{self, NewOrganization},
    ports::clock::Clock,
    simulator::{Town, TownSettings, clock::VirtualClock},
    store::Db,
};
use sqlx::{Connection, PgConnection};
use std::{fmt::Write, net::SocketAddr, sync::Arc};
use url::Url;

const ACCOUNT: &str = "ACbench";

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// Future calls stored for the first measurement.
    #[arg(long, default_value_t = 10_000)]
    small: u32,
    /// Future calls stored for the second one.
    #[arg(long, default_value_t = 1_000_000)]
    large: u32,
    /// Claims that are timed at each size.
    #[arg(long, default_value_t = 400)]
    claims: u32,
    /// Slowest claim but one in a hundred that is borne, in milliseconds.
    #[arg(long, default_value_t = 10)]
    most_milliseconds: u64,
    /// Calls that fall due one after the other, below the pace.
    #[arg(long, default_value_t = 100)]
    punctual: u32,
    /// Calls that fall due in the same second.
    #[arg(long, default_value_t = 200)]
    rush: u32,
    /// Dials a minute that the caller number may make.
    #[arg(long, default_value_t = 300)]
    per_minute: u32,
}

/// Measures.
///
/// # Errors
/// When claiming is slow or grows with the backlog, when a call leaves later than the pace explains or faster than it
/// allows, or when a claim without its index is not noticed.
pub async fn run(args: &Args) -> Result<String, Broken> {
    let ground = Ground::open(Durability::Kept).await?;
    let measured = measure(args, &ground).await;
    ground.leave().await;
    measured
}

async fn measure(args: &Args, ground: &Ground) -> Result<String, Broken> {
    let town = town(args).await?;
    let mut config = ground.config(&KeyFile::fresh(), SocketAddr::from(([127, 0, 0, 1], 9)));
    config.carrier = CarrierConfig {
        api_url: town.base_url(),
        account_sid: ACCOUNT.to_owned(),
        auth_token: Private::new("bench-auth-token".to_owned()),
        other_auth_token: Private::default(),
    };
    config.dialling = Dialling { rate: Rate::per_minute(args.per_minute, args.per_minute), ..Dialling::default() };
    let database = boot::database(&config.database).await.map_err(Broken::of)?;
    let app = boot::app(&config, &database).await.map_err(Broken::of)?;
    let actor = found(&app).await?;
    let mut superuser = superuser(ground).await?;
    let mut says = format!("schedule ({})\n", machine());
    let db = Db::open(ground.cluster().app_url().reveal(), 1, Arc::new(app.vault.clone())).await.map_err(Broken::of)?;
    let mut faults = of_claims(args, &db, &app, &actor, &mut superuser, &mut says).await?;
    db.close().await;
    let rate = args.per_minute;
    let below = punctual::below_the_pace(&app, &actor, &mut superuser, &town, args.punctual, rate).await?;
    faults.extend(below.faults());
    let _written = writeln!(says, "  {below}");
    let rush = punctual::rush(&app, &actor, &mut superuser, &town, args.rush, rate).await?;
    faults.extend(rush.faults());
    let _written = write!(says, "  {rush}");
    app.db.close().await;
    if faults.is_empty() { Ok(says) } else { Err(Broken(format!("{says}\nbroken: {}", faults.join("; ")))) }
}

async fn of_claims(
    args: &Args,
    db: &Db,
    app: &App,
    actor: &Actor,
    superuser: &mut PgConnection,
    says: &mut String,
) -> Result<Vec<String>, Broken> {
    let clock = app.clock.as_ref();
    fill(superuser, actor.org, args.small).await?;
    let small = claims(db, clock, actor, superuser, args.claims).await?;
    fill(superuser, actor.org, args.large.saturating_sub(args.small)).await?;
    let large = claims(db, clock, actor, superuser, args.claims).await?;
    let blind = without_index(db, clock, actor, superuser, 20).await?;
    let _written = writeln!(says, "  {} future calls: {small}", args.small);
    let _written = writeln!(says, "  {} future calls: {large}, {} times the first", args.large, large.ratio(&small));
    let _written = writeln!(says, "  the control, without the index of what is queued: {blind}");
    let mut faults = Vec::new();
    if large.p99_micros() > args.most_milliseconds.saturating_mul(1_000) {
        faults.push(format!("a claim takes more than {} ms", args.most_milliseconds));
    }
    if large.grew_since(&small) {
        faults.push("claiming grows with the backlog".to_owned());
    }
    if !blind.grew_since(&small) {
        faults.push("the control: a claim without its index was not noticed".to_owned());
    }
    Ok(faults)
}

/// The carrier with people enough, on the machine's own clock.
async fn town(args: &Args) -> Result<Town, Broken> {
    let plan = punctual::people(args.punctual.saturating_add(args.rush))?;
    let settings = TownSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        plan,
        account_sid: ACCOUNT.to_owned(),
        auth_token: "bench-auth-token".to_owned(),
        model_key: "bench-model-key".to_owned(),
        clock: Arc::new(VirtualClock::starting_at(SystemClock.now())),
    };
    Town::start(settings).await.map_err(Broken::of)
}

/// A superuser in the application's own database.
async fn superuser(ground: &Ground) -> Result<PgConnection, Broken> {
    let mut url = Url::parse(ground.cluster().superuser_url().reveal()).map_err(Broken::of)?;
    let app_url = Url::parse(ground.cluster().app_url().reveal()).map_err(Broken::of)?;
    url.set_path(app_url.path());
    PgConnection::connect(url.as_str()).await.map_err(Broken::of)
}

async fn found(app: &App) -> Result<Actor, Broken> {
    let new = NewOrganization {
        code: "schedule".to_owned(),
        name: "Schedule".to_owned(),
        country: "US".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        caller_number: "+12125550100".to_owned(),
    };
    found_organization::found(app, new).await.map_err(Broken::of)
}

/// The value that so many in a hundred of sorted times do not pass; 0 of none.
fn percentile(sorted: &[u64], of_hundred: usize) -> u64 {
    let at = (sorted.len().saturating_mul(of_hundred) / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0)
}
