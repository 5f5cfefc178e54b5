//! Embeddings: texts in, unit vectors out.

use super::{Outage, llm::ModelKey};
use async_trait::async_trait;

/// An embedding model.
#[async_trait]
pub trait Embeddings: Send + Sync {
    /// One vector for each text, in order, all of one length.
    async fn embed(&self, texts: &[String], key: &ModelKey) -> Result<Vec<Vec<f32>>, Outage>;
}
