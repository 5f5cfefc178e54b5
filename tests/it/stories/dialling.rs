//! Stories of dialling: what the carrier keeps waiting is taken back, a pause rings nobody, a restored database does not ring
//! what was rung before, and an intent whose process died is given up.

use crate::support::ward::{Ward, call_of};
use careline::{
    domain::{
        dialling::Rate,
        ids::CallId,
        people::{Actor, PhoneNumber, Who},
    },
    flows::pause_dialling,
    simulator::carrier::{CallSeen, CallStatus},
    store::dialling::draw_slot,
};
use std::time::Duration;

const ROSA: &str = "+12125550101";
const RIVERSIDE: &str = "+12125550100";

fn rings(calls: &[CallSeen], number: &str) -> u32 {
    calls.iter().filter(|call| call.to == number).map(|call| call.rings).sum()
}

fn operator(ward: &Ward) -> Actor {
    Actor { org: ward.organizations[0].operator.org, who: Who::Operator }
}

/// A dial that Careline knows nothing about.
async fn dial_past_careline(ward: &Ward, from: &str, to: &str) {
    let reply = reqwest::Client::new()
        .post(format!("{}/2010-04-01/Accounts/ACtown/Calls.json", ward.town.base_url()))
        .basic_auth("ACtown", Some("town-auth-token"))
        .form(&[("To", to), ("From", from), ("Twiml", "<Response><Hangup/></Response>"), ("Timeout", "5")])
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 201, "{}", reply.text().await.unwrap());
}

async fn caller(ward: &Ward) -> String {
    let org = ward.organizations[0].operator.org;
    sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(format!(
        "select caller_number from organization where org_id = '{org}'"
    )))
    .fetch_one(&mut ward.superuser().await)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_dial_that_would_wait_at_the_carrier_is_taken_back_and_rings_later() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.misbehave(r#"{"calls_per_second": 1}"#).await;
    for _ in 0..14 {
        dial_past_careline(&ward, RIVERSIDE, "+12125550198").await;
    }
    let call = ward.ring_now(&maya, "Delgado").await;
    ward.until_carrier("the dial to be taken back", |calls| {
        calls.iter().find(|call| call.to == ROSA && call.status == CallStatus::Canceled).map(drop)
    })
    .await;
    ward.until_state(&call, "scheduled").await;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 0, "nobody was disturbed");
    ward.let_pass(Duration::from_secs(60)).await;
    ward.until_state(&call, "bridged").await;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 1);
}

#[tokio::test]
async fn while_dialling_is_paused_nobody_is_rung_and_the_worklist_says_so() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    pause_dialling::pause(&ward.app(), &operator(&ward)).await.unwrap();
    let call = ward.ring_now(&maya, "Delgado").await;
    for _ in 0..3 {
        ward.let_pass(Duration::from_secs(40)).await;
    }
    assert!(ward.town.carrier().calls().is_empty());
    ward.until_state(&call, "scheduled").await;
    let page = maya.open("/today").await.unwrap();
    assert!(page.text().contains("Dialling is paused"), "{}", page.text());
    assert_eq!(pause_dialling::resume(&ward.app(), &operator(&ward)).await.unwrap(), 1);
    ward.until_state(&call, "bridged").await;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 1);
    let page = maya.open("/today").await.unwrap();
    assert!(!page.text().contains("Dialling is paused"), "{}", page.text());
}

#[tokio::test]
async fn a_restored_database_rings_nobody_until_a_person_says_so_and_never_what_was_rung_before() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    maya.open("/today").await.unwrap();
    let org = ward.organizations[0].operator.org;
    ward.change(&format!("update dialled_from set mark = 'before the restore' where org_id = '{org}'")).await;
    let made_before = ward.ring_now(&maya, "Delgado").await;
    let not_made = ward.ring_now(&maya, "Ferreira").await;
    ward.settle().await;
    assert!(ward.town.carrier().calls().is_empty(), "paused");
    ward.until_database(
        "the pause to be recorded",
        &format!(
            "exists (select from audit_entry where org_id = '{org}' and deed = 'paused_dialling'
                        and detail ->> 'why' = 'restored')"
        ),
    )
    .await;
    // What the lost database had dialled is known to the carrier alone.
    dial_past_careline(&ward, &caller(&ward).await, ROSA).await;
    pause_dialling::resume(&ward.app(), &operator(&ward)).await.unwrap();
    ward.until_state(&made_before, "needs_person").await;
    ward.until_follow_up(&made_before, "attempt_unresolved").await;
    ward.until_carrier("the call that was not made", |calls| {
        calls.iter().find(|call| call.to == "+12125550103").map(drop)
    })
    .await;
    let _ = not_made;
    assert_eq!(rings(&ward.town.carrier().calls(), ROSA), 1, "the one of before");
}

#[tokio::test]
async fn a_ring_that_belongs_to_nobody_is_hung_up_unheard_and_reported() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    ward.misbehave(r#"{"create": "500_refused", "times": 1}"#).await;
    let call = ward.ring_now(&maya, "Delgado").await;
    let id = call_of(&call);
    ward.until_attempt(&call, "unknown").await;
    // It is found at the carrier, twice: one of them is the attempt's, the other is nobody's.
    let from = caller(&ward).await;
    dial_past_careline(&ward, &from, ROSA).await;
    dial_past_careline(&ward, &from, ROSA).await;
    ward.let_pass(Duration::from_secs(40)).await;
    ward.until_database(
        "one surplus ring to be ended",
        &format!("(select count(*) = 1 from orphan_call where call_id = '{id}' and ended_at is not null)"),
    )
    .await;
    ward.until_database(
        "both deeds in the record",
        "(select count(distinct deed) = 2 from audit_entry where deed in ('found_orphan', 'ended_orphan'))",
    )
    .await;
}

/// Each call draws once and is given an instant of its own: the rush leaves at the pace, in the order in which it drew, and
/// the last one no later than the pace explains.
#[tokio::test]
async fn two_hundred_calls_due_at_once_leave_at_the_pace_and_none_later_than_it_explains() {
    let ward = Ward::open().await;
    let maya = ward.sign_in("maya@riverside.example").await;
    let call = ward.plan_in(&maya, "Delgado", chrono::Duration::hours(3)).await;
    let org = ward.organizations[0].operator.org;
    ward.change(&format!(
        "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at, idem_key)
         select org_id, gen_random_uuid(), patient_id, purpose, protocol_id, due_at, 'scheduled', script, created_at,
                'rush:' || number
           from call, generate_series(1, 200) number
          where id = '{}'",
        call_of(&call)
    ))
    .await;
    let calls: Vec<uuid::Uuid> = sqlx::query_scalar("select id from call where idem_key like 'rush:%'")
        .fetch_all(&mut ward.superuser().await)
        .await
        .unwrap();
    let app = ward.app();
    let caller = PhoneNumber::from_e164("+12125550199").unwrap();
    let rate = Rate::per_minute(600, 600);
    for call in &calls {
        let mut tx = app.db.begin(&Actor::careline(org)).await.unwrap();
        draw_slot(&mut tx, CallId(*call), &caller, &rate).await.unwrap();
        tx.commit().await.unwrap();
    }
    let reserved: Vec<f64> = sqlx::query_scalar(
        "select extract(epoch from slot_at)::float8 from call where idem_key like 'rush:%' and slot_at is not null
          order by slot_at",
    )
    .fetch_all(&mut ward.superuser().await)
    .await
    .unwrap();
    assert!(reserved.len() > 100, "most of them wait: {}", reserved.len());
    let gaps: Vec<f64> = reserved.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.iter().all(|gap| *gap > 0.05), "no two leave together: {gaps:?}");
    let (first, last) = (reserved[0], reserved[reserved.len() - 1]);
    let explained = 0.1 * f64::from(u32::try_from(reserved.len()).unwrap());
    assert!(
        last - first <= explained + 0.5,
        "the last leaves {} s after the first, {explained} s are explained",
        last - first
    );
}
