//! A month of a clinic, reduced: every promise is kept, and the verdict notices each one that is broken on purpose. `careline
//! simulate month` does it with four hundred patients and thirty days.

use careline::bench::month::{Args, Closed, Facts, Ring, Silence, judge, play};

/// Three days around the night in which the clocks go back.
const REDUCED: Args = Args { seed: 11, days: 3, patients: 24, nurses: 6, json: false };

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_invented_people_keeps_every_promise_and_whatever_breaks_one_is_noticed() {
    let month = play(&REDUCED).await.unwrap();
    let verdict = judge(&month.facts);
    assert!(verdict.holds(), "{verdict}");
    assert!(verdict.placed > 15 && verdict.inbound > 0 && verdict.rings > verdict.placed, "{verdict}");
    assert!(verdict.measured > 15 && verdict.punctual == verdict.measured, "{verdict}");
    assert!(!month.facts.expected.is_empty() && !month.facts.closed.is_empty(), "{verdict}");
    what_is_taken_away_is_noticed(&month.facts);
    what_is_added_is_noticed(&month.facts);
}

fn what_is_taken_away_is_noticed(facts: &Facts) {
    let patients_ring = |ring: &Ring| facts.calls.iter().any(|call| call.number == ring.to);
    let mut without_a_ring = facts.clone();
    let at = without_a_ring.rings.iter().position(patients_ring).unwrap();
    without_a_ring.rings.remove(at);
    assert!(judge(&without_a_ring).lost > 0, "a ring that the carrier never made");

    let mut without_a_call = facts.clone();
    let kept = facts.expected[0].clone();
    without_a_call.calls.retain(|call| call.occurrence != Some((kept.plan, kept.local)));
    assert!(judge(&without_a_call).lost > 0, "a date of a plan without its call");

    let mut without_an_outcome = facts.clone();
    without_an_outcome.calls.iter_mut().find(|call| call.state == "done").unwrap().outcome = None;
    assert!(judge(&without_an_outcome).lost > 0, "a call without an explanation");

    let mut without_a_follow_up = facts.clone();
    let missed = without_a_follow_up.calls.iter_mut().find(|call| call.is_owed && call.state != "done").unwrap();
    missed.is_owed = false;
    assert!(judge(&without_a_follow_up).unalerted > 0, "a missed call that nobody was told of");
}

fn what_is_added_is_noticed(facts: &Facts) {
    let heard = facts.rings.iter().find(|ring| ring.rang && ring.words > 0).unwrap().clone();
    let mut with_a_stray = facts.clone();
    with_a_stray.rings.push(Ring { sid: "CAstray".to_owned(), ..heard.clone() });
    assert!(judge(&with_a_stray).duplicates > 0, "a ring that belongs to no attempt");

    let mut with_a_second = facts.clone();
    let first = facts.dialled.iter().find(|one| one.is_patient && one.sid.as_deref() == Some(&heard.sid)).cloned();
    let mut again = first.unwrap_or_else(|| facts.dialled.iter().find(|one| one.is_patient).unwrap().clone());
    let ring = facts.rings.iter().find(|ring| Some(&ring.sid) == again.sid.as_ref()).unwrap().clone();
    again.sid = Some("CAagain".to_owned());
    with_a_second.dialled.push(again);
    with_a_second.rings.push(Ring { sid: "CAagain".to_owned(), at: ring.at + chrono::Duration::seconds(40), ..ring });
    assert!(judge(&with_a_second).duplicates > 0, "a call that rang twice within a minute");

    let mut after_a_death = facts.clone();
    let from = heard.at - chrono::Duration::minutes(1);
    after_a_death.closed.push(Closed { number: heard.to, from, until: None, what: Silence::Everything });
    assert!(judge(&after_a_death).forbidden > 0, "a ring after a death");

    let mut with_a_fault = facts.clone();
    with_a_fault.record_fault = Some("an entry was altered".to_owned());
    assert!(!judge(&with_a_fault).holds(), "a record that does not verify");
}
