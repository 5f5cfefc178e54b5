//! Asks the carrier what became of a text: binds what it finds, settles what is absent, and hears what a lost callback kept
//! from us. Only a text that is proven absent goes out again.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        ids::TextId,
        job::Job,
        people::Actor,
        text::{Delivery, TextState, body_hash, is_settled_absent},
    },
    error::Error,
    ports::{phone::CarrierSid, texts::CarrierText},
    store::{
        OrgTx,
        audit::record,
        jobs, text_tidings,
        texts::{self, HeldText},
    },
};
use chrono::{DateTime, Duration, Utc};

/// How often a text is allowed to be sent in all.
const MOST_TRIES: i32 = 3;
/// The carrier tells what became of a text for so long.
const WATCH_FOR: Duration = Duration::hours(24);

/// Looks into one text, and again later while it is open.
///
/// # Errors
/// When the carrier or the database is away; the job then runs again.
pub async fn reconcile(app: &App, actor: &Actor, id: TextId) -> Result<(), Error> {
    let mut tx = app.db.begin(actor).await?;
    let held = texts::lock(&mut tx, id).await?;
    tx.commit().await?;
    match (held.state, held.sid.as_deref(), held.posted_at) {
        (TextState::Bound, Some(sid), _) => watch(app, actor, &held, sid).await,
        (TextState::Sending | TextState::Unknown, _, Some(posted_at)) => {
            let since = posted_at - Duration::seconds(5);
            let found = app.texts.find(&held.number, &held.own_number, since).await?;
            look(app, actor, id, found).await
        }
        (
            TextState::Bound
            | TextState::Sending
            | TextState::Unknown
            | TextState::Scheduled
            | TextState::Rejected
            | TextState::NotSent
            | TextState::HeldBack
            | TextState::CalledOff
            | TextState::Received,
            _,
            _,
        ) => Ok(()),
    }
}

/// A text the carrier has: its callbacks may have been lost on the way.
async fn watch(app: &App, actor: &Actor, held: &HeldText, sid: &str) -> Result<(), Error> {
    if held.fate.step.is_some_and(|step| step.rank() >= Delivery::Failed.rank()) {
        return Ok(());
    }
    let known = app.texts.fetch(&CarrierSid(sid.to_owned())).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = texts::lock(&mut tx, held.id).await?;
    text_tidings::hear(&mut tx, actor, &held, known.step, &known.code, now).await?;
    let age = held.posted_at.map_or(WATCH_FOR, |posted| now - posted);
    if known.step.rank() < Delivery::Failed.rank() && age < WATCH_FOR {
        // Each look waits about as long as everything before it.
        again(&mut tx, held.id, now, age.num_seconds().clamp(60, 6 * 3600)).await?;
    }
    tx.commit().await
}

/// A text whose outcome is unknown, against the carrier's list.
async fn look(app: &App, actor: &Actor, id: TextId, found: Vec<CarrierText>) -> Result<(), Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let held = texts::lock(&mut tx, id).await?;
    if !matches!(held.state, TextState::Sending | TextState::Unknown) {
        return Ok(());
    }
    let hash = body_hash(held.body.reveal());
    let sids: Vec<String> = found.iter().map(|text| text.sid.0.clone()).collect();
    let owned = texts::owned(&mut tx, &sids).await?;
    let mut free = found.into_iter().filter(|text| text.body_hash == hash && !owned.contains(&text.sid.0));
    let settled = match free.next() {
        Some(first) => {
            texts::bind(&mut tx, id, &first.sid.0, now).await?;
            text_tidings::hear(&mut tx, actor, &held, first.step, &first.code, now).await?;
            again(&mut tx, id, now, 60).await?;
            "bound"
        }
        None => settle_absent(&mut tx, actor, &held, now).await?,
    };
    let deed = Deed::of(DeedKind::SettledText).subject(id.0).with("as", settled).with("surplus", free.count());
    let _receipt = record(&mut tx, actor, &Deed { patient: held.patient, ..deed }, now).await?;
    tx.commit().await
}

/// One more list without a trace of it.
async fn settle_absent(
    tx: &mut OrgTx,
    actor: &Actor,
    held: &HeldText,
    now: DateTime<Utc>,
) -> Result<&'static str, Error> {
    texts::count_clean_list(tx, held.id).await?;
    if !is_settled_absent(held.posted_at, held.clean_lists + 1, now) {
        again(tx, held.id, now, 20).await?;
        return Ok("not_seen");
    }
    if held.tries < MOST_TRIES {
        texts::postpone(tx, held, now, "settled_absent", now).await?;
        return Ok("absent");
    }
    texts::settle(tx, held.id, TextState::NotSent, "settled_absent", now).await?;
    text_tidings::lost(tx, actor, held, "", now).await?;
    Ok("not_sent")
}

async fn again(tx: &mut OrgTx, id: TextId, now: DateTime<Utc>, seconds: i64) -> Result<(), Error> {
    let at = now + Duration::seconds(seconds);
    jobs::enqueue(tx, &Job::ReconcileText { text: id }, &at.timestamp().to_string(), at, now).await
}
