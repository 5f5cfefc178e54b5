//! Stories of planning: care plans that ring by themselves, other times, covers, shifts, rules on ringing again.

use crate::support::ward::{Ward, call_of};
use careline::{
    demo::{nurse::Nurse, page::Page},
    domain::people::Actor,
    flows::plan_ahead,
};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const CLARA: &str = "clara@riverside.example";
const MAYA: &str = "maya@riverside.example";
const TOM: &str = "tom@riverside.example";

/// Sends the form of a patient's plans with some of its fields filled in.
async fn plan_form(ward: &Ward, browser: &Nurse, family: &str, act: &str, filled: &[(&str, &str)]) -> Page {
    let page = browser.open(&format!("{}/plans", ward.chart(family))).await.unwrap();
    let mut form = page.forms().into_iter().find(|form| form.offers("act", "keep")).unwrap();
    for (name, value) in filled {
        form = form.with(name, value);
    }
    browser.post(&format!("{}/plans", ward.chart(family)), &form.with("act", act).fields).await.unwrap()
}

async fn one_number(ward: &Ward, statement: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select ({statement})::bigint")))
        .fetch_one(&mut ward.superuser().await)
        .await
        .unwrap()
}

async fn texts(ward: &Ward, statement: &str) -> Vec<String> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned())).fetch_all(&mut ward.superuser().await).await.unwrap()
}

/// Waiting calls of care plans, on New York's clock.
const WAITING: &str = "select to_char(due_at at time zone 'America/New_York', 'Dy MM-DD HH24:MI')
                         from call where plan_id is not null and state = 'scheduled' order by due_at";
/// Occurrences of plans that have more than one call that was not called off.
const TWICE: &str = "select count(*) from (select from call where plan_id is not null and state <> 'cancelled'
                                           group by org_id, plan_id, occurs_at having count(*) > 1) twice";

async fn careline(ward: &Ward) -> Actor {
    Actor::careline(ward.organizations[0].operator.org)
}

async fn until_calls(ward: &Ward, count: usize) {
    ward.until_database(
        &format!("{count} planned calls"),
        &format!("(select count(*) from call where plan_id is not null and state = 'scheduled') = {count}"),
    )
    .await;
}

#[tokio::test]
async fn a_care_plan_makes_each_of_its_calls_once_at_the_same_time_of_day_over_a_change_of_the_clocks() {
    let ward = Ward::open_at("2026-10-29T15:00:00Z".parse().unwrap()).await;
    let clara = ward.sign_in(CLARA).await;
    let rule = [("usual", "FREQ=WEEKLY;BYDAY=MO,TH"), ("at", "10:00"), ("starts_on", "2026-10-29")];
    let seen = plan_form(&ward, &clara, "Delgado", "preview", &rule).await;
    assert!(seen.text().contains("Mon 2 Nov, 10:00"), "the next dates are shown first: {}", seen.text());
    assert_eq!(one_number(&ward, "select count(*) from care_plan").await, 0, "looking keeps nothing");
    plan_form(&ward, &clara, "Delgado", "keep", &rule).await;
    until_calls(&ward, 4).await;
    let waiting = ["Mon 11-02 10:00", "Thu 11-05 10:00", "Mon 11-09 10:00", "Thu 11-12 10:00"];
    assert_eq!(texts(&ward, WAITING).await, waiting);
    // Planners beside each other, and again: nothing is made twice.
    let (app, actor) = (ward.app(), careline(&ward).await);
    for _ in 0..3 {
        ward.change("update care_plan set look_at = 'epoch', covered_until = null").await;
        let (one, other) = tokio::join!(plan_ahead::plan(&app, &actor), plan_ahead::plan(&app, &actor));
        assert_eq!((one.unwrap(), other.unwrap()), (0, 0));
    }
    assert_eq!((texts(&ward, WAITING).await.len(), one_number(&ward, TWICE).await), (4, 0));
    // The control: without its key an occurrence can be there twice, and the question notices.
    ward.change("drop index call_of_plan").await;
    ward.change(
        "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at, idem_key,
                           plan_id, occurs_at)
         select org_id, gen_random_uuid(), patient_id, purpose, protocol_id, due_at, state, script, created_at, 'again',
                plan_id, occurs_at from call where plan_id is not null limit 1",
    )
    .await;
    assert_eq!(one_number(&ward, TWICE).await, 1);
    ward.change("delete from call where idem_key = 'again'").await;
    ward.change(
        "create unique index call_of_plan on call (org_id, plan_id, occurs_at, round) where plan_id is not null",
    )
    .await;
}

#[tokio::test]
async fn a_planned_call_of_a_care_plan_rings_by_itself_and_the_horizon_moves_on() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    plan_form(&ward, &clara, "Ferreira", "keep", &[("usual", "FREQ=DAILY"), ("at", "11:00")]).await;
    until_calls(&ward, 14).await;
    ward.only_one_attempt().await;
    ward.let_pass(61 * MINUTE).await;
    ward.until_carrier("the telephone to ring", |calls| (calls.len() == 1).then_some(())).await;
    assert_eq!(ward.town.carrier().calls()[0].to, "+12125550103");
    let plan = careline(&ward).await;
    for _ in 0..4 {
        ward.let_pass(360 * MINUTE).await;
    }
    plan_ahead::plan(&ward.app(), &plan).await.unwrap();
    assert_eq!(texts(&ward, WAITING).await.len(), 14, "a day has gone and a day has come");
    assert_eq!(one_number(&ward, TWICE).await, 0);
}

#[tokio::test]
async fn a_plan_is_paused_gone_on_with_changed_and_ended_and_what_waits_follows() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    plan_form(&ward, &clara, "Delgado", "keep", &[("usual", "FREQ=DAILY"), ("at", "11:00")]).await;
    until_calls(&ward, 14).await;
    let press = async |act: &'static str| {
        let page = clara.open(&format!("{}/plans", ward.chart("Delgado"))).await.unwrap();
        let form = page.forms().into_iter().find(|form| form.offers("act", act)).unwrap();
        clara.post(&format!("{}/plans", ward.chart("Delgado")), &form.with("act", act).fields).await.unwrap()
    };
    press("pause").await;
    until_calls(&ward, 0).await;
    press("resume").await;
    until_calls(&ward, 14).await;
    let filled = press("edit").await;
    let form = filled.forms().into_iter().find(|form| form.offers("act", "keep")).unwrap();
    let form = form.with("usual", "").with("rule", "FREQ=WEEKLY;BYDAY=FR").with("act", "keep");
    clara.post(&format!("{}/plans", ward.chart("Delgado")), &form.fields).await.unwrap();
    until_calls(&ward, 2).await;
    assert_eq!(texts(&ward, WAITING).await, ["Fri 11-20 11:00", "Fri 11-27 11:00"]);
    press("end").await;
    until_calls(&ward, 0).await;
    let page = clara.open(&ward.chart("Delgado")).await.unwrap();
    assert!(!page.text().contains("Called off"), "dates that were given up are no calls of the chart: {}", page.text());
}

#[tokio::test]
async fn a_patient_in_hospital_is_not_planned_for_and_is_again_once_they_are_home() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    plan_form(&ward, &clara, "Delgado", "keep", &[("usual", "FREQ=DAILY"), ("at", "11:00")]).await;
    until_calls(&ward, 14).await;
    let (app, actor) = (ward.app(), careline(&ward).await);
    ward.patient_status("Delgado", "admitted").await;
    plan_ahead::plan(&app, &actor).await.unwrap();
    until_calls(&ward, 0).await;
    ward.patient_status("Delgado", "active").await;
    plan_ahead::plan(&app, &actor).await.unwrap();
    until_calls(&ward, 14).await;
    assert_eq!(one_number(&ward, TWICE).await, 0);
    // The control: without the trigger the planner does not hear of it before its next round.
    ward.change("drop trigger look_at_plans on patient").await;
    ward.patient_status("Delgado", "admitted").await;
    plan_ahead::plan(&app, &actor).await.unwrap();
    assert_eq!(texts(&ward, WAITING).await.len(), 14);
    ward.change(
        "create trigger look_at_plans after update of status, time_zone, phone on patient for each row
           when ((old.status, old.time_zone, old.phone) is distinct from (new.status, new.time_zone, new.phone))
           execute function look_at_plans()",
    )
    .await;
}

#[tokio::test]
async fn a_bad_rule_comes_back_with_everything_that_was_typed_and_what_to_do() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    for (rule, says) in [
        ("twice a week", "cannot be read"),
        ("FREQ=HOURLY", "at most once a day"),
        ("FREQ=DAILY;BYHOUR=9,17", "time of day has a field of its own"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "falls on no day"),
    ] {
        let back = plan_form(&ward, &clara, "Delgado", "keep", &[("usual", ""), ("rule", rule), ("at", "11:30")]).await;
        assert_eq!(back.status, 422);
        assert!(back.text().contains(says), "{rule}: {}", back.text());
        assert!(back.html.contains("11:30"), "what was typed is still there");
    }
    let back = plan_form(&ward, &clara, "Delgado", "keep", &[("usual", "FREQ=DAILY"), ("at", "05:00")]).await;
    assert!(back.text().contains("calling hours"), "{}", back.text());
    assert_eq!(one_number(&ward, "select count(*) from care_plan").await, 0);
}

#[tokio::test]
async fn a_call_somebody_moved_stays_there_and_one_they_called_off_stays_off() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    plan_form(&ward, &clara, "Delgado", "keep", &[("usual", "FREQ=WEEKLY;BYDAY=WE,FR"), ("at", "11:00")]).await;
    until_calls(&ward, 4).await;
    let calls = texts(&ward, "select id::text from call where plan_id is not null order by due_at").await;
    let address = format!("/calls/{}", calls[0]);
    let page = clara.open(&format!("{address}/move")).await.unwrap();
    let form = page.form("/move").unwrap().with("due", "2026-11-18T15:30");
    let moved = clara.send(&page, &form).await.unwrap();
    assert_eq!(moved.at, address, "{}", moved.text());
    let page = clara.open(&format!("/calls/{}", calls[1])).await.unwrap();
    clara.send(&page, &page.form("/cancel").unwrap()).await.unwrap();
    ward.change("update care_plan set look_at = 'epoch', covered_until = null").await;
    plan_ahead::plan(&ward.app(), &careline(&ward).await).await.unwrap();
    assert_eq!(texts(&ward, WAITING).await, ["Wed 11-18 15:30", "Wed 11-25 11:00", "Fri 11-27 11:00"]);
}

#[tokio::test]
async fn a_planned_call_rings_now_once_and_not_again_at_its_old_time() {
    let ward = Ward::open().await;
    ward.only_one_attempt().await;
    let maya = ward.sign_in(MAYA).await;
    let call = ward.plan_in(&maya, "Ferreira", chrono::Duration::hours(3)).await;
    let page = maya.open(&call).await.unwrap();
    let form = page.form("/ring").unwrap();
    let ring = format!("{call}/ring");
    let (one, other) = tokio::join!(maya.post(&ring, &form.fields), maya.post(&ring, &form.fields));
    assert!(one.unwrap().status < 500 && other.unwrap().status < 500);
    ward.until_carrier("the telephone to ring", |calls| (calls.len() == 1).then_some(())).await;
    for _ in 0..4 {
        ward.let_pass(60 * MINUTE).await;
    }
    assert_eq!(ward.town.carrier().calls().len(), 1);
    // Hours without a deed ended her session.
    let maya = ward.sign_in(MAYA).await;
    let refused = maya.post(&ring, &[token(&maya).await]).await.unwrap();
    assert_eq!(refused.status, 409, "{}", refused.text());
}

#[tokio::test]
async fn a_call_in_the_way_is_shown_first_and_planned_all_the_same_when_somebody_wants_it() {
    let ward = Ward::open().await;
    let maya = ward.sign_in(MAYA).await;
    let nurse = ward.organizations[0].staff[MAYA].to_string();
    ward.plan_in(&maya, "Delgado", chrono::Duration::hours(2)).await;
    let plan = async |family: &str, due: &str, accept: bool| {
        let page = maya.open(&format!("{}/calls/new", ward.chart(family))).await.unwrap();
        let form = page.form("/calls/new").unwrap().with("when", "planned").with("due", due).with("nurse", &nurse);
        let sent = maya.post(&page.at, &form.fields).await.unwrap();
        if !accept {
            return sent;
        }
        let form = sent.form("/calls/new").unwrap().with("when", "planned");
        let seen = format!("{due} {nurse}");
        maya.post(&page.at, &form.with("accept", &seen).fields).await.unwrap()
    };
    let asked = plan("Delgado", "2026-11-17T12:30", false).await;
    assert!(asked.status == 422 && asked.text().contains("the patient has a call at 12:00"), "{}", asked.text());
    let asked = plan("Bloom", "2026-11-17T12:10", false).await;
    assert!(asked.status == 422 && asked.text().contains("the nurse has another patient at 12:00"), "{}", asked.text());
    assert_eq!(one_number(&ward, "select count(*) from call").await, 1, "nothing was planned yet");
    assert!(plan("Bloom", "2026-11-17T12:10", true).await.at.starts_with("/calls/"));
    assert!(plan("Whitaker", "2026-11-17T13:30", false).await.at.starts_with("/calls/"), "nothing is in the way");
}

/// What every form of a session carries.
async fn token(browser: &Nurse) -> (String, String) {
    let page = browser.open("/planning").await.unwrap();
    page.forms().into_iter().flat_map(|form| form.fields).find(|(name, _)| name == "form_token").unwrap()
}

/// Sends a form of the planning desk.
async fn desk(browser: &Nurse, fields: &[(&str, &str)]) -> Page {
    let mut sent = vec![token(browser).await];
    sent.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    browser.post("/planning", &sent).await.unwrap()
}

#[tokio::test]
async fn while_a_nurse_is_away_their_calls_are_with_whoever_covers_both_see_it_and_they_come_back() {
    let ward = Ward::open().await;
    let (maya_id, tom_id) =
        (ward.organizations[0].staff[MAYA].to_string(), ward.organizations[0].staff[TOM].to_string());
    let clara = ward.sign_in(CLARA).await;
    let plan = [("usual", "FREQ=DAILY"), ("at", "11:00"), ("nurse", maya_id.as_str())];
    plan_form(&ward, &clara, "Delgado", "keep", &plan).await;
    until_calls(&ward, 14).await;
    let cover = [
        ("act", "cover"),
        ("nurse", maya_id.as_str()),
        ("colleague", tom_id.as_str()),
        ("from", "2026-11-18T00:00"),
        ("until", "2026-11-21T00:00"),
    ];
    let said = desk(&clara, &cover).await;
    assert!(said.text().contains("3 planned calls changed hands"), "{}", said.text());
    let with = format!("select count(*) from call where nurse_id = '{tom_id}' and covers_for = '{maya_id}'");
    assert_eq!(one_number(&ward, &with).await, 3);
    for who in [MAYA, TOM] {
        let page = ward.sign_in(who).await.open("/planning").await.unwrap();
        assert!(page.text().contains("Tom Brandt covers for Maya Okafor yours"), "{}", page.text());
        assert!(page.text().contains("3 planned calls"), "{}", page.text());
    }
    // What is planned for Maya now, for a day she is away, is Tom's too.
    let page = clara.open(&format!("{}/calls/new", ward.chart("Bloom"))).await.unwrap();
    let form = page.form("/calls/new").unwrap().with("when", "planned").with("due", "2026-11-19T15:00");
    clara.send(&page, &form.with("nurse", &maya_id)).await.unwrap();
    assert_eq!(one_number(&ward, &with).await, 4);
    let twice = desk(&clara, &cover).await;
    assert!(twice.status == 422 && twice.text().contains("away then already"), "{}", twice.text());
    let id = texts(&ward, "select id::text from cover").await.remove(0);
    desk(&ward.sign_in(MAYA).await, &[("act", "end-cover"), ("id", &id)]).await;
    assert_eq!(one_number(&ward, &with).await, 0, "they came back");
    let refused = desk(&ward.sign_in(TOM).await, &cover).await;
    assert_eq!(refused.status, 403, "nobody sends somebody else away");
}

#[tokio::test]
async fn a_nurse_who_is_off_is_not_rung_and_the_best_of_the_others_is() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    let maya_id = ward.organizations[0].staff[MAYA].to_string();
    let lena_id = ward.organizations[0].staff["lena@riverside.example"].to_string();
    desk(&clara, &[("act", "change-day"), ("nurse", &maya_id), ("day", "2026-11-17"), ("kind", "off")]).await;
    desk(&clara, &[("act", "abilities"), ("nurse", &lena_id), ("spanish", "yes"), ("regions", "us-ny")]).await;
    let shown = clara.open(&format!("{}/calls/new", ward.chart("Ibáñez"))).await.unwrap().items();
    let place = |name: &str, why: &str| shown.iter().position(|item| item.contains(name) && item.contains(why));
    let (best, last) =
        (place("Lena Fischer", "speaks the patient's language"), place("Maya Okafor", "not at work then"));
    assert!(best.is_some() && last.is_some() && best < last, "{shown:?}");
    let call = ward.ring_now(&clara, "Ibáñez").await;
    ward.until_carrier("a nurse to be rung", |calls| {
        calls.iter().find(|call| call.to.starts_with("+1212555015")).map(drop)
    })
    .await;
    let rung = ward.town.carrier().calls();
    assert!(rung.iter().any(|call| call.to == "+12125550152") && rung.iter().all(|call| call.to != "+12125550150"));
    let id = call_of(&call);
    ward.until_database(
        "the reasons to be kept",
        &format!("(select 'serves_team' = any(matched) from call where id = '{id}')"),
    )
    .await;
}

#[tokio::test]
async fn a_rule_of_the_organization_says_how_often_a_busy_patient_is_rung_and_then_a_person_is_told() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    let rule =
        [("act", "set-rule"), ("purpose", "check_in"), ("outcome", "busy"), ("tries", "2"), ("first_pause", "5")];
    let bad = desk(&clara, &[&rule[..], &[("later_pause", "0")]].concat()).await;
    assert!(bad.status == 422 && bad.text().contains("1 to 5 attempts"), "{}", bad.text());
    desk(&clara, &[&rule[..], &[("later_pause", "60")]].concat()).await;
    let call = ward.ring_now(&clara, "Bloom").await;
    // The carrier knows of the busy line before we do; the pause counts from when we heard.
    ward.until_carrier("a busy line", |calls| (calls.len() == 1 && calls[0].status.is_over()).then_some(())).await;
    let heard = "exists (select from call where state = 'scheduled' and outcome = 'busy')";
    ward.until_database("the busy line to be heard of", heard).await;
    ward.let_pass(6 * MINUTE).await;
    ward.until_state(&call, "missed").await;
    ward.until_follow_up(&call, "missed_call").await;
    assert_eq!(ward.town.carrier().calls().len(), 2);
}

#[tokio::test]
async fn a_call_whose_time_is_over_rings_nobody_and_becomes_work_for_a_person() {
    let mut ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    plan_form(&ward, &clara, "Ferreira", "keep", &[("usual", "FREQ=DAILY"), ("at", "11:00"), ("window", "60")]).await;
    until_calls(&ward, 14).await;
    let first = texts(&ward, "select id::text from call order by due_at limit 1").await.remove(0);
    ward.kill_server();
    ward.clock.advance(180 * MINUTE);
    ward.start_server().await;
    let call = format!("/calls/{first}");
    ward.until_state(&call, "missed").await;
    ward.until_follow_up(&call, "missed_call").await;
    assert!(ward.town.carrier().calls().is_empty(), "nobody is rung two hours late");
}

#[tokio::test]
async fn who_slips_out_of_contact_is_seen() {
    let ward = Ward::open().await;
    let clara = ward.sign_in(CLARA).await;
    ward.only_one_attempt().await;
    let call = ward.ring_now(&clara, "Bloom").await;
    ward.until_state(&call, "missed").await;
    let page = clara.open("/outreach").await.unwrap();
    let bloom = page.items().into_iter().find(|item| item.contains("Bloom")).unwrap();
    for says in ["never talked with", "1 attempt since", "1 call given up", "no call is planned"] {
        assert!(bloom.contains(says), "{says}: {bloom}");
    }
    ward.until_database(
        "the reading to be recorded",
        "exists (select from audit_entry where deed = 'listed_outreach')",
    )
    .await;
}
