//! A staff member writes to a patient: their own words, or one of ours. It is sent by a job, at once or when the patient's
//! hours open.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        contact_hours::{Channel, may_contact},
        ids::{PatientId, TextId},
        people::{Actor, Role},
        private::Private,
        text::{
            LONGEST_BODY, Wording,
            templates::{self, Template},
        },
    },
    error::Error,
    store::{
        audit::open_chart_for,
        reminders,
        standing::{language, number, standing},
        texts::{self, NewText},
    },
};

/// What is written.
#[derive(Clone)]
pub enum Words {
    /// The staff member's own.
    Own(Private<String>),
    /// One of ours; only those of `Template::BY_HAND`.
    Ours(Template),
}

/// A text as a form sends it.
#[derive(Clone)]
pub struct NewWords {
    /// What is written.
    pub words: Words,
    /// Made with the form: posting it twice is one text.
    pub once_key: String,
}

/// Writes it.
///
/// # Errors
/// `Forbidden` unless a nurse or coordinator of the patient's team; `Invalid` for an empty or too long text, and when the
/// patient may not be texted, with the rule and who can act.
pub async fn write(app: &App, actor: &Actor, patient: PatientId, new: NewWords) -> Result<(), Error> {
    let writer = actor.staff_among(&[Role::Nurse, Role::Coordinator]).ok_or(Error::Forbidden)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let id = TextId::at(now);
    let wording = match &new.words {
        Words::Own(_) => Wording::Free,
        Words::Ours(template) if Template::BY_HAND.contains(template) => Wording::Template(*template),
        Words::Ours(_) => return Err(Error::Invalid("choose one of the texts of the list".to_owned())),
    };
    let deed = Deed::of(DeedKind::WroteText).subject(id.0).with("wording", wording.word());
    let chart = open_chart_for(&mut tx, actor, patient, deed, now).await?;
    chart.may_change()?;
    let standing = standing(&mut tx, patient, now).await?;
    let send_at = match may_contact(now, &standing, Channel::Text) {
        Ok(()) => now,
        Err(hold) => match hold.until {
            Some(opens) => opens,
            None => return Err(Error::Invalid(format!("text: {}", hold.says(Channel::Text, standing.time_zone)))),
        },
    };
    let settings = reminders::settings(&mut tx).await?;
    let body = match new.words {
        Words::Own(body) => checked(body)?,
        Words::Ours(template) => {
            let language = language(&mut tx, patient).await?;
            Private::new(templates::words(template, language, &settings.filling))
        }
    };
    let text = NewText {
        id,
        patient: Some(patient),
        number: number(&mut tx, &chart).await?,
        own_number: settings.own_number,
        wording,
        body,
        call: None,
        answers: None,
        check_in: None,
        written_by: Some(writer),
        send_at,
        once_key: format!("staff:{writer}:{}", new.once_key),
    };
    if texts::write(&mut tx, chart.entry(), &text, now).await? {
        tx.commit().await?;
    }
    Ok(())
}

fn checked(body: Private<String>) -> Result<Private<String>, Error> {
    let text = body.into_revealed().replace("\r\n", "\n").replace('\0', "");
    let text = text.trim().to_owned();
    match text.chars().count() {
        0 => Err(Error::Invalid("text: write something".to_owned())),
        1..=LONGEST_BODY => Ok(Private::new(text)),
        _ => Err(Error::Invalid(format!("text: write at most {LONGEST_BODY} characters, or ring instead"))),
    }
}
