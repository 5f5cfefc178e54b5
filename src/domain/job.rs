//! Background work: the closed list of jobs. Jobs are enqueued in the caller's transaction, may run twice, and are
//! the only ones that speak to the telephone.

use super::{
    ids::{
        AttemptId, BreakGlassId, CallId, CallerId, FileId, FollowUpId, GuestId, LegId, PlanId, ResetId, StaffId, TextId,
    },
    notice::Notice,
};
use serde::{Deserialize, Serialize};

/// One kind of background work with what it is about; stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Dial the patient of a due call, once.
    PlaceCall {
        /// The call that is due.
        call: CallId,
    },
    /// Dial the nurse of a call whose patient is waiting.
    RingNurse {
        /// The call that waits.
        call: CallId,
        /// The nurse to ring.
        nurse: StaffId,
    },
    /// End the leg of a nurse whose patient was not reached.
    LetNurseGo {
        /// The attempt on the nurse.
        attempt: AttemptId,
    },
    /// Ring somebody who is asked into a live call.
    RingGuest {
        /// The live call.
        call: CallId,
        /// Who is asked in.
        guest: GuestId,
    },
    /// Have everybody on a live call sit as wished, and look who is there.
    KeepFloor {
        /// The live call.
        call: CallId,
    },
    /// Somebody who rang us may still wait to be rung back.
    RemindCaller {
        /// Who waits.
        caller: CallerId,
        /// Reminders before this one.
        round: u32,
    },
    /// Ask the carrier what became of an attempt whose outcome is unknown.
    ReconcileAttempt {
        /// The attempt in doubt.
        attempt: AttemptId,
    },
    /// A machine's beep has sounded: have the carrier ask what to say.
    SpeakAfterBeep {
        /// The attempt it answered.
        attempt: AttemptId,
    },
    /// End a ring at the carrier that belongs to no attempt.
    EndOrphan {
        /// The carrier's name for it.
        sid: String,
    },
    /// End every leg of a call at the carrier.
    HangUp {
        /// The call to end.
        call: CallId,
    },
    /// Fork the audio of a leg again after we lost it.
    ForkLeg {
        /// The leg in the conference.
        leg: LegId,
    },
    /// A follow-up may have passed its due time.
    EscalateFollowUp {
        /// The follow-up to look at.
        follow_up: FollowUpId,
    },
    /// An urgent access may have run out.
    EndBreakGlass {
        /// The urgent access.
        break_glass: BreakGlassId,
    },
    /// An urgent access may still wait for review.
    RemindBreakGlass {
        /// The urgent access.
        break_glass: BreakGlassId,
        /// Reminders before this one.
        round: u32,
    },
    /// Erase the object of a document that was removed from its chart.
    EraseDocument {
        /// The document.
        file: FileId,
    },
    /// Erase a recording whose time is over.
    EraseRecording {
        /// The call it is of. It is over, so this is not named `call`: nothing looks after it.
        recording: CallId,
    },
    /// Make the calls of a care plan that is new or was changed.
    PlanAhead {
        /// The plan.
        plan: PlanId,
    },
    /// Draft what was said on a call that is over.
    DraftSummary {
        /// The call. It is over, so this is not named `call`: nothing looks after it.
        said: CallId,
    },
    /// Verify the files that were not verified for longest.
    ScrubFiles,
    /// Write a letter to a staff member.
    SendNotice {
        /// Whom to.
        staff: StaffId,
        /// What about.
        notice: Notice,
    },
    /// Write the letter by which a forgotten password is chosen anew.
    WriteReset {
        /// What was asked for.
        reset: ResetId,
    },
    /// Send a text, once.
    SendText {
        /// The text that is due.
        text: TextId,
    },
    /// Look after a check-in by text: silence, closing hours, a text that did not go out.
    MindCheckIn {
        /// The call it is for.
        call: CallId,
    },
    /// Ask the carrier what became of a text.
    ReconcileText {
        /// The text in doubt, or on its way.
        text: TextId,
    },
}

impl Job {
    /// The word for logs and metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::PlaceCall { .. } => "place_call",
            Self::RingNurse { .. } => "ring_nurse",
            Self::LetNurseGo { .. } => "let_nurse_go",
            Self::RingGuest { .. } => "ring_guest",
            Self::KeepFloor { .. } => "keep_floor",
            Self::ReconcileAttempt { .. } => "reconcile_attempt",
            Self::SpeakAfterBeep { .. } => "speak_after_beep",
            Self::EndOrphan { .. } => "end_orphan",
            Self::RemindCaller { .. } => "remind_caller",
            Self::HangUp { .. } => "hang_up",
            Self::ForkLeg { .. } => "fork_leg",
            Self::EscalateFollowUp { .. } => "escalate_follow_up",
            Self::EndBreakGlass { .. } => "end_break_glass",
            Self::RemindBreakGlass { .. } => "remind_break_glass",
            Self::EraseDocument { .. } => "erase_document",
            Self::EraseRecording { .. } => "erase_recording",
            Self::PlanAhead { .. } => "plan_ahead",
            Self::DraftSummary { .. } => "draft_summary",
            Self::ScrubFiles => "scrub_files",
            Self::SendNotice { .. } => "send_notice",
            Self::WriteReset { .. } => "write_reset",
            Self::SendText { .. } => "send_text",
            Self::MindCheckIn { .. } => "mind_check_in",
            Self::ReconcileText { .. } => "reconcile_text",
        }
    }

    /// Two jobs with one key are one job: the second enqueue changes nothing.
    #[must_use]
    pub fn unique_key(&self, salt: &str) -> String {
        match self {
            Self::PlaceCall { call } => format!("place:{call}:{salt}"),
            Self::RingNurse { call, nurse } => format!("nurse:{call}:{nurse}:{salt}"),
            Self::LetNurseGo { attempt } => format!("let-go:{attempt}:{salt}"),
            Self::RingGuest { call, guest } => format!("guest:{call}:{guest}:{salt}"),
            Self::KeepFloor { call } => format!("floor:{call}:{salt}"),
            Self::ReconcileAttempt { attempt } => format!("reconcile:{attempt}:{salt}"),
            Self::SpeakAfterBeep { attempt } => format!("beep:{attempt}:{salt}"),
            Self::EndOrphan { sid } => format!("orphan:{sid}:{salt}"),
            Self::RemindCaller { caller, round } => format!("remind-caller:{caller}:{round}:{salt}"),
            Self::HangUp { call } => format!("hang-up:{call}:{salt}"),
            Self::ForkLeg { leg } => format!("fork:{leg}:{salt}"),
            Self::EscalateFollowUp { follow_up } => format!("escalate:{follow_up}:{salt}"),
            Self::WriteReset { reset } => format!("reset:{reset}:{salt}"),
            Self::EndBreakGlass { break_glass } => format!("end-break-glass:{break_glass}:{salt}"),
            Self::RemindBreakGlass { break_glass, round } => format!("remind-break-glass:{break_glass}:{round}:{salt}"),
            Self::EraseDocument { file } => format!("erase:{file}:{salt}"),
            Self::EraseRecording { recording } => format!("erase-recording:{recording}:{salt}"),
            Self::PlanAhead { plan } => format!("plan-ahead:{plan}:{salt}"),
            Self::DraftSummary { said } => format!("draft-summary:{said}:{salt}"),
            Self::ScrubFiles => format!("scrub:{salt}"),
            Self::SendText { text } => format!("text:{text}:{salt}"),
            Self::MindCheckIn { call } => format!("mind-check-in:{call}:{salt}"),
            Self::ReconcileText { text } => format!("reconcile-text:{text}:{salt}"),
            Self::SendNotice { staff, notice } => format!("notice:{staff}:{}:{salt}", notice.word()),
        }
    }
}
