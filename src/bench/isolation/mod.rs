//! Promise 6, agencies never meet, under fire (P1, P2): many organizations in one database, every fact of each marked, and
//! a hundred thousand random statements and requests with ids swapped between them. Then protection after protection is
//! taken away, and each loss must be noticed.

mod doors;
mod found_at;
mod founding;
mod jobs;
mod marks;
mod places;
mod report;
mod requests;
mod sabotage;
mod sockets;
mod statements;

pub use marks::{Detector, Foreign, Seen, mark, phone};
pub use places::Places;
pub use report::{Findings, Run};
pub use sabotage::Control;

use super::{Broken, ground::Ground};
use crate::{
    adapters::{key_file::KeyFile, private_postgres::Durability},
    app::App,
    boot,
    domain::{pace::Patience, private::Private},
};
use found_at::FoundAt;
use founding::Founded;
use requests::Visit;
use sabotage::Sabotage;
use statements::{Habit, Trial};
use std::{sync::Arc, time::Instant};
use url::Url;

/// What can be asked.
#[derive(Clone, clap::Args)]
pub struct Args {
    /// How many statements, and how many requests.
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// How many organizations.
    #[arg(long, default_value_t = 50)]
    organizations: usize,
    /// Where the choices begin; the same seed makes the same choices.
    #[arg(long, default_value_t = 20_261_121)]
    seed: u64,
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Statements under the application's role.
    pub statements: u64,
    /// Requests over HTTP, sockets and searches.
    pub requests: u64,
    /// Jobs that name foreign rows.
    pub jobs: u64,
    /// Organizations.
    pub organizations: usize,
    /// Where the choices begin.
    pub seed: u64,
    /// Within how many requests a control must be caught.
    pub most_of_a_control: u64,
}

/// Brings up a database of its own, tries, and reports.
///
/// # Errors
/// When a row of another organization was seen, or a control was not caught; the text is the report all the same.
pub async fn run(args: &Args) -> Result<String, Broken> {
    if !(2..=700).contains(&args.organizations) {
        return Err(Broken::of("--organizations: 2 to 700, because two are the fewest that can meet"));
    }
    let plan = Plan {
        statements: args.requests,
        requests: args.requests,
        jobs: args.requests / 20,
        organizations: args.organizations,
        seed: args.seed,
        most_of_a_control: 5_000,
    };
    let ground = Ground::open(Durability::Forgone).await?;
    let measured = on(&ground, &plan).await;
    ground.leave().await;
    let findings = measured?;
    let report = findings.to_string();
    if findings.hold() { Ok(report) } else { Err(Broken(report)) }
}

async fn on(ground: &Ground, plan: &Plan) -> Result<Findings, Broken> {
    let places = Places {
        superuser_url: in_careline(&ground.cluster().superuser_url())?,
        owner_url: ground.cluster().owner_url(),
        app_url: ground.cluster().app_url(),
    };
    let keys = KeyFile::fresh();
    measure(&places, plan, async || {
        let config = ground.config(&keys, ([127, 0, 0, 1], 0).into());
        let database = boot::database(&config.database).await.map_err(Broken::of)?;
        let app = boot::app(&config, &database).await.map_err(Broken::of)?;
        Arc::into_inner(app).ok_or_else(|| Broken::of("the application is held by somebody else"))
    })
    .await
}

/// The superuser's address of the product's own database.
fn in_careline(url: &Private<String>) -> Result<Private<String>, Broken> {
    let mut url = Url::parse(url.reveal()).map_err(Broken::of)?;
    url.set_path("careline");
    Ok(Private::new(url.into()))
}

/// Tries everything in an empty, migrated database. `wire` makes an application over it.
///
/// # Errors
/// When the run could not be made; what was found is no error here.
pub async fn measure(
    places: &Places,
    plan: &Plan,
    wire: impl AsyncFn() -> Result<App, Broken>,
) -> Result<Findings, Broken> {
    let mut findings = Findings::of(plan);
    let began = Instant::now();
    let app = patient(wire().await?);
    let founded = Arc::new(founding::found(&app, places, plan.organizations).await?);
    app.db.close().await;
    findings.founded_in = began.elapsed();
    try_statements(places, plan, &founded, &mut findings).await?;
    try_requests(places, plan, &founded, &wire, &mut findings).await?;
    for (sabotage, by) in [
        (Sabotage::BoundlessSearch, By::Requests),
        (Sabotage::RelayedNews, By::Requests),
        (Sabotage::BoundlessTable("patient"), By::Requests),
        (Sabotage::BoundlessTable("staff_member"), By::Requests),
        (Sabotage::BoundlessTable("job"), By::Jobs),
    ] {
        sabotage.begin(&places.superuser_url).await?;
        let tried = try_sabotage(places, plan, &founded, &wire, sabotage, by).await;
        // Put right in any case, so that a run that broke off leaves nothing behind.
        sabotage.end(&places.superuser_url).await?;
        findings.controls.push(Control::of(sabotage.words(), plan.most_of_a_control, &tried?));
    }
    Ok(findings)
}

/// Who is to notice that a protection is gone.
#[derive(Clone, Copy)]
enum By {
    Requests,
    Jobs,
}

/// A limit on how often somebody may knock would hide what a door shows.
fn patient(mut app: App) -> App {
    app.settings.patience = Patience(1_000_000);
    app
}

async fn try_statements(
    places: &Places,
    plan: &Plan,
    founded: &Arc<Founded>,
    findings: &mut Findings,
) -> Result<(), Broken> {
    let trial = Trial {
        url: places.app_url.clone(),
        statements: plan.statements,
        seed: plan.seed,
        habit: Habit::EachTransaction,
    };
    let began = Instant::now();
    let found = statements::run(&trial, founded, FoundAt::default()).await?;
    findings.runs.push(Run::of("statements as app_rw", &found, began.elapsed()));
    let most = plan.most_of_a_control;
    let owner = Trial { url: places.owner_url.clone(), statements: most, ..trial.clone() };
    let began = Instant::now();
    let found = statements::run(&owner, founded, FoundAt::default()).await?;
    findings.runs.push(Run::of("statements as own_mig, forced", &found, began.elapsed()));
    sabotage::force(&places.superuser_url, "no force").await?;
    let found = statements::run(&owner, founded, FoundAt::default().until_the_first()).await;
    sabotage::force(&places.superuser_url, "force").await?;
    findings.controls.push(Control::of("row-level security no longer forced on the owner".to_owned(), most, &found?));
    let left = Trial { habit: Habit::LeftOnTheConnection, statements: most, ..trial };
    let found = statements::run(&left, founded, FoundAt::default().until_the_first()).await?;
    findings.controls.push(Control::of("organization left on a pooled connection".to_owned(), most, &found));
    Ok(())
}

async fn try_requests(
    places: &Places,
    plan: &Plan,
    founded: &Arc<Founded>,
    wire: &impl AsyncFn() -> Result<App, Broken>,
    findings: &mut Findings,
) -> Result<(), Broken> {
    let visit = Arc::new(Visit::begin(Arc::new(patient(wire().await?)), founded).await?);
    let began = Instant::now();
    let found = visit.ask(&places.superuser_url, plan.seed, plan.requests, FoundAt::default()).await;
    visit.end().await;
    findings.runs.push(Run::of("requests, sockets and searches", &found?, began.elapsed()));
    let app = patient(wire().await?);
    let began = Instant::now();
    let found = jobs::run(&app, founded, &places.superuser_url, plan.seed, plan.jobs, FoundAt::default()).await?;
    app.db.close().await;
    findings.runs.push(Run::of("jobs of foreign rows, and claims", &found, began.elapsed()));
    Ok(())
}

async fn try_sabotage(
    places: &Places,
    plan: &Plan,
    founded: &Arc<Founded>,
    wire: &impl AsyncFn() -> Result<App, Broken>,
    sabotage: Sabotage,
    by: By,
) -> Result<FoundAt, Broken> {
    let app = Arc::new(sabotage.hand(patient(wire().await?), founded));
    let (most, found) = (plan.most_of_a_control, FoundAt::default().until_the_first());
    match by {
        By::Requests => {
            let visit = Arc::new(Visit::begin(app, founded).await?);
            let found = visit.ask(&places.superuser_url, plan.seed, most, found).await;
            visit.end().await;
            found
        }
        By::Jobs => {
            let found = jobs::run(&app, founded, &places.superuser_url, plan.seed, most, found).await;
            app.db.close().await;
            found
        }
    }
}
