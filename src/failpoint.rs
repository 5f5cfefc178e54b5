//! Named moments at which a bench lets a process die. Wherever people work nothing is armed: only the worker of
//! `careline bench chaos` ever sets one up, so no variable of the environment can.

/// A moment between two steps of dialling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailPoint {
    /// Before the intended attempt is committed.
    ClaimPre,
    /// After it.
    ClaimPost,
    /// Before the permission to dial is committed.
    ArmPre,
    /// After it.
    ArmPost,
    /// Before the carrier is asked.
    PostPre,
    /// After it answered, or did not.
    PostPost,
    /// Before its answer is committed as the attempt's name.
    BindPre,
    /// After it.
    BindPost,
    /// Before a refusal is committed.
    RejectPre,
    /// Before an unknown outcome is committed.
    UnknownPre,
    /// After the carrier's list was read for an attempt in doubt.
    ReconcileListed,
    /// Before what the list shows is committed as the attempt's name.
    ReconcileBindPre,
    /// Before the proven absence of an attempt is committed.
    ReconcileAbsentPre,
    /// After what was found out is committed.
    ReconcilePost,
    /// Before a surplus ring is ended at the carrier.
    OrphanEndPre,
    /// After it.
    OrphanEndPost,
    /// Before an attempt whose process died is given up.
    LeaseSweepPre,
    /// After the carrier's list was read for a sweep.
    TailSweepListed,
    /// Before a job is marked as done.
    JobEndPre,
}

impl FailPoint {
    /// Every moment.
    pub const ALL: [Self; 19] = [
        Self::ClaimPre,
        Self::ClaimPost,
        Self::ArmPre,
        Self::ArmPost,
        Self::PostPre,
        Self::PostPost,
        Self::BindPre,
        Self::BindPost,
        Self::RejectPre,
        Self::UnknownPre,
        Self::ReconcileListed,
        Self::ReconcileBindPre,
        Self::ReconcileAbsentPre,
        Self::ReconcilePost,
        Self::OrphanEndPre,
        Self::OrphanEndPost,
        Self::LeaseSweepPre,
        Self::TailSweepListed,
        Self::JobEndPre,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaimPre => "claim.pre",
            Self::ClaimPost => "claim.post",
            Self::ArmPre => "arm.pre",
            Self::ArmPost => "arm.post",
            Self::PostPre => "post.pre",
            Self::PostPost => "post.post",
            Self::BindPre => "bind.pre",
            Self::BindPost => "bind.post",
            Self::RejectPre => "reject.pre",
            Self::UnknownPre => "unknown.pre",
            Self::ReconcileListed => "reconcile.listed",
            Self::ReconcileBindPre => "reconcile.bind.pre",
            Self::ReconcileAbsentPre => "reconcile.absent.pre",
            Self::ReconcilePost => "reconcile.post",
            Self::OrphanEndPre => "orphan.end.pre",
            Self::OrphanEndPost => "orphan.end.post",
            Self::LeaseSweepPre => "sweep.lease.pre",
            Self::TailSweepListed => "sweep.tail.listed",
            Self::JobEndPre => "job.end.pre",
        }
    }

    /// The moment of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.name() == name)
    }

    /// Passes the moment; here a process may be made to die.
    pub fn pass(self) {
        fail::fail_point!(self.name());
    }
}
