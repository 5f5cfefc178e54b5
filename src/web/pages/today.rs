//! Today's worklist: the next thing to do on top, then what rings, what is due, what is owed.

use super::{Frame, assets, icons, words};
use crate::{
    app::App,
    domain::{call::CallState, ids::StaffId, people::Role},
    flows::open_worklist::{self, DayCall, Worklist},
    web::{identity::SignedIn, respond, respond::Failure},
};
use askama::Template;
use axum::{extract::State, response::Response};
use chrono::Timelike;
use std::sync::Arc;

/// `GET /today`.
///
/// # Errors
/// When the worklist cannot be read.
pub async fn show(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let list = open_worklist::today(&app, &person.0.actor).await?;
    respond::page(&Today::of(&person, list))
}

/// `GET /today/parts/list`: the lists alone, for the page that refreshes itself.
///
/// # Errors
/// When the worklist cannot be read.
pub async fn list(State(app): State<Arc<App>>, person: SignedIn) -> Result<Response, Failure> {
    let list = open_worklist::today(&app, &person.0.actor).await?;
    let Today { list, me, next, .. } = Today::of(&person, list);
    respond::page(&TodayList { list, me, next })
}

#[derive(Template)]
#[template(path = "today.html")]
struct Today {
    frame: Frame,
    greeting: String,
    has_line: bool,
    may_plan: bool,
    list: Worklist,
    me: Option<StaffId>,
    next: Next,
}

#[derive(Template)]
#[template(path = "parts/worklist.html")]
struct TodayList {
    list: Worklist,
    me: Option<StaffId>,
    next: Next,
}

/// The one thing to do next.
enum Next {
    /// A patient waits in the conference.
    Waiting(DayCall),
    /// A call of the reader is being talked.
    Talking(DayCall),
    /// A follow-up is late.
    Late(open_worklist::ClockedFollowUp),
    /// A call waits for somebody to decide.
    Decide(DayCall),
    /// A call was talked and its assessment not signed.
    Sign(DayCall),
    /// A check-in waits to be read.
    Read(DayCall),
    /// The next call that falls due.
    Due(DayCall),
    /// Nothing is left today.
    Rest,
}

impl Today {
    fn of(person: &SignedIn, list: Worklist) -> Self {
        let me = person.0.actor.staff_id();
        let hour = list.now.with_timezone(&list.zone).hour();
        let part = match hour {
            5..12 => "Good morning",
            12..18 => "Good afternoon",
            18..23 => "Good evening",
            _ => "Hello",
        };
        let first = person.0.full_name.split_whitespace().next().unwrap_or_default();
        let next = next(&list, me);
        Self {
            frame: Frame::of(person, "Today", "/today"),
            greeting: format!("{part}, {first}"),
            has_line: person.0.actor.role() == Some(Role::Nurse),
            may_plan: matches!(person.0.actor.role(), Some(Role::Nurse | Role::Coordinator)),
            list,
            me,
            next,
        }
    }
}

/// Most urgent first: a waiting patient outranks all else; work of the reader's own comes before that of others.
fn next(list: &Worklist, me: Option<StaffId>) -> Next {
    let mine = |call: &&DayCall| call.nurse == me || call.nurse.is_none();
    let waiting = list.live.iter().find(|call| call.state == CallState::WaitingForNurse);
    let talking = list.live.iter().find(|call| call.state == CallState::Bridged && call.nurse == me);
    let late = list.follow_ups.iter().find(|owed| owed.due_at < list.now && Some(owed.owner) == me);
    if let Some(call) = waiting {
        return Next::Waiting(call.clone());
    }
    if let Some(call) = talking {
        return Next::Talking(call.clone());
    }
    if let Some(owed) = late {
        return Next::Late(owed.clone());
    }
    if let Some(call) = list.needs_person.iter().find(mine) {
        return Next::Decide(call.clone());
    }
    if let Some(call) = list.check_ins.iter().find(mine) {
        return Next::Read(call.clone());
    }
    if let Some(call) = list.unsigned.iter().find(mine) {
        return Next::Sign(call.clone());
    }
    list.due.iter().find(mine).map_or(Next::Rest, |call| Next::Due(call.clone()))
}
