//! A check-in by text, step by step: begun when its call is due, moved by each reply in the transaction that keeps the reply,
//! looked after while nobody answers. A reply counts for the question that was open when it came, once; an answer is
//! stored before the next question is written; only jobs send.

mod ending;
mod opening;
mod questions;
mod say;

use super::{
    OrgTx, assessments,
    audit::open_chart_for,
    calls, errands, jobs, protocols, reminders, standing,
    text_check_ins::{self, Texting},
};
use crate::{
    domain::{
        audit::{Deed, DeedKind},
        call::{Call, CallEvent, CallManner, CallState},
        check_in::{Ending, Opening, Said, Sheet, to_opening, to_question},
        contact_hours::{Channel, may_call},
        ids::{CallId, PatientId, TextId},
        job::Job,
        people::{Actor, Language, PhoneNumber},
        script::{Prompt, Scene},
        text::{Delivery, TextState, reading::Reading, templates::Filling},
    },
    error::Error,
};
use chrono::{DateTime, Duration, Utc};

/// Nobody reads a question and answers it sooner: what comes earlier was written to the question before.
const TOO_SOON: Duration = Duration::seconds(3);
/// After so long without a reply the question is asked again, and in the end the check-in is given to a person.
pub const SILENCE: Duration = Duration::minutes(15);
/// While another check-in goes on with the same number, this one waits so long.
const WAITS: Duration = Duration::minutes(10);
/// Digits of a reply from which on it may be a date of birth or a code, and is not kept.
const SECRET_DIGITS: usize = 4;

/// A check-in that waits for a reply, its patient and call held by this transaction.
pub struct Waiting {
    call: Call,
    texting: Texting,
    sheet: Option<Sheet>,
}

/// What a reply to a check-in says, before anything is done about it.
pub enum Reads {
    /// Before identity is proven.
    Opening(Opening),
    /// At the question that waits.
    Open(Said),
    /// At the question before it, by its place: it came before anybody can have read the next one.
    Before(usize, Said),
    /// Once more to what is settled.
    Repeated(Opening),
}

/// What is left to do about a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Nothing: it was an answer.
    Wholly,
    /// A person must read it as well; whoever wrote it was told so.
    ForPerson,
    /// Somebody was asked to call, and whoever wrote it was told so; what may not wait is read by a person as well.
    Called,
}

impl Reads {
    /// Whether the words hold what proves who somebody is, which is compared and not kept.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        match self {
            Self::Opening(Opening::Entry(digits)) | Self::Repeated(Opening::Entry(digits)) => {
                digits.len() >= SECRET_DIGITS
            }
            Self::Opening(Opening::NotNow | Opening::Person | Opening::Words)
            | Self::Repeated(Opening::NotNow | Opening::Person | Opening::Words)
            | Self::Open(_)
            | Self::Before(..) => false,
        }
    }

    /// Whether a machine has understood it, so that nobody else needs to read it.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Opening(said) | Self::Repeated(said) => matches!(said, Opening::Entry(_) | Opening::NotNow),
            Self::Open(said) => questions::left_by(said) == Taken::Wholly,
            Self::Before(_, said) => *said != Said::Nothing && questions::left_by(said) == Taken::Wholly,
        }
    }
}

impl Waiting {
    /// The call it is for.
    #[must_use]
    pub const fn call(&self) -> CallId {
        self.call.id
    }

    /// Whom it asks.
    #[must_use]
    pub const fn patient(&self) -> PatientId {
        self.call.patient
    }

    /// Reads a reply that comes now; `None` when it cannot be one, because nothing was asked yet.
    #[must_use]
    pub fn reads(&self, body: &str, reading: Reading, now: DateTime<Utc>) -> Option<Reads> {
        let texting = &self.texting;
        let is_too_soon = texting.posted_at.is_none_or(|posted| now - posted < TOO_SOON);
        let asks = if is_too_soon { texting.before? } else { texting.asks };
        // Where silence had the same asked again, the text before has had no reply yet, and this is it.
        let has_reply = is_too_soon && texting.replied_at == Some(texting.asked_at);
        let is_open = asks == texting.asks;
        let Ok(place) = usize::try_from(asks) else {
            let said = to_opening(body, self.call.script.scene, reading);
            return Some(if is_open && !has_reply { Reads::Opening(said) } else { Reads::Repeated(said) });
        };
        let said = to_question(body, self.sheet.as_ref()?.at(place)?.keys, reading);
        let is_news = !has_reply || matches!(said, Said::Answer(_) | Said::Person);
        Some(if is_open && is_news { Reads::Open(said) } else { Reads::Before(place, said) })
    }
}

/// One turn of a check-in: whose, in which transaction, when.
pub(super) struct Turn<'a> {
    tx: &'a mut OrgTx,
    actor: &'a Actor,
    call: Call,
    number: PhoneNumber,
    language: Language,
    filling: Filling,
    own_number: PhoneNumber,
    now: DateTime<Utc>,
}

impl<'a> Turn<'a> {
    async fn of(
        tx: &'a mut OrgTx,
        actor: &'a Actor,
        call: Call,
        number: PhoneNumber,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let language = standing::language(tx, call.patient).await?;
        let settings = reminders::settings(tx).await?;
        Ok(Self { tx, actor, call, number, language, filling: settings.filling, own_number: settings.own_number, now })
    }

    fn deed(&self, kind: DeedKind) -> Deed {
        Deed::of(kind).patient(self.call.patient).subject(self.call.id.0)
    }
}

/// Begins the check-in of a due call: no telephone rings, one text says who writes. While another goes on with the same
/// number, it waits.
///
/// # Errors
/// When the database is away.
pub async fn begin(tx: &mut OrgTx, actor: &Actor, call: &mut Call, now: DateTime<Utc>) -> Result<(), Error> {
    let why = Deed::of(DeedKind::BeganCheckIn).subject(call.id.0).with("by", "text");
    let receipt = open_chart_for(tx, actor, call.patient, why, now).await?;
    let number = standing::number(tx, &receipt).await?;
    if !text_check_ins::begin(tx, call.id, call.patient, &number, now).await? {
        let again = now + WAITS;
        let salt = format!("number-engaged:{}", again.timestamp_millis());
        return jobs::enqueue(tx, &Job::PlaceCall { call: call.id }, &salt, again, now).await;
    }
    if !errands::follow(tx, actor, call, CallEvent::AskedByText, now).await? {
        return text_check_ins::close(tx, call.id, now).await;
    }
    call.script.scene = Scene::WhoIsThere;
    calls::save(tx, call).await?;
    let mut turn = Turn::of(tx, actor, call.clone(), number, now).await?;
    opening::ask(&mut turn, opening::Lead::Fresh, Prompt::WhoIsThere).await
}

/// The check-in that waits for a reply from a number, if one does. It takes the patient, then the call, as everybody does.
///
/// # Errors
/// When the database is away.
pub async fn waiting(tx: &mut OrgTx, number: &PhoneNumber) -> Result<Option<Waiting>, Error> {
    let Some((call, patient)) = text_check_ins::with_number(tx, number).await? else { return Ok(None) };
    standing::hold(tx, patient).await?;
    held(tx, call).await
}

/// The check-in of a call whose patient is held, if it waits for a reply.
async fn held(tx: &mut OrgTx, call: CallId) -> Result<Option<Waiting>, Error> {
    let call = calls::lock(tx, call).await?;
    if call.state != CallState::Placed || call.manner != CallManner::ReplyText {
        return Ok(None);
    }
    let Some(texting) = text_check_ins::read(tx, call.id).await? else { return Ok(None) };
    let sheet = match call.script.scene {
        Scene::Questions => {
            let (protocol, version) = assessments::pinned(tx, call.id).await?;
            let package = protocols::package(tx, &protocol, &version).await?;
            Some(Sheet::by(&package, Channel::Text).map_err(|why| Error::Fault(why.to_string()))?)
        }
        Scene::Unanswered
        | Scene::WhoIsThere
        | Scene::BirthDate
        | Scene::CallCode
        | Scene::CaregiverCode
        | Scene::CaregiverBirthDate
        | Scene::MayRecord
        | Scene::InConference
        | Scene::Over => None,
    };
    Ok(Some(Waiting { call, texting, sheet }))
}

/// Does what a reply says. The text that brought it is kept already.
///
/// # Errors
/// When the database is away.
pub async fn take(
    tx: &mut OrgTx,
    actor: &Actor,
    code_key: &[u8],
    waiting: Waiting,
    (text, reads): (TextId, Reads),
    now: DateTime<Utc>,
) -> Result<Taken, Error> {
    text_check_ins::replied(tx, waiting.call.id, now).await?;
    let mut turn = Turn::of(tx, actor, waiting.call, waiting.texting.number, now).await?;
    match reads {
        Reads::Opening(said) => opening::take(&mut turn, code_key, said).await,
        Reads::Repeated(Opening::Person) => ending::person(&mut turn, None).await.map(|()| Taken::Called),
        Reads::Repeated(Opening::Words) => Ok(Taken::ForPerson),
        Reads::Repeated(Opening::Entry(_) | Opening::NotNow) => Ok(Taken::Wholly),
        Reads::Open(said) => questions::take(&mut turn, text, said).await,
        Reads::Before(place, said) => questions::correct(&mut turn, text, place, said).await,
    }
}

/// Whoever reads the texts wants no more of them.
///
/// # Errors
/// When the database is away.
pub async fn stop(tx: &mut OrgTx, actor: &Actor, waiting: Waiting, now: DateTime<Utc>) -> Result<(), Error> {
    let mut turn = Turn::of(tx, actor, waiting.call, waiting.texting.number, now).await?;
    ending::break_off(&mut turn, Ending::Stopped).await
}

/// Looks after the check-in of a call: a question nobody answered is asked again, and in the end, or when it cannot go on,
/// what was answered is given to a person. May run at any time.
///
/// # Errors
/// When the database is away.
pub async fn mind(
    tx: &mut OrgTx,
    actor: &Actor,
    code_key: &[u8],
    call: CallId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let patient = calls::patient_of(tx, call).await?;
    let standing = standing::standing(tx, patient, now).await?;
    let Some(Waiting { call, texting, .. }) = held(tx, call).await? else { return Ok(()) };
    let is_open = may_call(now, &standing, call.manner).is_ok();
    let (state, replied_at, asked_at) = (went(&texting), texting.replied_at, texting.asked_at);
    let is_asked = call.script.scene == Scene::Questions;
    let mut turn = Turn::of(tx, actor, call, texting.number, now).await?;
    if state == Went::Lost || (!is_open && now - asked_at >= SILENCE) {
        // Whoever wrote a moment ago is told that nothing more comes.
        if is_asked && replied_at.is_some_and(|at| now - at < SILENCE) {
            return ending::close(&mut turn).await;
        }
        return ending::break_off(&mut turn, Ending::Closed).await;
    }
    if now - asked_at < SILENCE {
        return Ok(());
    }
    if state == Went::Not {
        let again = now + SILENCE;
        return say::mind_again(&mut turn, &format!("still-unsent:{}", again.timestamp_millis()), again).await;
    }
    if is_asked { questions::silence(&mut turn).await } else { opening::silence(&mut turn, code_key).await }
}

/// What became of the text that asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Went {
    /// It went out.
    Out,
    /// It has not gone out yet, and may.
    Not,
    /// Nobody will read it.
    Lost,
}

fn went(texting: &Texting) -> Went {
    match texting.state {
        TextState::Bound if texting.delivery.is_some_and(Delivery::is_lost) => Went::Lost,
        TextState::Bound | TextState::Received => Went::Out,
        TextState::Scheduled | TextState::Sending | TextState::Unknown => Went::Not,
        TextState::Rejected | TextState::NotSent | TextState::HeldBack | TextState::CalledOff => Went::Lost,
    }
}
