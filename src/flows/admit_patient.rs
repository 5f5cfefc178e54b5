//! Admits a patient, adds their contacts, records what they consented to. Strings become types here, at the door, and
//! each fault is named with its field.

use crate::{
    app::App,
    domain::{
        audit::{Deed, DeedKind},
        consent::{Consent, ConsentAnswer, ConsentChannel, ConsentPurpose},
        hold_back::Rule,
        identity::call_code_hash,
        ids::{ConsentId, ContactId, PatientId, StaffId, TeamId},
        people::{Actor, ChartFacts, Contact, Language, Patient, PatientStatus, PhoneNumber, Role, Who},
        private::Private,
    },
    error::Error,
    live::LiveEvent,
    store::{
        OrgTx, audit,
        calling_off::{self, Cause},
        organizations, people, recordings, standing, teams,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// A patient as a person types them.
#[derive(Clone, Default)]
pub struct NewPatient {
    /// Given name.
    pub given_name: Private<String>,
    /// Family name.
    pub family_name: Private<String>,
    /// Date of birth, `YYYY-MM-DD`.
    pub date_of_birth: Private<String>,
    /// The number that is rung.
    pub phone: Private<String>,
    /// BCP 47 tag of the call script, `en-US` or `es-US`.
    pub language: String,
    /// IANA zone, such as `America/Chicago`.
    pub time_zone: String,
    /// The four digits agreed at enrolment.
    pub call_code: Private<String>,
    /// The nurse who knows them.
    pub nurse: Option<StaffId>,
    /// The care team that will serve them; `None` is the admitting person's own, the operator's is the first.
    pub team: Option<TeamId>,
    /// The programme of care, a code; empty is `general`.
    pub programme: String,
    /// Allergies, as written.
    pub allergies: Private<String>,
    /// Medicines, as written.
    pub medications: Private<String>,
    /// Facts that protocols may read.
    pub facts: ChartFacts,
}

/// A contact as a person types them.
#[derive(Clone, Default)]
pub struct NewContact {
    /// Full name.
    pub full_name: Private<String>,
    /// What they are to the patient, such as daughter.
    pub relation: Private<String>,
    /// Their own number.
    pub phone: Private<String>,
    /// Their own four digits.
    pub call_code: Private<String>,
}

/// A consent as a person writes it down.
#[derive(Clone)]
pub struct NewConsent {
    /// The contact it is about; `None` is the patient themself.
    pub contact: Option<ContactId>,
    /// What for.
    pub purpose: ConsentPurpose,
    /// By which way.
    pub channel: ConsentChannel,
    /// Allowed or not.
    pub answer: ConsentAnswer,
    /// How it is known.
    pub evidence: Private<String>,
}

/// Admits a patient.
///
/// # Errors
/// `Forbidden` unless a nurse, a coordinator or the operator acts; `Invalid` naming every faulty field.
pub async fn admit(app: &App, actor: &Actor, new: NewPatient) -> Result<PatientId, Error> {
    permit(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let country = organizations::country(&mut tx).await?;
    let (patient, remarks) = patient_of(&new, &country, now)?;
    let team = team_for(&mut tx, actor, new.team).await?;
    let hash = call_code_hash(&app.settings.call_code_key, actor.org, patient.id.0, new.call_code.reveal());
    let deed = Deed::of(DeedKind::AdmittedPatient).patient(patient.id).with("team", team);
    let receipt = audit::record(&mut tx, actor, &deed, now).await?;
    people::admit(&mut tx, &receipt, &patient, &remarks, team, &hash, now).await?;
    tx.commit().await?;
    Ok(patient.id)
}

/// The team that will serve a new patient: one the admitting person serves themself.
async fn team_for(tx: &mut OrgTx, actor: &Actor, asked: Option<TeamId>) -> Result<TeamId, Error> {
    let served = match actor.staff_id() {
        Some(staff) => teams::served_by(tx, staff).await?,
        None => teams::all(tx).await?,
    };
    let found = served.iter().find(|team| asked.is_none_or(|asked| asked == team.id));
    found.map(|team| team.id).ok_or_else(|| {
        Error::Invalid(
            "team: a patient is admitted to a care team you serve; ask an admin to add you to one".to_owned(),
        )
    })
}

/// Adds a contact to a patient.
///
/// # Errors
/// As `admit`; `NotFound` when there is no such patient in this organization.
pub async fn add_contact(app: &App, actor: &Actor, patient: PatientId, new: NewContact) -> Result<ContactId, Error> {
    permit(actor)?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor).await?;
    let country = organizations::country(&mut tx).await?;
    let receipt = audit::open_chart(&mut tx, actor, patient, DeedKind::AddedContact, now).await?;
    receipt.may_change()?;
    let _exists: Patient = people::patient(&mut tx, &receipt).await?;
    let contact = contact_of(&new, &country, now)?;
    let hash = call_code_hash(&app.settings.call_code_key, actor.org, contact.id.0, new.call_code.reveal());
    people::add_contact(&mut tx, &receipt, &contact, &hash, now).await?;
    tx.commit().await?;
    Ok(contact.id)
}

/// Records one fact of consent. A patient who no longer wants to be contacted is not: what was planned on that channel is
/// called off in the same transaction.
///
/// # Errors
/// As `admit`; `NotFound` when the patient or contact is not of this organization.
pub async fn record_consent(app: &App, actor: &Actor, patient: PatientId, new: NewConsent) -> Result<ConsentId, Error> {
    permit(actor)?;
    if new.evidence.reveal().trim().is_empty() {
        return Err(Error::Invalid("evidence: write how this is known, such as the date of the form".to_owned()));
    }
    let now = app.clock.now();
    let consent = Consent {
        id: ConsentId::at(now),
        patient,
        contact: new.contact,
        purpose: new.purpose,
        channel: new.channel,
        answer: new.answer,
        number: None,
        evidence: Private::new(new.evidence.reveal().trim().to_owned()),
        author: actor.staff_id(),
        call: None,
        at: now,
    };
    let mut tx = app.db.begin(actor).await?;
    let receipt = audit::open_chart(&mut tx, actor, patient, DeedKind::RecordedConsent, now).await?;
    receipt.may_change()?;
    standing::hold(&mut tx, patient).await?;
    people::record_consent(&mut tx, &receipt, &consent).await?;
    let cause = Cause { rule: Rule::ConsentWithdrawn, fact: consent.id.0 };
    let mut silenced = Vec::new();
    // What is said on a call that is under way is kept no longer, from this transaction on.
    if consent.purpose == ConsentPurpose::RecordCall && consent.answer == ConsentAnswer::Refused {
        silenced = recordings::stop(&mut tx, &receipt, consent.contact).await?;
    }
    if let Some(channels) = consent.closes() {
        silenced.extend(calling_off::call_off(&mut tx, actor, &receipt, cause, channels, now).await?.calls);
    }
    tx.commit().await?;
    for call in silenced {
        app.live.publish(actor.org, call, LiveEvent::CallMoved);
    }
    Ok(consent.id)
}

const fn permit(actor: &Actor) -> Result<(), Error> {
    match actor.who {
        Who::Operator | Who::Staff { role: Role::Nurse | Role::Coordinator, .. } => Ok(()),
        Who::Staff { role: Role::Physician | Role::Admin | Role::Auditor, .. }
        | Who::Careline
        | Who::Carrier
        | Who::Visitor => Err(Error::Forbidden),
    }
}

/// Reads the fields and collects what is wrong with them.
#[derive(Default)]
struct Door {
    faults: Vec<String>,
}

impl Door {
    fn note<T>(&mut self, field: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|fault| self.faults.push(format!("{field}: {fault}"))).ok()
    }

    fn text(&mut self, field: &str, typed: &str) -> Option<String> {
        let text = typed.trim();
        let fits = (1..=200).contains(&text.chars().count());
        self.note(field, if fits { Ok(text.to_owned()) } else { Err("write 1 to 200 characters".to_owned()) })
    }

    fn phone(&mut self, typed: &str, country: &str) -> Option<PhoneNumber> {
        self.note("telephone", PhoneNumber::parse(typed, country).map_err(|fault| fault.to_string()))
    }

    fn call_code(&mut self, typed: &str) {
        let fits = typed.len() == 4 && typed.bytes().all(|byte| byte.is_ascii_digit());
        let _noted: Option<()> =
            self.note("call code", if fits { Ok(()) } else { Err("write exactly four digits".to_owned()) });
    }

    fn refusal(self) -> Error {
        Error::Invalid(self.faults.join("; "))
    }
}

fn patient_of(new: &NewPatient, country: &str, now: DateTime<Utc>) -> Result<(Patient, people::Remarks), Error> {
    let mut door = Door::default();
    let given_name = door.text("given name", new.given_name.reveal());
    let family_name = door.text("family name", new.family_name.reveal());
    let date_of_birth = door.note("date of birth", birth_date(new.date_of_birth.reveal(), now));
    let phone = door.phone(new.phone.reveal(), country);
    let language =
        door.note("language", Language::from_tag(&new.language).ok_or_else(|| "choose en-US or es-US".to_owned()));
    let time_zone = door.note(
        "time zone",
        new.time_zone.parse::<Tz>().map_err(|_| "write an IANA name such as America/Chicago".to_owned()),
    );
    door.call_code(new.call_code.reveal());
    let (Some(given_name), Some(family_name), Some(date_of_birth), Some(phone), Some(language), Some(time_zone), true) =
        (given_name, family_name, date_of_birth, phone, language, time_zone, door.faults.is_empty())
    else {
        return Err(door.refusal());
    };
    let patient = Patient {
        id: PatientId::at(now),
        given_name: Private::new(given_name),
        family_name: Private::new(family_name),
        date_of_birth: Private::new(date_of_birth),
        phone: Private::new(phone),
        language,
        time_zone,
        status: PatientStatus::Active,
        nurse: new.nurse,
        facts: new.facts,
    };
    let programme = if new.programme.trim().is_empty() { "general" } else { new.programme.trim() };
    let remarks = people::Remarks {
        programme: programme.to_owned(),
        allergies: Private::new(new.allergies.reveal().trim().to_owned()),
        medications: Private::new(new.medications.reveal().trim().to_owned()),
    };
    Ok((patient, remarks))
}

fn contact_of(new: &NewContact, country: &str, now: DateTime<Utc>) -> Result<Contact, Error> {
    let mut door = Door::default();
    let full_name = door.text("full name", new.full_name.reveal());
    let relation = door.text("relation", new.relation.reveal());
    let phone = door.phone(new.phone.reveal(), country);
    door.call_code(new.call_code.reveal());
    let (Some(full_name), Some(relation), Some(phone), true) = (full_name, relation, phone, door.faults.is_empty())
    else {
        return Err(door.refusal());
    };
    Ok(Contact {
        id: ContactId::at(now),
        full_name: Private::new(full_name),
        relation: Private::new(relation),
        phone: Private::new(phone),
        may_discuss_health: false,
    })
}

/// A date of birth is a date and never an instant; it is not in the future and nobody is 130 years old.
fn birth_date(typed: &str, now: DateTime<Utc>) -> Result<NaiveDate, String> {
    let date = NaiveDate::parse_from_str(typed.trim(), "%Y-%m-%d")
        .map_err(|_| "write year, month and day, such as 1944-03-09".to_owned())?;
    // Somewhere on earth it is already the next day.
    let latest = now.date_naive().succ_opt().unwrap_or(NaiveDate::MAX);
    match latest.years_since(date) {
        None => Err("this day has not come yet; check the year".to_owned()),
        Some(130..) => Err("this is more than 130 years ago; check the year".to_owned()),
        Some(0..130) => Ok(date),
    }
}
