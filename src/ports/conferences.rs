//! Conferences, which are the carrier's: who is in one, how each leg sits in it, and words to one leg alone. Everything here
//! says how things are to be and may be said again; nothing rings.

use super::{Outage, phone::CarrierSid};
use crate::domain::ids::{AttemptId, OrgId};
use async_trait::async_trait;

/// The carrier's conferences.
#[async_trait]
pub trait Conferences: Send + Sync {
    /// Who is in the open conference of this name; nobody when there is none.
    async fn present(&self, name: &str) -> Result<Vec<Present>, Outage>;

    /// Lets a leg sit as said.
    ///
    /// # Errors
    /// `Refused` with 20404 when that leg is not in it. Every other outage leaves open how the leg sits.
    async fn seat(&self, name: &str, leg: &Placed, wish: &Wish) -> Result<(), Outage>;

    /// Says something to one leg: the carrier asks `hooks/phone/{org}/{attempt}/announce` for the words.
    ///
    /// # Errors
    /// As `seat`.
    async fn announce(&self, name: &str, leg: &Placed) -> Result<(), Outage>;
}

/// One leg, by the carrier's name and by ours, which names its callback addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Whose call it is.
    pub org: OrgId,
    /// The attempt that became this leg.
    pub attempt: AttemptId,
    /// The carrier's name for it.
    pub sid: CarrierSid,
}

/// How a leg is to sit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// On hold; the carrier asks `hooks/phone/{org}/{attempt}/hold` for what it says meanwhile.
    pub held: bool,
    /// Heard by nobody.
    pub muted: bool,
    /// The conference ends when it leaves.
    pub ends_on_exit: bool,
    /// Who alone hears it.
    pub coaching: Coaching,
}

/// Who alone hears a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coaching {
    /// It never coached; nothing is said about it.
    Never,
    /// Not any more.
    Nobody,
    /// This leg.
    Of(CarrierSid),
}

/// One leg that is in a conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// The carrier's name for it.
    pub sid: CarrierSid,
    /// On hold.
    pub held: bool,
    /// Muted.
    pub muted: bool,
    /// The conference ends when it leaves.
    pub ends_on_exit: bool,
    /// The leg that alone hears it.
    pub coaches: Option<CarrierSid>,
}

impl Present {
    /// Whether it sits as wished.
    #[must_use]
    pub fn sits_as(&self, wish: &Wish) -> bool {
        let coaching = match &wish.coaching {
            Coaching::Never | Coaching::Nobody => self.coaches.is_none(),
            Coaching::Of(sid) => self.coaches.as_ref() == Some(sid),
        };
        coaching && self.held == wish.held && self.muted == wish.muted && self.ends_on_exit == wish.ends_on_exit
    }
}
