//! Never call the dead: any interleaving of due calls, due texts and changes of status, through the production flows and the real
//! database, with the town's carrier as the witness. A clock that every task asks before each transaction decides by a seed
//! who goes next, so an order that fails can be repeated.

use crate::support::ward::Ward;
use careline::{
    app::App,
    domain::{
        ids::{CallId, PatientId, TextId},
        people::{Actor, PatientStatus, Role},
        private::Private,
        script::Script,
    },
    flows::{
        change_status::{self, NewStatus},
        place_call, send_text,
    },
    ports::clock::Clock,
    simulator::clock::VirtualClock,
};
use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};
use uuid::Uuid;

tokio::task_local! {
    /// Which task asks what time it is.
    static WHO: usize;
}

/// Lets one task at a time pass, from one look at the clock to the next, in the order of a seed. Nobody holds a lock while
/// looking, so nobody who may run waits for one who may not.
struct Turns {
    clock: Arc<VirtualClock>,
    table: Mutex<Table>,
    called: Condvar,
}

struct Table {
    rng: StdRng,
    alive: usize,
    waiting: Vec<usize>,
    running: Option<usize>,
}

impl Turns {
    fn new(clock: &Arc<VirtualClock>, seed: u64, tasks: usize) -> Arc<Self> {
        let table = Table { rng: StdRng::seed_from_u64(seed), alive: tasks, waiting: Vec::new(), running: None };
        Arc::new(Self { clock: Arc::clone(clock), table: Mutex::new(table), called: Condvar::new() })
    }

    /// Waits until it is this task's turn.
    fn wait(&self, me: usize) {
        tokio::task::block_in_place(|| {
            let mut table = self.table.lock().unwrap();
            table.waiting.push(me);
            if table.running == Some(me) {
                table.running = None;
            }
            table.call_next();
            self.called.notify_all();
            drop(self.called.wait_while(table, |table| table.running != Some(me)).unwrap());
        });
    }

    /// This task is over, however it ended.
    fn leave(&self) {
        let mut table = self.table.lock().unwrap();
        table.alive -= 1;
        table.running = None;
        table.call_next();
        self.called.notify_all();
    }
}

impl Table {
    fn call_next(&mut self) {
        if self.running.is_none() && !self.waiting.is_empty() && self.waiting.len() == self.alive {
            let next = self.rng.random_range(0..self.waiting.len());
            self.running = Some(self.waiting.swap_remove(next));
        }
    }
}

impl Clock for Turns {
    fn now(&self) -> DateTime<Utc> {
        if let Ok(me) = WHO.try_with(|me| *me) {
            self.wait(me);
        }
        self.clock.now()
    }
}

/// A task's place among the others, given up when it ends, also by a panic.
struct Seat(Arc<Turns>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// What one task does.
#[derive(Clone, Copy)]
enum Deed {
    Place(CallId),
    Send(TextId),
    Change(PatientId, usize),
}

/// Patients of Riverside with their numbers: one does not answer, one is engaged, a machine answers for one, and one cannot
/// prove who he is. None ever talks, so whatever rings can only end.
const PATIENTS: [(&str, &str); 4] = [
    ("Ferreira", "+12125550103"),
    ("Bloom", "+12125550104"),
    ("Whitaker", "+12125550105"),
    ("Lindqvist", "+12125550102"),
];

fn dials(ward: &Ward, number: &str) -> usize {
    ward.town.carrier().calls().iter().filter(|call| call.to == number).count()
}

/// Texts of ours that the carrier took for a number.
fn texts(ward: &Ward, number: &str) -> usize {
    ward.town.carrier().texts().iter().filter(|text| text.to == number).count()
}

/// A due text to each patient that no job knows of.
async fn due_texts(ward: &Ward) -> Vec<TextId> {
    let mut texts = Vec::new();
    for (name, _) in PATIENTS {
        let id = TextId(Uuid::now_v7());
        let now = (ward.clock.now() - chrono::Duration::seconds(1)).to_rfc3339();
        ward.change(&format!(
            "insert into text_message (org_id, id, direction, patient_id, number, own_number, wording, body, body_hash,
                                       segments, state, send_at, created_at, once_key)
             select p.org_id, '{id}', 'out', p.id, p.phone, o.caller_number, 'free', '{id}', sha256('{id}'::bytea), 1,
                    'scheduled', '{now}', '{now}', '{id}'
               from patient p join organization o on o.org_id = p.org_id where p.family_name = '{name}'"
        ))
        .await;
        texts.push(id);
    }
    texts
}

/// A due call of each patient that no job knows of, so that only this test places it.
async fn due_calls(ward: &Ward) -> Vec<CallId> {
    let script = serde_json::to_string(&Script::default()).unwrap();
    let mut calls = Vec::new();
    for (name, _) in PATIENTS {
        let id = CallId(Uuid::now_v7());
        let now = (ward.clock.now() - chrono::Duration::seconds(1)).to_rfc3339();
        ward.change(&format!(
            "insert into call (org_id, id, patient_id, purpose, protocol_id, due_at, state, script, created_at, idem_key)
             select org_id, '{id}', id, 'check_in', 'dyspnea', '{now}', 'scheduled', '{script}', '{now}', '{id}'
               from patient where family_name = '{name}'"
        ))
        .await;
        calls.push(id);
    }
    calls
}

/// What one change met: the number, its dials before anything began, when the change was committed, and at the end; and
/// its texts.
struct Met {
    number: &'static str,
    at_first: usize,
    at_change: usize,
    at_last: usize,
    texts_at_change: usize,
    texts_at_last: usize,
}

/// Runs the due calls of everybody, some of them twice, against changes of half of them.
async fn interleave(ward: &Ward, seed: u64) -> Vec<Met> {
    let mut rng = StdRng::seed_from_u64(seed);
    let riverside = &ward.organizations[0];
    let calls = due_calls(ward).await;
    let mut deeds: Vec<Deed> = calls.iter().copied().map(Deed::Place).collect();
    deeds.extend(due_texts(ward).await.into_iter().map(Deed::Send));
    deeds.extend(calls.iter().filter(|_| rng.random_bool(0.5)).copied().map(Deed::Place).collect::<Vec<_>>());
    let mut chosen: Vec<usize> = (0..PATIENTS.len()).collect();
    chosen.shuffle(&mut rng);
    chosen.truncate(2);
    deeds.extend(chosen.iter().map(|at| Deed::Change(riverside.patients[PATIENTS[*at].0], *at)));
    let turns = Turns::new(&ward.clock, seed, deeds.len());
    let app = Arc::new(App { clock: Arc::clone(&turns) as Arc<dyn Clock>, ..ward.another_app().await });
    let nurse = Actor::staff(riverside.operator.org, riverside.staff["maya@riverside.example"], Role::Nurse);
    let careline = Actor::careline(riverside.operator.org);
    let at_first: Vec<usize> = PATIENTS.iter().map(|(_, number)| dials(ward, number)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for (me, deed) in deeds.into_iter().enumerate() {
        let (app, seat) = (Arc::clone(&app), Seat(Arc::clone(&turns)));
        let carrier = ward.town.carrier().clone();
        let status = [PatientStatus::Deceased, PatientStatus::Admitted, PatientStatus::Withdrawn][me % 3];
        tasks.spawn(WHO.scope(me, async move {
            seat.0.wait(me);
            match deed {
                Deed::Place(call) => {
                    place_call::place(&app, &careline, call).await.unwrap();
                    None
                }
                Deed::Send(text) => {
                    send_text::send(&app, &careline, text).await.unwrap();
                    None
                }
                Deed::Change(patient, at) => {
                    let evidence = Private::new("a test".to_owned());
                    let new = NewStatus { was: PatientStatus::Active, becomes: status, evidence };
                    change_status::change(&app, &nurse, patient, new).await.unwrap();
                    // Nobody else runs yet: what the carrier has now, it took before the change.
                    let number = PATIENTS[at].1;
                    let texts = carrier.texts().iter().filter(|text| text.to == number).count();
                    Some((at, carrier.calls().iter().filter(|call| call.to == number).count(), texts))
                }
            }
        }));
    }
    let met = tasks.join_all().await.into_iter().flatten();
    met.map(|(at, at_change, texts_at_change)| {
        let number = PATIENTS[at].1;
        let (at_last, texts_at_last) = (dials(ward, number), texts(ward, number));
        Met { number, at_first: at_first[at], at_change, at_last, texts_at_change, texts_at_last }
    })
    .collect()
}

/// Dials and texts that the carrier took after a change was committed.
fn after(met: &[Met]) -> [usize; 2] {
    let dials = met.iter().map(|met| met.at_last - met.at_change).sum();
    [dials, met.iter().map(|met| met.texts_at_last - met.texts_at_change).sum()]
}

/// Waits until whatever the carrier took before a change is over, and nobody has heard who rings.
async fn until_ended(ward: &Ward, met: &[Met]) {
    let carrier = ward.town.carrier();
    for met in met {
        let to_them = || carrier.calls().into_iter().filter(|call| call.to == met.number).skip(met.at_first);
        ward.eventually("what the carrier has to be ended", async || to_them().all(|call| call.status.is_over())).await;
        assert!(!to_them().any(|call| call.spoken.concat().contains("Riverside")), "somebody heard who rings");
    }
}

/// Everybody lives again and every ring is over, for the next order.
async fn clear(ward: &Ward) {
    ward.change("update patient set status = 'active'").await;
    ward.change("update call set state = 'cancelled' where state <> 'cancelled'").await;
    ward.let_pass(Duration::from_secs(90)).await;
}

async fn ward_without_caps() -> Ward {
    let ward = Ward::open().await;
    ward.change(
        "update organization set most_rings_day = 50, most_rings_week = 350, calling_from = '00:00', calling_until = '23:59'",
    )
    .await;
    ward
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_no_order_of_changes_and_due_calls_is_anybody_rung_after_the_change() {
    let ward = ward_without_caps().await;
    let (mut before, mut written) = (0, 0);
    for seed in 0..12 {
        let met = interleave(&ward, seed).await;
        assert_eq!(after(&met), [0, 0], "seed {seed}: somebody was rung or texted after the change");
        until_ended(&ward, &met).await;
        before += met.iter().map(|met| met.at_change - met.at_first).sum::<usize>();
        written += met.iter().map(|met| met.texts_at_change).sum::<usize>();
        clear(&ward).await;
    }
    assert!(before > 0 && written > 0, "in some order somebody was rung and texted before the change");
}

/// Nothing can be called off: the change finds calls and attempts that do not move.
const NO_CALLING_OFF: &[&str] = &[
    "create trigger sabotage before update on call for each row when (new.state = 'cancelled') execute function sabotage()",
    "create trigger sabotage before update on attempt for each row when (new.outcome = 'called_off')
       execute function sabotage()",
    "create trigger sabotage before update on text_message for each row when (new.state = 'called_off')
       execute function sabotage()",
];

/// Whoever dials does not see the change: the second check is blind.
const BLIND_CHECK: &[&str] =
    &["create trigger sabotage before update of status on patient for each row execute function sabotage()"];

/// Dials and texts after a change when protections are taken away, over a few orders.
async fn reached_without(protections: &[&[&str]]) -> [usize; 2] {
    let ward = ward_without_caps().await;
    let mut reached = [0, 0];
    for seed in 0..4 {
        ward.change("create function sabotage() returns trigger language plpgsql as $$ begin return null; end $$")
            .await;
        for statement in protections.concat() {
            ward.change(statement).await;
        }
        let [dials, texts] = after(&interleave(&ward, seed).await);
        reached = [reached[0] + dials, reached[1] + texts];
        // A lease outlives its test, so nothing of this may stay behind.
        ward.change("drop function sabotage cascade").await;
        clear(&ward).await;
    }
    reached
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_check_at_the_instant_of_dialling_is_enough_alone_and_without_it_the_dead_are_rung() {
    assert_eq!(reached_without(&[NO_CALLING_OFF]).await, [0, 0], "the second check alone");
    let [dials, texts] = reached_without(&[NO_CALLING_OFF, BLIND_CHECK]).await;
    assert!(dials > 0 && texts > 0, "the control: without both somebody is rung ({dials}) and texted ({texts})");
}
