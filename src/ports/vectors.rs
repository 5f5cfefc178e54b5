//! The passage index: rebuildable from Postgres, searched by words and by vector, always inside one organization.

use super::Outage;
use crate::domain::ids::OrgId;
use async_trait::async_trait;

/// An index of passages.
#[async_trait]
pub trait Vectors: Send + Sync {
    /// Replaces everything the index holds for one organization.
    async fn replace(&self, org: OrgId, passages: Vec<IndexedPassage>) -> Result<(), Outage>;

    /// How many passages it holds of one protocol, so that a caller can tell an index that must be built first.
    async fn holds(&self, org: OrgId, protocol: &str) -> Result<usize, Outage>;

    /// The passages nearest to a question, best first. The organization filter is not optional.
    async fn nearest(&self, org: OrgId, question: &Question) -> Result<Vec<Hit>, Outage>;
}

/// One passage as the index holds it.
#[derive(Clone, Debug)]
pub struct IndexedPassage {
    /// The protocol it belongs to.
    pub protocol: String,
    /// Its anchor, unique within the protocol.
    pub anchor: String,
    /// Its text.
    pub text: String,
    /// Its vector, when an embedding model is configured.
    pub vector: Option<Vec<f32>>,
}

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// The words.
    pub text: String,
    /// Their vector, when an embedding model is configured and up.
    pub vector: Option<Vec<f32>>,
    /// Only passages of this protocol, or of all when absent.
    pub protocol: Option<String>,
    /// At most this many.
    pub most: usize,
}

/// One passage found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The protocol it belongs to.
    pub protocol: String,
    /// Its anchor.
    pub anchor: String,
    /// Relevance of the words (BM25), 0 when none is shared.
    pub lexical: f32,
    /// Cosine with the question, when both have vectors.
    pub cosine: Option<f32>,
}
