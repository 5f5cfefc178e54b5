//! Opens today's worklist: what rings now, what is due, what has ended, and which follow-ups run out of time.

pub use crate::store::worklist::{ClockedFollowUp, DayCall};

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        call::{CallManner, CallState},
        dialling::Pause,
        people::Actor,
    },
    error::Error,
    store::{audit, dialling, inbox, worklist},
};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// One day of the organization.
#[derive(Clone)]
pub struct Worklist {
    /// The instant it was read.
    pub now: DateTime<Utc>,
    /// The organization's zone; every time is shown in it.
    pub zone: Tz,
    /// On the telephone now, longest first.
    pub live: Vec<DayCall>,
    /// Asked by text now, longest first.
    pub texted: Vec<DayCall>,
    /// A person must decide: identity not proven, no nurse came, an attempt in doubt.
    pub needs_person: Vec<DayCall>,
    /// Talked, and the assessment is not signed yet.
    pub unsigned: Vec<DayCall>,
    /// Check-ins by keypad that wait for a nurse to read and sign them, the worst first.
    pub check_ins: Vec<DayCall>,
    /// Due and not rung yet, soonest first; those before `now` are overdue.
    pub due: Vec<DayCall>,
    /// Over for today, latest first.
    pub ended: Vec<DayCall>,
    /// Open follow-ups due before tomorrow ends, soonest first.
    pub follow_ups: Vec<ClockedFollowUp>,
    /// Texts that nobody has read yet.
    pub unread_texts: i64,
    /// Why nobody is dialled, while that is so.
    pub pause: Option<Pause>,
}

impl Worklist {
    /// Calls that should have been rung by now.
    #[must_use]
    pub fn overdue_calls(&self) -> usize {
        self.due.iter().filter(|call| call.due_at < self.now).count()
    }

    /// Follow-ups past their due time.
    #[must_use]
    pub fn overdue_follow_ups(&self) -> usize {
        self.follow_ups.iter().filter(|owed| owed.due_at < self.now).count()
    }
}

/// Reads the day in which `app.clock` stands, in the organization's zone.
///
/// # Errors
/// When the database is away.
pub async fn today(app: &App, actor: &Actor) -> Result<Worklist, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::record(&mut tx, actor, &Deed::of(DeedKind::OpenedWorklist), now).await?;
    let zone = worklist::zone(&mut tx).await?;
    let today = now.with_timezone(&zone).date_naive();
    let (from, until) = (midnight(today, zone), midnight(today + Duration::days(1), zone));
    let calls = worklist::calls(&mut tx, &receipt, from, until).await?;
    let follow_ups = worklist::follow_ups(&mut tx, &receipt, until + Duration::days(1)).await?;
    let unread_texts = inbox::count_unread(&mut tx, &receipt).await?;
    let pause = dialling::pause_in_force(&mut tx, actor, now).await?;
    tx.commit().await?;
    Ok(Worklist { unread_texts, pause, ..sorted(calls, follow_ups, now, zone) })
}

fn sorted(calls: Vec<DayCall>, follow_ups: Vec<ClockedFollowUp>, now: DateTime<Utc>, zone: Tz) -> Worklist {
    let mut list = Worklist {
        now,
        zone,
        live: Vec::new(),
        texted: Vec::new(),
        needs_person: Vec::new(),
        unsigned: Vec::new(),
        check_ins: Vec::new(),
        due: Vec::new(),
        ended: Vec::new(),
        follow_ups,
        unread_texts: 0,
        pause: None,
    };
    for call in calls {
        match call.state {
            CallState::Placed if call.manner == CallManner::ReplyText => list.texted.push(call),
            CallState::AskingNurse
            | CallState::NurseReady
            | CallState::Placing
            | CallState::Placed
            | CallState::WaitingForNurse
            | CallState::Bridged => {
                list.live.push(call);
            }
            CallState::Scheduled => list.due.push(call),
            CallState::NeedsPerson => list.needs_person.push(call),
            CallState::Done if call.signed != Some(true) && call.manner.is_automatic() => {
                list.check_ins.push(call);
            }
            CallState::Done if call.signed != Some(true) => list.unsigned.push(call),
            CallState::Done | CallState::Missed | CallState::Cancelled => list.ended.push(call),
        }
    }
    list.check_ins.sort_by_key(|call| std::cmp::Reverse(call.disposition));
    list.ended.sort_by_key(|call| std::cmp::Reverse(call.ended_at));
    list
}

/// The first instant of a local day. Where a clock change skips midnight, the day begins when it first exists.
fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let mut local = day.and_time(NaiveTime::MIN);
    for _ in 0..=48 {
        if let Some(instant) = zone.from_local_datetime(&local).earliest() {
            return instant.with_timezone(&Utc);
        }
        local += Duration::minutes(30);
    }
    Utc.from_utc_datetime(&day.and_time(NaiveTime::MIN))
}

/// The organization's zone, for pages that show times of other flows.
///
/// # Errors
/// When the database is away.
pub async fn zone(app: &App, actor: &Actor) -> Result<Tz, Error> {
    let mut tx = app.db.begin(actor).await?;
    let zone = worklist::zone(&mut tx).await?;
    tx.commit().await?;
    Ok(zone)
}
