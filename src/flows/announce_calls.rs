//! Announces planned calls by text, so long before as the organization wants, to patients who want texts. Announcements of
//! calls that moved are called off.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        contact_hours::{Channel, may_contact},
        ids::{CallId, PatientId, TextId},
        people::Actor,
        private::Private,
        text::{
            Wording,
            remind::remind_at,
            templates::{self, Filling, Template},
        },
    },
    error::Error,
    store::{
        audit::{open_chart_for, record},
        reminders,
        standing::{language, number, standing},
        texts::{self, NewText},
    },
};
use chrono::{DateTime, Duration, Utc};

/// Announcements are written so long before they are due, so that whatever calls them off finds them.
const AHEAD: Duration = Duration::hours(36);
/// Most calls looked at in one round.
const MOST: i64 = 200;

/// Writes the announcements that are near. How many there were.
///
/// # Errors
/// When the database is away.
pub async fn announce(app: &App, actor: &Actor) -> Result<usize, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let settings = reminders::settings(&mut tx).await?;
    let stale = reminders::call_off_stale(&mut tx, now).await?;
    if stale > 0 {
        let deed = Deed::of(DeedKind::CalledOffTexts).with("texts", stale).with("why", "call_moved");
        let _receipt = record(&mut tx, actor, &deed, now).await?;
    }
    let near = if settings.lead > Duration::zero() {
        reminders::unannounced(&mut tx, now, now + settings.lead + AHEAD, MOST).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    let mut written = 0;
    for (call, patient, due_at) in near {
        if announce_one(app, actor, call, patient, due_at).await? {
            written += 1;
        }
    }
    Ok(written)
}

async fn announce_one(
    app: &App,
    actor: &Actor,
    call: CallId,
    patient: PatientId,
    due_at: DateTime<Utc>,
) -> Result<bool, Error> {
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let standing = standing(&mut tx, patient, now).await?;
    let settings = reminders::settings(&mut tx).await?;
    let opens = |at| match may_contact(at, &standing, Channel::Text) {
        Ok(()) => Some(at),
        Err(hold) => hold.until,
    };
    let Some(send_at) = remind_at(now, due_at, settings.lead, opens) else { return Ok(false) };
    if !reminders::is_planned(&mut tx, call, due_at).await? {
        return Ok(false);
    }
    let id = TextId::at(now);
    let wording = Wording::Template(Template::CallReminder);
    let deed = Deed::of(DeedKind::WroteText).subject(id.0).with("wording", wording.word()).with("call", call);
    let chart = open_chart_for(&mut tx, actor, patient, deed, now).await?;
    let filling = Filling { when: Some((due_at, standing.time_zone)), ..settings.filling };
    let language = language(&mut tx, patient).await?;
    let text = NewText {
        id,
        patient: Some(patient),
        number: number(&mut tx, &chart).await?,
        own_number: settings.own_number,
        wording,
        body: Private::new(templates::words(Template::CallReminder, language, &filling)),
        call: Some((call, due_at)),
        answers: None,
        check_in: None,
        written_by: None,
        send_at,
        once_key: reminders::once_key(call, due_at),
    };
    let written = texts::write(&mut tx, chart.entry(), &text, now).await?;
    if written {
        tx.commit().await?;
    }
    Ok(written)
}
