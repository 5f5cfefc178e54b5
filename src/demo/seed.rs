//! The people of the demo and of the stories: two organizations, so that isolation is visible, a login of each role, and
//! patients who live in the town of `evals/calls/first-call.yaml`. Everybody is invented.

use crate::{
    app::App,
    domain::{
        consent::{ConsentAnswer, ConsentChannel, ConsentPurpose},
        ids::{PatientId, StaffId},
        people::{Actor, ChartFacts, Role},
        private::Private,
    },
    error::Error,
    flows::{
        add_staff::{self, Duty, NewStaff},
        admit_patient::{self, NewConsent, NewContact, NewPatient},
        found_organization::{self, NewOrganization},
        second_factors::{self, FactorPolicy},
    },
};
use std::collections::BTreeMap;

/// One login of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The organization's code.
    pub organization: &'static str,
    /// Who.
    pub full_name: &'static str,
    /// Their role.
    pub role: Role,
    /// The name they sign in with.
    pub email: &'static str,
}

/// One seeded organization.
pub struct SeededOrganization {
    /// The operator's actor in it.
    pub operator: Actor,
    /// Its code.
    pub code: &'static str,
    /// Staff by e-mail address.
    pub staff: BTreeMap<&'static str, StaffId>,
    /// Patients by family name.
    pub patients: BTreeMap<&'static str, PatientId>,
}

/// The own number of an organization of the demo.
#[must_use]
pub fn own_number(code: &str) -> Option<&'static str> {
    PLACES.iter().find(|place| place.code == code).map(|place| place.caller_number)
}

struct Place {
    code: &'static str,
    name: &'static str,
    time_zone: &'static str,
    caller_number: &'static str,
    staff: &'static [StaffRow],
    patients: &'static [PatientRow],
}

struct StaffRow(&'static str, &'static str, Role, &'static str);

struct PatientRow {
    given: &'static str,
    family: &'static str,
    born: &'static str,
    phone: &'static str,
    code: &'static str,
    language: &'static str,
    nurse: &'static str,
    programme: &'static str,
    medicines: &'static str,
    allergies: &'static str,
    facts: ChartFacts,
    contact: Option<ContactRow>,
}

struct ContactRow(&'static str, &'static str, &'static str, &'static str);

const AT_HOME: ChartFacts =
    ChartFacts { comfort_only_plan: Some(false), actively_dying: Some(false), home_oxygen: Some(false) };
const ON_OXYGEN: ChartFacts = ChartFacts { home_oxygen: Some(true), ..AT_HOME };
const COMFORT: ChartFacts = ChartFacts { comfort_only_plan: Some(true), ..AT_HOME };

const MAYA: &str = "maya@riverside.example";
const TOM: &str = "tom@riverside.example";
const PRIYA: &str = "priya@lakeside.example";

const PLACES: [Place; 2] = [
    Place {
        code: "riverside",
        name: "Riverside Home Hospice",
        time_zone: "America/New_York",
        caller_number: "+12125550199",
        staff: &[
            StaffRow(MAYA, "Maya Okafor", Role::Nurse, "+12125550150"),
            StaffRow(TOM, "Tom Brandt", Role::Nurse, "+12125550151"),
            StaffRow("lena@riverside.example", "Lena Fischer", Role::Nurse, "+12125550152"),
            StaffRow("clara@riverside.example", "Clara Jensen", Role::Coordinator, ""),
            StaffRow("amir@riverside.example", "Amir Haddad", Role::Physician, ""),
            StaffRow("ada@riverside.example", "Ada Lind", Role::Admin, ""),
            StaffRow("otto@riverside.example", "Otto Weiss", Role::Auditor, ""),
        ],
        patients: &[
            PatientRow::new("Rosa", "Delgado", "1948-04-12", "+12125550101", "4821").programme("copd"),
            PatientRow::new("Walter", "Lindqvist", "1944-01-23", "+12125550102", "6072"),
            PatientRow::new("Ines", "Ferreira", "1957-06-08", "+12125550103", "3318").nurse(TOM),
            PatientRow::new("Harold", "Bloom", "1950-12-19", "+12125550104", "9054").nurse(TOM),
            PatientRow::new("June", "Whitaker", "1941-03-03", "+12125550105", "2280"),
            PatientRow::new("Grace", "Adeyemi", "1939-11-02", "+12125550106", "1166")
                .contact(ContactRow("Samuel Adeyemi", "son", "+12125550126", "7350"))
                .facts(COMFORT),
            PatientRow::new("Carmen", "Ibáñez", "1952-09-30", "+12125550107", "1946").language("es-US"),
            PatientRow::new("Edith", "Marlow", "1946-07-15", "+12125550108", "5193").programme("cancer"),
            PatientRow::new("Viktor", "Hale", "1949-02-28", "+12125550109", "4407").facts(ON_OXYGEN),
        ],
    },
    Place {
        code: "lakeside",
        name: "Lakeside Palliative Care",
        time_zone: "America/Chicago",
        caller_number: "+13125550199",
        staff: &[
            StaffRow(PRIYA, "Priya Raman", Role::Nurse, "+13125550150"),
            StaffRow("noor@lakeside.example", "Noor Aziz", Role::Coordinator, ""),
            StaffRow("iris@lakeside.example", "Iris Kowal", Role::Auditor, ""),
        ],
        patients: &[PatientRow::new("Arthur", "Novak", "1955-10-05", "+13125550101", "8126").nurse(PRIYA)],
    },
];

impl PatientRow {
    const fn new(
        given: &'static str,
        family: &'static str,
        born: &'static str,
        phone: &'static str,
        code: &'static str,
    ) -> Self {
        Self {
            given,
            family,
            born,
            phone,
            code,
            language: "en-US",
            nurse: MAYA,
            programme: "general",
            medicines: "Salbutamol inhaler as ordered; morphine oral solution as ordered",
            allergies: "None known",
            facts: AT_HOME,
            contact: None,
        }
    }

    const fn nurse(mut self, email: &'static str) -> Self {
        self.nurse = email;
        self
    }

    const fn programme(mut self, programme: &'static str) -> Self {
        self.programme = programme;
        self
    }

    const fn language(mut self, tag: &'static str) -> Self {
        self.language = tag;
        self
    }

    const fn facts(mut self, facts: ChartFacts) -> Self {
        self.facts = facts;
        self
    }

    const fn contact(mut self, contact: ContactRow) -> Self {
        self.contact = Some(contact);
        self
    }
}

/// Every login, in the order the demo prints them.
#[must_use]
pub fn logins() -> Vec<Login> {
    PLACES
        .iter()
        .flat_map(|place| {
            place.staff.iter().map(|StaffRow(email, full_name, role, _)| Login {
                organization: place.code,
                full_name,
                role: *role,
                email,
            })
        })
        .collect()
}

/// Founds both organizations with their people. `password` is asked once for each login.
///
/// # Errors
/// When somebody of these is already there, or the database is away.
pub async fn seed(app: &App, password: impl Fn(&Login) -> Private<String>) -> Result<Vec<SeededOrganization>, Error> {
    let mut seeded = Vec::new();
    for place in &PLACES {
        let operator = found_organization::found(app, organization(place)).await?;
        // Who looks around for ten minutes is offered a second factor and needs none.
        second_factors::set_policy(app, &operator, FactorPolicy::Offered).await?;
        let mut staff = BTreeMap::new();
        for row in place.staff {
            let StaffRow(email, full_name, role, phone) = *row;
            let login = Login { organization: place.code, full_name, role, email };
            let new = NewStaff {
                email: email.to_owned(),
                full_name: full_name.to_owned(),
                role,
                password: password(&login),
                phone: phone.to_owned(),
                duty: if role == Role::Nurse { Duty::On } else { Duty::Off },
                team: String::new(),
            };
            staff.insert(email, add_staff::add(app, &operator, new).await?);
        }
        let mut patients = BTreeMap::new();
        for row in place.patients {
            let nurse = staff.get(row.nurse).copied();
            patients.insert(row.family, admit(app, &operator, row, place.time_zone, nurse).await?);
        }
        seeded.push(SeededOrganization { operator, code: place.code, staff, patients });
    }
    Ok(seeded)
}

fn organization(place: &Place) -> NewOrganization {
    NewOrganization {
        code: place.code.to_owned(),
        name: place.name.to_owned(),
        country: "US".to_owned(),
        time_zone: place.time_zone.to_owned(),
        caller_number: place.caller_number.to_owned(),
    }
}

async fn admit(
    app: &App,
    operator: &Actor,
    row: &PatientRow,
    time_zone: &str,
    nurse: Option<StaffId>,
) -> Result<PatientId, Error> {
    let new = NewPatient {
        given_name: row.given.into(),
        family_name: row.family.into(),
        date_of_birth: row.born.into(),
        phone: row.phone.into(),
        language: row.language.to_owned(),
        time_zone: time_zone.to_owned(),
        call_code: row.code.into(),
        nurse,
        team: None,
        programme: row.programme.to_owned(),
        allergies: row.allergies.into(),
        medications: row.medicines.into(),
        facts: row.facts,
    };
    let patient = admit_patient::admit(app, operator, new).await?;
    consent(app, operator, patient, ConsentPurpose::BeCalled, None).await?;
    if let Some(ContactRow(name, relation, phone, code)) = &row.contact {
        let contact = NewContact {
            full_name: (*name).into(),
            relation: (*relation).into(),
            phone: (*phone).into(),
            call_code: (*code).into(),
        };
        let contact = admit_patient::add_contact(app, operator, patient, contact).await?;
        consent(app, operator, patient, ConsentPurpose::DiscussHealth, Some(contact)).await?;
    }
    Ok(patient)
}

async fn consent(
    app: &App,
    operator: &Actor,
    patient: PatientId,
    purpose: ConsentPurpose,
    contact: Option<crate::domain::ids::ContactId>,
) -> Result<(), Error> {
    let new = NewConsent {
        contact,
        purpose,
        channel: ConsentChannel::Any,
        answer: ConsentAnswer::Given,
        evidence: "signed enrolment form (invented)".into(),
    };
    admit_patient::record_consent(app, operator, patient, new).await.map(drop)
}
