//! Somebody rings us. The number says whom it may be about and proves nobody: a call begins whose script asks who rings. A
//! number that is not one living patient's is rung back by a person within half an hour.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::{AttemptId, CallId, CallerId, OrgId},
        job::Job,
        people::{Actor, Language, PatientStatus},
        script::Speech,
        script_texts::{Parting, part},
    },
    error::Error,
    ports::phone::CarrierNews,
    store::{
        OrgTx, attempts,
        audit::{Receipt, record},
        callers::{self, Answered, NewCaller},
        jobs, organizations,
    },
};
use chrono::{DateTime, Duration, Utc};

/// By when a caller we do not know is rung back.
const RING_BACK_WITHIN: Duration = Duration::minutes(30);

/// What becomes of a ring.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is a call: its script speaks.
    Call(AttemptId),
    /// Nothing begins; this is said, in each language, and a person rings back if that was promised.
    Partings(Vec<Speech>),
}

/// Answers a ring. The same ring again is answered the same.
///
/// # Errors
/// When the database is away; the carrier then asks again.
pub async fn answer(app: &App, org: OrgId, news: &CarrierNews) -> Result<Answer, Error> {
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    if let Some(attempt) = attempts::of_sid(&mut tx, &news.sid.0).await? {
        return Ok(Answer::Call(attempt));
    }
    let about = match &news.caller {
        Some(number) => callers::patients_of(&mut tx, number).await?,
        None => Vec::new(),
    };
    let answer = match (&news.caller, about.as_slice()) {
        (Some(number), [(patient, status)]) if is_followed(*status) => {
            let rung = organizations::calling_settings(&mut tx).await?.caller_number;
            let (call, attempt) = (CallId::at(now), AttemptId::at(now));
            let sid = news.sid.0.clone();
            let answered = Answered { call, attempt, patient: *patient, number: number.clone(), rung, sid };
            begin(&mut tx, &actor, &answered, now).await?
        }
        (Some(_), _) => {
            note(&mut tx, &actor, news, about.len(), now).await?;
            Answer::Partings(in_each_language(Parting::WillRingBack))
        }
        (None, _) => {
            let deed = Deed::of(DeedKind::NotedCaller).with("number", "withheld");
            let _receipt: Receipt = record(&mut tx, &actor, &deed, now).await?;
            Answer::Partings(in_each_language(Parting::NoNumber))
        }
    };
    tx.commit().await?;
    Ok(answer)
}

/// The attempt whose line has ended, if the ring was a call.
///
/// # Errors
/// When the database is away.
pub async fn attempt_of(app: &App, org: OrgId, news: &CarrierNews) -> Result<Option<AttemptId>, Error> {
    let mut tx = app.db.begin(&Actor::carrier(org)).await?;
    attempts::of_sid(&mut tx, &news.sid.0).await
}

/// Whoever rings has told no language yet.
fn in_each_language(parting: Parting) -> Vec<Speech> {
    [Language::English, Language::Spanish].map(|language| part(language, parting)).into()
}

/// Somebody in hospital, or who moved to another agency, rings because they are used to us: they get a nurse all the same. A
/// family's ring after a death is for a person who knows, not for a script that asks for a date of birth.
const fn is_followed(status: PatientStatus) -> bool {
    match status {
        PatientStatus::Active | PatientStatus::Admitted | PatientStatus::Withdrawn | PatientStatus::Transferred => true,
        PatientStatus::Deceased => false,
    }
}

async fn begin(tx: &mut OrgTx, actor: &Actor, answered: &Answered, now: DateTime<Utc>) -> Result<Answer, Error> {
    if callers::answer(tx, answered, now).await? {
        let deed = Deed::of(DeedKind::AnsweredCall)
            .patient(answered.patient)
            .subject(answered.call.0)
            .with("attempt", answered.attempt);
        let _receipt: Receipt = record(tx, actor, &deed, now).await?;
    }
    let attempt = attempts::of_sid(tx, &answered.sid).await?;
    attempt.map(Answer::Call).ok_or_else(|| Error::Conflict("a ring has a call without its leg".to_owned()))
}

async fn note(
    tx: &mut OrgTx,
    actor: &Actor,
    news: &CarrierNews,
    patients: usize,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let caller = NewCaller {
        id: CallerId::at(now),
        sid: news.sid.0.clone(),
        number: news.caller.clone(),
        due_at: now + RING_BACK_WITHIN,
    };
    let deed = Deed::of(DeedKind::NotedCaller).subject(caller.id.0).with("patients", patients);
    let receipt = record(tx, actor, &deed, now).await?;
    if let Some(caller) = callers::note(tx, &receipt, &caller, now).await? {
        let remind = Job::RemindCaller { caller, round: 0 };
        jobs::enqueue(tx, &remind, "due", now + RING_BACK_WITHIN, now).await?;
    }
    Ok(())
}
