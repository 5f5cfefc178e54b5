//! The passage index in process: BM25 with English stems (tantivy, in memory) and an exact scan over the vectors, one
//! index for each organization. What one organization searches cannot hold another's passages.

use crate::{
    domain::{
        guidance::{choose::fuse, text::content_stems},
        ids::OrgId,
    },
    ports::{
        Outage, OutageKind,
        vectors::{Hit, IndexedPassage, Question, Vectors},
    },
};
use async_trait::async_trait;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use tantivy::{
    Index, IndexReader, Searcher, TantivyDocument, Term,
    collector::TopDocs,
    directory::RamDirectory,
    query::{BooleanQuery, ConstScoreQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value},
};

/// Memory tantivy may use while it builds, in bytes.
const BUILD_BYTES: usize = 15_000_000;
/// How many passages each of the two searches contributes at most.
const REACH: usize = 50;

/// The index of every organization. An organization's shelf is replaced whole, in one step.
#[derive(Default)]
pub struct MemoryIndex {
    organizations: RwLock<HashMap<OrgId, Arc<Shelf>>>,
}

#[async_trait]
impl Vectors for MemoryIndex {
    async fn replace(&self, org: OrgId, passages: Vec<IndexedPassage>) -> Result<(), Outage> {
        let built = tokio::task::spawn_blocking(move || Shelf::build(passages))
            .await
            .map_err(|_| broken())?
            .map_err(|_| broken())?;
        self.organizations.write().unwrap_or_else(PoisonError::into_inner).insert(org, Arc::new(built));
        Ok(())
    }

    async fn holds(&self, org: OrgId, protocol: &str) -> Result<usize, Outage> {
        let held = self.shelf(org).map_or(0, |it| it.passages.iter().filter(|it| it.protocol == protocol).count());
        Ok(held)
    }

    async fn nearest(&self, org: OrgId, question: &Question) -> Result<Vec<Hit>, Outage> {
        match self.shelf(org) {
            Some(held) => held.nearest(question).map_err(|_| broken()),
            None => Ok(Vec::new()),
        }
    }
}

impl MemoryIndex {
    fn shelf(&self, org: OrgId) -> Option<Arc<Shelf>> {
        self.organizations.read().unwrap_or_else(PoisonError::into_inner).get(&org).cloned()
    }
}

const fn broken() -> Outage {
    Outage { dependency: "passage index", kind: OutageKind::Broken }
}

/// One organization's passages.
struct Shelf {
    passages: Vec<IndexedPassage>,
    words: Option<Words>,
}

/// The inverted index over the passages' words.
struct Words {
    reader: IndexReader,
    fields: Fields,
}

#[derive(Clone, Copy)]
struct Fields {
    place: Field,
    protocol: Field,
    text: Field,
}

impl Shelf {
    fn build(passages: Vec<IndexedPassage>) -> tantivy::Result<Self> {
        let words = if passages.is_empty() { None } else { Some(Words::build(&passages)?) };
        Ok(Self { passages, words })
    }

    fn nearest(&self, question: &Question) -> tantivy::Result<Vec<Hit>> {
        let Some(words) = &self.words else { return Ok(Vec::new()) };
        let mut hits: Vec<(usize, f32, Option<f32>)> = Vec::new();
        for (place, lexical) in words.nearest(question)? {
            hits.push((place, lexical, self.cosine(place, question)));
        }
        for (place, cosine) in self.scan(question) {
            if !hits.iter().any(|(other, _, _)| *other == place) {
                hits.push((place, 0.0, Some(cosine)));
            }
        }
        let scores: Vec<(f32, Option<f32>)> = hits.iter().map(|(_, lexical, cosine)| (*lexical, *cosine)).collect();
        let order = fuse(&scores).into_iter().take(question.most);
        Ok(order.filter_map(|(rank, _)| hits.get(rank)).filter_map(|hit| self.hit(*hit)).collect())
    }

    fn hit(&self, (place, lexical, cosine): (usize, f32, Option<f32>)) -> Option<Hit> {
        let passage = self.passages.get(place)?;
        Some(Hit { protocol: passage.protocol.clone(), anchor: passage.anchor.clone(), lexical, cosine })
    }

    /// The places nearest by cosine, over every passage of the protocol asked for.
    fn scan(&self, question: &Question) -> Vec<(usize, f32)> {
        let wanted = |passage: &IndexedPassage| question.protocol.as_ref().is_none_or(|it| *it == passage.protocol);
        let mut near: Vec<(usize, f32)> = self
            .passages
            .iter()
            .enumerate()
            .filter(|(_, passage)| wanted(passage))
            .filter_map(|(place, _)| self.cosine(place, question).map(|cosine| (place, cosine)))
            .collect();
        near.sort_by(|left, right| right.1.total_cmp(&left.1));
        near.truncate(REACH);
        near
    }

    /// The cosine of a passage with the question; absent when either has no vector or they are of two models.
    fn cosine(&self, place: usize, question: &Question) -> Option<f32> {
        let left = self.passages.get(place)?.vector.as_deref()?;
        let right = question.vector.as_deref()?;
        if left.len() != right.len() {
            return None;
        }
        let dot = |left: &[f32], right: &[f32]| left.iter().zip(right).map(|(a, b)| a * b).sum::<f32>();
        let length = (dot(left, left) * dot(right, right)).sqrt();
        (length > 0.0).then(|| dot(left, right) / length)
    }
}

impl Words {
    fn build(passages: &[IndexedPassage]) -> tantivy::Result<Self> {
        let mut schema = Schema::builder();
        let indexing =
            TextFieldIndexing::default().set_tokenizer("en_stem").set_index_option(IndexRecordOption::WithFreqs);
        let fields = Fields {
            place: schema.add_u64_field("place", STORED),
            protocol: schema.add_text_field("protocol", STRING),
            text: schema.add_text_field("text", TextOptions::default().set_indexing_options(indexing)),
        };
        let mut writer =
            Index::builder().schema(schema.build()).single_segment_index_writer(RamDirectory::create(), BUILD_BYTES)?;
        for (place, passage) in passages.iter().enumerate() {
            let mut document = TantivyDocument::default();
            document.add_u64(fields.place, u64::try_from(place).unwrap_or(u64::MAX));
            document.add_text(fields.protocol, &passage.protocol);
            document.add_text(fields.text, &passage.text);
            writer.add_document(document)?;
        }
        let reader = writer.finalize()?.reader()?;
        Ok(Self { reader, fields })
    }

    /// Places and BM25 scores of the passages that share a stem with the question, best first.
    fn nearest(&self, question: &Question) -> tantivy::Result<Vec<(usize, f32)>> {
        let stems = content_stems(&question.text);
        if stems.is_empty() {
            return Ok(Vec::new());
        }
        let term = |field: Field, text: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs))
        };
        let any: Vec<(Occur, Box<dyn Query>)> =
            stems.iter().map(|stem| (Occur::Should, term(self.fields.text, stem))).collect();
        let mut all: Vec<(Occur, Box<dyn Query>)> = vec![(Occur::Must, Box::new(BooleanQuery::new(any)))];
        if let Some(protocol) = &question.protocol {
            let only = ConstScoreQuery::new(term(self.fields.protocol, protocol), 0.0);
            all.push((Occur::Must, Box::new(only)));
        }
        let searcher = self.reader.searcher();
        let top = searcher.search(&BooleanQuery::new(all), &TopDocs::with_limit(REACH).order_by_score())?;
        top.into_iter().map(|(score, address)| Ok((self.place(&searcher, address)?, score))).collect()
    }

    fn place(&self, searcher: &Searcher, address: tantivy::DocAddress) -> tantivy::Result<usize> {
        let document: TantivyDocument = searcher.doc(address)?;
        let place = document.get_first(self.fields.place).and_then(|value| value.as_u64());
        Ok(place.and_then(|place| usize::try_from(place).ok()).unwrap_or(usize::MAX))
    }
}
