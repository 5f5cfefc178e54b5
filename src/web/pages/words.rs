//! What a nurse reads for a state, a code or an instant. Codes of other versions are shown as they are, never hidden.

use crate::domain::{
    answering::VoicemailRule,
    call::{CallManner, CallPurpose, CallState, Speaker},
    consent::{ConsentChannel, ConsentPurpose},
    contact_hours::Channel,
    disposition::Disposition,
    hold_back::Rule,
    office_hours::AfterHours,
    people::{Language, PatientStatus, Role},
    session::Device,
};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

/// What a browser's family is called.
#[must_use]
pub const fn device(device: &Device) -> &'static str {
    match device {
        Device::Firefox => "Firefox",
        Device::Chrome => "Chrome",
        Device::Edge => "Edge",
        Device::Safari => "Safari",
        Device::Program => "A program",
        Device::Unknown => "A browser",
    }
}

/// A clock time of the day, such as `14:05`.
#[must_use]
pub fn time(at: &DateTime<Utc>, zone: &Tz) -> String {
    at.with_timezone(zone).format("%H:%M").to_string()
}

/// A clock time with seconds, for transcripts and the record.
#[must_use]
pub fn time_exact(at: &DateTime<Utc>, zone: &Tz) -> String {
    at.with_timezone(zone).format("%H:%M:%S").to_string()
}

/// A day, such as `Sat 21 Nov 2026`.
#[must_use]
pub fn day(at: &DateTime<Utc>, zone: &Tz) -> String {
    at.with_timezone(zone).format("%a %-d %b %Y").to_string()
}

/// A day and a time; the day is left out when it is today's.
#[must_use]
pub fn moment(at: &DateTime<Utc>, zone: &Tz, now: &DateTime<Utc>) -> String {
    let (local, today) = (at.with_timezone(zone), now.with_timezone(zone).date_naive());
    if local.date_naive() == today {
        local.format("%H:%M").to_string()
    } else {
        local.format("%a %-d %b, %H:%M").to_string()
    }
}

/// A calendar date, such as `14 March 1948`.
#[must_use]
pub fn date(day: &NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// Whole years between a birth date and a day.
#[must_use]
pub fn age(born: &NaiveDate, now: &DateTime<Utc>, zone: &Tz) -> i32 {
    let today = now.with_timezone(zone).date_naive();
    let before = (today.month(), today.day()) < (born.month(), born.day());
    today.year() - born.year() - i32::from(before)
}

/// How far away an instant is: `in 42 min`, `12 min late`.
#[must_use]
pub fn clock(due: &DateTime<Utc>, now: &DateTime<Utc>) -> String {
    let minutes = (*due - *now).num_minutes();
    if *due < *now { format!("{} late", span(-minutes)) } else { format!("in {}", span(minutes)) }
}

/// How long something lasts or lasted.
#[must_use]
pub fn since(from: &DateTime<Utc>, now: &DateTime<Utc>) -> String {
    span((*now - *from).num_minutes().max(0))
}

fn span(minutes: i64) -> String {
    match minutes {
        0 => "under 1 min".to_owned(),
        1..=89 => format!("{minutes} min"),
        90..=2_879 => format!("{} h", (minutes + 30) / 60),
        _ => format!("{} days", (minutes + 720) / 1_440),
    }
}

/// A call's state.
#[must_use]
pub const fn state(state: &CallState) -> &'static str {
    match state {
        CallState::Scheduled => "Planned",
        CallState::AskingNurse => "Asking a nurse first",
        CallState::NurseReady => "A nurse waits; dialling",
        CallState::Placing => "Dialling",
        CallState::Placed => "Ringing or proving identity",
        CallState::WaitingForNurse => "Waiting for a nurse",
        CallState::Bridged => "Talking",
        CallState::Done => "Talked",
        CallState::Missed => "Not reached",
        CallState::Cancelled => "Called off",
        CallState::NeedsPerson => "A person must decide",
    }
}

/// The mark a call's state wears.
#[must_use]
pub const fn state_mark(state: &CallState) -> &'static str {
    match state {
        CallState::Scheduled | CallState::Cancelled => "",
        CallState::AskingNurse
        | CallState::NurseReady
        | CallState::Placing
        | CallState::Placed
        | CallState::Bridged => "live",
        CallState::WaitingForNurse | CallState::NeedsPerson => "red",
        CallState::Done => "green",
        CallState::Missed => "amber",
    }
}

/// Why a call ended or waits.
#[must_use]
pub fn outcome(code: &str) -> String {
    match code {
        "talked" => "Patient and nurse talked",
        "called_off" => "Called off",
        "busy" => "The line was busy",
        "no_answer" => "Nobody answered",
        "failed" => "The carrier could not connect",
        "no_keys" => "Somebody answered and pressed no key",
        "no_nurse" => "No nurse took it, so the patient was not rung",
        "never_rung" => "No nurse took it; the patient was never rung",
        "voicemail" => "A voicemail answered",
        "hung_up" => "They hung up before the nurse came",
        "carrier_busy" => "The carrier took no calls; dialled again soon",
        "missed_call" => "Nobody was reached",
        "identity_not_proven" => "Identity was not proven",
        "caregiver_without_consent" => "A caregiver without consent answered",
        "no_nurse_came" => "The patient waited and no nurse came",
        "patient_hung_up_waiting" => "The patient hung up while waiting for a nurse",
        "number_refused" => "The number cannot be dialled",
        "attempt_unresolved" => "It is unknown whether the telephone rang",
        "window_closed" => "It could not be placed in its time",
        "checked_in" => "Every question of the check-in was asked",
        "check_in_cut_off" => "The check-in broke off in the middle",
        "check_in_silent" => "Nobody answered the check-in any more",
        "check_in_person" => "They asked for a person by text",
        "no_reply" => "Nobody answered the texts",
        "not_now" => "They wish to be asked later",
        "asks_no_longer" => "It was answered before it went out",
        "red_flag_alone" => "A red flag, and no nurse spoke with them",
        "plan_changed" => "The care plan changed",
        "outside_calling_hours" => "Waits for the patient's calling hours",
        "holiday" => "Waits: a holiday of the organization",
        other => {
            return Rule::from_code(other).map_or_else(|| plain(other), |rule| rule.words(Channel::Voice).to_owned());
        }
    }
    .to_owned()
}

/// Who can act when a rule holds a call back, and where.
#[must_use]
pub fn who_can_act(code: &str) -> Option<&'static str> {
    Rule::from_code(code).map(Rule::remedy)
}

/// What a consent is for.
#[must_use]
pub const fn consent_purpose(purpose: &ConsentPurpose) -> &'static str {
    match purpose {
        ConsentPurpose::BeCalled => "To be contacted",
        ConsentPurpose::DiscussHealth => "To talk about the patient's health",
        ConsentPurpose::RecordCall => "To record calls",
        ConsentPurpose::AutomatedCalls => "To be asked by an automatic voice",
        ConsentPurpose::ClinicalTexts => "To be asked about health by automated texts",
    }
}

/// By which way.
#[must_use]
pub const fn consent_channel(channel: &ConsentChannel) -> &'static str {
    match channel {
        ConsentChannel::Voice => "by telephone",
        ConsentChannel::Sms => "by text message",
        ConsentChannel::Any => "by any way",
    }
}

/// Why a call is planned.
#[must_use]
pub const fn purpose(purpose: &CallPurpose) -> &'static str {
    match purpose {
        CallPurpose::CheckIn => "Check-in",
        CallPurpose::Assessment => "Assessment",
        CallPurpose::FollowUp => "Promised call back",
        CallPurpose::MedicationCheck => "Medicines check",
        CallPurpose::Inbound => "They rang us",
    }
}

/// Who asks on a call.
#[must_use]
pub const fn manner(manner: &CallManner) -> &'static str {
    match manner {
        CallManner::Nurse => "A nurse",
        CallManner::Keypad => "An automatic voice, answered by keys",
        CallManner::ReplyText => "Automated texts, answered by texts",
    }
}

/// By which machine somebody is asked; `None` is a nurse.
#[must_use]
pub const fn by_machine(manner: &CallManner) -> Option<&'static str> {
    match manner {
        CallManner::Nurse => None,
        CallManner::Keypad => Some("by keypad"),
        CallManner::ReplyText => Some("by text"),
    }
}

/// What a voicemail is told.
#[must_use]
pub const fn voicemail(rule: &VoicemailRule) -> &'static str {
    match rule {
        VoicemailRule::Silent => "Hang up without a word",
        VoicemailRule::NameFree => "Leave one sentence",
    }
}

/// The same in full.
#[must_use]
pub const fn voicemail_told(rule: &VoicemailRule) -> &'static str {
    match rule {
        VoicemailRule::Silent => "Nothing is recorded.",
        VoicemailRule::NameFree => {
            "After the beep, at most once a day, in the patient's language: that somebody tried to reach them as planned, \
             and the number to ring back. No name, no service, nothing about health."
        }
    }
}

/// What happens to whoever rings outside the hours.
#[must_use]
pub const fn after_hours(rule: &AfterHours) -> &'static str {
    match rule {
        AfterHours::Ring => "Ring the nurse on duty",
        AfterHours::RingBack => "A person rings back",
    }
}

/// The same in full.
#[must_use]
pub const fn after_hours_told(rule: &AfterHours) -> &'static str {
    match rule {
        AfterHours::Ring => {
            "Patients hear that the office is closed and prove who they are as ever; others are rung back soon."
        }
        AfterHours::RingBack => {
            "Everybody hears by when: half an hour after the office opens. Nobody is rung at night."
        }
    }
}

/// A language.
#[must_use]
pub const fn language(language: &Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::Spanish => "Spanish",
    }
}

/// Where a patient stands.
#[must_use]
pub const fn status(status: &PatientStatus) -> &'static str {
    match status {
        PatientStatus::Active => "Followed at home",
        PatientStatus::Admitted => "In hospital",
        PatientStatus::Deceased => "Died",
        PatientStatus::Withdrawn => "Left the service",
        PatientStatus::Transferred => "Handed to another service",
    }
}

/// A role.
#[must_use]
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Nurse => "Nurse",
        Role::Coordinator => "Care coordinator",
        Role::Physician => "Physician",
        Role::Admin => "Administrator",
        Role::Auditor => "Auditor",
    }
}

/// Who speaks on the patient's leg.
#[must_use]
pub const fn speaker(speaker: &Speaker) -> &'static str {
    match speaker {
        Speaker::Patient => "the patient",
        Speaker::Caregiver => "a caregiver with consent",
    }
}

/// The colour a level wears; the words always stand beside it.
#[must_use]
pub const fn level_mark(level: &Disposition) -> &'static str {
    match level {
        Disposition::EmergencyNow | Disposition::HospiceNow => "red",
        Disposition::Clinician1h | Disposition::SameDay => "amber",
        Disposition::Within24h | Disposition::Within72h => "",
        Disposition::Routine | Disposition::SelfCare => "green",
    }
}

/// A chart fact: not knowing is never "no".
#[must_use]
pub const fn fact(known: Option<bool>) -> &'static str {
    match known {
        Some(true) => "Yes",
        Some(false) => "No",
        None => "Not known",
    }
}

/// A code as words: underscores go, the first letter is large.
#[must_use]
pub fn plain(code: &str) -> String {
    let text = code.replace('_', " ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A programme of care.
#[must_use]
pub fn programme(code: &str) -> String {
    if code == "copd" { "COPD".to_owned() } else { plain(code) }
}

/// A file's length as a person says it.
#[must_use]
pub fn file_size(bytes: &i64) -> String {
    match *bytes {
        bytes @ ..1_024 => format!("{bytes} bytes"),
        bytes @ 1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        bytes => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}
