//! What happens in the month is done here, through the doors that people use: flows for staff, telephones and texts for
//! patients. What the product refuses is counted; it may have good reasons.

use super::{
    cast::{self, Allows},
    diary::Event,
    stage::{OWN_NUMBER, Stage, consent},
};
use crate::{
    bench::Broken,
    domain::{
        call::{CallManner, CallPurpose},
        consent::{ConsentAnswer, ConsentChannel, ConsentPurpose},
        disposition::Disposition,
        ids::{CallId, FollowUpId, PatientId, StaffId},
        people::{Actor, PatientStatus, Role},
        private::Private,
        roster::{Difference, Exception, Hours},
    },
    error::Error,
    flows::{
        callers, change_status, complete_follow_up, cover_colleague, keep_roster, opt_out, save_answers,
        schedule_call::{self, NewCall, OnClash},
        sign_assessment::{self, Signing},
    },
    ports::clock::Clock,
    simulator::carrier::FaultsWanted,
};
use chrono::{DateTime, Duration, NaiveTime, Utc};
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Things of one kind that people do at once.
const AT_ONCE: usize = 4;

/// A time in which nobody may ring or text a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The number.
    pub number: String,
    /// From when on.
    pub from: DateTime<Utc>,
    /// Until when; `None` is for good.
    pub until: Option<DateTime<Utc>>,
    /// Whether rings are forbidden, or texts alone.
    pub what: Silence,
}

/// What is forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Rings and texts.
    Everything,
    /// Texts.
    Texts,
}

/// Everything done so far.
pub struct Deeds {
    dice: StdRng,
    /// When nobody may be rung or texted.
    pub closed: Vec<Closed>,
    statuses: Vec<PatientStatus>,
    /// What the product refused.
    pub refused: u64,
    /// Calls that patients and strangers made.
    pub rings_in: u64,
    /// Who wrote to us: whoever does is answered.
    wrote: BTreeSet<String>,
}

impl Deeds {
    /// None yet.
    #[must_use]
    pub fn new(seed: u64, patients: usize) -> Self {
        let dice = StdRng::seed_from_u64(seed ^ 0xD1CE);
        let statuses = vec![PatientStatus::Active; patients];
        Self { dice, closed: Vec::new(), statuses, refused: 0, rings_in: 0, wrote: BTreeSet::new() }
    }

    /// Does one.
    ///
    /// # Errors
    /// When the product fails; a refusal is none.
    pub async fn act(&mut self, stage: &mut Stage, event: Event) -> Result<(), Broken> {
        let done = match event {
            Event::Moods => self.moods(stage),
            Event::Status(who, becomes) => self.status(stage, who, becomes).await,
            Event::Withdraws(who) => self.consents(stage, who, ConsentAnswer::Refused).await,
            Event::Consents(who) => self.consents(stage, who, ConsentAnswer::Given).await,
            Event::OptsOut(who) => self.opts(stage, who, opt_out::Wish::Stop).await,
            Event::GoesOn(who) => self.opts(stage, who, opt_out::Wish::GoOn).await,
            Event::Writes(who, words) => self.writes(stage, who, words).await,
            Event::RingNow(who) => self.plans(stage, who, Duration::zero()).await,
            Event::Promise(who, minutes) => self.plans(stage, who, Duration::minutes(minutes)).await,
            Event::Moves(who, minutes) => self.moves(stage, who, Duration::minutes(minutes)).await,
            Event::Rings(who) => {
                self.ring(stage, &numbered(stage, who));
                Ok(())
            }
            Event::StrangerRings(who) => {
                self.ring(stage, &cast::stranger(who));
                Ok(())
            }
            Event::RingBack => ring_back(stage).await,
            Event::FollowUps => self.follow_ups(stage).await,
            Event::Sign => self.sign(stage).await,
            Event::Away(who, days, by) => away(stage, who, days, by).await,
            Event::OutageBegins => misbehave(stage, &outage()),
            Event::OutageEnds => misbehave(stage, &usual(stage.clock.now().timestamp().unsigned_abs())),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Error::Invalid(_) | Error::Conflict(_) | Error::NotFound) => {
                self.refused += 1;
                Ok(())
            }
            Err(error) => Err(Broken(format!("{event:?} was not done: {error} ({})", error.cause()))),
        }
    }

    /// When nobody might be rung or texted, those included whom nobody ever asked.
    #[must_use]
    pub fn all_closed(self, stage: &Stage, from: DateTime<Utc>) -> Vec<Closed> {
        let mut closed = self.closed;
        for patient in &stage.patients {
            let what = match patient.allows {
                Allows::Nothing => Silence::Everything,
                Allows::Calls if !self.wrote.contains(&patient.number) => Silence::Texts,
                Allows::Calls | Allows::CallsAndTexts => continue,
            };
            closed.push(Closed { number: patient.number.clone(), from, until: None, what });
        }
        closed
    }

    fn moods(&mut self, stage: &Stage) -> Result<(), Error> {
        let plan = cast::moods(&mut self.dice, &stage.patients, &stage.nurses).map_err(|why| Error::Fault(why.0))?;
        stage.ground.town.carrier().settle(plan);
        Ok(())
    }

    async fn status(&mut self, stage: &Stage, who: usize, becomes: PatientStatus) -> Result<(), Error> {
        let Some(was) = self.statuses.get(who).copied() else { return Err(Error::NotFound) };
        if was == PatientStatus::Deceased {
            return Ok(());
        }
        if becomes == PatientStatus::Active {
            self.opened(stage, who, Silence::Everything);
        }
        let evidence = Private::new("the family rang (invented)".to_owned());
        let new = change_status::NewStatus { was, becomes, evidence };
        change_status::change(&stage.app, &stage.coordinator, patient(stage, who), new).await?;
        if let Some(own) = self.statuses.get_mut(who) {
            *own = becomes;
        }
        if becomes != PatientStatus::Active {
            self.shut(stage, who, Silence::Everything);
        }
        Ok(())
    }

    async fn consents(&mut self, stage: &Stage, who: usize, answer: ConsentAnswer) -> Result<(), Error> {
        if answer == ConsentAnswer::Given {
            self.opened(stage, who, Silence::Everything);
        }
        let allows = stage.patients.get(who).map_or(Allows::Nothing, |patient| patient.allows);
        let channel = match (answer, allows) {
            (_, Allows::Nothing) => return Ok(()),
            (ConsentAnswer::Given, Allows::Calls) => ConsentChannel::Voice,
            (ConsentAnswer::Given, Allows::CallsAndTexts) | (ConsentAnswer::Refused, _) => ConsentChannel::Any,
        };
        let purpose = ConsentPurpose::BeCalled;
        let written = consent(&stage.app, &stage.coordinator, patient(stage, who), purpose, channel, answer).await;
        written.map_err(|why| Error::Fault(why.0))?;
        if answer == ConsentAnswer::Refused {
            self.shut(stage, who, Silence::Everything);
        }
        Ok(())
    }

    async fn opts(&mut self, stage: &Stage, who: usize, wish: opt_out::Wish) -> Result<(), Error> {
        if wish == opt_out::Wish::GoOn {
            self.opened(stage, who, Silence::Everything);
        }
        let evidence = Private::new("said so on the telephone (invented)".to_owned());
        let new = opt_out::NewWish { channel: ConsentChannel::Any, wish, evidence };
        opt_out::note(&stage.app, &stage.coordinator, patient(stage, who), new).await?;
        if wish == opt_out::Wish::Stop {
            self.shut(stage, who, Silence::Everything);
        }
        Ok(())
    }

    async fn writes(&mut self, stage: &Stage, who: usize, words: &str) -> Result<(), Error> {
        if words == "START" {
            self.opened(stage, who, Silence::Texts);
        }
        self.wrote.insert(numbered(stage, who));
        stage.ground.town.carrier().make_text(&numbered(stage, who), OWN_NUMBER, words).await;
        if words == "STOP" {
            // One confirmation follows at once, as carriers demand; after it there is silence.
            let from = stage.clock.now() + Duration::minutes(1);
            self.closed.push(Closed { number: numbered(stage, who), from, until: None, what: Silence::Texts });
        }
        Ok(())
    }

    async fn plans(&mut self, stage: &Stage, who: usize, after: Duration) -> Result<(), Error> {
        let nurse = self.nurse(stage)?;
        let new = NewCall {
            patient: patient(stage, who),
            purpose: CallPurpose::FollowUp,
            protocol: "dyspnea".to_owned(),
            nurse: None,
            due_at: stage.clock.now() + after,
            idem_key: Uuid::now_v7().to_string(),
            clashes: OnClash::Accept,
            manner: CallManner::Nurse,
        };
        schedule_call::schedule(&stage.app, &nurse, new).await.map(drop)
    }

    async fn moves(&mut self, stage: &mut Stage, who: usize, by: Duration) -> Result<(), Error> {
        let nurse = self.nurse(stage)?;
        let found: Option<(Uuid, DateTime<Utc>)> = sqlx::query_as(
            "select id, due_at from call where patient_id = $1 and state = 'scheduled' and due_at > $2 order by due_at limit 1",
        )
        .bind(patient(stage, who).0)
        .bind(stage.clock.now())
        .fetch_optional(&mut stage.superuser)
        .await?;
        let (call, due_at) = found.ok_or(Error::NotFound)?;
        schedule_call::reschedule(&stage.app, &nurse, CallId(call), due_at + by, OnClash::Accept).await.map(drop)
    }

    fn ring(&mut self, stage: &Stage, from: &str) {
        if stage.ground.town.carrier().make_ring(from, OWN_NUMBER).is_some() {
            self.rings_in += 1;
        }
    }

    /// Most follow-ups are done within two hours; some wait, and climb.
    async fn follow_ups(&mut self, stage: &mut Stage) -> Result<(), Error> {
        let open: Vec<Uuid> = sqlx::query_scalar(
            "select id from follow_up where state = 'open' and created_at < $1 order by created_at, id limit 300",
        )
        .bind(stage.clock.now() - Duration::minutes(30))
        .fetch_all(&mut stage.superuser)
        .await?;
        let chosen: Vec<Uuid> = open.into_iter().filter(|_| self.dice.random_range(0..100) < 88).collect();
        let done = "rang back, all is well (invented)";
        for few in chosen.chunks(AT_ONCE) {
            let (app, coordinator) = (&stage.app, &stage.coordinator);
            let completed = few.iter().map(|id| complete_follow_up::complete(app, coordinator, FollowUpId(*id), done));
            join_all(completed).await.into_iter().try_for_each(|completed| completed.map(drop))?;
        }
        Ok(())
    }

    /// A nurse writes up a share of the calls that took place; the others stay as open work.
    async fn sign(&mut self, stage: &mut Stage) -> Result<(), Error> {
        let now = stage.clock.now();
        let done: Vec<Uuid> = sqlx::query_scalar(
            "select c.id from call c where c.state = 'done' and c.ended_at > $1 and c.ended_at <= $2
                and not exists (select from assessment a where a.org_id = c.org_id and a.call_id = c.id) order by c.id",
        )
        .bind(now - Duration::hours(2))
        .bind(now)
        .fetch_all(&mut stage.superuser)
        .await?;
        let mut chosen = Vec::new();
        for call in done {
            if self.dice.random_range(0..100) < 30 {
                chosen.push((self.nurse(stage)?, CallId(call)));
            }
        }
        for few in chosen.chunks(AT_ONCE) {
            let written = few.iter().map(|(nurse, call)| write_up(stage, nurse, *call));
            join_all(written).await.into_iter().collect::<Result<(), Error>>()?;
        }
        Ok(())
    }

    fn nurse(&mut self, stage: &Stage) -> Result<Actor, Error> {
        let at = self.dice.random_range(0..stage.nurses.len().max(1));
        let nurse = stage.nurses.get(at).ok_or(Error::NotFound)?;
        Ok(Actor::staff(stage.coordinator.org, nurse.id, Role::Nurse))
    }

    fn shut(&mut self, stage: &Stage, who: usize, what: Silence) {
        self.closed.push(Closed { number: numbered(stage, who), from: stage.clock.now(), until: None, what });
    }

    fn opened(&mut self, stage: &Stage, who: usize, what: Silence) {
        let (number, now) = (numbered(stage, who), stage.clock.now());
        let shut = self.closed.iter_mut().filter(|one| one.number == number && one.what == what && one.until.is_none());
        shut.for_each(|one| one.until = Some(now));
    }
}

async fn write_up(stage: &Stage, nurse: &Actor, call: CallId) -> Result<(), Error> {
    let no =
        ["u_unresponsive", "u_choking", "u_fighting_for_breath", "u_major_bleeding", "u_stroke_signs", "u_seizure"];
    let none =
        ["u_suicidal", "u_emergency", "lips_blue", "chest_pain", "new_confusion", "sudden_onset", "face_arm_swelling"];
    let rest = [("can_speak", "yes"), ("sputum", "none"), ("sob_now", "5"), ("sob_usual", "5")];
    let absent = no.into_iter().chain(none).map(|id| (id, "no"));
    let answers = absent.chain(rest).map(|(id, said)| (id.to_owned(), said.to_owned())).collect();
    let page = save_answers::open(&stage.app, nurse, call).await?;
    let page = save_answers::save(&stage.app, nurse, call, page.revision, answers, Vec::new(), Vec::new()).await?;
    let signing = Signing {
        revision: page.revision,
        disposition: Disposition::SameDay,
        override_reason: None,
        agreed_plan: Private::new("a visit (invented)".to_owned()),
    };
    sign_assessment::sign(&stage.app, nurse, call, signing).await.map(drop)
}

async fn ring_back(stage: &Stage) -> Result<(), Error> {
    for caller in callers::list(&stage.app, &stage.coordinator).await? {
        callers::close(&stage.app, &stage.coordinator, caller.id, "rang back (invented)").await?;
    }
    Ok(())
}

async fn away(stage: &Stage, who: usize, days: i64, by: Option<usize>) -> Result<(), Error> {
    let id = |at: usize| stage.nurses.get(at).map(|nurse| nurse.id).ok_or(Error::NotFound);
    let (nurse, now): (StaffId, _) = (id(who)?, stage.clock.now());
    let last = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default();
    let hours = Hours { from: NaiveTime::MIN, until: last };
    let today = now.with_timezone(&super::diary::HOME).date_naive();
    for day in today.iter_days().take(usize::try_from(days).unwrap_or(0)) {
        let off = Exception { day, difference: Difference::Off, hours };
        keep_roster::change_day(&stage.app, &stage.coordinator, nurse, off).await?;
    }
    if let Some(by) = by {
        let until = now + Duration::days(days);
        cover_colleague::begin(&stage.app, &stage.coordinator, nurse, id(by)?, now, until).await?;
    }
    Ok(())
}

/// Makes the carrier misbehave as it usually does: one dial in twenty, a few callbacks in a hundred.
///
/// # Errors
/// When the words are none.
pub fn usually(stage: &Stage, seed: u64) -> Result<(), Broken> {
    misbehave(stage, &usual(seed)).map_err(Broken::of)
}

fn misbehave(stage: &Stage, wanted: &Value) -> Result<(), Error> {
    let wanted: FaultsWanted = serde_json::from_value(wanted.clone()).map_err(|why| Error::Fault(why.to_string()))?;
    stage.ground.town.carrier().misbehave(wanted);
    Ok(())
}

fn usual(seed: u64) -> Value {
    json!({
        "seed": seed,
        "measured_by": "town",
        "mix": [
            {"create": "normal", "weight": 950},
            {"create": "drop_accepted", "weight": 10}, {"create": "drop_refused", "weight": 8},
            {"create": "500_accepted", "weight": 10}, {"create": "500_refused", "weight": 8},
            {"create": "429", "weight": 10}, {"create": "accepted_later", "weight": 4}
        ],
        "later_milliseconds": 10_000,
        "list_lag_milliseconds": 2_000,
        "rough_callbacks": {"lost": 2, "twice": 3, "late_milliseconds": 400}
    })
}

fn outage() -> Value {
    json!({"mix": [
        {"create": "500_refused", "weight": 40}, {"create": "drop_refused", "weight": 30}, {"create": "429", "weight": 30}
    ]})
}

fn numbered(stage: &Stage, who: usize) -> String {
    stage.patients.get(who).map(|patient| patient.number.clone()).unwrap_or_default()
}

fn patient(stage: &Stage, who: usize) -> PatientId {
    stage.patients.get(who).map_or(PatientId(Uuid::nil()), |patient| patient.id)
}
