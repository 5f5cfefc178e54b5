//! What the record remembers: one closed list of deeds.

pub use super::deed::Deed;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// Every kind of deed that can be recorded.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DeedKind { $($(#[$doc])* $name),+ }

        impl DeedKind {
            /// Every kind, for search forms.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word stored in the record.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }
        }
    };
}

kinds! {
    /// The organization came to be.
    FoundedOrganization = "founded_organization",
    /// A staff member signed in.
    SignedIn = "signed_in",
    /// A sign-in was refused.
    SignInRefused = "sign_in_refused",
    /// A staff member signed out.
    SignedOut = "signed_out",
    /// The provider of single sign-on was set.
    SavedSignOn = "saved_sign_on",
    /// No provider of single sign-on is trusted any more.
    RemovedSignOn = "removed_sign_on",
    /// A person of a provider became known as a staff member.
    LinkedIdentity = "linked_identity",
    /// A role or a login followed the groups of its person.
    FollowedGroups = "followed_groups",
    /// A token for a program was made.
    MadeToken = "made_token",
    /// A token was revoked.
    RevokedToken = "revoked_token",
    /// A password was right; a second factor was asked for.
    AskedForFactor = "asked_for_factor",
    /// A second factor was shown after the password.
    ShowedFactor = "showed_factor",
    /// A second factor or a proof was refused.
    FactorRefused = "factor_refused",
    /// The page of one's own factors was read.
    OpenedFactors = "opened_factors",
    /// A secret for a second factor was made; it counts once a code of it was typed.
    ProposedFactor = "proposed_factor",
    /// A second factor was added.
    AddedFactor = "added_factor",
    /// A second factor was removed.
    RemovedFactor = "removed_factor",
    /// Recovery codes were made; earlier ones are void.
    RenewedRecoveryCodes = "renewed_recovery_codes",
    /// An admin took every second factor from a colleague.
    ResetFactors = "reset_factors",
    /// The list of who has which factors was read.
    ListedFactors = "listed_factors",
    /// The organization's rule on second factors was changed.
    SetFactorPolicy = "set_factor_policy",
    /// A signed-in person proved again who they are.
    ProvedAgain = "proved_again",
    /// Such a proof was refused.
    ProofRefused = "proof_refused",
    /// Sessions were ended by their own person, or one by an admin.
    EndedSessions = "ended_sessions",
    /// An admin read where a colleague is signed in.
    ListedSessions = "listed_sessions",
    /// A browser is trusted no longer.
    DistrustedDevices = "distrusted_devices",
    /// A password was changed by its owner.
    ChangedPassword = "changed_password",
    /// Somebody said a password was forgotten.
    AskedReset = "asked_reset",
    /// The letter for a forgotten password was written.
    WroteReset = "wrote_reset",
    /// A forgotten password was chosen anew.
    ResetPassword = "reset_password",
    /// A staff member was added.
    AddedStaff = "added_staff",
    /// A care team came to be.
    AddedTeam = "added_team",
    /// A staff member began to serve in a care team.
    JoinedTeam = "joined_team",
    /// A staff member's time in a care team ended.
    LeftTeam = "left_team",
    /// A patient was handed to another care team.
    HandedOverPatient = "handed_over_patient",
    /// Somebody looked for a patient outside their teams and found none.
    SoughtUrgently = "sought_urgently",
    /// Urgent access to a patient outside one's teams began.
    BeganBreakGlass = "began_break_glass",
    /// Urgent access ended.
    EndedBreakGlass = "ended_break_glass",
    /// The queue of urgent accesses was read.
    ListedBreakGlass = "listed_break_glass",
    /// An urgent access was reviewed.
    ReviewedBreakGlass = "reviewed_break_glass",
    /// An urgent access was not reviewed in time.
    MissedBreakGlassReview = "missed_break_glass_review",
    /// A right was granted.
    GrantedRight = "granted_right",
    /// A right was taken back.
    RevokedRight = "revoked_right",
    /// A login was closed.
    DeactivatedStaff = "deactivated_staff",
    /// A second person's approval was asked for.
    AskedApproval = "asked_approval",
    /// Somebody approved or refused what another asked for.
    SignedApproval = "signed_approval",
    /// A staff member's role changed.
    ChangedRole = "changed_role",
    /// Today's worklist was read.
    OpenedWorklist = "opened_worklist",
    /// A patient search was made.
    SearchedPatients = "searched_patients",
    /// A patient was admitted to the service.
    AdmittedPatient = "admitted_patient",
    /// A chart was read.
    OpenedChart = "opened_chart",
    /// A contact was added.
    AddedContact = "added_contact",
    /// A consent was given, refused or withdrawn.
    RecordedConsent = "recorded_consent",
    /// Who may be contacted and when, with its history, was read.
    OpenedStanding = "opened_standing",
    /// Where a patient stands was changed.
    ChangedStatus = "changed_status",
    /// What a change made impossible was called off.
    CalledOffContact = "called_off_contact",
    /// A number asked for no more calls or texts, or for them again.
    RecordedOptOut = "recorded_opt_out",
    /// The hours in which a patient may be contacted were changed.
    SetContactWindow = "set_contact_window",
    /// The organization's calling hours and caps were changed.
    SetCallingRules = "set_calling_rules",
    /// A holiday was added.
    AddedHoliday = "added_holiday",
    /// A holiday was removed.
    RemovedHoliday = "removed_holiday",
    /// Somebody rang us from one patient's number and was answered.
    AnsweredCall = "answered_call",
    /// Somebody rang us whom the number does not tell.
    NotedCaller = "noted_caller",
    /// The list of callers who wait was read.
    ListedCallers = "listed_callers",
    /// A caller was rung back, or need not be.
    ClosedCaller = "closed_caller",
    /// A number of the organization was connected with the carrier.
    ConnectedNumber = "connected_number",
    /// A call was planned.
    ScheduledCall = "scheduled_call",
    /// A call was cancelled.
    CancelledCall = "cancelled_call",
    /// A planned call was given another time.
    MovedCall = "moved_call",
    /// A care plan was made.
    MadeCarePlan = "made_care_plan",
    /// A care plan was changed.
    ChangedCarePlan = "changed_care_plan",
    /// A care plan was paused.
    PausedCarePlan = "paused_care_plan",
    /// A paused care plan goes on.
    ResumedCarePlan = "resumed_care_plan",
    /// A care plan was ended.
    EndedCarePlan = "ended_care_plan",
    /// Where a patient lives was written down.
    SetRegion = "set_region",
    /// A shift was written down.
    AddedShift = "added_shift",
    /// A shift was removed.
    RemovedShift = "removed_shift",
    /// A day of a roster was made different.
    ChangedDay = "changed_day",
    /// A day of a roster is like the others again.
    RestoredDay = "restored_day",
    /// Languages and licences of a nurse were written down.
    SetAbilities = "set_abilities",
    /// A nurse began to cover for a colleague.
    BeganCover = "began_cover",
    /// A cover was taken back.
    EndedCover = "ended_cover",
    /// A call changed hands with a cover.
    CoveredCall = "covered_call",
    /// A rule on ringing again was set or taken back.
    SetRetryRule = "set_retry_rule",
    /// Whose telephone rings first was set or taken back.
    SetFirstRung = "set_first_rung",
    /// How a nurse is reached was chosen.
    ChoseLine = "chose_line",
    /// A nurse's browser was given a pass to be rung with.
    GaveBrowserPass = "gave_browser_pass",
    /// A nurse's browser can ring, or no longer.
    BrowserLine = "browser_line",
    /// The list of who slips out of contact was read.
    ListedOutreach = "listed_outreach",
    /// A due call was held back by a rule.
    HeldBackCall = "held_back_call",
    /// A call was read.
    OpenedCall = "opened_call",
    /// An attempt was written before it is dialled.
    IntendedAttempt = "intended_attempt",
    /// The carrier was asked to dial.
    DialledAttempt = "dialled_attempt",
    /// The carrier's answer bound, rejected or left open an attempt.
    SettledAttempt = "settled_attempt",
    /// A ring at the carrier was found that belongs to no attempt.
    FoundOrphan = "found_orphan",
    /// Such a ring was ended, or had ended.
    EndedOrphan = "ended_orphan",
    /// A call was found that nobody rings although it is due.
    FoundOverdueCall = "found_overdue_call",
    /// Nobody is dialled any more.
    PausedDialling = "paused_dialling",
    /// Dialling goes on.
    ResumedDialling = "resumed_dialling",
    /// Whether dialling is paused was read.
    OpenedDialling = "opened_dialling",
    /// The carrier guessed who answered.
    JudgedAnswer = "judged_answer",
    /// A voicemail was told the one sentence it may hear.
    LeftWord = "left_word",
    /// The rule on voicemails of a patient was set.
    SetVoicemailRule = "set_voicemail_rule",
    /// An attempt ended without the person.
    MissedAttempt = "missed_attempt",
    /// Identity was proven by keypad.
    ProvedIdentity = "proved_identity",
    /// Identity was not proven.
    RefusedIdentity = "refused_identity",
    /// Consent to record was given or refused on the call.
    RecordedCallConsent = "recorded_call_consent",
    /// An automatic voice began to ask the questions of a protocol.
    BeganCheckIn = "began_check_in",
    /// Keys, or none, followed a question of the automatic voice; its assessment was read for it.
    HeardCheckIn = "heard_check_in",
    /// The automatic voice has ended.
    EndedCheckIn = "ended_check_in",
    /// A nurse was rung, accepted or declined.
    AnsweredForNurse = "answered_for_nurse",
    /// A leg entered or left the conference.
    MovedLeg = "moved_leg",
    /// Somebody on a live call was put on hold or muted, or is so no longer.
    MovedSeat = "moved_seat",
    /// Somebody was asked into a live call, came, left, or did not come.
    MovedGuest = "moved_guest",
    /// A live call is to be handed over, was, or was not.
    HandedOverCall = "handed_over_call",
    /// Somebody began to supervise a live call, changed how, or ended it.
    SupervisedCall = "supervised_call",
    /// How patients learn of supervision was set.
    SetSupervision = "set_supervision",
    /// A number outside the organization was added to those asked into calls, or removed.
    ChangedOutsideNumbers = "changed_outside_numbers",
    /// Patient and nurse talk.
    BridgedCall = "bridged_call",
    /// A media stream began or ended.
    MovedStream = "moved_stream",
    /// Audio was lost between us and the carrier.
    FoundGap = "found_gap",
    /// Speech became an utterance.
    HeardUtterance = "heard_utterance",
    /// Other words were written down for an utterance; what was heard stays beside them.
    CorrectedUtterance = "corrected_utterance",
    /// What was said on a patient's calls was searched.
    SearchedTranscripts = "searched_transcripts",
    /// The words of a call were erased.
    ErasedTranscript = "erased_transcript",
    /// The first chunk of a call's recording was kept.
    BeganRecording = "began_recording",
    /// What a media stream gave to the recording was kept.
    RecordedLeg = "recorded_leg",
    /// Some or all of a recording was played.
    PlayedRecording = "played_recording",
    /// A recording may not be erased any more.
    HeldRecording = "held_recording",
    /// A recording may be erased again when it is time.
    ReleasedRecording = "released_recording",
    /// A recording was erased.
    ErasedRecording = "erased_recording",
    /// How long recordings are kept was set.
    SetRetention = "set_retention",
    /// A call ended.
    EndedCall = "ended_call",
    /// A nurse asked for guidance.
    AskedQuestion = "asked_question",
    /// Answers of an assessment were saved.
    SavedAnswers = "saved_answers",
    /// An assessment was read.
    OpenedAssessment = "opened_assessment",
    /// An assessment was signed.
    SignedAssessment = "signed_assessment",
    /// What was said on a call was drafted as items, each with its words.
    DraftedSummary = "drafted_summary",
    /// An item of such a draft was accepted, put in other words or dropped.
    DecidedItem = "decided_item",
    /// A summary was signed; it is in the record from then on.
    SignedSummary = "signed_summary",
    /// A stored call was run again.
    ReplayedCall = "replayed_call",
    /// A follow-up came to be.
    OpenedFollowUp = "opened_follow_up",
    /// The follow-up list was read.
    ListedFollowUps = "listed_follow_ups",
    /// A follow-up passed its due time and went to the next person.
    EscalatedFollowUp = "escalated_follow_up",
    /// A follow-up was completed.
    CompletedFollowUp = "completed_follow_up",
    /// A coordinator reviewed a signed assessment.
    ReviewedAssessment = "reviewed_assessment",
    /// The assessments that wait for review were listed.
    ListedReviews = "listed_reviews",
    /// A version of a protocol was put into use.
    ActivatedProtocol = "activated_protocol",
    /// A protocol was read from its package.
    ImportedProtocol = "imported_protocol",
    /// The record was searched.
    SearchedRecord = "searched_record",
    /// The chain was verified.
    VerifiedRecord = "verified_record",
    /// The record was written to a folder for an outside verifier.
    ExportedRecord = "exported_record",
    /// Who has seen a patient's record was read.
    ReportedAccess = "reported_access",
    /// The id of a patient was looked up by name and date of birth, for a search of the record.
    LookedUpPatient = "looked_up_patient",
    /// A letter was handed to the mailer.
    SentNotice = "sent_notice",
    /// Sealed values were wrapped by a newer key.
    RewrappedSecrets = "rewrapped_secrets",
    /// A document of a patient was kept.
    KeptDocument = "kept_document",
    /// A document of a patient was read.
    ReadDocument = "read_document",
    /// A document of a patient was removed.
    RemovedDocument = "removed_document",
    /// The object of a removed document was erased.
    ErasedDocument = "erased_document",
    /// Stored files were read to verify them.
    ScrubbedFiles = "scrubbed_files",
    /// The state of keys and stored files was read.
    OpenedSecrets = "opened_secrets",
    /// It was read which credentials of providers there are.
    ListedCredentials = "listed_credentials",
    /// A credential of a provider was written.
    SetCredential = "set_credential",
    /// A credential of a provider was removed.
    RemovedCredential = "removed_credential",
    /// Background work was given up.
    DiscardedJob = "discarded_job",
    /// How the organization texts was set.
    SetTexting = "set_texting",
    /// A text was written, by a person or by Careline, to be sent.
    WroteText = "wrote_text",
    /// The carrier was asked to send a text.
    SentText = "sent_text",
    /// The carrier's answer bound, rejected or left open a text.
    SettledText = "settled_text",
    /// A rule held a text back.
    HeldBackText = "held_back_text",
    /// Scheduled texts were called off.
    CalledOffTexts = "called_off_texts",
    /// The carrier said how far a text came.
    FollowedText = "followed_text",
    /// A text came in.
    ReceivedText = "received_text",
    /// A number asked for no more texts, or for texts again.
    RecordedTextStop = "recorded_text_stop",
    /// The texts of a patient were read.
    OpenedTexts = "opened_texts",
    /// The texts nobody has read yet were listed.
    ListedTexts = "listed_texts",
    /// A text that came in was read.
    ReadText = "read_text",
    /// A text of an unknown sender was put with a patient.
    MatchedText = "matched_text",
}
