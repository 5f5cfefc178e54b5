//! A ward in which check-ins are kept by text: the package in use, everybody asked for leave, a number that brings replies.

use super::{
    protocol::check_in_files,
    ward::{Ward, call_of},
};
use careline::{
    demo::nurse::Nurse,
    ports::clock::Clock,
    simulator::{carrier::TextSeen, people::TownPlan},
};
use chrono::{DateTime, Utc};
use std::time::Duration;

pub const MAYA: &str = "maya@riverside.example";
pub const RIVERSIDE: &str = "+12125550199";
pub const ROSA: &str = "+12125550101";

/// A ward at ten in the morning whose people write back as in `evals/calls/check-ins-by-text.yaml`.
pub async fn open() -> (Ward, Nurse) {
    let (ward, maya) = open_quiet_at("2026-11-17T15:00:00Z".parse().unwrap()).await;
    let people = include_str!("../../../evals/calls/check-ins-by-text.yaml");
    ward.town.carrier().settle(TownPlan::read(people).unwrap());
    (ward, maya)
}

/// The same where nobody writes by themselves.
pub async fn open_quiet() -> (Ward, Nurse) {
    open_quiet_at("2026-11-17T15:00:00Z".parse().unwrap()).await
}

/// The same at an instant.
pub async fn open_quiet_at(instant: DateTime<Utc>) -> (Ward, Nurse) {
    let ward = Ward::open_at(instant).await;
    for organization in &ward.organizations {
        careline::flows::import_protocol::import(&ward.app(), &organization.operator, check_in_files()).await.unwrap();
    }
    let org = ward.organizations[0].operator.org;
    ward.town.carrier().set_text_address(RIVERSIDE, &format!("{}/hooks/text/{org}/in#rc=3&rp=ct,rt,5xx", ward.origin));
    consent(&ward, "true").await;
    let maya = ward.sign_in(MAYA).await;
    (ward, maya)
}

pub async fn consent(ward: &Ward, given: &str) {
    let at = ward.clock.now().to_rfc3339();
    ward.change(&format!(
        "insert into consent (org_id, id, patient_id, purpose, channel, given, evidence, at)
         select org_id, gen_random_uuid(), id, 'clinical_texts', 'sms', {given}, 'said so at a visit', '{at}'
           from patient"
    ))
    .await;
}

pub fn sent_to(ward: &Ward, number: &str) -> Vec<TextSeen> {
    ward.town.carrier().texts().into_iter().filter(|text| text.to == number).collect()
}

/// Everything a telephone of town has read.
pub fn read_by(ward: &Ward, number: &str) -> String {
    sent_to(ward, number).into_iter().map(|text| text.body).collect::<Vec<_>>().join("\n")
}

pub async fn until_reads(ward: &Ward, number: &str, part: &str) {
    ward.eventually(&format!("a text saying {part:?}"), async || read_by(ward, number).contains(part)).await;
}

/// Lets a townsperson read a text and write back, so many times; each reply is sent in so many copies.
pub async fn rounds(ward: &Ward, many: usize, copies: usize) {
    for round in 1..=many {
        let thinks = || ward.clock.next_alarm().is_some_and(|at| at > ward.clock.now() + chrono::Duration::seconds(2));
        ward.eventually(&format!("somebody to think about text {round}"), async || thinks()).await;
        ward.clock.advance(Duration::from_secs(5));
        let came = format!("(select count(*) from text_message where direction = 'in') >= {}", round * copies);
        ward.until_database(&format!("reply {round}"), &came).await;
    }
}

/// Somebody reads a text that says `part` and writes back a while later.
pub async fn reply(ward: &Ward, number: &str, part: &str, words: &str) {
    until_reads(ward, number, part).await;
    let out = "not exists (select from text_message where wording = 'check_in' and state in ('scheduled', 'sending'))";
    ward.until_database("the question to be out", out).await;
    ward.clock.advance(Duration::from_secs(10));
    ward.town.carrier().make_text(number, RIVERSIDE, words).await;
}

/// Rosa proves who she is.
pub async fn rosa_proves(ward: &Ward) {
    reply(ward, ROSA, "good time", "yes").await;
    reply(ward, ROSA, "date of birth", "04121948").await;
    reply(ward, ROSA, "call code", "4821").await;
    until_reads(ward, ROSA, "1/18").await;
}

pub async fn answers(ward: &Ward, call: &str) -> Vec<String> {
    let call = call_of(call);
    let rows = format!("select question || ' ' || value from check_in_answer where call_id = '{call}' order by at, id");
    sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_all(&mut ward.superuser().await).await.unwrap()
}
