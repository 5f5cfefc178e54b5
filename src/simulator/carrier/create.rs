//! How the carrier answers a request that creates something, on a good day and on a bad one.

use super::{waits::Wait, wire::Refusal};
use crate::simulator::listener::Cut;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// How a dial is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreateFault {
    /// As it should.
    #[default]
    Normal,
    /// Accepted, but the answer comes late.
    Slow,
    /// Answered with 500 although the telephone rings.
    #[serde(rename = "500_accepted")]
    BrokenAccepted,
    /// Answered with 500, and nothing rings.
    #[serde(rename = "500_refused")]
    BrokenRefused,
    /// Too many requests; nothing rings.
    #[serde(rename = "429")]
    Throttled,
    /// The connection breaks although the telephone rings.
    DropAccepted,
    /// The connection breaks, and nothing rings.
    DropRefused,
    /// The connection breaks; the call is accepted some time after.
    AcceptedLater,
}

impl CreateFault {
    /// Answers a request that creates something: `accept` takes it and says so, at most once.
    pub(super) async fn answer(
        self,
        late: Wait,
        cut: &Cut,
        accept: impl FnOnce() -> Response + Send + 'static,
    ) -> Response {
        match self {
            Self::Normal => accept(),
            Self::Slow => {
                let reply = accept();
                late.pass().await;
                reply
            }
            Self::BrokenAccepted => {
                accept();
                Refusal::broken().into_response()
            }
            Self::BrokenRefused => Refusal::broken().into_response(),
            Self::Throttled => Refusal::throttled().into_response(),
            Self::DropAccepted => {
                let reply = accept();
                cut.cut();
                reply
            }
            Self::AcceptedLater => {
                cut.cut();
                tokio::spawn(async move {
                    late.pass().await;
                    accept();
                });
                Refusal::broken().into_response()
            }
            Self::DropRefused => {
                cut.cut();
                Refusal::broken().into_response()
            }
        }
    }
}
