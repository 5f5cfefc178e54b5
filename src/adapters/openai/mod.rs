//! OpenAI and whatever speaks its wire: chat completions for `Llm`, embeddings for `Embeddings`. The town's model
//! server is reached by this adapter too, with another base URL and nothing else.

mod breaker;
mod client;
mod wire;

pub use client::{OpenAi, Settings};
