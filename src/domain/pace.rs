//! How often somebody may knock: what is counted for whom, and how much is allowed. A nurse at work never meets these
//! bounds; whoever guesses passwords or floods does.

use super::ids::{SessionId, TokenId};
use std::net::{IpAddr, Ipv6Addr};

/// What a door costs whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pace {
    /// Nothing: what a load balancer asks, and files that never change.
    Free,
    /// A page for anybody.
    Visit,
    /// A guess at a secret: password, second factor, recovery code. One that was right is given back.
    SignIn,
    /// A letter to somebody who says they forgot: never given back.
    Reset,
    /// A page or an operation of somebody signed in.
    Ordinary,
    /// A file that is sent to us.
    Upload,
    /// A signed message of a provider.
    Webhook,
}

/// Who draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawer {
    /// Whoever is behind a network address.
    Address(IpAddr),
    /// A signed-in session.
    Session(SessionId),
    /// A program that shows a token.
    Token(TokenId),
    /// Everybody of an organization together.
    Organization,
}

/// A bucket: so much at once, and so much more each hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Draws from a full bucket.
    pub burst: u32,
    /// Draws that flow back in an hour; at least one.
    pub per_hour: u32,
}

/// What to do when the counter does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Nobody may guess uncounted.
    Refuse,
    /// Care goes on, and a line in the log says so.
    Admit,
}

/// What came of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// It was counted; go on.
    Granted,
    /// The bucket is empty.
    Wait {
        /// Seconds until it no longer is; at least one.
        seconds: u64,
    },
}

const fn allow(burst: u32, per_hour: u32) -> Allowance {
    Allowance { burst, per_hour }
}

impl Pace {
    /// The word in the database.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Visit => "visit",
            Self::SignIn => "sign_in",
            Self::Reset => "reset",
            Self::Ordinary => "ordinary",
            Self::Upload => "upload",
            Self::Webhook => "webhook",
        }
    }

    /// Every bucket that such a draw is taken from; a draw counts in all of them or in none.
    #[must_use]
    pub const fn allowances(self, drawer: &Drawer) -> &'static [Allowance] {
        const NONE: &[Allowance] = &[];
        const VISIT: &[Allowance] = &[allow(240, 14_400)];
        // Three quick guesses, then one every twenty seconds, and twenty in an hour.
        const GUESSES: &[Allowance] = &[allow(3, 180), allow(20, 20)];
        const GUESSES_OF_ALL: &[Allowance] = &[allow(120, 600)];
        const LETTERS: &[Allowance] = &[allow(3, 10)];
        const LETTERS_OF_ALL: &[Allowance] = &[allow(30, 60)];
        const PAGES: &[Allowance] = &[allow(600, 36_000)];
        const PAGES_OF_ALL: &[Allowance] = &[allow(6_000, 720_000)];
        const FILES: &[Allowance] = &[allow(30, 240)];
        const FILES_OF_ALL: &[Allowance] = &[allow(300, 3_000)];
        const NEWS: &[Allowance] = &[allow(3_000, 720_000)];
        match (self, drawer) {
            (Self::Visit, Drawer::Address(_)) => VISIT,
            (Self::SignIn, Drawer::Address(_) | Drawer::Session(_) | Drawer::Token(_)) => GUESSES,
            (Self::SignIn, Drawer::Organization) => GUESSES_OF_ALL,
            (Self::Reset, Drawer::Address(_) | Drawer::Session(_) | Drawer::Token(_)) => LETTERS,
            (Self::Reset, Drawer::Organization) => LETTERS_OF_ALL,
            (Self::Ordinary, Drawer::Session(_) | Drawer::Token(_)) => PAGES,
            (Self::Ordinary, Drawer::Organization) => PAGES_OF_ALL,
            (Self::Upload, Drawer::Session(_) | Drawer::Token(_)) => FILES,
            (Self::Upload, Drawer::Organization) => FILES_OF_ALL,
            (Self::Webhook, Drawer::Organization) => NEWS,
            (Self::Free, _)
            | (Self::Visit, Drawer::Session(_) | Drawer::Token(_) | Drawer::Organization)
            | (Self::Ordinary | Self::Upload, Drawer::Address(_))
            | (Self::Webhook, Drawer::Address(_) | Drawer::Session(_) | Drawer::Token(_)) => NONE,
        }
    }

    /// Draws that are taken from the bucket at once and spent one by one by the process that took them. Where many knock and no
    /// secret is guessed, counting each by itself would cost a quarter of what is done for them.
    #[must_use]
    pub const fn draws_at_once(self, drawer: &Drawer) -> u32 {
        match (self, drawer) {
            (Self::Webhook, Drawer::Organization) => 25,
            (Self::Free | Self::Visit | Self::SignIn | Self::Reset | Self::Ordinary | Self::Upload, _)
            | (Self::Webhook, Drawer::Address(_) | Drawer::Session(_) | Drawer::Token(_)) => 1,
        }
    }

    /// What to do when the counter does not answer.
    #[must_use]
    pub const fn unanswered(self) -> Unanswered {
        match self {
            Self::SignIn | Self::Reset => Unanswered::Refuse,
            Self::Free | Self::Visit | Self::Ordinary | Self::Upload | Self::Webhook => Unanswered::Admit,
        }
    }
}

/// How many times the usual allowances hold; 1 outside tests and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub u32);

impl Allowance {
    /// So many times as much.
    #[must_use]
    pub const fn times(self, patience: Patience) -> Self {
        Self { burst: self.burst.saturating_mul(patience.0), per_hour: self.per_hour.saturating_mul(patience.0) }
    }

    /// Seconds in which one draw flows back.
    #[must_use]
    pub fn seconds_each(self) -> f64 {
        3600.0 / f64::from(self.per_hour.max(1))
    }

    /// Seconds in which an empty bucket fills.
    #[must_use]
    pub fn seconds_whole(self) -> f64 {
        self.seconds_each() * f64::from(self.burst)
    }
}

/// Who is behind a network address, as far as counting goes: an IPv4 address, or the /64 network that one household or
/// machine is given in IPv6 (RFC 6177), so that nobody has as many guesses as addresses.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}
