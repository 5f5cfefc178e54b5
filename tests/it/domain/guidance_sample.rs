//! The shipped sample answers what nurses ask of it, by rule and without a model, and stays silent on the rest.

use careline::{
    adapters::index::MemoryIndex,
    domain::{
        guidance::{
            Passage, Refusal, Standing, Statement,
            choose::{Chosen, Found, choose, found_without_index},
            extract::extract,
        },
        ids::OrgId,
        protocol::read_package,
    },
    ports::vectors::{IndexedPassage, Question, Vectors},
};
use std::{collections::BTreeMap, path::Path};

fn passages() -> Vec<Passage> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocols/dyspnea");
    let mut files = BTreeMap::new();
    for folder in ["", "i18n"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                let name = entry.path().strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let package = read_package(&files).expect("the shipped sample is readable");
    let passage = |passage: careline::domain::protocol::package::Passage| Passage {
        anchor: passage.anchor,
        heading: passage.heading,
        text: passage.text,
        tags: passage.tags.into_iter().collect(),
        sha256: vec![],
        standing: Standing::Unsigned,
    };
    package.passages.into_iter().map(passage).collect()
}

async fn search(question: &str, passages: &[Passage]) -> Result<Vec<Chosen>, Refusal> {
    let index = MemoryIndex::default();
    let org = OrgId::at(chrono::DateTime::from_timestamp(1_000, 0).unwrap());
    let indexed = passages.iter().map(|passage| IndexedPassage {
        protocol: "dyspnea".into(),
        anchor: passage.anchor.clone(),
        text: format!("{}\n{}", passage.heading, passage.text),
        vector: None,
    });
    index.replace(org, indexed.collect()).await.unwrap();
    let asked = Question { text: question.into(), vector: None, protocol: Some("dyspnea".into()), most: 12 };
    let hits = index.nearest(org, &asked).await.unwrap().into_iter();
    let found: Vec<Found> =
        hits.map(|hit| Found { anchor: hit.anchor, lexical: hit.lexical, cosine: hit.cosine }).collect();
    if found.is_empty() {
        choose(question, &found_without_index(question, passages), passages)
    } else {
        choose(question, &found, passages)
    }
}

#[tokio::test]
async fn questions_of_nurses_find_their_passage_among_the_first_three() {
    let passages = passages();
    for (question, anchors) in [
        ("Does a fan help with breathlessness?", &["dys-011", "dys-016"][..]),
        ("How should she sit when she is short of breath?", &["dys-008", "dys-010", "dys-048"]),
        ("Can the oximeter be wrong with nail polish?", &["dys-031"]),
        ("What if the oxygen concentrator stops working?", &["dys-048"]),
        ("He is panicking, what can the family do?", &["dys-023", "dys-024", "dys-025", "dys-044"]),
        ("Noisy breathing near the end of life", &["dys-051", "dys-050"]),
        ("There are streaks of blood in the sputum", &["dys-036"]),
        ("Her ankles are swollen and she gained weight", &["dys-040"]),
        ("Is smoking near the oxygen a problem?", &["dys-019"]),
        ("Pursed lips breathing technique", &["dys-013"]),
        ("Fever of 38 with breathlessness", &["dys-038", "dys-039"]),
        ("When does a clinician need to decide within an hour?", &["dys-028", "dys-007"]),
    ] {
        let chosen = search(question, &passages).await.unwrap_or_else(|refusal| panic!("{question}: {refusal:?}"));
        let first: Vec<&str> = chosen.iter().take(3).map(|chosen| chosen.passage.anchor.as_str()).collect();
        assert!(first.iter().any(|anchor| anchors.contains(anchor)), "{question}: {first:?}");
        let answer: Vec<Statement> = extract(question, chosen.iter().map(|chosen| &chosen.passage));
        assert!(!answer.is_empty(), "{question}");
    }
}

#[tokio::test]
async fn questions_the_sample_does_not_speak_to_are_refused() {
    let passages = passages();
    for question in [
        "Where do I renew a parking permit?",
        "What is the capital of France?",
        "How do I treat a pressure sore on the heel?",
        "Which insurance form covers a wheelchair?",
        "What laxative is used for constipation?",
        "Can we convert morphine to fentanyl?",
        "How many days does he have left?",
    ] {
        let chosen = search(question, &passages).await.map(|chosen| chosen[0].passage.anchor.clone());
        assert!(chosen.is_err(), "{question}: {chosen:?}");
    }
}
