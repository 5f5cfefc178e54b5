//! Conformance of passage indexes: found by word, by stem and by meaning; never across organizations.

use careline::{
    adapters::index::MemoryIndex,
    domain::ids::OrgId,
    ports::vectors::{IndexedPassage, Question, Vectors},
};
use chrono::DateTime;

fn org(seconds: i64) -> OrgId {
    OrgId::at(DateTime::from_timestamp(seconds, 0).unwrap())
}

fn passage(protocol: &str, anchor: &str, text: &str, vector: &[f32]) -> IndexedPassage {
    let vector = (!vector.is_empty()).then(|| vector.to_vec());
    IndexedPassage { protocol: protocol.into(), anchor: anchor.into(), text: text.into(), vector }
}

fn question(text: &str, vector: Option<Vec<f32>>) -> Question {
    Question { text: text.into(), vector, protocol: Some("dyspnea@1.0.0".into()), most: 5 }
}

fn shelf() -> Vec<IndexedPassage> {
    vec![
        passage("dyspnea@1.0.0", "dys-001", "Sit upright and lean forward.", &[1.0, 0.0]),
        passage("dyspnea@1.0.0", "dys-002", "A fan eases breathlessness.", &[0.0, 1.0]),
        passage("pain@1.0.0", "pai-001", "A fan does not ease pain.", &[0.0, 1.0]),
    ]
}

fn anchors(hits: &[careline::ports::vectors::Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.anchor.as_str()).collect()
}

async fn conform(index: &dyn Vectors) {
    let (here, there) = (org(1_000), org(2_000));
    assert_eq!(index.holds(here, "dyspnea@1.0.0").await.unwrap(), 0);
    assert!(index.nearest(here, &question("fan", None)).await.unwrap().is_empty());

    index.replace(here, shelf()).await.unwrap();
    assert_eq!(index.holds(here, "dyspnea@1.0.0").await.unwrap(), 2);

    let hits = index.nearest(here, &question("Do fans help when breathless?", None)).await.unwrap();
    assert_eq!(anchors(&hits), ["dys-002"], "stems of this protocol only");
    assert!(hits[0].lexical > 0.0 && hits[0].cosine.is_none());

    let hits = index.nearest(here, &question("posture", Some(vec![0.9, 0.1]))).await.unwrap();
    assert_eq!(hits[0].anchor, "dys-001", "by meaning, without a shared word");
    assert!(hits[0].cosine.unwrap() > 0.9 && hits[0].lexical.abs() < f32::EPSILON);

    let hits = index.nearest(here, &question("fan", Some(vec![1.0, 0.0, 0.0]))).await.unwrap();
    assert_eq!(hits[0].cosine, None, "a vector of another model counts for nothing");

    let mut everywhere = question("fan", None);
    everywhere.protocol = None;
    assert_eq!(index.nearest(here, &everywhere).await.unwrap().len(), 2);

    let odd = question("fan AND (protocol:\"pain@1.0.0\") OR *", None);
    assert_eq!(anchors(&index.nearest(here, &odd).await.unwrap()), ["dys-002"], "no query language");

    assert!(index.nearest(there, &question("fan", Some(vec![0.0, 1.0]))).await.unwrap().is_empty());
    index.replace(there, vec![passage("dyspnea@1.0.0", "far-001", "A fan far away.", &[])]).await.unwrap();
    assert_eq!(anchors(&index.nearest(there, &question("fan", None)).await.unwrap()), ["far-001"]);
    assert_eq!(anchors(&index.nearest(here, &question("fan", None)).await.unwrap()), ["dys-002"]);

    index.replace(here, vec![]).await.unwrap();
    assert_eq!(index.holds(here, "dyspnea@1.0.0").await.unwrap(), 0);
    assert!(index.nearest(here, &question("fan", Some(vec![0.0, 1.0]))).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_index_in_process_conforms() {
    conform(&MemoryIndex::default()).await;
}
