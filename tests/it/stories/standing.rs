//! Who may be rung and when, as people meet it: a death, a consent withdrawn, a number that says stop, hours, holidays,
//! caps. What a rule holds back says which rule and who can act.

use crate::support::ward::{Ward, call_of};
use careline::{
    demo::{
        nurse::Nurse,
        page::{Form, Page},
    },
    simulator::carrier::CallStatus,
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const MAYA: &str = "maya@riverside.example";

async fn standing_page(ward: &Ward, browser: &Nurse, family_name: &str) -> Page {
    browser.open(&format!("{}/standing", ward.chart(family_name))).await.unwrap()
}

/// The form of a page that goes to an address and offers a value.
fn form(page: &Page, action: &str, name: &str, value: &str) -> Form {
    let is_it = |form: &Form| {
        let sends = form.fields.iter().any(|(field, sent)| field == name && sent == value);
        form.action.ends_with(action) && (sends || form.offers(name, value))
    };
    page.forms().into_iter().find(is_it).unwrap_or_else(|| panic!("no form {action} with {value} on:\n{}", page.html))
}

/// Records where a patient stands, as a person does; the page that follows.
async fn set_status(ward: &Ward, browser: &Nurse, family_name: &str, becomes: &str) -> Page {
    let page = standing_page(ward, browser, family_name).await;
    let form = form(&page, "/standing/status", "becomes", becomes)
        .with("becomes", becomes)
        .with("evidence", "her daughter rang at nine");
    browser.send(&page, &form).await.unwrap()
}

#[tokio::test]
async fn a_death_calls_off_everything_at_once_and_the_page_says_what() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let first = ward.plan_in(&maya, "Delgado", chrono::Duration::hours(2)).await;
    let second = ward.plan_in(&maya, "Delgado", chrono::Duration::hours(5)).await;
    let page = set_status(&ward, &maya, "Delgado", "deceased").await;
    let told = page.text();
    for words in ["The patient has died", "2 planned calls were called off: 12:00; 15:00", "her daughter rang at nine"]
    {
        assert!(told.contains(words), "{words} is not on:\n{told}");
    }
    for call in [&first, &second] {
        ward.until_state(call, "cancelled").await;
        let page = maya.open(call).await.unwrap().text();
        assert!(page.contains("The patient has died") && page.contains("correct it in the chart"), "{page}");
    }
    let recorded = "exists (select from audit_entry where deed = 'called_off_contact' and detail->>'calls' = '2'
                       and detail->>'rule' = 'patient_deceased' and detail->>'first_due' <> 'none')";
    ward.until_database("the deed to say what was called off", recorded).await;
    ward.let_pass(400 * MINUTE).await;
    assert!(ward.town.carrier().calls().is_empty(), "nothing rings any more");
}

#[tokio::test]
async fn who_is_set_back_to_active_is_rung_only_when_somebody_plans_it() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.plan_in(&maya, "Ferreira", chrono::Duration::hours(2)).await;
    set_status(&ward, &maya, "Ferreira", "admitted").await;
    let page = set_status(&ward, &maya, "Ferreira", "active").await;
    assert!(page.text().contains("Calls come back only when somebody plans them"), "{}", page.text());
    ward.until_state(&call, "cancelled").await;
    ward.let_pass(25 * MINUTE).await;
    let maya = ward.sign_in(MAYA).await;
    ward.ring_now(&maya, "Ferreira").await;
    ward.until_carrier("the call that was planned anew", |calls| (calls.len() == 1).then_some(())).await;
    ward.let_pass(2 * MINUTE).await;
    assert_eq!(ward.town.carrier().calls().len(), 1);
}

#[tokio::test]
async fn a_telephone_that_rings_when_the_death_is_recorded_is_ended_unheard() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.ring_now(&maya, "Ferreira").await;
    ward.until_carrier("the ring", |calls| calls.first().filter(|call| call.status == CallStatus::Ringing).map(drop))
        .await;
    let page = set_status(&ward, &maya, "Ferreira", "deceased").await;
    assert!(page.text().contains("With the carrier, and ended there unheard: 1."), "{}", page.text());
    ward.until_state(&call, "cancelled").await;
    ward.until_carrier("the ring to end", |calls| calls[0].status.is_over().then_some(())).await;
    assert!(ward.town.carrier().calls()[0].spoken.is_empty());
}

#[tokio::test]
async fn a_dial_whose_answer_was_lost_is_found_and_ended_after_a_death() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    ward.misbehave(r#"{"create": "drop_accepted", "times": 1, "callbacks": "lost"}"#).await;
    let call = ward.ring_now(&maya, "Ferreira").await;
    ward.until_attempt(&call, "unknown").await;
    set_status(&ward, &maya, "Ferreira", "deceased").await;
    ward.until_state(&call, "cancelled").await;
    ward.let_pass(Duration::from_secs(12)).await;
    ward.until_carrier("the ring to be found and ended", |calls| calls[0].status.is_over().then_some(())).await;
    let seen = ward.town.carrier().calls();
    assert!(seen.len() == 1 && seen[0].spoken.is_empty() && seen[0].status == CallStatus::Canceled, "{seen:#?}");
}

#[tokio::test]
async fn a_conversation_goes_on_when_the_status_changes() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_state(&call, "bridged").await;
    let page = set_status(&ward, &maya, "Delgado", "admitted").await;
    assert!(
        page.text().contains("Conversations under way that go on, so that nobody is cut off: 1."),
        "{}",
        page.text()
    );
    ward.settle().await;
    ward.until_state(&call, "bridged").await;
}

#[tokio::test]
async fn two_people_who_change_a_status_at_once_make_one_change() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let page = standing_page(&ward, &maya, "Bloom").await;
    let filled =
        form(&page, "/standing/status", "becomes", "admitted").with("becomes", "admitted").with("evidence", "ward");
    let other = filled.clone().with("becomes", "withdrawn");
    assert_eq!(maya.send(&page, &filled).await.unwrap().status, 200);
    assert_eq!(maya.send(&page, &filled).await.unwrap().status, 200, "one form sent twice is one change");
    let late = maya.post(&other.action, &other.fields).await.unwrap();
    assert!(late.status == 422 && late.text().contains("Somebody has written"), "{}", late.text());
    ward.until_database("one change", "(select count(*) = 1 from status_change)").await;
}

#[tokio::test]
async fn a_consent_withdrawn_calls_off_the_planned_call_and_who_can_act_is_said() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.plan_in(&maya, "Bloom", chrono::Duration::hours(2)).await;
    ward.let_pass(MINUTE).await;
    let page = standing_page(&ward, &maya, "Bloom").await;
    let withdrawal = form(&page, "/consents", "answer", "refused").with("evidence", "he said so on the telephone");
    let page = maya.send(&page, &withdrawal).await.unwrap();
    assert!(page.at.ends_with("/standing") && page.text().contains("1 planned call was called off"), "{}", page.text());
    ward.until_state(&call, "cancelled").await;
    let planning = maya.open(&format!("{}/calls/new", ward.chart("Bloom"))).await.unwrap();
    let ring = planning.form("/calls/new").unwrap().with("when", "now");
    let refused = maya.post(&planning.at, &ring.fields).await.unwrap();
    assert!(
        refused.status == 422 && refused.text().contains("record the patient's consent in the chart"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_number_that_says_stop_is_left_alone_until_it_is_lifted_whatever_was_consented() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.plan_in(&maya, "Bloom", chrono::Duration::hours(2)).await;
    let page = standing_page(&ward, &maya, "Bloom").await;
    let said = form(&page, "/standing/opt-out", "wish", "stop");
    let stop = said.clone().with("wish", "stop").with("channel", "voice").with("evidence", "his son, today");
    let page = maya.send(&page, &stop).await.unwrap();
    assert!(page.text().contains("This number asked for no more calls"), "{}", page.text());
    ward.until_state(&call, "cancelled").await;
    ward.let_pass(MINUTE).await;
    let consent = form(&page, "/consents", "answer", "given").with("purpose", "be_called").with("evidence", "form");
    let page = maya.send(&page, &consent).await.unwrap();
    assert!(page.text().contains("This number asked for no more calls"), "a stop outranks a consent: {}", page.text());
    ward.let_pass(MINUTE).await;
    let lift = said.with("wish", "go_on").with("channel", "voice").with("evidence", "he asked for it");
    maya.send(&page, &lift).await.unwrap();
    ward.ring_now(&maya, "Bloom").await;
    ward.until_carrier("the ring", |calls| (calls.len() == 1).then_some(())).await;
}

#[tokio::test]
async fn a_call_without_leave_at_its_time_becomes_work_for_a_person() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.plan_in(&maya, "Bloom", chrono::Duration::minutes(30)).await;
    ward.let_pass(MINUTE).await;
    // Behind the product's back, so that only the check at the instant of dialling is left.
    ward.withdraw_consents("be_called").await;
    ward.let_pass(30 * MINUTE).await;
    // Half an hour without a deed ended Maya's session.
    let maya = ward.sign_in(MAYA).await;
    ward.until_state(&call, "cancelled").await;
    ward.until_follow_up(&call, "call_held_back").await;
    assert!(ward.town.carrier().calls().is_empty());
    let today = maya.open("/today").await.unwrap().text();
    assert!(
        today.contains("Consent to be called was refused or withdrawn") && today.contains("Ask them, then"),
        "{today}"
    );
}

#[tokio::test]
async fn a_holiday_and_a_cap_hold_a_call_and_the_worklist_says_who_can_act() {
    let ward = Ward::open().await;
    let (maya, ada) = (ward.sign_in(MAYA).await, ward.sign_in("ada@riverside.example").await);
    let call = ward.plan_in(&maya, "Bloom", chrono::Duration::minutes(30)).await;
    let settings = ada.open("/settings/calling").await.unwrap();
    let holiday = form(&settings, "/settings/calling/holidays", "name", "")
        .with("day", "2026-11-17")
        .with("name", "Founders' day");
    let shown = ada.send(&settings, &holiday).await.unwrap();
    assert!(shown.text().contains("Founders' day"), "{}", shown.text());
    ward.let_pass(30 * MINUTE).await;
    let (maya, ada) = (ward.sign_in(MAYA).await, ward.sign_in("ada@riverside.example").await);
    ward.until_state(&call, "scheduled").await;
    let id = call_of(&call);
    let waits = format!(
        "exists (select from call where id = '{id}' and outcome = 'holiday' and due_at = '2026-11-18T13:00:00Z')"
    );
    ward.until_database("the call to wait for tomorrow at eight", &waits).await;
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("a holiday of the organization") && page.contains("An admin changes holidays"), "{page}");
    let settings = ada.open("/settings/calling").await.unwrap();
    let removal = form(&settings, "/holidays/remove", "day", "2026-11-17");
    let settings = ada.send(&settings, &removal).await.unwrap();
    let caps = form(&settings, "/settings/calling", "most_rings_day", "6")
        .with("hours", "08:00-20:00")
        .with("most_rings_day", "1")
        .with("most_rings_week", "2");
    assert_eq!(ada.send(&settings, &caps).await.unwrap().status, 200);
    ward.ring_now(&maya, "Ferreira").await;
    ward.until_carrier("the first ring", |calls| (calls.len() == 1).then_some(())).await;
    let planning = maya.open(&format!("{}/calls/new", ward.chart("Ferreira"))).await.unwrap();
    let again = planning.form("/calls/new").unwrap().with("when", "now");
    let refused = maya.post(&planning.at, &again.fields).await.unwrap().text();
    assert!(refused.contains("as often as allowed today") && refused.contains("An admin sets how often"), "{refused}");
}

#[tokio::test]
async fn a_patient_who_moves_and_keeps_own_hours_is_rung_by_their_new_clock() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.plan_in(&maya, "Bloom", chrono::Duration::minutes(30)).await;
    let page = standing_page(&ward, &maya, "Bloom").await;
    let hours = form(&page, "/standing/hours", "time_zone", "America/New_York");
    let faulty = hours.clone().with("time_zone", "Mars").with("tue", "nine to five");
    let refused = maya.post(&faulty.action, &faulty.fields).await.unwrap();
    assert!(refused.status == 422 && refused.text().contains("Write hours such as"), "{}", refused.text());
    let typed = hours.with("time_zone", "America/Los_Angeles").with("tue", "09:00-12:00, 14:00-18:00");
    let saved = maya.send(&page, &typed).await.unwrap();
    assert!(saved.status == 200 && saved.text().contains("09:00-12:00, 14:00-18:00"), "{}", saved.text());
    ward.let_pass(31 * MINUTE).await;
    let id = call_of(&call);
    let waits = format!(
        "exists (select from call where id = '{id}' and state = 'scheduled' and due_at = '2026-11-17T17:00:00Z')"
    );
    ward.until_database("the call to wait for nine in Los Angeles", &waits).await;
    ward.let_pass(91 * MINUTE).await;
    ward.until_carrier("the ring", |calls| (calls.len() == 1).then_some(())).await;
}
