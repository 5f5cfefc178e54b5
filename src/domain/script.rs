//! The call script: what is said to whoever answers, before anything clinical, and what keys they may press. Identity is
//! a state machine on the server: the expected values never leave it, nothing said before identity is proven names the
//! patient, the service or an illness, and three wrong entries end the call.

use super::people::Language;
use serde::{Deserialize, Serialize};

/// What the carrier should do next on a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Say something and wait for keys.
    Ask {
        /// The voice.
        language: Language,
        /// The words.
        text: String,
        /// How many keys are awaited.
        digits: u8,
        /// How long to wait for the first key.
        wait_seconds: u8,
    },
    /// Say something and end the call.
    Farewell {
        /// The voice.
        language: Language,
        /// The words; empty means to hang up without a word.
        text: String,
    },
    /// Say something and enter the conference.
    Join {
        /// The voice.
        language: Language,
        /// The words before entering.
        text: String,
        /// The conference's name: an id, never a person's name.
        conference: String,
        /// Whether the conference ends when this leg leaves.
        ends_on_exit: bool,
    },
    /// Say something and enter the conference of others, which goes on when this leg leaves.
    Visit {
        /// The voice.
        language: Language,
        /// The words before entering.
        text: String,
        /// The conference's name.
        conference: String,
        /// What the leg may do in it.
        visit: Visit,
    },
    /// Say something, wait a little, and ask again what to do.
    Moment {
        /// The voice.
        language: Language,
        /// The words; empty says nothing.
        text: String,
        /// How long to wait.
        wait_seconds: u8,
    },
    /// What somebody on hold hears: the words, a while of silence, and the words again.
    OnHold {
        /// The voice.
        language: Language,
        /// The words.
        text: String,
        /// Seconds between them.
        pause_seconds: u8,
    },
    /// Words to one leg, which stays where it is.
    Announcement {
        /// The voice.
        language: Language,
        /// The words.
        text: String,
    },
}

/// What a visiting leg may do in a conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Talk with everybody.
    Talks,
    /// Hear everybody and be heard by nobody.
    Listens,
    /// Hear everybody and be heard only by the carrier's call of this name.
    Coaches(String),
}

impl Speech {
    /// Hang up without a word: the answer to a ring that must not be heard.
    #[must_use]
    pub const fn silence() -> Self {
        Self::Farewell { language: Language::English, text: String::new() }
    }
}

/// Wrong entries after which the call ends.
pub const MOST_WRONG_ENTRIES: u8 = 3;

/// Unanswered prompts after which nobody is there.
pub const MOST_SILENCES: u8 = 2;

/// Where the script stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scene {
    /// Nothing said yet.
    Unanswered,
    /// Who is there?
    WhoIsThere,
    /// The patient's date of birth, asked of the patient.
    BirthDate,
    /// The code agreed at enrolment.
    CallCode,
    /// The caregiver's own code.
    CaregiverCode,
    /// The patient's date of birth, asked of a caregiver.
    CaregiverBirthDate,
    /// Consent to record.
    MayRecord,
    /// An automatic voice asks the questions of a protocol; `domain::check_in` says what keys mean there.
    Questions,
    /// In the conference.
    InConference,
    /// Over.
    Over,
}

/// The script of one attempt; it begins anew with each ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Where it stands.
    pub scene: Scene,
    /// Wrong entries so far.
    pub wrong: u8,
    /// Unanswered prompts in a row.
    pub silences: u8,
}

impl Default for Script {
    fn default() -> Self {
        Self { scene: Scene::Unanswered, wrong: 0, silences: 0 }
    }
}

/// What the keys of this step are worth, judged outside so that expected values stay there.
pub trait Identity {
    /// What a caregiver's code stands for.
    type Caregiver;
    /// Whether eight keys are the patient's date of birth.
    fn is_birth_date(&self, keys: &str) -> bool;
    /// Whether four keys are the patient's code.
    fn is_call_code(&self, keys: &str) -> bool;
    /// The caregiver whose code this is.
    fn caregiver(&self, keys: &str) -> Option<Self::Caregiver>;
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<C> {
    /// Ask, or ask again.
    Prompt(Prompt),
    /// A caregiver named themself by code; their date-of-birth prompt follows.
    Caregiver(C),
    /// Identity is proven; consent to record follows.
    Proven,
    /// Identity was refused; the call ends politely.
    Refused,
    /// Nobody is there, or only a machine.
    Nobody,
    /// They said whether the call may be recorded; the conference follows.
    Recorded(Recording),
    /// The keys came after the script had moved on; enter or leave as the state says.
    Late,
}

/// Whether the call may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// Recording and transcription are allowed.
    Allowed,
    /// The call goes on without either.
    Refused,
}

/// One prompt of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Who is there?
    WhoIsThere,
    /// Who rings us?
    WhoRings,
    /// The same while the office is closed.
    WhoRingsAfterHours,
    /// Who is there, on a call on which no person follows?
    WhoIsThereForKeys,
    /// Date of birth of the person themself.
    BirthDate,
    /// Their four-digit code.
    CallCode,
    /// The caregiver's code.
    CaregiverCode,
    /// The patient's date of birth, of a caregiver.
    CaregiverBirthDate,
    /// Consent to record.
    MayRecord,
}

impl Script {
    /// Takes one step: `keys` is what was pressed since the last prompt, `None` when nothing was.
    pub fn step<I: Identity>(&mut self, keys: Option<&str>, identity: &I) -> Turn<I::Caregiver> {
        self.step_within(keys, identity, MOST_SILENCES)
    }

    /// The same, with so many unanswered prompts at the first question before nobody is there.
    pub fn step_within<I: Identity>(
        &mut self,
        keys: Option<&str>,
        identity: &I,
        most_silences: u8,
    ) -> Turn<I::Caregiver> {
        if self.scene == Scene::Unanswered {
            self.scene = Scene::WhoIsThere;
            return Turn::Prompt(Prompt::WhoIsThere);
        }
        let most = if self.scene == Scene::WhoIsThere { most_silences } else { MOST_SILENCES };
        let Some(keys) = keys.filter(|keys| !keys.is_empty()) else { return self.silence(most) };
        if self.scene != Scene::MayRecord {
            self.silences = 0;
        }
        match self.scene {
            Scene::WhoIsThere => match keys {
                "1" => self.ask(Scene::BirthDate, Prompt::BirthDate),
                "2" => self.ask(Scene::CaregiverCode, Prompt::CaregiverCode),
                _ => self.wrong(Prompt::WhoIsThere),
            },
            Scene::BirthDate if identity.is_birth_date(keys) => self.ask(Scene::CallCode, Prompt::CallCode),
            Scene::BirthDate => self.wrong(Prompt::BirthDate),
            Scene::CallCode if identity.is_call_code(keys) => self.proven(),
            Scene::CallCode => self.wrong(Prompt::CallCode),
            Scene::CaregiverCode => match identity.caregiver(keys) {
                Some(caregiver) => {
                    self.scene = Scene::CaregiverBirthDate;
                    Turn::Caregiver(caregiver)
                }
                None => self.wrong(Prompt::CaregiverCode),
            },
            Scene::CaregiverBirthDate if identity.is_birth_date(keys) => self.proven(),
            Scene::CaregiverBirthDate => self.wrong(Prompt::CaregiverBirthDate),
            Scene::MayRecord => match keys {
                "1" => self.recorded(Recording::Allowed),
                "2" => self.recorded(Recording::Refused),
                // Whoever reaches this scene has proven who they are; a slip of the finger is not a wrong identity.
                _ => self.silence(most),
            },
            Scene::Unanswered | Scene::Questions | Scene::InConference | Scene::Over => Turn::Late,
        }
    }

    /// Whether nobody has pressed any key yet.
    #[must_use]
    pub const fn is_untouched(&self) -> bool {
        matches!(self.scene, Scene::Unanswered | Scene::WhoIsThere) && self.wrong == 0
    }

    /// Ends the script; later keys change nothing.
    pub const fn end(&mut self) {
        self.scene = Scene::Over;
    }

    const fn ask<C>(&mut self, scene: Scene, prompt: Prompt) -> Turn<C> {
        self.scene = scene;
        Turn::Prompt(prompt)
    }

    const fn proven<C>(&mut self) -> Turn<C> {
        self.silences = 0;
        self.scene = Scene::MayRecord;
        Turn::Proven
    }

    const fn recorded<C>(&mut self, answer: Recording) -> Turn<C> {
        self.scene = Scene::InConference;
        Turn::Recorded(answer)
    }

    const fn wrong<C>(&mut self, prompt: Prompt) -> Turn<C> {
        self.wrong = self.wrong.saturating_add(1);
        if self.wrong < MOST_WRONG_ENTRIES {
            return Turn::Prompt(prompt);
        }
        self.scene = Scene::Over;
        Turn::Refused
    }

    /// The prompt whose answer is awaited, if any.
    #[must_use]
    pub const fn awaited(&self) -> Option<Prompt> {
        match self.scene {
            Scene::WhoIsThere | Scene::Unanswered => Some(Prompt::WhoIsThere),
            Scene::BirthDate => Some(Prompt::BirthDate),
            Scene::CallCode => Some(Prompt::CallCode),
            Scene::CaregiverCode => Some(Prompt::CaregiverCode),
            Scene::CaregiverBirthDate => Some(Prompt::CaregiverBirthDate),
            Scene::MayRecord => Some(Prompt::MayRecord),
            Scene::Questions | Scene::InConference | Scene::Over => None,
        }
    }

    fn silence<C>(&mut self, most: u8) -> Turn<C> {
        let Some(again) = self.awaited() else { return Turn::Late };
        self.silences = self.silences.saturating_add(1);
        if self.silences < most {
            return Turn::Prompt(again);
        }
        // Silence at the consent prompt is no consent, yet the person has proven who they are and waits to talk.
        if self.scene == Scene::MayRecord {
            return self.recorded(Recording::Refused);
        }
        self.scene = Scene::Over;
        Turn::Nobody
    }
}
