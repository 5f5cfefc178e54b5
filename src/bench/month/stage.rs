//! The stage of a month: a database and a town of its own, the real product between them in this process, an organization
//! with its staff, patients and plans. One clock is everybody's.

use super::{
    cast::{self, Allows, Nurse, Patient},
    diary::{HOME, Span},
};
use crate::{
    app::App,
    bench::{
        Broken,
        town_ground::{Served, TownGround},
    },
    config::ClockConfig,
    demo::DYSPNEA,
    domain::{
        answering::VoicemailRule,
        call::{CallManner, CallPurpose},
        care_plan::Cadence,
        consent::{ConsentAnswer, ConsentChannel, ConsentPurpose},
        dialling::{Dialling, Rate},
        ids::{PatientId, PlanId, StaffId},
        office_hours::AfterHours,
        pace::Allowance,
        people::{Actor, Role},
        private::Private,
        roster::Hours,
    },
    flows::{
        add_staff::{self, Duty, NewStaff},
        admit_patient::{self, NewConsent, NewContact, NewPatient},
        calling_rules::{self, TypedRules},
        connect_numbers,
        found_organization::{self, NewOrganization},
        import_protocol, keep_care_plan, keep_roster,
        set_texting::{self, TypedTexting},
    },
    simulator::{clock::VirtualClock, people::TownPlan},
};
use chrono::NaiveTime;
use futures_util::{StreamExt, TryStreamExt, stream};
use sqlx::{Executor, PgConnection};
use std::{path::PathBuf, sync::Arc};

/// The organization's own number.
pub const OWN_NUMBER: &str = "+12125550199";
/// Connections of the product: each plans every statement for itself, and nobody waits longer than a few milliseconds for one.
const CONNECTIONS: u32 = 6;
/// A connection plans a statement anew five times before it keeps a plan, which in an hour is nothing and in this minute is most
/// of it.
const ONE_PLAN: &str = "alter role app_rw set plan_cache_mode = 'force_generic_plan'";
/// People and plans written down at once.
const AT_ONCE: usize = 6;

/// The stage.
pub struct Stage {
    /// The town and the database.
    pub ground: TownGround,
    /// The product.
    pub app: Arc<App>,
    /// Everybody's clock.
    pub clock: Arc<VirtualClock>,
    /// A coordinator.
    pub coordinator: Actor,
    /// An admin.
    pub admin: Actor,
    /// Nurses.
    pub nurses: Vec<Nurse>,
    /// Patients.
    pub patients: Vec<Patient>,
    /// A superuser's connection: to ask when something falls due, and to count.
    pub superuser: PgConnection,
    served: Served,
}

impl Stage {
    /// Sets it up, with everybody in place at the beginning of the month.
    ///
    /// # Errors
    /// When the database or the town cannot be started here, or the product refuses its people.
    pub async fn set(span: Span, patients: Vec<Patient>, nurses: usize) -> Result<Self, Broken> {
        let mut ground = TownGround::open_at(PathBuf::new(), TownPlan::default(), span.begins()).await?;
        ground.config.clock = ClockConfig::Machine;
        ground.go_by_socket();
        ground.config.dialling = dialling();
        let mut superuser = ground.superuser().await?;
        superuser.execute(ONE_PLAN).await.map_err(Broken::of)?;
        let clock = ground.shared_clock();
        let mut app = ground.app_over(CONNECTIONS).await?;
        app.clock = clock.clone();
        let app = Arc::new(app);
        let served = ground.serve(app.clone()).await?;
        let operator = found(&app).await?;
        let admin = staff(&app, &operator, Role::Admin, 0).await?;
        let coordinator = staff(&app, &operator, Role::Coordinator, 0).await?;
        let mut stage =
            Self { ground, app, clock, coordinator, admin, nurses: Vec::new(), patients, superuser, served };
        stage.settle_house(span, &operator).await?;
        let hired = stream::iter(0..nurses).map(|at| stage.hire(&operator, at)).buffered(AT_ONCE);
        stage.nurses = hired.try_collect().await?;
        stage.admit(&operator, span).await?;
        Ok(stage)
    }

    /// The database learns how much is in its tables, as it does by itself once a minute.
    ///
    /// # Errors
    /// When it is away.
    pub async fn learn(&mut self) -> Result<(), Broken> {
        self.superuser.execute("analyze").await.map_err(Broken::of).map(drop)
    }

    /// Stops everything and removes the folder.
    pub async fn leave(self) {
        self.served.end().await;
        self.app.db.close().await;
        self.ground.leave().await;
    }

    async fn settle_house(&mut self, span: Span, operator: &Actor) -> Result<(), Broken> {
        let app = &self.app;
        let rules = TypedRules {
            hours: "08:00-20:00".to_owned(),
            most_rings_day: "6".to_owned(),
            most_rings_week: "20".to_owned(),
            emergency_number: "911".to_owned(),
            voicemail: VoicemailRule::NameFree.word().to_owned(),
            after_hours: AfterHours::Ring.word().to_owned(),
        };
        calling_rules::set(app, &self.admin, &rules).await.map_err(Broken::of)?;
        if let Some(day) = span.holiday() {
            calling_rules::add_holiday(app, &self.admin, &day.to_string(), "Holiday").await.map_err(Broken::of)?;
        }
        let texting = TypedTexting { name: "Riverside".to_owned(), lead_hours: "20".to_owned() };
        set_texting::set(app, &self.admin, &texting).await.map_err(Broken::of)?;
        let files = DYSPNEA.map(|(name, text)| (name.to_owned(), text.to_owned()));
        import_protocol::import(app, operator, files.into()).await.map_err(Broken::of)?;
        connect_numbers::connect(app, operator).await.map_err(Broken::of)?;
        let texts = format!("{}/hooks/text/{}/in", self.ground.origin(), operator.org);
        self.ground.town.carrier().set_text_address(OWN_NUMBER, &texts);
        Ok(())
    }

    /// A nurse with a roster: early, late, or the weekend.
    async fn hire(&self, operator: &Actor, at: usize) -> Result<Nurse, Broken> {
        let nurse = staff(&self.app, operator, Role::Nurse, at).await?;
        let id = nurse.staff_id().ok_or_else(|| Broken::of("a nurse without an id"))?;
        let hours = |from: u32, until: u32| Hours { from: clock_time(from), until: clock_time(until) };
        let shifts: [(&[u32], Hours); 2] = match at % 3 {
            0 => [(&[1, 2, 3, 4, 5], hours(7, 16)), (&[6], hours(9, 16))],
            1 => [(&[1, 2, 3, 4, 5], hours(13, 23)), (&[7], hours(12, 23))],
            _ => [(&[6, 7], hours(8, 23)), (&[2, 4], hours(10, 20))],
        };
        for (days, hours) in shifts {
            keep_roster::add_shifts(&self.app, &self.coordinator, id, days, hours).await.map_err(Broken::of)?;
        }
        Ok(Nurse { number: cast::nurse_number(at), id })
    }

    /// Everybody is admitted, asked, and has a plan.
    async fn admit(&mut self, operator: &Actor, span: Span) -> Result<(), Broken> {
        let (app, coordinator, nurses) = (self.app.clone(), self.coordinator, self.nurses.clone());
        let drawn = std::mem::take(&mut self.patients);
        let admitted = stream::iter(drawn.into_iter().enumerate()).map(|(at, patient)| {
            let nurse = nurses.get(at % nurses.len().max(1)).map(|nurse| nurse.id);
            admit_one(&app, operator, &coordinator, patient, nurse.filter(|_| at % 3 > 0), span)
        });
        self.patients = admitted.buffered(AT_ONCE).try_collect().await?;
        Ok(())
    }
}

/// The usual bounds, but for the pace: it is the carrier's limit in real time, and here a month passes in a minute.
fn dialling() -> Dialling {
    let quick = Allowance { burst: 10_000, per_hour: 360_000_000 };
    Dialling { rate: Rate { of_number: quick, of_organization: quick }, ..Dialling::default() }
}

async fn found(app: &App) -> Result<Actor, Broken> {
    let new = NewOrganization {
        code: "riverside".to_owned(),
        name: "Riverside".to_owned(),
        country: "US".to_owned(),
        time_zone: HOME.name().to_owned(),
        caller_number: OWN_NUMBER.to_owned(),
    };
    found_organization::found(app, new).await.map_err(Broken::of)
}

async fn staff(app: &App, operator: &Actor, role: Role, at: usize) -> Result<Actor, Broken> {
    let is_nurse = role == Role::Nurse;
    let new = NewStaff {
        email: format!("{}{at}@example.org", role.word()),
        full_name: format!("{} Invented {at}", role.word()),
        role,
        password: Private::new(hex::encode(rand::random::<[u8; 16]>())),
        phone: if is_nurse { cast::nurse_number(at) } else { String::new() },
        duty: if is_nurse { Duty::On } else { Duty::Off },
        team: String::new(),
    };
    let id = add_staff::add(app, operator, new).await.map_err(Broken::of)?;
    Ok(Actor::staff(operator.org, id, role))
}

async fn admit_one(
    app: &App,
    operator: &Actor,
    coordinator: &Actor,
    mut patient: Patient,
    nurse: Option<StaffId>,
    span: Span,
) -> Result<Patient, Broken> {
    let private = |text: &str| Private::new(text.to_owned());
    let new = NewPatient {
        given_name: private("Ada"),
        family_name: private("Invented"),
        date_of_birth: Private::new(patient.born.to_string()),
        phone: private(&patient.number),
        language: patient.language.to_owned(),
        time_zone: patient.zone.name().to_owned(),
        call_code: private(&patient.code),
        nurse,
        ..NewPatient::default()
    };
    patient.id = admit_patient::admit(app, operator, new).await.map_err(Broken::of)?;
    for (purpose, channel) in match patient.allows {
        Allows::Nothing => Vec::new(),
        Allows::Calls => vec![(ConsentPurpose::BeCalled, ConsentChannel::Voice)],
        Allows::CallsAndTexts => vec![(ConsentPurpose::BeCalled, ConsentChannel::Any)],
    } {
        consent(app, operator, patient.id, purpose, channel, ConsentAnswer::Given).await?;
    }
    if let Some((code, number)) = &patient.caregiver {
        let new = NewContact {
            full_name: private("Cora Invented"),
            relation: private("daughter"),
            phone: private(number),
            call_code: private(code),
        };
        let contact = admit_patient::add_contact(app, operator, patient.id, new).await.map_err(Broken::of)?;
        let allowed = NewConsent {
            contact: Some(contact),
            purpose: ConsentPurpose::DiscussHealth,
            channel: ConsentChannel::Any,
            answer: ConsentAnswer::Given,
            evidence: private("signed form (invented)"),
        };
        admit_patient::record_consent(app, operator, patient.id, allowed).await.map_err(Broken::of)?;
    }
    let cadence = Cadence {
        purpose: CallPurpose::CheckIn,
        protocol: "dyspnea".to_owned(),
        nurse: None,
        rule: patient.beat.rule(),
        starts_on: span.first,
        at: patient.at,
        window_minutes: 360,
        manner: CallManner::Nurse,
    };
    let plan = PlanId::at(app.clock.now());
    keep_care_plan::make(app, coordinator, patient.id, plan, cadence).await.map_err(Broken::of)?;
    patient.plan = Some(plan);
    Ok(patient)
}

/// Writes down what a patient allows or no longer allows.
///
/// # Errors
/// When the product refuses.
pub async fn consent(
    app: &App,
    actor: &Actor,
    patient: PatientId,
    purpose: ConsentPurpose,
    channel: ConsentChannel,
    answer: ConsentAnswer,
) -> Result<(), Broken> {
    let evidence = Private::new("signed form (invented)".to_owned());
    let new = NewConsent { contact: None, purpose, channel, answer, evidence };
    admit_patient::record_consent(app, actor, patient, new).await.map_err(Broken::of).map(drop)
}

fn clock_time(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default()
}
