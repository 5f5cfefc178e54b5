//! What can be done while people talk: hold, mute, somebody asked in, the call handed over, a supervisor. What each party
//! hears is read from the carrier's own book.

use crate::support::ward::{Ward, call_of};
use careline::{
    demo::{nurse::Nurse, page::Page},
    simulator::{
        carrier::{CallSeen, SeatSeen},
        people::TownPlan,
    },
};
use std::time::Duration;

const ROSA: &str = "+12125550101";
const MAYA: &str = "+12125550150";
const TOM: &str = "+12125550151";
const CLARA: &str = "+12125550170";
const INTERPRETER: &str = "+12125550160";
const MACHINE: &str = "+12125550161";

/// People of these stories who answer what somebody hears who is asked in.
const PEOPLE: &str = r##"
people:
  - {name: Interpreter, number: "+12125550160", picks_up: {after_seconds: 0.2}, hears: [{says: "press 1 to join", press: "1"}]}
  - {name: Machine, number: "+12125550161", picks_up: voicemail}
  - {name: Clara, number: "+12125550170", picks_up: {after_seconds: 0.2}, hears: [{says: "press 1 to be connected", press: "1"}]}
  - name: Nurse Tom Brandt
    number: "+12125550151"
    picks_up: {after_seconds: 0.2}
    hears: [{says: "press 1 to join", press: "1"}, {says: "press 1 to take the call", press: "1"}]
"##;

/// A ward in which Rosa Delgado and the nurse Maya talk.
struct Scene {
    ward: Ward,
    maya: Nurse,
    call: String,
}

impl Scene {
    async fn open() -> Self {
        let ward = Ward::open().await;
        ward.town.carrier().settle(TownPlan::read(PEOPLE).unwrap());
        ward.change(&format!("update staff_member set phone = '{CLARA}' where email = 'clara@riverside.example'"))
            .await;
        let maya = ward.sign_in("maya@riverside.example").await;
        let call = ward.ring_now_with(&maya, "Delgado", "maya@riverside.example").await;
        ward.until_state(&call, "bridged").await;
        ward.until_heard(&call, "patient", "Six out of ten").await;
        Self { ward, maya, call }
    }

    /// Sends a form of the page of the call, wherever it leads below it.
    async fn act(&self, who: &Nurse, below: &str, fields: &[(&str, &str)]) -> Page {
        let page = who.open(&self.call).await.unwrap();
        self.send(who, &page, below, fields).await
    }

    async fn send(&self, who: &Nurse, page: &Page, below: &str, fields: &[(&str, &str)]) -> Page {
        let out = page.form("/sign-out").unwrap();
        let token = out.fields.iter().find(|(name, _)| name == "form_token").unwrap().clone();
        let own = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let fields: Vec<(String, String)> = std::iter::once(token).chain(own).collect();
        who.post(&format!("{}/{below}", self.call), &fields).await.unwrap()
    }

    async fn deed(&self, deed: &str) -> Page {
        let page = self.act(&self.maya, "floor", &[("deed", deed)]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        page
    }

    fn sid(&self, number: &str) -> Option<String> {
        self.ward.town.carrier().calls().iter().rev().find(|call| call.to == number).map(|call| call.sid.clone())
    }

    fn seat(&self, number: &str) -> Option<SeatSeen> {
        let sid = self.sid(number)?;
        let conferences = self.ward.town.carrier().conferences();
        conferences.iter().flat_map(|one| one.seats.clone()).find(|seat| seat.call == sid)
    }

    async fn until_seated(&self, number: &str, what: &str, so: impl Fn(&SeatSeen) -> bool) {
        self.ward.eventually(what, async || self.seat(number).is_some_and(|seat| so(&seat))).await;
    }

    /// Somebody says something; true when somebody else has heard it by the time it is said.
    async fn hears(&self, listener: &str, speaker: &str, words: &str) -> bool {
        assert!(self.ward.town.carrier().make_say(speaker, words).await, "{speaker} is on no line");
        self.ward.until_said(words).await;
        self.heard(listener, words)
    }

    fn heard(&self, listener: &str, words: &str) -> bool {
        let sid = self.sid(listener);
        let conferences = self.ward.town.carrier().conferences();
        conferences
            .iter()
            .flat_map(|one| &one.heard)
            .any(|heard| Some(&heard.by) == sid.as_ref() && heard.text == words)
    }

    /// The first nurse hangs up, and it is known here.
    async fn maya_leaves(&self) {
        assert!(self.ward.town.carrier().make_hang_up(MAYA).await);
        let left = "exists (select from leg where party = 'nurse' and left_at is not null)";
        self.ward.until_database("Maya's leg to have left", left).await;
    }

    async fn until_told(&self, number: &str, words: &str) {
        let said = |calls: &[CallSeen]| {
            let told = |call: &CallSeen| call.to == number && call.spoken.iter().any(|said| said.contains(words));
            calls.iter().any(told).then_some(())
        };
        self.ward.until_carrier(&format!("{number} to be told {words:?}"), said).await;
    }

    async fn count(&self, deed: &str, event: &str) -> i64 {
        sqlx::query_scalar("select count(*) from audit_entry where deed = $1 and detail->>'event' = $2")
            .bind(deed)
            .bind(event)
            .fetch_one(&mut self.ward.superuser().await)
            .await
            .unwrap()
    }

    async fn nurse_of_the_call(&self) -> String {
        let id = call_of(&self.call);
        sqlx::query_scalar("select s.email from call c join staff_member s on s.id = c.nurse_id where c.id = $1")
            .bind(id.0)
            .fetch_one(&mut self.ward.superuser().await)
            .await
            .unwrap()
    }

    /// An admin writes a number down, and the nurse asks whoever answers it in.
    async fn ask_in(&self, label: &str, number: &str) {
        let ada = self.ward.sign_in("ada@riverside.example").await;
        let page = ada.open("/settings/live-calls").await.unwrap();
        let form = page.form("/settings/live-calls/numbers").unwrap();
        let form = form.with("label", label).with("number", number).with("kind", "interpreter");
        ada.send(&page, &form).await.unwrap();
        let id: uuid::Uuid = sqlx::query_scalar("select id from outside_number where number = $1")
            .bind(number)
            .fetch_one(&mut self.ward.superuser().await)
            .await
            .unwrap();
        let page = self.act(&self.maya, "guests", &[("who", &format!("outside:{id}"))]).await;
        assert!(page.status == 200 && page.text().contains(label), "{}", page.text());
    }

    /// Tom is asked in and comes; his id as a guest.
    async fn with_tom(&self) -> String {
        let tom = self.ward.organizations[0].staff["tom@riverside.example"];
        let page = self.act(&self.maya, "guests", &[("who", &format!("staff:{tom}"))]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        self.until_seated(TOM, "Tom to be in the call", |seat| !seat.muted && !seat.ends).await;
        let guest: uuid::Uuid = sqlx::query_scalar("select id from guest where state = 'joined'")
            .fetch_one(&mut self.ward.superuser().await)
            .await
            .unwrap();
        guest.to_string()
    }

    async fn clara_supervises(&self, part: &str) -> Nurse {
        let clara = self.ward.sign_in("clara@riverside.example").await;
        let page = self.act(&clara, "supervise", &[("part", part)]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        clara
    }

    /// Changes a seat at the carrier behind the product's back.
    async fn at_the_carrier(&self, number: &str, fields: &[(&str, &str)]) {
        let carrier = self.ward.town.carrier();
        let conference = carrier.conferences().last().unwrap().sid.clone();
        let (town, sid) = (self.ward.town.base_url(), self.sid(number).unwrap());
        let path = format!("{town}/2010-04-01/Accounts/ACtown/Conferences/{conference}/Participants/{sid}.json");
        let web = reqwest::Client::new();
        let reply = web.post(path).basic_auth("ACtown", Some("town-auth-token")).form(fields).send().await.unwrap();
        assert!(reply.status().is_success(), "{}", reply.text().await.unwrap());
    }
}

#[tokio::test]
async fn a_patient_on_hold_hears_where_they_are_and_nobody_until_the_nurse_comes_back() {
    let scene = Scene::open().await;
    let page = scene.deed("hold").await;
    assert!(page.text().contains("on hold since") && !page.text().contains("may still hear you"), "{}", page.text());
    assert!(scene.seat(ROSA).unwrap().held && !scene.seat(MAYA).unwrap().ends);
    scene.until_told(ROSA, "You are on hold").await;
    assert!(!scene.hears(ROSA, MAYA, "This is not for her ears.").await, "a patient on hold hears the nurse");
    assert!(!scene.hears(MAYA, ROSA, "Hello, is anybody there?").await, "a patient on hold is heard");
    let again = scene.deed("hold").await;
    assert!(again.text().contains("on hold since"), "{}", again.text());
    assert_eq!(scene.count("moved_seat", "hold").await, 1, "a form sent twice counts once");
    scene.ward.let_pass(Duration::from_secs(125)).await;
    let long = scene.maya.open(&scene.call).await.unwrap();
    assert!(long.text().contains("on hold for more than two minutes"), "{}", long.text());
    let page = scene.deed("resume").await;
    assert!(!page.text().contains("on hold since"), "{}", page.text());
    assert!(scene.seat(MAYA).unwrap().ends, "the call ends with the nurse's line again");
    assert!(scene.hears(ROSA, MAYA, "I am back with you.").await);
}

#[tokio::test]
async fn who_mutes_themself_is_heard_by_nobody_and_told_so() {
    let scene = Scene::open().await;
    assert!(scene.hears(ROSA, MAYA, "You hear this.").await, "the control: unmuted she is heard");
    let page = scene.deed("mute").await;
    assert!(page.text().contains("muted"), "{}", page.text());
    assert!(!scene.hears(ROSA, MAYA, "You do not hear this.").await);
    scene.deed("unmute").await;
    assert!(scene.hears(ROSA, MAYA, "Now you hear me again.").await);
}

#[tokio::test]
async fn a_hold_that_the_carrier_does_not_confirm_is_never_shown_as_one() {
    let scene = Scene::open().await;
    scene.ward.misbehave(r#"{"seat": "500_refused"}"#).await;
    let page = scene.deed("hold").await;
    assert!(page.text().contains("The patient may still hear you"), "{}", page.text());
    assert!(!page.text().contains("on hold since"), "{}", page.text());
    assert!(scene.hears(ROSA, MAYA, "She does hear this.").await, "so it is true");
    scene.ward.misbehave(r#"{"seat": "normal"}"#).await;
    scene.ward.let_pass(Duration::from_secs(6)).await;
    let says = |page: &Page| page.text().contains("on hold since") && !page.text().contains("may still hear you");
    scene.ward.until_page(&scene.maya, &scene.call, "the hold to be confirmed", says).await;
    assert!(scene.seat(ROSA).unwrap().held);
}

#[tokio::test]
async fn a_hold_whose_answer_is_lost_is_found_out_and_not_doubted_for_long() {
    let scene = Scene::open().await;
    scene.ward.misbehave(r#"{"seat": "drop_accepted", "seat_times": 2}"#).await;
    scene.deed("hold").await;
    scene.ward.let_pass(Duration::from_secs(6)).await;
    scene.ward.let_pass(Duration::from_secs(6)).await;
    let says = |page: &Page| page.text().contains("on hold since") && !page.text().contains("may still hear you");
    scene.ward.until_page(&scene.maya, &scene.call, "the hold to be confirmed", says).await;
    assert_eq!(scene.ward.town.carrier().conferences().last().unwrap().participants.len(), 2, "nobody fell out");
}

#[tokio::test]
async fn a_patient_on_hold_whose_nurse_falls_off_the_line_gets_another_nurse() {
    let scene = Scene::open().await;
    scene.deed("hold").await;
    assert!(scene.ward.town.carrier().make_hang_up(MAYA).await);
    scene.ward.until_state(&scene.call, "waiting_for_nurse").await;
    scene.until_seated(ROSA, "the hold to be lifted", |seat| !seat.held).await;
    scene.ward.until_state(&scene.call, "bridged").await;
    assert_eq!(scene.nurse_of_the_call().await, "tom@riverside.example");
    assert!(scene.hears(ROSA, TOM, "Here is Tom.").await);
}

#[tokio::test]
async fn an_interpreter_is_in_the_call_after_pressing_1_and_hears_no_name_before() {
    let scene = Scene::open().await;
    scene.ask_in("Language line", INTERPRETER).await;
    scene.until_seated(INTERPRETER, "the interpreter to be there", |seat| !seat.muted).await;
    let spoken = scene.ward.until_carrier("the interpreter's call", |calls| {
        calls.iter().find(|call| call.to == INTERPRETER).map(|call| call.spoken.join(" "))
    });
    let spoken = spoken.await;
    assert!(spoken.contains("A Careline nurse asks you into a call"), "{spoken}");
    for secret in ["Rosa", "Delgado", "Riverside", "hospice"] {
        assert!(!spoken.contains(secret), "{secret} was said: {spoken}");
    }
    assert!(scene.hears(ROSA, INTERPRETER, "I interpret for you.").await);
    assert!(scene.hears(INTERPRETER, ROSA, "Thank you for that.").await);
    let says = |page: &Page| page.text().contains("Interpreter Language line");
    scene.ward.until_page(&scene.maya, &scene.call, "the interpreter on the page", says).await;
    assert!(scene.ward.town.carrier().make_hang_up(INTERPRETER).await);
    scene.ward.until_database("the interpreter to have left", "exists (select from guest where state = 'left')").await;
    assert!(scene.hears(ROSA, MAYA, "Just the two of us again.").await, "the others talk on");
}

#[tokio::test]
async fn a_machine_that_answers_never_gets_into_a_patients_call() {
    let scene = Scene::open().await;
    scene.ask_in("Night line", MACHINE).await;
    let answered = |calls: &[CallSeen]| {
        let asked = |call: &CallSeen| call.to == MACHINE && call.spoken.iter().any(|said| said.contains("Press 1"));
        calls.iter().any(asked).then_some(())
    };
    scene.ward.let_pass(Duration::from_secs(3)).await;
    scene.ward.until_carrier("the machine to be asked", answered).await;
    let second = scene.act(&scene.maya, "guests", &[("who", "outside:0")]).await;
    assert_eq!(second.status, 422, "{}", second.text());
    scene.ward.let_pass(Duration::from_secs(12)).await;
    scene.ward.until_database("nobody to have come", "exists (select from guest where state = 'did_not_come')").await;
    let sid = scene.sid(MACHINE).unwrap();
    let conferences = scene.ward.town.carrier().conferences();
    assert!(conferences.iter().all(|one| one.heard.iter().all(|heard| heard.by != sid)), "a machine heard the patient");
    assert_eq!(scene.ward.town.carrier().calls().iter().filter(|call| call.to == MACHINE).count(), 1, "rung once");
}

#[tokio::test]
async fn a_call_that_was_handed_over_goes_on_when_the_first_nurse_leaves() {
    let scene = Scene::open().await;
    let tom = scene.with_tom().await;
    let page = scene.act(&scene.maya, &format!("guests/{tom}/hand-over"), &[]).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(scene.nurse_of_the_call().await, "tom@riverside.example");
    scene.until_seated(TOM, "the call to end with Tom's line", |seat| seat.ends).await;
    scene.until_seated(MAYA, "Maya to be free to leave", |seat| !seat.ends).await;
    let heard = "exists (select from media_stream m join leg l on l.id = m.leg_id
                          where l.guest_id is not null and m.started_at is not null)";
    scene.ward.until_database("Tom's words to be written down from now on", heard).await;
    scene.maya_leaves().await;
    assert!(scene.hears(ROSA, TOM, "I go on with you.").await, "patient and second nurse talk on");
    scene.ward.until_state(&scene.call, "bridged").await;
    scene.ward.until_heard(&scene.call, "nurse", "I go on with you").await;
    assert_eq!(scene.count("handed_over_call", "done").await, 1);
    assert!(scene.ward.town.carrier().make_hang_up(TOM).await);
    scene.ward.until_state(&scene.call, "done").await;
}

#[tokio::test]
async fn without_a_hand_over_the_call_ends_with_its_nurse() {
    let scene = Scene::open().await;
    scene.with_tom().await;
    assert!(scene.ward.town.carrier().make_hang_up(MAYA).await);
    scene.ward.until_state(&scene.call, "done").await;
    let over = async || scene.ward.town.carrier().conferences().iter().all(|one| one.ended_at.is_some());
    scene.ward.eventually("the conference to end for everybody", over).await;
}

#[tokio::test]
async fn a_hand_over_that_is_not_confirmed_is_none_and_the_nurse_is_told_to_stay() {
    let scene = Scene::open().await;
    let tom = scene.with_tom().await;
    scene.ward.misbehave(r#"{"seat": "500_refused"}"#).await;
    let page = scene.act(&scene.maya, &format!("guests/{tom}/hand-over"), &[]).await;
    assert!(page.text().contains("Do not hang up"), "{}", page.text());
    assert_eq!(scene.nurse_of_the_call().await, "maya@riverside.example");
    // The carrier does as it is told from now on, and its replies are lost: that may not end the call either.
    scene.ward.misbehave(r#"{"seat": "drop_accepted"}"#).await;
    scene.ward.let_pass(Duration::from_secs(6)).await;
    scene.ward.let_pass(Duration::from_secs(6)).await;
    let so = "exists (select from call_hand_over where state = 'done')";
    scene.ward.until_database("the call to be handed over", so).await;
    scene.maya_leaves().await;
    assert!(scene.hears(ROSA, TOM, "Still here.").await);
}

#[tokio::test]
async fn a_supervisor_listens_after_the_patient_was_told_and_is_heard_by_nobody() {
    let scene = Scene::open().await;
    let clara = scene.clara_supervises("listens").await;
    scene.until_seated(CLARA, "Clara to listen", |seat| seat.muted).await;
    scene.until_told(ROSA, "A supervisor of your care team now listens").await;
    assert!(!scene.hears(ROSA, CLARA, "A thought of Clara's.").await && !scene.heard(MAYA, "A thought of Clara's."));
    assert!(scene.hears(CLARA, ROSA, "So I breathe.").await, "she hears the patient");
    let page = scene.maya.open(&scene.call).await.unwrap();
    assert!(
        page.text().contains("Supervisor Clara Jensen") && page.text().contains("heard by nobody"),
        "{}",
        page.text()
    );
    scene.at_the_carrier(CLARA, &[("Muted", "false")]).await;
    scene.until_seated(CLARA, "Clara to be muted again", |seat| seat.muted).await;
    // The control: with the wish itself tampered with, she is heard.
    scene.ward.change("update seat set part = 'talks', muted = false where part = 'listens'").await;
    scene.at_the_carrier(CLARA, &[("Muted", "false")]).await;
    assert!(scene.hears(ROSA, CLARA, "Unmuted by hand.").await, "the control: unmuted she is heard");
    scene.act(&clara, "supervise", &[("part", "end")]).await;
    scene.ward.until_database("Clara to have left", "exists (select from guest where state = 'left')").await;
    assert_eq!((scene.count("supervised_call", "joined").await, scene.count("supervised_call", "left").await), (1, 1));
    assert!(scene.hears(ROSA, MAYA, "We go on.").await);
}

#[tokio::test]
async fn nobody_listens_to_a_patient_who_could_not_be_told() {
    let scene = Scene::open().await;
    scene.ward.misbehave(r#"{"seat": "500_refused"}"#).await;
    scene.clara_supervises("listens").await;
    scene.until_told(CLARA, "One moment").await;
    scene.ward.let_pass(Duration::from_secs(35)).await;
    scene.until_told(CLARA, "you are not connected").await;
    assert!(scene.seat(CLARA).is_none() && scene.count("supervised_call", "joined").await == 0);
}

#[tokio::test]
async fn where_patients_were_told_at_enrolment_nothing_is_said_on_the_call() {
    let scene = Scene::open().await;
    let ada = scene.ward.sign_in("ada@riverside.example").await;
    let page = ada.open("/settings/live-calls").await.unwrap();
    let form = page.form("/settings/live-calls/supervision").unwrap().with("policy", "at_enrolment");
    ada.send(&page, &form).await.unwrap();
    scene.clara_supervises("listens").await;
    scene.until_seated(CLARA, "Clara to listen", |seat| seat.muted).await;
    let calls = scene.ward.town.carrier().calls();
    let told = calls
        .iter()
        .filter(|call| call.to == ROSA)
        .any(|call| call.spoken.iter().any(|said| said.contains("supervisor")));
    assert!(!told, "the policy says that nothing is said");
}

#[tokio::test]
async fn a_coach_is_heard_by_the_nurse_alone() {
    let scene = Scene::open().await;
    let clara = scene.clara_supervises("coaches").await;
    scene.until_seated(CLARA, "Clara to coach", |seat| seat.coaches.is_some()).await;
    assert!(!scene.hears(ROSA, CLARA, "Ask her about the night.").await, "the patient hears the coach");
    assert!(scene.heard(MAYA, "Ask her about the night."), "the nurse hears the coach");
    scene.act(&clara, "supervise", &[("part", "listens")]).await;
    scene.until_seated(CLARA, "Clara to listen only", |seat| seat.muted && seat.coaches.is_none()).await;
    assert!(!scene.hears(MAYA, CLARA, "Nobody hears this.").await);
}

#[tokio::test]
async fn the_call_of_another_organization_cannot_be_touched() {
    let scene = Scene::open().await;
    let priya = scene.ward.sign_in("priya@lakeside.example").await;
    let page = priya.open("/today").await.unwrap();
    for (below, fields) in [("floor", [("deed", "hold")]), ("guests", [("who", "staff:0")])] {
        let reply = scene.send(&priya, &page, below, &fields).await;
        assert!(matches!(reply.status, 404 | 422), "{below}: {} {}", reply.status, reply.text());
    }
    let tom = scene.ward.organizations[0].staff["tom@riverside.example"];
    let reply = scene.send(&priya, &page, "guests", &[("who", &format!("staff:{tom}"))]).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
    assert!(!scene.seat(ROSA).unwrap().held && scene.count("moved_seat", "hold").await == 0);
    // The control: whoever is on the call can do the same.
    scene.deed("hold").await;
    assert!(scene.seat(ROSA).unwrap().held);
}

#[tokio::test]
async fn after_a_death_of_the_product_the_page_shows_who_is_there_and_the_carrier_is_asked() {
    let mut scene = Scene::open().await;
    scene.deed("hold").await;
    scene.ward.kill_server();
    scene.at_the_carrier(ROSA, &[("Hold", "false")]).await;
    scene.ward.start_server().await;
    let page = scene.maya.open(&scene.call).await.unwrap();
    assert!(page.text().contains("The patient's line") && page.text().contains("hold"), "{}", page.text());
    scene.until_seated(ROSA, "the hold to be restored as wished", |seat| seat.held).await;
}
