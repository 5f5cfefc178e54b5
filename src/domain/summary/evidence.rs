//! Why a draft says what it says: what was withheld, and, when a model was asked, which one, with what, and what came back.

use super::verify::Withheld;
use serde::{Deserialize, Serialize};

/// The evidence behind a draft; stored as JSON beside it. It holds codes and hashes, no word of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DraftEvidence {
    /// What was found and does not hold.
    pub withheld: Vec<Withheld>,
    /// The model's own name for itself.
    pub model: Option<String>,
    /// SHA-256 of the instructions and the schema it was given.
    pub prompt_sha256: Option<String>,
    /// SHA-256 of the words it was given.
    pub material_sha256: Option<String>,
    /// What kept it from answering: a dependency and a kind, or `unreadable`.
    pub outage: Option<String>,
}
