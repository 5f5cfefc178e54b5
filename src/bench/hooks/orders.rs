//! Promise P8 through the real door: the reports of ended calls in random orders with random repeats, and one outcome for
//! every call.

use super::{
    letters::{self, Letter, Sender, Told},
    post::Postman,
};
use crate::{
    app::App,
    bench::{
        Broken,
        town_ground::{TownGround, count},
    },
    domain::{
        ids::{OrgId, PatientId},
        people::{Actor, PhoneNumber},
    },
    flows::reconcile_attempt,
    ports::phone::{Detect, Dial},
    simulator::carrier::{
        CallSeen,
        faults::{CallbackFault, FaultsWanted},
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use sqlx::PgConnection;
use std::time::Duration;

/// The line that the town finds engaged.
pub const ENGAGED: &str = "+12125550104";
/// What is reported of each call; the carrier itself knows that the line was busy.
const REPORTS: [&str; 6] = ["initiated", "ringing", "in-progress", "completed", "no-answer", "busy"];

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Sequences {
    /// How many were told.
    pub told: usize,
    /// Letters brought.
    pub letters: usize,
    /// Letters that were refused; none may be.
    pub refused: usize,
    /// How long each letter took to be answered.
    pub took: Vec<Duration>,
}

/// Tells so many sequences, one a call, and settles what they contradict each other about.
///
/// # Errors
/// When the town or the database is away.
pub async fn tell(
    ground: &TownGround,
    app: &App,
    sender: &Sender,
    (org, patient): (OrgId, PatientId),
    sequences: usize,
    seed: u64,
) -> Result<Sequences, Broken> {
    let mut dice = StdRng::seed_from_u64(seed);
    let postman = Postman::to(ground.origin())?;
    let calls = dial_all(ground, app, (org, patient), sequences).await?;
    let mut found = Sequences { told: sequences, ..Sequences::default() };
    for told in &calls {
        for letter in sequence(sender, told, &mut dice) {
            found.letters += 1;
            match postman.hand((&letter).into()).await {
                Some((status, took)) if status.is_success() => found.took.push(took),
                Some(_) | None => found.refused += 1,
            }
        }
        // The job that a contradiction leaves behind.
        reconcile_attempt::reconcile(app, &Actor::careline(org), told.attempt).await.map_err(Broken::of)?;
    }
    Ok(found)
}

/// Dials the engaged line once for each sequence. The town's own callbacks are lost; only what we bring is told.
async fn dial_all(
    ground: &TownGround,
    app: &App,
    (org, patient): (OrgId, PatientId),
    sequences: usize,
) -> Result<Vec<Told>, Broken> {
    let lost = FaultsWanted { callbacks: Some(CallbackFault::Lost), ..FaultsWanted::default() };
    ground.town.carrier().misbehave(lost);
    let phone = |text: &str| PhoneNumber::from_e164(text).map_err(|_| Broken::of("the number is not E.164"));
    let mut calls = Vec::with_capacity(sequences);
    while calls.len() < sequences {
        let told = letters::arm(app, org, patient, ENGAGED).await?;
        let dial = Dial {
            org,
            attempt: told.attempt,
            to: phone(ENGAGED)?.into(),
            from: phone("+12125550199")?,
            ring_for: Duration::from_secs(30),
            detect: Detect::Nothing,
        };
        let accepted = app.phone.place(&dial).await.map_err(Broken::of)?;
        calls.push(letters::bind(app, told, accepted.sid.0).await?);
    }
    let over = |seen: &[CallSeen]| seen.iter().all(|call| call.status.is_over()).then_some(());
    ground.town.carrier().until(over).await;
    Ok(calls)
}

/// The reports in a random order; some come again as they are, some are told again in other words.
fn sequence(sender: &Sender, told: &Told, dice: &mut StdRng) -> Vec<Letter> {
    let mut letters: Vec<Letter> =
        REPORTS.iter().enumerate().map(|(at, status)| sender.status(told, status, at)).collect();
    for (at, status) in REPORTS.iter().enumerate() {
        if dice.random_bool(0.5) {
            letters.push(sender.status(told, status, at));
        }
        if dice.random_bool(0.2) {
            letters.push(sender.status(told, status, 100 + at));
        }
    }
    letters.shuffle(dice);
    letters
}

/// How many of an organization's calls ended otherwise than the carrier knows, or were moved more than once.
///
/// # Errors
/// When the database is away.
pub async fn strays(superuser: &mut PgConnection, org: OrgId) -> Result<i64, Broken> {
    let statement = format!(
        "select count(*)
           from call c
           join attempt a on a.org_id = c.org_id and a.call_id = c.id
          where c.org_id = '{org}'
            and not (c.state = 'scheduled' and c.outcome = 'busy' and c.attempts = 1
                     and a.ending = 'busy' and a.ending_word = 'read' and a.outcome = 'busy' and a.status_rank = 5
                     and (select count(*) from job j
                           where j.org_id = c.org_id and j.body::text like '%place_call%'
                             and j.body::text like '%' || c.id || '%') = 1
                     and (select count(*) from audit_entry e
                           where e.org_id = c.org_id and e.deed = 'missed_attempt' and e.subject = a.id) = 1)"
    );
    count(superuser, &statement).await
}
