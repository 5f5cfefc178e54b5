//! The language model: one prompt in, one text out. It has no tools and no write path.

use super::Outage;
use crate::domain::private::Private;
use async_trait::async_trait;

/// A language model.
#[async_trait]
pub trait Llm: Send + Sync {
    /// Completes a prompt. The adapter streams, and gives up when the first token or the whole is late.
    async fn complete(&self, prompt: &Prompt, key: &ModelKey) -> Result<Completion, Outage>;
}

/// Whose key opens the model's server.
#[derive(Clone)]
pub enum ModelKey {
    /// The one of whoever runs Careline.
    Configured,
    /// An organization's own.
    Own(Private<String>),
}

/// What the model is given. It never carries a name, number, date of birth or record number.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is to do, from `prompts/`.
    pub instructions: String,
    /// The material and the question, marked as untrusted.
    pub material: String,
    /// JSON schema the reply must follow.
    pub schema: serde_json::Value,
    /// Most tokens in the reply.
    pub max_tokens: u32,
}

/// What the model wrote. Untrusted until every span is verified.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// The model's own name for itself, pinned in the evidence.
    pub model: String,
}
