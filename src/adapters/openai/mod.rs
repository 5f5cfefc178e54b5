//! adapters/openai/mod: being built.
