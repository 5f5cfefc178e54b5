//! A patient is admitted, found and read; what was typed wrong is named, and another organization sees none of it.

use crate::support::office::{Office, a_patient};
use careline::{
    domain::{
        consent::{ConsentAnswer, ConsentChannel, ConsentPurpose},
        identity::call_code_hash,
        people::Role,
    },
    error::Error,
    flows::{
        admit_patient::{NewConsent, NewContact, add_contact, admit, record_consent},
        open_chart::{find, open},
    },
};
use sqlx::Row;

fn allowed(contact: Option<careline::domain::ids::ContactId>, purpose: ConsentPurpose) -> NewConsent {
    NewConsent {
        contact,
        purpose,
        channel: ConsentChannel::Voice,
        answer: ConsentAnswer::Given,
        evidence: "signed form of 2026-11-20".into(),
    }
}

#[tokio::test]
async fn a_patient_is_admitted_with_a_daughter_who_may_hear_and_the_chart_shows_it() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let nurse = office.add(&operator, Role::Nurse).await;
    let patient = office.admit(&nurse, "Lovelace").await;
    let daughter = NewContact {
        full_name: "Anne Lovelace".into(),
        relation: "daughter".into(),
        phone: "212-555-0124".into(),
        call_code: "1860".into(),
    };
    let daughter = add_contact(&office.app, &nurse, patient, daughter).await.unwrap();
    assert!(!open(&office.app, &nurse, patient).await.unwrap().contacts[0].may_discuss_health, "before any consent");
    record_consent(&office.app, &nurse, patient, allowed(None, ConsentPurpose::BeCalled)).await.unwrap();
    record_consent(&office.app, &nurse, patient, allowed(Some(daughter), ConsentPurpose::DiscussHealth)).await.unwrap();
    let chart = open(&office.app, &nurse, patient).await.unwrap();
    assert_eq!(chart.patient.phone.reveal().reveal(), "+12125550123", "normalized with the organization's country");
    assert_eq!(chart.patient.date_of_birth.reveal().to_string(), "1944-03-09");
    assert!(chart.contacts[0].may_discuss_health);
    assert_eq!(chart.consents.len(), 2);
    let withdrawn =
        NewConsent { answer: ConsentAnswer::Refused, ..allowed(Some(daughter), ConsentPurpose::DiscussHealth) };
    office.clock.advance(std::time::Duration::from_secs(60));
    record_consent(&office.app, &nurse, patient, withdrawn).await.unwrap();
    let chart = open(&office.app, &nurse, patient).await.unwrap();
    assert!(!chart.contacts[0].may_discuss_health, "the newest fact is in force");
    assert_eq!(chart.consents.len(), 2, "a fact replaces, and is kept");
}

#[tokio::test]
async fn every_faulty_field_is_named_at_once_and_nothing_is_written() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let mut wrong = a_patient("");
    wrong.phone = "0412 345 678".into();
    wrong.date_of_birth = "2031-01-01".into();
    wrong.time_zone = "CST".into();
    wrong.language = "en".into();
    wrong.call_code = "12a4".into();
    let Err(Error::Invalid(text)) = admit(&office.app, &operator, wrong).await else { panic!("six faults pass") };
    for field in ["family name", "telephone", "date of birth", "language", "time zone", "call code"] {
        assert!(text.contains(field), "{field} is not named in: {text}");
    }
    assert!(!text.contains("0412") && !text.contains("12a4"), "what was typed is not repeated: {text}");
    let mut superuser = office.database.superuser().await;
    let written: i64 = sqlx::query("select count(*) from patient").fetch_one(&mut superuser).await.unwrap().get(0);
    assert_eq!(written, 0);
    admit(&office.app, &operator, a_patient("Lovelace")).await.expect("the control");
}

#[tokio::test]
async fn a_number_belongs_to_the_country_of_the_organization() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let mut superuser = office.database.superuser().await;
    sqlx::query("update organization set country = 'AU'").execute(&mut superuser).await.unwrap();
    let mut typed = a_patient("Lovelace");
    typed.phone = "0412 345 678".into();
    let patient = admit(&office.app, &operator, typed).await.unwrap();
    let nurse = office.add(&operator, Role::Nurse).await;
    let chart = open(&office.app, &nurse, patient).await.unwrap();
    assert_eq!(chart.patient.phone.reveal().reveal(), "+61412345678");
}

#[tokio::test]
async fn a_search_takes_the_beginnings_of_names_literally_and_stays_in_its_organization() {
    let office = Office::open().await;
    let riverside = office.found("riverside").await;
    let hillside = office.found("hillside").await;
    let nurse = office.add(&riverside, Role::Nurse).await;
    let neighbour = office.add(&hillside, Role::Nurse).await;
    let patient = office.admit(&nurse, "Lovelace").await;
    office.admit(&nurse, "Lovell").await;
    office.admit(&nurse, "100%_Sure").await;
    let found = async |query: &str| {
        let list = find(&office.app, &nurse, query, 0).await.unwrap();
        list.patients.iter().map(|line| line.family_name.reveal().clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("lovel").await, ["Lovelace", "Lovell"]);
    assert_eq!(found("ada LOVELA").await, ["Lovelace"]);
    assert_eq!(found("%").await, Vec::<String>::new(), "% means itself");
    assert_eq!(found("100%_").await, ["100%_Sure"]);
    assert_eq!(found("").await.len(), 3);
    assert!(find(&office.app, &neighbour, "", 0).await.unwrap().patients.is_empty(), "the neighbours find nobody");
    assert!(matches!(open(&office.app, &neighbour, patient).await, Err(Error::NotFound)));
    let contact = NewContact {
        full_name: "X".into(),
        relation: "x".into(),
        phone: "+12125550124".into(),
        call_code: "0000".into(),
    };
    assert!(matches!(add_contact(&office.app, &neighbour, patient, contact).await, Err(Error::NotFound)));
    let consent = allowed(None, ConsentPurpose::BeCalled);
    assert!(matches!(record_consent(&office.app, &neighbour, patient, consent).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn whoever_does_not_care_for_patients_opens_no_chart() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let patient = office.admit(&operator, "Lovelace").await;
    for (role, permitted) in Role::ALL.map(|role| (role, !matches!(role, Role::Admin | Role::Auditor))) {
        let actor = office.add(&operator, role).await;
        assert_eq!(open(&office.app, &actor, patient).await.is_ok(), permitted, "{}", role.word());
        assert_eq!(find(&office.app, &actor, "", 0).await.is_ok(), permitted, "{}", role.word());
    }
}

#[test]
fn equal_codes_of_two_people_have_unequal_hashes() {
    let (org, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let hash = |person| call_code_hash(&[7; 32], careline::domain::ids::OrgId(org), person, "4711");
    assert_ne!(hash(org), hash(other));
    assert_eq!(hash(org), hash(org), "the control");
}
