//! Who talks in this bench: an organization, pairs of a patient and a nurse who live in the town, and their calls.

use crate::{
    app::App,
    bench::{Broken, town_ground::TownGround},
    domain::{
        call::{CallManner, CallPurpose},
        consent::{ConsentAnswer, ConsentChannel, ConsentPurpose},
        ids::{CallId, OrgId, PatientId, StaffId},
        people::{Actor, Role},
        private::Private,
    },
    flows::{
        add_staff::{self, Duty, NewStaff},
        admit_patient::{self, NewConsent, NewPatient},
        found_organization::{self, NewOrganization},
        schedule_call::{self, NewCall, OnClash, Scheduled},
        second_factors::{self, FactorPolicy},
    },
    simulator::{
        carrier::{CallSeen, CallStatus},
        people::TownPlan,
    },
};
use std::{fmt::Write, time::Duration};
use uuid::Uuid;

/// Longest wait until everybody talks.
const PATIENCE: Duration = Duration::from_secs(120);
/// Every nurse's.
pub(in crate::bench) const PASSWORD: &str = "tulips under the window";

/// Who talks.
pub(in crate::bench) struct Ward {
    pub(in crate::bench) org: OrgId,
    pub(in crate::bench) pairs: Vec<(PatientId, StaffId)>,
}

/// Lines of patients and nurses: the last four digits begin so.
pub(super) const PATIENTS: u32 = 1_000;
const NURSES: u32 = 2_000;

pub(super) fn number(line: u32, at: u32) -> String {
    format!("+1646555{:04}", line + at)
}

pub(in crate::bench) fn email(at: u32) -> String {
    format!("nurse{at}@harbor.example")
}

/// Patients who prove who they are and allow recording, nurses who take the call; nobody hangs up.
pub(in crate::bench) fn people(calls: u32) -> Result<TownPlan, Broken> {
    let mut plan = "people:\n".to_owned();
    for at in 0..calls {
        write!(
            plan,
            r#"
  - name: Patient {at}
    number: "{}"
    picks_up: {{after_seconds: 0.1}}
    hears:
      - {{says: "press 1 if you are", press: "1"}}
      - {{says: "enter your date of birth", press: "03091944"}}
      - {{says: "four-digit call code", press: "4821"}}
      - {{says: "recorded", press: "1"}}
  - name: Nurse {at}
    number: "{}"
    picks_up: {{after_seconds: 0.1}}
    hears:
      - {{says: "press 1 to take the call", press: "1"}}
"#,
            number(PATIENTS, at),
            number(NURSES, at)
        )
        .map_err(Broken::of)?;
    }
    TownPlan::read(&plan).map_err(Broken::of)
}

pub(in crate::bench) async fn found(app: &App, calls: u32) -> Result<Ward, Broken> {
    let operator = found_organization::found(
        app,
        NewOrganization {
            code: "harbor".to_owned(),
            name: "Harbor".to_owned(),
            country: "US".to_owned(),
            time_zone: "America/New_York".to_owned(),
            caller_number: "+12125550199".to_owned(),
        },
    )
    .await
    .map_err(Broken::of)?;
    second_factors::set_policy(app, &operator, FactorPolicy::Offered).await.map_err(Broken::of)?;
    let mut pairs = Vec::new();
    for at in 0..calls {
        let nurse = NewStaff {
            email: email(at),
            full_name: format!("Nora Example {at}"),
            role: Role::Nurse,
            password: Private::new(PASSWORD.to_owned()),
            phone: number(NURSES, at),
            duty: Duty::On,
            team: String::new(),
        };
        let nurse = add_staff::add(app, &operator, nurse).await.map_err(Broken::of)?;
        pairs.push((admit(app, &operator, nurse, at).await?, nurse));
    }
    Ok(Ward { org: operator.org, pairs })
}

async fn admit(app: &App, operator: &Actor, nurse: StaffId, at: u32) -> Result<PatientId, Broken> {
    let new = NewPatient {
        given_name: "Ada".into(),
        family_name: format!("Example {at}").into(),
        date_of_birth: "1944-03-09".into(),
        phone: number(PATIENTS, at).into(),
        language: "en-US".to_owned(),
        time_zone: "America/New_York".to_owned(),
        call_code: "4821".into(),
        nurse: Some(nurse),
        ..NewPatient::default()
    };
    let patient = admit_patient::admit(app, operator, new).await.map_err(Broken::of)?;
    let consent = NewConsent {
        contact: None,
        purpose: ConsentPurpose::BeCalled,
        channel: ConsentChannel::Any,
        answer: ConsentAnswer::Given,
        evidence: "signed enrolment form (invented)".into(),
    };
    admit_patient::record_consent(app, operator, patient, consent).await.map_err(Broken::of)?;
    Ok(patient)
}

/// Rings everybody and waits until all of them talk.
pub(super) async fn bridge(ground: &TownGround, app: &App, ward: &Ward) -> Result<Vec<CallId>, Broken> {
    let mut calls = Vec::new();
    for (patient, nurse) in &ward.pairs {
        let new = NewCall {
            patient: *patient,
            purpose: CallPurpose::CheckIn,
            manner: CallManner::Nurse,
            protocol: "dyspnea".to_owned(),
            nurse: Some(*nurse),
            due_at: app.clock.now(),
            idem_key: Uuid::now_v7().to_string(),
            clashes: OnClash::Accept,
        };
        let actor = Actor::staff(ward.org, *nurse, Role::Nurse);
        match schedule_call::schedule(app, &actor, new).await.map_err(Broken::of)? {
            Scheduled::Planned(call) => calls.push(call),
            Scheduled::Clashes(_) => return Err(Broken::of("a call was not planned although clashes were accepted")),
        }
    }
    let legs = calls.len() * 2;
    let talking = |seen: &[CallSeen]| {
        let inside = |call: &&CallSeen| call.status == CallStatus::InProgress && call.conference.is_some();
        (seen.iter().filter(inside).count() == legs).then_some(())
    };
    if tokio::time::timeout(PATIENCE, ground.town.carrier().until(talking)).await.is_err() {
        return Err(Broken(format!("the calls were not bridged; the carrier saw {:?}", ground.town.carrier().calls())));
    }
    Ok(calls)
}
