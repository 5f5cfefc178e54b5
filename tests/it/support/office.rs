//! An application whose telephone, model and speech are connected to nothing, on a leased database and a clock that the
//! test moves: for everything that happens at a desk.

use super::{database::Database, wiring};
use careline::{
    app::App,
    domain::{
        ids::{PatientId, StaffId},
        people::{Actor, Role},
        private::Private,
        session::Device,
    },
    error::Error,
    flows::{
        add_staff::{self, Duty, NewStaff},
        admit_patient::{self, NewPatient},
        found_organization::{self, NewOrganization},
        second_factors::{self, FactorPolicy},
        sign_in::{self, Entry, FirstStep, Identity, Use},
    },
    simulator::clock::VirtualClock,
};
use chrono::{TimeZone, Utc};
use std::sync::Arc;

/// The password of everybody in these tests.
pub const PASSWORD: &str = "correct horse battery";

/// An application at a desk.
pub struct Office {
    pub app: App,
    pub clock: Arc<VirtualClock>,
    pub database: Database,
}

impl Office {
    /// Opens one on an empty database, on a Monday afternoon.
    pub async fn open() -> Self {
        let database = Database::lease().await;
        let clock = Arc::new(VirtualClock::starting_at(Utc.with_ymd_and_hms(2026, 11, 23, 15, 0, 0).unwrap()));
        let app = wiring::app(&database, 4, clock.clone(), &wiring::NO_LINE).await;
        Self { app, clock, database }
    }

    /// Founds an organization; returns the operator in it.
    pub async fn found(&self, code: &str) -> Actor {
        let new = NewOrganization {
            code: code.into(),
            name: format!("{code} hospice"),
            country: "US".into(),
            time_zone: "America/Chicago".into(),
            caller_number: "+12125550100".into(),
        };
        let operator = found_organization::found(&self.app, new).await.unwrap();
        second_factors::set_policy(&self.app, &operator, FactorPolicy::Offered).await.unwrap();
        operator
    }

    /// Adds a staff member who signs in as `<role>@example.org`; returns their actor.
    pub async fn add(&self, operator: &Actor, role: Role) -> Actor {
        let new = NewStaff {
            email: format!("{}@example.org", role.word()),
            full_name: format!("A {}", role.word()),
            role,
            password: Private::new(PASSWORD.into()),
            phone: String::new(),
            duty: Duty::On,
            team: String::new(),
        };
        let id: StaffId = add_staff::add(&self.app, operator, new).await.unwrap();
        Actor::staff(operator.org, id, role)
    }

    /// Admits a patient of a family name.
    pub async fn admit(&self, actor: &Actor, family_name: &str) -> PatientId {
        admit_patient::admit(&self.app, actor, a_patient(family_name)).await.unwrap()
    }
}

/// A patient as typed, without a fault.
pub fn a_patient(family_name: &str) -> NewPatient {
    NewPatient {
        given_name: "Ada".into(),
        family_name: family_name.into(),
        date_of_birth: "1944-03-09".into(),
        phone: "(212) 555-0123".into(),
        language: "en-US".into(),
        time_zone: "America/Chicago".into(),
        call_code: "4711".into(),
        ..NewPatient::default()
    }
}

/// Signs in from a browser not seen before; returns the value of the session's cookie.
pub async fn sign_in(app: &App, organization: &str, email: &str, password: &str) -> Result<String, Error> {
    match first_step(app, organization, email, password).await? {
        FirstStep::Entered(entered) => Ok(entered.session),
        FirstStep::Half(_) => panic!("{email} has a second factor"),
    }
}

/// Types a password in a browser not seen before.
pub async fn first_step(app: &App, organization: &str, email: &str, password: &str) -> Result<FirstStep, Error> {
    let password = Private::new(password.to_owned());
    let entry = Entry { organization, email, password, known: None, device: Device::Firefox };
    sign_in::sign_in(app, &entry).await
}

/// The person behind a session's cookie.
pub async fn whoami(app: &App, cookie: &str) -> Result<Identity, Error> {
    sign_in::whoami(app, cookie, Use::Hand).await
}
