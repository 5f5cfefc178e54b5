//! A stored call is run again: the same cards come out, a changed rule is named, and altered words are noticed.

use crate::support::{
    conversation::TALK,
    entrance::Entrance,
    protocol::{all_well, answered, dyspnea, with},
};
use careline::{
    domain::{
        guidance::ProtocolRef,
        ids::{CallId, OrgId},
        people::{Actor, Language, Role, Who},
        private::Private,
        protocol::{evaluate, read_package},
        replay::{self as domain_replay, Edition, Replay, State, Tape},
    },
    error::Error,
    flows::{
        answer_question, import_protocol,
        replay_call::{Ran, Wanted, replay, replay as replay_call},
        save_answers,
    },
};

/// A call that was asked, answered and drafted.
async fn told() -> Entrance {
    let mut entrance = Entrance::open().await;
    entrance.bridge_with_protocol().await;
    entrance.speak(&TALK).await;
    let (nurse, call) = (entrance.staff(Role::Nurse).await, CallId(entrance.home.call));
    let mut revision = save_answers::open(&entrance.app, &nurse, call).await.unwrap().revision;
    for (question, answer) in [("sob_now", "6"), ("sob_usual", "3"), ("chest_pain", "no"), ("can_speak", "yes")] {
        let answers = vec![(question.to_owned(), answer.to_owned())];
        let saved = save_answers::save(&entrance.app, &nurse, call, revision, answers, Vec::new(), Vec::new()).await;
        revision = saved.unwrap().revision;
    }
    for question in ["What positions ease breathing?", "How much does a parking permit cost?"] {
        answer_question::ask(&entrance.app, &nurse, call, Private::new(question.to_owned())).await.unwrap();
    }
    entrance.end_and_draft().await;
    entrance
}

fn wanted(entrance: &Entrance, under: Option<&str>) -> Wanted {
    Wanted {
        call: CallId(entrance.home.call),
        why: "complaint 17".to_owned(),
        operator: "Olga Operator".to_owned(),
        under: under.map(|version| ProtocolRef { id: "dyspnea".to_owned(), version: version.to_owned() }),
    }
}

fn operator(entrance: &Entrance) -> Actor {
    Actor { org: OrgId(entrance.home.org), who: Who::Operator }
}

async fn run(entrance: &Entrance, under: Option<&str>) -> Replay {
    match replay(&entrance.app, &operator(entrance), &wanted(entrance, under)).await.unwrap() {
        Ran::Through(replay, _) => replay,
        Ran::Cannot(why) => panic!("it cannot be run: {why}"),
    }
}

fn changes(replay: &Replay) -> Vec<String> {
    replay
        .differences
        .iter()
        .map(|change| format!("{}: {} -> {} ({})", change.place, change.was, change.is, change.why))
        .collect()
}

#[tokio::test]
async fn a_call_run_again_shows_the_same_cards_and_twice_the_same_letters() {
    let mut entrance = told().await;
    let first = run(&entrance, None).await;
    assert_eq!(changes(&first), Vec::<String>::new());
    let places: Vec<&str> = first.points.iter().map(|point| point.place.as_str()).collect();
    assert_eq!(places.iter().filter(|place| place.starts_with("answers")).count(), 4);
    assert_eq!(places.iter().filter(|place| place.starts_with("question")).count(), 2);
    assert!(places.contains(&"words") && places.contains(&"summary"), "{places:?}");
    assert!(first.points.iter().any(|point| point.cards.iter().any(|card| card.starts_with("rule "))));
    let again = run(&entrance, None).await;
    assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&again).unwrap());
    let kept = "select string_agg(why || ' ' || operator || ' ' || verdict, '; ') from call_replay where org_id = $1";
    assert_eq!(entrance.value(kept).await, "complaint 17 Olga Operator same; complaint 17 Olga Operator same");
    let deeds = "select count(*) from audit_entry where org_id = $1 and deed = 'replayed_call'";
    assert_eq!(entrance.value(deeds).await, "2");
}

#[tokio::test]
async fn a_call_is_run_under_another_version_of_its_protocol() {
    let entrance = told().await;
    let files = with("protocol.yaml", "version: 1.0.0", "version: 1.1.0");
    import_protocol::import(&entrance.app, &operator(&entrance), files).await.unwrap();
    let changes = changes(&run(&entrance, Some("1.1.0")).await);
    assert!(changes.iter().all(|line| line.starts_with("question")), "the logic is the same: {changes:#?}");
    let cannot = wanted(&entrance, Some("9.9.9"));
    let ran = replay_call(&entrance.app, &operator(&entrance), &cannot).await.unwrap();
    assert!(matches!(ran, Ran::Cannot(why) if why.contains("9.9.9 is not imported")));
}

#[test]
fn a_changed_rule_is_named_with_what_it_changes() {
    let (old, mut files) = (dyspnea(), with("protocol.yaml", "version: 1.0.0", "version: 1.1.0"));
    let logic = files.get_mut("protocol.yaml").unwrap();
    *logic = logic.replace("{q: sob_now, between: [4, 6]}", "{q: sob_now, between: [4, 5]}");
    let new = read_package(&files).expect("it can be read, whatever its examination says");
    let inputs = answered(&old.protocol, all_well(&old), &[("sob_now", "6"), ("sob_usual", "6")]);
    let state = |at_ms, revision| State {
        at_ms,
        revision,
        inputs: inputs.clone(),
        evaluation: evaluate(&old.protocol, &inputs),
    };
    let tape = Tape {
        heard: Vec::new(),
        language: Language::English,
        states: vec![state(1_000, 1)],
        asked: Vec::new(),
        draft: None,
        names: Vec::new(),
    };
    let edition = |package, version: &str| Edition {
        package,
        passages: &[],
        name: ProtocolRef { id: "dyspnea".to_owned(), version: version.to_owned() },
    };
    let same = domain_replay::run(&tape, &edition(&old, "1.0.0"), &edition(&old, "1.0.0"));
    assert_eq!(changes(&same), Vec::<String>::new(), "the control: under its own version nothing changes");
    let found = changes(&domain_replay::run(&tape, &edition(&old, "1.0.0"), &edition(&new, "1.1.0")));
    let why = "rule amber_moderate differs in 1.1.0: its condition is another";
    assert!(found.contains(&format!("answers, revision 1: rule amber_moderate -> nothing ({why})")), "{found:#?}");
    let level = |line: &&String| line.starts_with("answers, revision 1: disposition same_day -> disposition ");
    assert!(found.iter().any(|line| level(&line) && line.contains(why)), "{found:#?}");
}

#[tokio::test]
async fn altered_words_answers_and_results_are_noticed() {
    for (tampering, place) in [
        (
            "update utterance set text = 'No chest pain, I feel fine' where org_id = $1 and text like 'Six out%'",
            "words",
        ),
        ("delete from summary_source where org_id = $1 and words like 'I will%'", "summary"),
        (
            "update assessment_revision set inputs = jsonb_set(inputs, '{answers,chest_pain}', '{\"yes_no\": true}')
              where org_id = $1 and revision = 4",
            "answers",
        ),
        (
            "update assessment_revision set evaluation = jsonb_set(evaluation, '{disposition}', '\"self_care\"')
              where org_id = $1 and revision = 4",
            "answers",
        ),
        ("update guidance set shown = jsonb_set(shown, '{outcome}', '\"refused\"') where org_id = $1", "question"),
    ] {
        let mut entrance = told().await;
        assert_eq!(
            changes(&run(&entrance, None).await),
            Vec::<String>::new(),
            "the control: before it, nothing differs"
        );
        entrance.run("alter table utterance disable trigger user").await;
        entrance.run(tampering).await;
        let found = changes(&run(&entrance, None).await);
        entrance.run("alter table utterance enable trigger user").await;
        assert!(found.iter().any(|line| line.starts_with(place)), "{tampering}: {found:#?}");
    }
}

#[tokio::test]
async fn a_call_is_run_by_an_operator_with_a_reason_and_only_when_it_is_over() {
    let mut entrance = told().await;
    let nurse = entrance.staff(Role::Nurse).await;
    let refused = replay(&entrance.app, &nurse, &wanted(&entrance, None)).await;
    assert!(matches!(refused, Err(Error::Forbidden)));
    let unnamed = Wanted { why: "  ".to_owned(), ..wanted(&entrance, None) };
    let refused = replay(&entrance.app, &operator(&entrance), &unnamed).await;
    assert!(matches!(refused, Err(Error::Invalid(text)) if text.contains("--why")));
    entrance.run("update call set state = 'bridged', ended_at = null where org_id = $1").await;
    let ran = replay(&entrance.app, &operator(&entrance), &wanted(&entrance, None)).await.unwrap();
    assert!(matches!(ran, Ran::Cannot(why) if why.contains("not over")));
    let elsewhere = Actor { org: OrgId(entrance.other.org), who: Who::Operator };
    let refused = replay(&entrance.app, &elsewhere, &wanted(&entrance, None)).await;
    assert!(matches!(refused, Err(Error::NotFound)), "another organization has no such call");
}
