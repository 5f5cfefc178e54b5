//! What a flow costs: every statement it sends and every password it hashes, in order, as the product's own trace says it.

use std::{
    fmt,
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
};

/// What happened on this thread since it began to listen.
pub struct Cost {
    steps: Arc<Mutex<Vec<String>>>,
    _listening: DefaultGuard,
}

/// One hash, among the statements.
pub const HASH: &str = "hash";

impl Cost {
    /// Begins to listen on this thread.
    pub fn listen() -> Self {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let subscriber = Registry::default().with(Steps(Arc::clone(&steps)));
        Self { steps, _listening: tracing::subscriber::set_default(subscriber) }
    }

    /// The steps since the last time, and none after.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.steps.lock().unwrap())
    }
}

/// How many of the steps were hashes.
pub fn hashes(steps: &[String]) -> usize {
    steps.iter().filter(|step| *step == HASH).count()
}

struct Steps(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Steps {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        match event.metadata().target() {
            "careline::hashed" => self.0.lock().unwrap().push(HASH.to_owned()),
            "sqlx::query" => {
                let mut summary = Summary::default();
                event.record(&mut summary);
                // What a connection is told when it is opened costs whoever comes first, known or not.
                if !summary.0.starts_with("set client_connection_check_interval") {
                    self.0.lock().unwrap().push(summary.0);
                }
            }
            _ => {}
        }
    }
}

#[derive(Default)]
struct Summary(String);

impl Visit for Summary {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
