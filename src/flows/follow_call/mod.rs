//! Follows a call by what the carrier tells: the call script on the patient's leg, the nurse's leg, status callbacks and
//! the conference. Every message counts once; what it changes and what it causes are one transaction.

mod check_in;
mod guest;
mod nurse;
mod patient;

pub use guest::{announced, on_hold};

use crate::{
    app::App,
    domain::{
        answering::{AnsweredBy, VoicemailRule},
        attempt::{Attempt, Ownership, Party},
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallManner, CallState},
        floor::Seat,
        ids::{AttemptId, LegId, OrgId, StaffId},
        job::Job,
        orphan::FoundBy,
        people::Actor,
        script::Speech,
    },
    error::Error,
    live::LiveEvent,
    ports::phone::{CarrierNews, ConferenceEvent, Fork},
    store::{OrgTx, attempts, audit::record, errands, hand_overs, jobs, legs, orphans, tidings, voicemail},
};
use chrono::{DateTime, Utc};

/// What the carrier does next on a leg.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What is said, asked or joined.
    pub speech: Speech,
    /// Where the leg's audio is forked to, when it joins and may be recorded.
    pub fork: Option<Fork>,
}

impl Reply {
    const fn saying(speech: Speech) -> Self {
        Self { speech, fork: None }
    }
}

/// One message about one attempt, with its call locked.
struct Scene<'a> {
    app: &'a App,
    tx: &'a mut OrgTx,
    actor: &'a Actor,
    attempt: Attempt,
    call: Call,
    now: DateTime<Utc>,
}

impl Scene<'_> {
    /// The attempt becomes a leg that sits so.
    async fn open_leg(&mut self, seat: Seat) -> Result<LegId, Error> {
        let sid = self.attempt.sid.as_deref().unwrap_or_default();
        legs::open(self.tx, self.call.id, self.attempt.id, self.attempt.party, sid, seat, self.now).await
    }

    /// Where the audio of a new leg goes, if it may be recorded.
    async fn fork(&mut self, leg: LegId) -> Result<Option<Fork>, Error> {
        if self.call.may_record != Some(true) {
            return Ok(None);
        }
        let stream = legs::new_stream(self.tx, self.call.id, leg, self.now).await?;
        Ok(Some(Fork { org: self.actor.org, stream: stream.id, token: stream.token }))
    }
}

/// The carrier asks what to say: somebody answered, pressed keys, or pressed none in time.
///
/// # Errors
/// `NotFound` for an attempt of nobody; otherwise when the database is away.
pub async fn voice(app: &App, org: OrgId, attempt: AttemptId, news: &CarrierNews) -> Result<Reply, Error> {
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    let may_hear = patient::may_be_on_the_line(&mut tx, attempt, app.settings.ring_seconds, now).await?;
    let (mut attempt, mut call) = tidings::lock(&mut tx, attempt).await?;
    let ownership = tidings::claim_sid(&mut tx, &actor, &mut attempt, &mut call, &news.sid.0, now).await?;
    // The answer gate: a ring that is not this attempt's, or whose story is told, hears nothing.
    if ownership != Ownership::Ours || attempt.outcome.is_some() {
        if ownership == Ownership::Surplus {
            orphans::notice(&mut tx, &actor, (&attempt, &call), (&news.sid.0, FoundBy::Gate), now).await?;
            tx.commit().await?;
        }
        return Ok(Reply::saying(Speech::silence()));
    }
    if !may_hear {
        tx.commit().await?;
        return Ok(Reply::saying(Speech::silence()));
    }
    let is_news = attempts::is_news(&mut tx, attempt.id, "voice", &news.dedupe_key, now).await?;
    let (id, asks) = (call.id, call.manner == CallManner::Keypad);
    let mut scene = Scene { app, tx: &mut tx, actor: &actor, attempt, call, now };
    let keys = if is_news { news.digits.as_ref().map(|digits| digits.reveal().as_str()) } else { None };
    let reply = match scene.attempt.party {
        Party::Patient if !is_news => patient::repeat(&mut scene).await?,
        Party::Patient => patient::turn(&mut scene, keys).await?,
        Party::Nurse(_) if !is_news => nurse::repeat(&mut scene).await?,
        Party::Nurse(staff) => nurse::turn(&mut scene, staff, keys).await?,
        Party::Guest { guest, .. } if !is_news => guest::repeat(&mut scene, guest).await?,
        Party::Guest { guest, .. } => guest::turn(&mut scene, guest, keys).await?,
    };
    tx.commit().await?;
    app.live.publish(org, id, LiveEvent::CallMoved);
    if asks {
        app.live.publish(org, id, LiveEvent::AssessmentMoved);
    }
    Ok(reply)
}

/// The carrier tells how far a call came.
///
/// # Errors
/// `NotFound` for an attempt of nobody; otherwise when the database is away.
pub async fn status(app: &App, org: OrgId, attempt: AttemptId, news: &CarrierNews) -> Result<(), Error> {
    let Some(status) = news.status else { return Ok(()) };
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    let (mut attempt, mut call) = tidings::lock(&mut tx, attempt).await?;
    if !attempts::is_news(&mut tx, attempt.id, "status", &news.dedupe_key, now).await? {
        return Ok(());
    }
    let ownership = tidings::claim_sid(&mut tx, &actor, &mut attempt, &mut call, &news.sid.0, now).await?;
    if ownership == Ownership::Ours {
        tidings::hear_status(&mut tx, &actor, &attempt, &mut call, status, now).await?;
    }
    tx.commit().await?;
    app.live.publish(org, call.id, LiveEvent::CallMoved);
    Ok(())
}

/// The carrier guesses who answered. The guess moves nothing: it decides what the next silence means, and where a voicemail
/// may be told a sentence, that sentence comes now, after the beep.
///
/// # Errors
/// `NotFound` for an attempt of nobody; otherwise when the database is away.
pub async fn machine(app: &App, org: OrgId, attempt: AttemptId, news: &CarrierNews) -> Result<(), Error> {
    let Some(by) = news.answered_by else { return Ok(()) };
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    let (mut attempt, mut call) = tidings::lock(&mut tx, attempt).await?;
    if !attempts::is_news(&mut tx, attempt.id, "machine", &news.dedupe_key, now).await? {
        return Ok(());
    }
    let ownership = tidings::claim_sid(&mut tx, &actor, &mut attempt, &mut call, &news.sid.0, now).await?;
    if ownership == Ownership::Ours && attempts::judge(&mut tx, attempt.id, by, now).await? {
        let deed = Deed::of(DeedKind::JudgedAnswer)
            .patient(call.patient)
            .subject(attempt.id.0)
            .with("call", call.id)
            .with("by", by.word());
        let _receipt = record(&mut tx, &actor, &deed, now).await?;
        let listens = call.state == CallState::Placed && call.script.is_untouched() && attempt.answered_at.is_some();
        if by == AnsweredBy::MachineBeep
            && listens
            && voicemail::rule(&mut tx, call.patient).await? == VoicemailRule::NameFree
        {
            jobs::enqueue(&mut tx, &Job::SpeakAfterBeep { attempt: attempt.id }, "once", now, now).await?;
        }
    }
    tx.commit().await?;
    app.live.publish(org, call.id, LiveEvent::CallMoved);
    Ok(())
}

/// The carrier tells who entered or left the conference.
///
/// # Errors
/// `NotFound` for an attempt of nobody; otherwise when the database is away.
pub async fn conference(app: &App, org: OrgId, attempt: AttemptId, news: &CarrierNews) -> Result<(), Error> {
    let Some(event) = news.conference else { return Ok(()) };
    let actor = Actor::carrier(org);
    let now = app.clock.now();
    let mut tx = app.db.begin(&actor).await?;
    let (told, mut call) = tidings::lock(&mut tx, attempt).await?;
    let is_news = attempts::is_news(&mut tx, told.id, "conference", &news.dedupe_key, now).await?;
    // A conference reports on every leg to the address that its first participant named, so the leg is known by its sid.
    let Some(attempt) = attempts::by_sid(&mut tx, call.id, &news.sid.0).await?.filter(|_| is_news) else {
        return Ok(());
    };
    match event {
        ConferenceEvent::Joined => joined(&mut tx, &actor, &attempt, &mut call, now).await?,
        ConferenceEvent::Left => left(&mut tx, &actor, &attempt, &mut call, now).await?,
        ConferenceEvent::Ended => {}
        // Somebody sits differently: whether as wished, a job asks the carrier, which knows the newest.
        ConferenceEvent::Reseated => hand_overs::look(&mut tx, call.id, now).await?,
    }
    tx.commit().await?;
    app.live.publish(org, call.id, LiveEvent::CallMoved);
    Ok(())
}

async fn joined(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = moved(attempt, call, "joined");
    let _receipt = record(tx, actor, &deed, now).await?;
    // Callbacks overtake each other: a leg whose end is known is not in the conference any more.
    if attempt.ended_at.is_some() {
        return Ok(());
    }
    let event = match attempt.party {
        Party::Patient => CallEvent::PatientJoined,
        Party::Nurse(_) => CallEvent::NurseJoined,
        // Whoever was asked in makes it no other conversation.
        Party::Guest { .. } => return Ok(()),
    };
    let is_followed = errands::follow(tx, actor, call, event, now).await?;
    // Whoever comes second makes it a conversation.
    if is_followed && call.state == CallState::Bridged {
        let mut deed = Deed::of(DeedKind::BridgedCall).patient(call.patient).subject(call.id.0);
        if let Some(nurse) = call.nurse {
            deed = deed.with("nurse", nurse);
        }
        let _receipt = record(tx, actor, &deed, now).await?;
    }
    Ok(())
}

async fn left(
    tx: &mut OrgTx,
    actor: &Actor,
    attempt: &Attempt,
    call: &mut Call,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let deed = moved(attempt, call, "left");
    let _receipt = record(tx, actor, &deed, now).await?;
    legs::leave_by_attempt(tx, attempt.id, now).await?;
    hand_overs::guest_gone(tx, actor, attempt.party, call, now).await?;
    let before = call.state;
    // Who leaves was there: the word of their coming is late, or lost.
    let came_unheard = attempt.ended_at.is_none()
        && match (attempt.party, before) {
            (Party::Patient, CallState::WaitingForNurse) => call.nurse_since.is_some(),
            (Party::Nurse(_), CallState::WaitingForNurse | CallState::AskingNurse) => {
                call.nurse_since.is_none() && attempt.outcome.is_none()
            }
            (Party::Patient | Party::Nurse(_) | Party::Guest { .. }, _) => false,
        };
    if came_unheard {
        joined(tx, actor, attempt, call, now).await?;
    }
    let event = match attempt.party {
        Party::Patient => {
            matches!(call.state, CallState::WaitingForNurse | CallState::Bridged).then_some(CallEvent::PatientLeft)
        }
        Party::Nurse(_) | Party::Guest { .. } if call.state == CallState::Bridged => {
            if attempt.party.is_that_of(call.nurse) {
                hand_overs::nurse_gone(tx, actor, call, now).await?
            } else {
                None
            }
        }
        Party::Nurse(staff) => nurse_left(attempt, call, staff),
        Party::Guest { .. } => None,
    };
    if let Some(event) = event {
        let waited = call.nurse_since.is_some() && attempt.party != Party::Patient;
        if waited || event == CallEvent::NurseLeftHolding {
            // The carrier's own word on the end of this leg adds nothing to it.
            attempts::tell(tx, attempt.id, "left").await?;
        }
        errands::follow(tx, actor, call, event, now).await?;
    }
    Ok(())
}

/// What it means that a nurse left the conference: one who waited alone is the only one who counts while she does.
fn nurse_left(attempt: &Attempt, call: &Call, staff: StaffId) -> Option<CallEvent> {
    let waited = call.nurse_since.is_some() && call.nurse == Some(staff) && attempt.ended_at.is_none();
    (call.state == CallState::Bridged || waited).then_some(CallEvent::NurseLeft)
}

fn moved(attempt: &Attempt, call: &Call, event: &'static str) -> Deed {
    Deed::of(DeedKind::MovedLeg)
        .patient(call.patient)
        .subject(attempt.id.0)
        .with("call", call.id)
        .with("party", attempt.party.word())
        .with("event", event)
}
