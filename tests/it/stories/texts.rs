//! Texts, from a nurse's screen to a telephone and back: announced, stopped, answered by people, never sent twice.

use crate::support::ward::Ward;
use careline::{
    demo::nurse::Nurse,
    domain::people::Actor,
    flows::{announce_calls, hear_text},
    simulator::carrier::TextSeen,
};
use chrono::Duration;
use std::time::Duration as Span;

const ROSA: &str = "+12125550101";
const CARMEN: &str = "+12125550107";
const RIVERSIDE: &str = "+12125550199";

/// A ward whose number brings texts to it.
async fn open() -> Ward {
    let ward = Ward::open().await;
    connect(&ward);
    ward
}

fn connect(ward: &Ward) {
    let org = ward.organizations[0].operator.org;
    ward.town.carrier().set_text_address(RIVERSIDE, &format!("{}/hooks/text/{org}/in#rc=3&rp=ct,rt,5xx", ward.origin));
}

fn sent_to(ward: &Ward, number: &str) -> Vec<TextSeen> {
    ward.town.carrier().texts().into_iter().filter(|text| text.to == number).collect()
}

async fn until_sent(ward: &Ward, number: &str, part: &str) -> TextSeen {
    ward.eventually(&format!("a text saying {part:?}"), async || {
        sent_to(ward, number).iter().any(|text| text.body.contains(part))
    })
    .await;
    sent_to(ward, number).into_iter().find(|text| text.body.contains(part)).unwrap()
}

async fn write(ward: &Ward, browser: &Nurse, family_name: &str, words: &str) -> String {
    let address = format!("{}/texts", ward.chart(family_name));
    let page = browser.open(&address).await.unwrap();
    let form = page.form("/texts").unwrap_or_else(|| panic!("no form on:\n{}", page.html));
    match browser.send(&page, &form.with("body", words).with("step", "send")).await {
        Ok(sent) => sent.text(),
        // What is refused comes back with the rule.
        Err(mishap) => mishap.to_string(),
    }
}

async fn misbehave(ward: &Ward, wanted: &str) {
    ward.town.carrier().misbehave_with_texts(&serde_json::from_str(wanted).unwrap());
}

async fn announce(ward: &Ward) {
    let actor = Actor::careline(ward.organizations[0].operator.org);
    announce_calls::announce(&ward.app(), &actor).await.unwrap();
}

#[tokio::test]
async fn what_a_nurse_writes_arrives_and_its_way_is_shown() {
    let ward = open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = write(&ward, &maya, "Delgado", "Hello Rosa, please ring when you can. Maya").await;
    assert!(page.contains("Hello Rosa"), "{page}");
    let text = until_sent(&ward, ROSA, "Hello Rosa").await;
    assert_eq!((text.from.as_str(), text.shown <= 1), (RIVERSIDE, true));
    ward.until_database("its arrival to be known", "exists (select from text_message where delivery = 'delivered')")
        .await;
    let page = maya.open(&format!("{}/texts", ward.chart("Delgado"))).await.unwrap();
    assert!(page.text().contains("arrived"), "{}", page.text());
    assert_eq!(sent_to(&ward, ROSA).len(), 1);
}

#[tokio::test]
async fn stop_in_mid_schedule_ends_every_text_and_start_brings_them_back() {
    let ward = open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.plan_in(&maya, "Delgado", Duration::hours(48)).await;
    announce(&ward).await;
    ward.until_database(
        "an announcement to wait",
        "exists (select from text_message where state = 'scheduled' and wording = 'call_reminder')",
    )
    .await;
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "please stop texting me").await;
    ward.until_database(
        "the announcement to be called off in the transaction of the stop",
        "exists (select from text_message where state = 'called_off' and wording = 'call_reminder')
         and exists (select from opt_out where stopped and number = '+12125550101' and evidence like 'text %')",
    )
    .await;
    until_sent(&ward, ROSA, "no more texts").await;
    ward.let_pass(Span::from_secs(47 * 3600)).await;
    announce(&ward).await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = write(&ward, &maya, "Delgado", "Hello again").await;
    assert!(page.contains("no more texts"), "the screen says why and who can act: {page}");
    ward.settle().await;
    assert_eq!(sent_to(&ward, ROSA).len(), 1, "nothing but the answer to the stop: {:#?}", sent_to(&ward, ROSA));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "START").await;
    until_sent(&ward, ROSA, "again").await;
    write(&ward, &maya, "Delgado", "Welcome back").await;
    until_sent(&ward, ROSA, "Welcome back").await;
}

#[tokio::test]
async fn a_planned_call_is_announced_once_and_a_call_that_moves_takes_its_announcement_with_it() {
    let ward = open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.plan_in(&maya, "Ibáñez", Duration::hours(26)).await;
    announce(&ward).await;
    announce(&ward).await;
    ward.let_pass(Span::from_secs(2 * 3600 + 300)).await;
    let text = until_sent(&ward, CARMEN, "pensamos llamarle").await;
    assert!(text.body.contains("miércoles 18 de noviembre"), "{}", text.body);
    ward.settle().await;
    assert_eq!(sent_to(&ward, CARMEN).len(), 1);
    let maya = ward.sign_in("maya@riverside.example").await;
    let other = ward.plan_in(&maya, "Lindqvist", Duration::hours(47)).await;
    announce(&ward).await;
    let id = other.trim_start_matches("/calls/").to_owned();
    ward.change(&format!("update call set state = 'cancelled' where id = '{id}'")).await;
    announce(&ward).await;
    ward.until_database(
        "its announcement to be called off",
        &format!("exists (select from text_message where call_id = '{id}' and state = 'called_off')"),
    )
    .await;
}

#[tokio::test]
async fn a_cry_for_help_is_never_answered_by_a_machine_but_becomes_work_with_an_owner_and_a_clock() {
    let ward = open().await;
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "no puedo respirar bien").await;
    let answer = until_sent(&ward, ROSA, "911").await;
    assert!(answer.body.contains(RIVERSIDE) && !answer.body.contains("respirar"), "{}", answer.body);
    ward.until_database(
        "a follow-up for a person",
        "exists (select from follow_up f join staff_member s on s.id = f.owner_id
                  where f.reason = 'urgent_text' and f.state = 'open' and f.due_at <= f.created_at + interval '1 hour')",
    )
    .await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let today = maya.open("/today").await.unwrap();
    assert!(today.text().contains("One text waits"), "{}", today.text());
    let list = maya.open("/texts").await.unwrap();
    assert!(list.text().contains("no puedo respirar bien") && list.text().contains("may be urgent"), "{}", list.text());
    let read = list.form("/read").unwrap();
    maya.send(&list, &read).await.unwrap();
    assert!(maya.open("/texts").await.unwrap().text().contains("Every text has been read"));
}

#[tokio::test]
async fn a_text_of_nobody_known_is_kept_and_put_with_a_patient_by_a_person() {
    let ward = open().await;
    ward.town.carrier().make_text("+12125550177", RIVERSIDE, "My aunt Rosa fell in the kitchen").await;
    ward.until_database(
        "it to be kept",
        "exists (select from text_message where state = 'received' and patient_id is null)",
    )
    .await;
    until_sent(&ward, "+12125550177", "911").await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = maya.open(&format!("{}/texts", ward.chart("Delgado"))).await.unwrap();
    assert!(page.text().contains("My aunt Rosa fell"), "{}", page.text());
    maya.send(&page, &page.form("/put").unwrap()).await.unwrap();
    ward.until_database(
        "it to be work for the patient",
        "exists (select from follow_up where reason = 'urgent_text') and exists
         (select from text_message where state = 'received' and patient_id is not null)",
    )
    .await;
}

#[tokio::test]
async fn a_text_that_comes_twice_counts_once_and_one_for_another_organization_is_refused() {
    let ward = open().await;
    misbehave(&ward, r#"{"callbacks": "twice"}"#).await;
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "me siento mal").await;
    ward.settle().await;
    ward.until_database(
        "one text and one follow-up",
        "(select count(*) from text_message where state = 'received') = 1
         and (select count(*) from follow_up where reason = 'urgent_text') = 1",
    )
    .await;
    let lakeside = ward.organizations[1].operator.org;
    ward.town.carrier().set_text_address(RIVERSIDE, &format!("{}/hooks/text/{lakeside}/in", ward.origin));
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "to the wrong house").await;
    ward.settle().await;
    ward.until_database("nothing more to be kept", "(select count(*) from text_message where state = 'received') = 1")
        .await;
}

#[tokio::test]
async fn a_text_whose_answer_is_lost_is_sent_once() {
    for fault in ["drop_accepted", "500_accepted"] {
        let ward = open().await;
        let maya = ward.sign_in("maya@riverside.example").await;
        misbehave(&ward, &format!(r#"{{"create": "{fault}", "times": 1, "callbacks": "lost"}}"#)).await;
        write(&ward, &maya, "Delgado", "Only once, please").await;
        ward.until_database("doubt", "exists (select from text_message where state = 'unknown')").await;
        ward.let_pass(Span::from_secs(60)).await;
        ward.until_database("the carrier's list to tell", "exists (select from text_message where state = 'bound')")
            .await;
        ward.let_pass(Span::from_secs(600)).await;
        ward.until_database("its arrival, asked for", "exists (select from text_message where delivery = 'delivered')")
            .await;
        assert_eq!(sent_to(&ward, ROSA).len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_text_that_was_never_sent_goes_out_again_only_after_it_is_proven_absent() {
    let ward = open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    misbehave(&ward, r#"{"create": "drop_refused", "times": 1}"#).await;
    write(&ward, &maya, "Delgado", "Once more").await;
    ward.until_database("doubt", "exists (select from text_message where state = 'unknown')").await;
    ward.let_pass(Span::from_secs(60)).await;
    assert!(sent_to(&ward, ROSA).is_empty(), "not before it is proven");
    for _ in 0..6 {
        ward.let_pass(Span::from_secs(45)).await;
    }
    until_sent(&ward, ROSA, "Once more").await;
    assert_eq!(sent_to(&ward, ROSA).len(), 1);
}

#[tokio::test]
async fn nobody_who_died_is_texted_and_what_does_not_arrive_is_work_for_its_writer() {
    let ward = open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.plan_in(&maya, "Delgado", Duration::hours(26)).await;
    announce(&ward).await;
    ward.patient_status("Delgado", "deceased").await;
    ward.let_pass(Span::from_secs(3 * 3600)).await;
    ward.until_database(
        "the announcement to be held back",
        "exists (select from text_message where wording = 'call_reminder' and state in ('held_back', 'called_off'))",
    )
    .await;
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "she stopped breathing").await;
    ward.until_database("a follow-up", "exists (select from follow_up where reason = 'urgent_text')").await;
    ward.settle().await;
    assert!(sent_to(&ward, ROSA).is_empty(), "{:#?}", sent_to(&ward, ROSA));
    // A telephone that nobody in town has: the network says so.
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.change("update patient set phone = '+12125550188' where family_name = 'Lindqvist'").await;
    ward.change("update consent set number = null").await;
    write(&ward, &maya, "Lindqvist", "Are you there").await;
    ward.until_database(
        "work for the writer",
        "exists (select from follow_up f join staff_member s on s.id = f.owner_id
         where f.reason = 'text_lost' and s.email = 'maya@riverside.example')",
    )
    .await;
}

#[tokio::test]
async fn what_somebody_wrote_while_nothing_of_ours_ran_is_fetched_afterwards() {
    let mut ward = open().await;
    ward.kill_server();
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "me caí en el baño").await;
    ward.start_server().await;
    ward.until_database(
        "the text and its follow-up",
        "exists (select from text_message where state = 'received' and body = 'me caí en el baño')
         and exists (select from follow_up where reason = 'urgent_text')",
    )
    .await;
    let actor = Actor::careline(ward.organizations[0].operator.org);
    assert_eq!(hear_text::catch_up(&ward.app(), &actor).await.unwrap(), 0, "what is kept is not taken again");
}

#[tokio::test]
async fn the_admin_names_the_organization_and_says_when_calls_are_announced() {
    let ward = open().await;
    let ada = ward.sign_in("ada@riverside.example").await;
    let page = ada.open("/settings/texts").await.unwrap();
    assert!(page.text().contains("/hooks/text/"), "the address for the carrier: {}", page.text());
    let form = page.form("/settings/texts").unwrap();
    let refused = ada.send(&page, &form.clone().with("name", "").with("lead_hours", "500")).await.err().unwrap();
    assert!(refused.to_string().contains("1 to 30 characters"), "{refused}");
    ada.send(&page, &form.with("name", "Riverside").with("lead_hours", "0")).await.unwrap();
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.plan_in(&maya, "Delgado", Duration::hours(26)).await;
    announce(&ward).await;
    ward.until_database("no announcement", "not exists (select from text_message where wording = 'call_reminder')")
        .await;
    ward.town.carrier().make_text(ROSA, RIVERSIDE, "HELP").await;
    until_sent(&ward, ROSA, "Riverside: texts about your calls").await;
}

#[tokio::test]
async fn a_text_written_at_night_waits_for_the_patients_morning() {
    // Ten in the evening in New York.
    let ward = Ward::open_at("2026-11-18T03:00:00Z".parse().unwrap()).await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let page = write(&ward, &maya, "Delgado", "Good morning").await;
    assert!(page.contains("waits"), "{page}");
    ward.let_pass(Span::from_secs(9 * 3600)).await;
    assert!(sent_to(&ward, ROSA).is_empty(), "seven in the morning is too early");
    ward.let_pass(Span::from_secs(3600 + 60)).await;
    until_sent(&ward, ROSA, "Good morning").await;
}

#[tokio::test]
async fn reports_that_come_reordered_twice_late_or_never_end_the_same() {
    let ward = open().await;
    for mode in ["reordered", "twice", "late", "lost"] {
        misbehave(&ward, &format!(r#"{{"callbacks": "{mode}"}}"#)).await;
        let maya = ward.sign_in("maya@riverside.example").await;
        write(&ward, &maya, "Delgado", &format!("Reports {mode}")).await;
        until_sent(&ward, ROSA, &format!("Reports {mode}")).await;
        for _ in 0..3 {
            ward.let_pass(Span::from_secs(240)).await;
        }
        ward.until_database(
            "its arrival to be known and to stay known",
            &format!("exists (select from text_message where body = 'Reports {mode}' and delivery = 'delivered')"),
        )
        .await;
    }
    assert_eq!(sent_to(&ward, ROSA).len(), 4);
}
