//! Whether the process lives, and whether it can serve: for whoever restarts and balances it.

use crate::{app::App, web::respond::Failure};
use axum::extract::State;
use std::sync::Arc;

/// `GET /health/live`: the process answers.
pub async fn live() -> &'static str {
    "live\n"
}

/// `GET /health/ready`: the database answers too.
///
/// # Errors
/// 503 when it does not.
pub async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Failure> {
    app.db.organizations().await?;
    Ok("ready\n")
}
