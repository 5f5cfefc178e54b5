//! What answers is not always a person: voicemails, machines that ask who is calling, a fax, and a carrier that is often
//! wrong about which. Keys prove people; a guess only decides what silence means.

use crate::support::ward::{Ward, call_of};
use base64::{Engine, engine::general_purpose::STANDARD};
use careline::{
    demo::nurse::Nurse,
    domain::{ids::CallId, people::Actor},
    flows::place_call,
    simulator::{carrier::CallSeen, machines::MachineSeen, people::TownPlan},
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::time::Duration;

const JUNE: &str = "+12125550105";
const ROSA: &str = "+12125550101";
const CARMEN: &str = "+12125550107";
const WORD: &str = "Hello. Somebody tried to reach you, as planned. Please ring back at 2 1 2 5 5 5 0 1 9 9.";

/// Nothing of these may be said to whoever has not proven who they are.
const SECRETS: [&str; 9] =
    ["whitaker", "june", "delgado", "rosa", "riverside", "hospice", "nurse", "palliative", "breath"];

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn settle(ward: &Ward, people: &str) {
    ward.town.carrier().settle(TownPlan::read(&format!("people:\n{people}")).unwrap());
}

fn newest<'a>(calls: &'a [CallSeen], number: &str) -> Option<&'a CallSeen> {
    calls.iter().rfind(|call| call.to == number)
}

/// Waits until somebody has heard the first question; the sid of their line.
async fn asked(ward: &Ward, number: &str, rings: usize) -> String {
    ward.until_carrier("the first question", |calls| {
        let heard = |heard: &MachineSeen| heard.over_greeting.len() + heard.recorded.len() > 0;
        let has_heard = |call: &&CallSeen| call.to == number && call.machine.as_ref().is_none_or(heard);
        let answered = calls.iter().filter(has_heard).filter(|call| !call.spoken.is_empty()).count();
        (answered == rings).then(|| newest(calls, number).map(|call| call.sid.clone()))?
    })
    .await
}

async fn judged(ward: &Ward, call: &str, by: &str) {
    let id = call_of(call);
    let so = format!("exists (select from attempt where call_id = '{id}' and answered_by = '{by}')");
    ward.until_database("the carrier's guess", &so).await;
}

async fn over(ward: &Ward, sid: &str) -> CallSeen {
    ward.until_carrier("the line to close", |calls| {
        calls.iter().find(|call| call.sid == sid && call.status.is_over()).cloned()
    })
    .await
}

async fn until_outcome(ward: &Ward, call: &str, outcome: &str) {
    let id = call_of(call);
    let so = format!("exists (select from call where id = '{id}' and outcome = '{outcome}')");
    ward.until_database(&format!("the outcome {outcome}"), &so).await;
}

/// The organization leaves a word on voicemails, as its admin says.
async fn leave_words(ward: &Ward) {
    let ada = ward.sign_in("ada@riverside.example").await;
    let page = ada.open("/settings/calling").await.unwrap();
    let form = page.forms().into_iter().find(|form| form.offers("voicemail", "name_free")).unwrap();
    let form = form.with("voicemail", "name_free").with("hours", "08:00-20:00");
    let form = form.with("most_rings_day", "6").with("most_rings_week", "20").with("emergency_number", "911");
    let saved = ada.send(&page, &form).await.unwrap();
    assert_eq!(saved.status, 200, "{}", saved.text());
}

async fn maya(ward: &Ward) -> Nurse {
    ward.sign_in("maya@riverside.example").await
}

#[tokio::test]
async fn a_voicemail_is_hung_up_without_a_word_and_counts_as_a_try() {
    let ward = Ward::open().await;
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Whitaker").await;
    let sid = asked(&ward, JUNE, 1).await;
    ward.let_pass(seconds(6)).await;
    judged(&ward, &call, "machine_end_beep").await;
    ward.let_pass(seconds(6)).await;
    let seen = over(&ward, &sid).await;
    let machine = seen.machine.unwrap();
    assert_eq!(machine.recorded, Vec::<String>::new(), "nothing is on the tape");
    assert_eq!(machine.over_greeting.len(), 1, "the first question went into the greeting: {machine:?}");
    until_outcome(&ward, &call, "voicemail").await;
    ward.until_state(&call, "scheduled").await;
    let page = maya.open(&call).await.unwrap().text();
    assert!(page.contains("A voicemail answered"), "{page}");
    let clara = ward.sign_in("clara@riverside.example").await;
    let outreach = clara.open("/outreach").await.unwrap().text();
    assert!(outreach.contains("1 attempt since, 1 answered by a voicemail"), "{outreach}");
}

#[tokio::test]
async fn a_rule_of_one_try_after_a_voicemail_gives_the_call_to_a_person() {
    let ward = Ward::open().await;
    ward.only_one_attempt().await;
    let maya = maya(&ward).await;
    let clara = ward.sign_in("clara@riverside.example").await;
    let planning = clara.open("/planning").await.unwrap();
    assert!(planning.text().contains("a voicemail answered"), "{}", planning.text());
    let call = ward.ring_now(&maya, "Whitaker").await;
    let sid = asked(&ward, JUNE, 1).await;
    ward.let_pass(seconds(6)).await;
    judged(&ward, &call, "machine_end_beep").await;
    ward.let_pass(seconds(6)).await;
    over(&ward, &sid).await;
    ward.until_state(&call, "missed").await;
    ward.until_follow_up(&call, "missed_call").await;
}

#[tokio::test]
async fn after_its_beep_a_voicemail_hears_exactly_one_sentence_and_only_once_a_day() {
    let ward = Ward::open().await;
    leave_words(&ward).await;
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Whitaker").await;
    let sid = asked(&ward, JUNE, 1).await;
    ward.let_pass(seconds(6)).await;
    ward.until_carrier("the sentence", |calls| {
        let seen = newest(calls, JUNE)?.machine.clone()?;
        (seen.recorded == [WORD]).then_some(())
    })
    .await;
    ward.let_pass(seconds(5)).await;
    let seen = over(&ward, &sid).await;
    assert_eq!(seen.machine.unwrap().recorded, [WORD]);
    until_outcome(&ward, &call, "voicemail").await;
    // The next try of the same day.
    ward.let_pass(seconds(16 * 60)).await;
    let again = asked(&ward, JUNE, 2).await;
    ward.let_pass(seconds(6)).await;
    ward.let_pass(seconds(6)).await;
    assert_eq!(over(&ward, &again).await.machine.unwrap().recorded, Vec::<String>::new(), "once a day");
}

/// The control of the one above: what is said before the beep is seen by the town as lost in the greeting, so words that came
/// too soon would not pass for words after the beep.
#[tokio::test]
async fn words_before_the_beep_are_seen_as_lost_in_the_greeting() {
    let ward = Ward::open().await;
    settle(&ward, &format!("  - {{name: June, number: \"{JUNE}\", picks_up: {{mailbox: {{greeting_seconds: 40}}}}}}"));
    leave_words(&ward).await;
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Whitaker").await;
    let sid = asked(&ward, JUNE, 1).await;
    // A carrier that is wrong about the beep, in its own hand.
    tell_machine(&ward, &call, &sid, "machine_end_beep").await;
    let heard = ward
        .until_carrier("the sentence", |calls| {
            let heard = newest(calls, JUNE)?.machine.clone()?;
            heard.over_greeting.iter().chain(&heard.recorded).any(|said| said == WORD).then_some(heard)
        })
        .await;
    assert_eq!(heard.recorded, Vec::<String>::new(), "nothing is on the tape");
    assert!(heard.over_greeting.iter().any(|said| said == WORD), "{heard:?}");
}

/// Tells the product who answered, signed as the carrier signs.
async fn tell_machine(ward: &Ward, call: &str, sid: &str, by: &str) {
    let (org, attempt) = ward.attempt_of(call).await;
    let url = format!("{}/hooks/phone/{org}/{attempt}/machine", ward.origin);
    let fields = [("AccountSid", "ACtown"), ("AnsweredBy", by), ("CallSid", sid)];
    let signed = fields.iter().fold(url.clone(), |text, (name, value)| text + name + value);
    let mut mac = Hmac::<Sha1>::new_from_slice(b"town-auth-token").unwrap();
    mac.update(signed.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let request = reqwest::Client::new().post(url).header("x-twilio-signature", signature).form(&fields);
    assert_eq!(request.send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_patients_own_rule_outranks_the_house_and_the_sentence_is_in_their_language() {
    let ward = Ward::open().await;
    settle(&ward, &format!("  - {{name: Carmen, number: \"{CARMEN}\", picks_up: voicemail}}"));
    let maya = maya(&ward).await;
    let at = format!("{}/standing", ward.chart("Ibáñez"));
    let page = maya.open(&at).await.unwrap();
    assert!(page.text().contains("As the organization has it"), "{}", page.text());
    let form = page.form("/standing/voicemail").unwrap();
    let refused = maya.post(&form.action, &form.clone().with("voicemail", "sing").fields).await.unwrap();
    assert!(refused.status == 422 && refused.text().contains("Choose from the list"), "{}", refused.text());
    let saved = maya.send(&page, &form.with("voicemail", "name_free")).await.unwrap();
    assert!(saved.text().contains("Set for this patient"), "{}", saved.text());
    ward.ring_now(&maya, "Ibáñez").await;
    asked(&ward, CARMEN, 1).await;
    ward.let_pass(seconds(6)).await;
    let heard = ward
        .until_carrier("the sentence", |calls| {
            newest(calls, CARMEN)?.machine.clone().filter(|m| !m.recorded.is_empty())
        })
        .await;
    assert_eq!(
        heard.recorded,
        ["Hola. Alguien intentó comunicarse con usted, como estaba planeado. Por favor llame al 2 1 2 5 5 5 0 1 9 9."]
    );
}

/// A person who takes two seconds before the first key, and whom the carrier always takes for something else.
fn slow_rosa(taken_for: &str) -> String {
    format!(
        r#"  - name: Rosa Delgado
    number: "{ROSA}"
    picks_up: {{after_seconds: 1}}
    taken_for: {taken_for}
    hears:
      - {{says: "press 1 if you are", press: "1", after_seconds: 2}}
      - {{says: "enter your date of birth", press: "04121948"}}
      - {{says: "four-digit call code", press: "4821"}}
      - {{says: "recorded", press: "1"}}
"#
    )
}

#[tokio::test]
async fn a_person_taken_for_a_machine_presses_keys_and_is_put_through() {
    for by in ["machine_end_beep", "machine_end_silence"] {
        let ward = Ward::open().await;
        settle(&ward, &slow_rosa(by));
        let maya = maya(&ward).await;
        let call = ward.ring_now(&maya, "Delgado").await;
        judged(&ward, &call, by).await;
        ward.until_state(&call, "bridged").await;
    }
}

#[tokio::test]
async fn a_person_who_hears_the_sentence_for_machines_can_still_press_a_key() {
    let ward = Ward::open().await;
    leave_words(&ward).await;
    settle(&ward, &slow_rosa("machine_end_beep").replace("after_seconds: 2}", "after_seconds: 3}"));
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_carrier("the sentence", |calls| {
        newest(calls, ROSA)?.spoken.iter().any(|said| said == WORD).then_some(())
    })
    .await;
    ward.until_state(&call, "bridged").await;
}

#[tokio::test]
async fn a_verdict_that_comes_after_the_keys_changes_nothing() {
    let ward = Ward::open().await;
    ward.misbehave(r#"{"guesses": {"human_as_machine": 100, "late_milliseconds": 60000}, "seed": 3}"#).await;
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_state(&call, "bridged").await;
    ward.let_pass(seconds(61)).await;
    let id = call_of(&call);
    let judged = format!("exists (select from attempt where call_id = '{id}' and answered_by like 'machine%')");
    ward.until_database("the late guess", &judged).await;
    ward.settle().await;
    ward.until_state(&call, "bridged").await;
}

#[tokio::test]
async fn a_lost_verdict_ends_as_no_keys() {
    let ward = Ward::open().await;
    leave_words(&ward).await;
    ward.misbehave(r#"{"guesses": {"lost": 100}}"#).await;
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Whitaker").await;
    let sid = asked(&ward, JUNE, 1).await;
    ward.let_pass(seconds(11)).await;
    ward.let_pass(seconds(11)).await;
    let seen = over(&ward, &sid).await;
    until_outcome(&ward, &call, "no_keys").await;
    assert!(!seen.spoken.iter().any(|said| said == WORD), "no beep was heard of: {:?}", seen.spoken);
}

/// The people of the day on which machines answer.
const MACHINES: &str = include_str!("../../../evals/calls/machines.yaml");

#[tokio::test]
async fn a_machine_that_asks_who_is_calling_is_asked_once_more_and_its_person_comes() {
    let ward = Ward::open().await;
    ward.town.carrier().settle(TownPlan::read(MACHINES).unwrap());
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    asked(&ward, ROSA, 1).await;
    ward.let_pass(seconds(6)).await;
    judged(&ward, &call, "machine_end_silence").await;
    ward.let_pass(seconds(5)).await;
    ward.until_carrier("the second question", |calls| (newest(calls, ROSA)?.spoken.len() == 2).then_some(())).await;
    ward.let_pass(seconds(11)).await;
    ward.until_state(&call, "bridged").await;
    let seen = ward.until_carrier("the robot", |calls| newest(calls, ROSA)?.machine.clone()).await;
    assert!(
        seen.over_greeting.iter().all(|said| said.contains("A person would like to speak with you")),
        "what the robot reads out: {seen:?}"
    );
}

/// The control: without the verdict two silences are nobody, and the person comes too late.
#[tokio::test]
async fn without_the_verdict_such_a_machine_counts_as_silence() {
    let ward = Ward::open().await;
    ward.town.carrier().settle(TownPlan::read(MACHINES).unwrap());
    ward.misbehave(r#"{"guesses": {"lost": 100}}"#).await;
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    let sid = asked(&ward, ROSA, 1).await;
    ward.let_pass(seconds(11)).await;
    ward.until_carrier("the second question", |calls| (newest(calls, ROSA)?.spoken.len() == 2).then_some(())).await;
    ward.let_pass(seconds(11)).await;
    over(&ward, &sid).await;
    until_outcome(&ward, &call, "no_keys").await;
}

#[tokio::test]
async fn a_fax_is_asked_once() {
    let ward = Ward::open().await;
    settle(&ward, &format!("  - {{name: A fax, number: \"{JUNE}\", picks_up: fax}}"));
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Whitaker").await;
    let sid = asked(&ward, JUNE, 1).await;
    ward.let_pass(seconds(2)).await;
    judged(&ward, &call, "fax").await;
    ward.let_pass(seconds(10)).await;
    let seen = over(&ward, &sid).await;
    assert_eq!(seen.spoken.iter().filter(|said| said.contains("press 1")).count(), 1, "{:?}", seen.spoken);
    until_outcome(&ward, &call, "no_keys").await;
}

/// What of the secrets was said on lines whose people proved nothing.
fn leaks(calls: &[CallSeen]) -> Vec<String> {
    let said = calls.iter().flat_map(|call| call.spoken.iter()).map(|said| said.to_lowercase());
    said.filter(|said| SECRETS.iter().any(|secret| said.contains(secret))).collect()
}

/// Two hundred patients beside June, each with a machine of their own kind, and a call to each that is due now.
async fn two_hundred_machines(ward: &Ward, maya: &Nurse) -> Vec<uuid::Uuid> {
    let number = |of: usize| format!("+1212556{of:04}");
    let machine = |of: usize| match of % 8 {
        0 => "fax".to_owned(),
        1 => format!("{{screened: {{asks_seconds: {}, passes_on_after_seconds: 600}}}}", of % 5),
        2 => format!("{{mailbox: {{greeting_seconds: {}, beeps: false}}}}", of % 20),
        _ => format!("{{mailbox: {{greeting_seconds: {}}}}}", of % 20),
    };
    let people: String = (1..=200)
        .map(|of| format!("  - {{name: M{of}, number: \"{}\", picks_up: {}}}\n", number(of), machine(of)))
        .collect();
    settle(ward, &people);
    let call = ward.plan_in(maya, "Whitaker", chrono::Duration::hours(5)).await;
    ward.change(
        "insert into patient
         select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(),
                                                             'phone', '+1212556' || lpad(n::text, 4, '0')))).*
           from patient p, generate_series(1, 200) n
          where p.family_name = 'Whitaker'",
    )
    .await;
    ward.change(
        "insert into consent
         select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'patient_id', p.id,
                                                             'number', p.phone))).*
           from patient p
           join consent c on c.org_id = p.org_id and c.contact_id is null
           join patient june on june.org_id = c.org_id and june.id = c.patient_id
          where p.phone like '+1212556%' and june.family_name = 'Whitaker' and june.phone = '+12125550105'",
    )
    .await;
    ward.change(&format!(
        "insert into call
         select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'patient_id', p.id,
                                                             'due_at', c.created_at,
                                                             'idem_key', 'machine:' || p.phone))).*
           from call c, patient p
          where c.id = '{}' and p.phone like '+1212556%'",
        call_of(&call)
    ))
    .await;
    sqlx::query_scalar("select id from call where idem_key like 'machine:%' order by idem_key")
        .fetch_all(&mut ward.superuser().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn whatever_the_carrier_takes_them_for_two_hundred_machines_hear_nothing_personal() {
    let ward = Ward::open().await;
    leave_words(&ward).await;
    ward.only_one_attempt().await;
    let maya = maya(&ward).await;
    let calls = two_hundred_machines(&ward, &maya).await;
    assert_eq!(calls.len(), 200);
    ward.misbehave(r#"{"guesses": {"machine_as_human": 40, "as_unknown": 20, "lost": 10}, "seed": 11}"#).await;
    let (app, org) = (ward.app(), ward.organizations[0].operator.org);
    for call in calls {
        place_call::place(&app, &Actor::careline(org), CallId(call)).await.unwrap();
    }
    for _ in 0..16 {
        ward.let_pass(seconds(5)).await;
    }
    let seen = ward
        .until_carrier("every line to close", |calls| {
            let over: Vec<CallSeen> =
                calls.iter().filter(|call| call.to.starts_with("+1212556") && call.status.is_over()).cloned().collect();
            (over.len() >= 200).then_some(over)
        })
        .await;
    let taken_for = |by: &str| seen.iter().filter(|call| call.answered_by.as_deref() == Some(by)).count();
    let (human, unknown, beep) = (taken_for("human"), taken_for("unknown"), taken_for("machine_end_beep"));
    assert!(human > 40 && unknown > 10 && beep > 10, "the matrix was in force: {human} {unknown} {beep}");
    assert_eq!(leaks(&seen), Vec::<String>::new());
    let recorded: Vec<&MachineSeen> = seen.iter().filter_map(|call| call.machine.as_ref()).collect();
    assert!(recorded.iter().any(|heard| heard.recorded.iter().any(|said| said == WORD)), "some heard the sentence");
    let states: Vec<(String, i64)> = sqlx::query_as(
        "select outcome, count(*) from call where idem_key like 'machine:%' group by outcome order by outcome",
    )
    .fetch_all(&mut ward.superuser().await)
    .await
    .unwrap();
    assert!(
        states.iter().all(|(outcome, _)| ["no_keys", "voicemail", "hung_up"].contains(&outcome.as_str())),
        "{states:?}"
    );
}

/// The control: whoever has the keys hears who speaks, and then the same look at the lines finds it.
#[tokio::test]
async fn a_line_that_proves_itself_hears_more_and_the_look_at_it_finds_that() {
    let ward = Ward::open().await;
    settle(&ward, &slow_rosa("human"));
    let maya = maya(&ward).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_state(&call, "bridged").await;
    let told = ward.until_carrier("the line", |calls| newest(calls, ROSA).cloned()).await;
    assert!(!leaks(&[told]).is_empty(), "the organization was named");
}
