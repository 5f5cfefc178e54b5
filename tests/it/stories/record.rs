//! The record as people meet it: nothing is shown that could not be recorded, and whoever asks learns who has seen what.

use crate::support::{office::Office, ward::Ward};
use careline::{
    domain::{audit::DeedKind, people::Role, private::Private},
    error::Error,
    flows::{
        look_up_patient::{Sought, look_up},
        open_chart,
        report_access::report,
        search_record::{RecordQuery, search},
    },
};

/// Rounds of every address while nothing can be recorded.
const ROUNDS: usize = 5;

#[tokio::test]
async fn while_the_record_cannot_be_written_nobody_is_shown_a_patient() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let chart = ward.chart("Delgado");
    let addresses = [chart.clone(), "/patients".into(), "/today".into(), "/follow-ups".into(), format!("/api{chart}")];
    for address in &addresses {
        assert_eq!(maya.get(address).await.unwrap().status, 200, "the control: {address}");
    }
    let block =
        "create trigger blocked before insert on audit_entry for each row execute function record_is_append_only()";
    ward.change(block).await;
    let mut shown = Vec::new();
    for address in addresses.iter().cycle().take(addresses.len() * ROUNDS) {
        let page = maya.get(address).await.unwrap();
        if page.status == 200 || page.html.contains("Delgado") {
            shown.push(address.clone());
        }
    }
    ward.change("drop trigger blocked on audit_entry").await;
    assert!(shown.is_empty(), "{shown:?}");
    let again = maya.get(&chart).await.unwrap();
    assert!(again.status == 200 && again.html.contains("Delgado"), "the control: it was the record alone");
}

#[tokio::test]
async fn whoever_opened_a_call_is_in_the_record_with_the_call() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.ring_now(&maya, "Delgado").await;
    let id = call.trim_start_matches("/calls/").to_owned();
    assert_eq!(maya.get(&call).await.unwrap().status, 200);
    let opened = format!("(select count(*) > 0 from audit_entry where deed = 'opened_call' and subject = '{id}')");
    ward.until_database("an entry that names the call", &opened).await;
    let mut superuser = ward.superuser().await;
    let nameless = "select count(*) from audit_entry where deed = 'opened_call' and subject is null";
    assert_eq!(sqlx::query_scalar::<_, i64>(nameless).fetch_one(&mut superuser).await.unwrap(), 0);
}

#[tokio::test]
async fn a_coordinator_tells_a_patient_who_has_seen_their_record() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let nurse = office.add(&operator, Role::Nurse).await;
    let coordinator = office.add(&operator, Role::Coordinator).await;
    let auditor = office.add(&operator, Role::Auditor).await;
    let patient = office.admit(&nurse, "Delgado").await;
    for _ in 0..3 {
        open_chart::open(&office.app, &nurse, patient).await.unwrap();
    }
    let made = report(&office.app, &coordinator, patient).await.unwrap();
    let people: Vec<_> = made.days.iter().flat_map(|day| &day.people).collect();
    let opened = people.iter().flat_map(|person| &person.lines).find(|line| line.deed_word == "opened_chart").unwrap();
    assert_eq!((opened.times, opened.staff_name.as_deref(), opened.urgent), (3, Some("A nurse"), false));
    assert!(people.iter().any(|person| person.name.as_deref() == Some("A coordinator")), "the report itself is in it");
    assert!(report(&office.app, &auditor, patient).await.is_ok());
    assert!(matches!(report(&office.app, &nurse, patient).await, Err(Error::Forbidden)));
    let hillside = office.found("hillside").await;
    let stranger = office.add(&hillside, Role::Auditor).await;
    assert!(matches!(report(&office.app, &stranger, patient).await, Err(Error::NotFound)), "an id of nobody here");
    let foreign = office.add(&hillside, Role::Coordinator).await;
    assert!(matches!(report(&office.app, &foreign, patient).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn an_auditor_finds_an_id_by_the_exact_name_and_birth_date_alone() {
    let office = Office::open().await;
    let operator = office.found("riverside").await;
    let nurse = office.add(&operator, Role::Nurse).await;
    let auditor = office.add(&operator, Role::Auditor).await;
    let patient = office.admit(&nurse, "Delgado").await;
    let sought = |given: &str, family: &str, born: &str| Sought {
        given_name: Private::new(given.to_owned()),
        family_name: Private::new(family.to_owned()),
        born: Private::new(born.parse().unwrap()),
    };
    let exact = sought("ada", "delgado", "1944-03-09");
    assert_eq!(look_up(&office.app, &auditor, &exact).await.unwrap(), [patient]);
    for near in [
        sought("Ada", "Delg", "1944-03-09"),
        sought("Ada", "Delgado", "1944-03-10"),
        sought("", "Delgado", "1944-03-09"),
    ] {
        assert!(look_up(&office.app, &auditor, &near).await.unwrap().is_empty());
    }
    assert!(matches!(look_up(&office.app, &nurse, &exact).await, Err(Error::Forbidden)));
    let query = RecordQuery { deed: Some(DeedKind::LookedUpPatient), ..RecordQuery::default() };
    let looked = search(&office.app, &auditor, &query, 0).await.unwrap();
    assert_eq!(looked.lines.len(), 4, "each look is in the record");
    assert!(looked.lines.iter().all(|line| line.patient.is_none() && line.detail.is_empty()), "and names nobody");
}
