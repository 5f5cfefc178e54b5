//! Our own words: a closed list, in English and Spanish, with nothing of health in any of them. Anybody may read a text
//! over somebody's shoulder, so a template takes a time, two numbers and a neutral name, and no person's.

use super::BoundBy;
use crate::domain::people::Language;
use chrono::{DateTime, Datelike, Timelike, Utc};
use chrono_tz::Tz;

/// One of our texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Template {
    /// A planned call is near.
    CallReminder,
    /// Please ring us.
    CallBackWish,
    /// We rang in vain.
    MissedYou,
    /// What HELP is answered with.
    Help,
    /// What STOP is answered with.
    StopConfirmed,
    /// What START is answered with.
    StartConfirmed,
    /// No machine answers what this person wrote; whom to ring instead.
    RingInstead,
    /// What came is kept, but the questions it would answer are over.
    OverNow,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 8] = [
        Self::CallReminder,
        Self::CallBackWish,
        Self::MissedYou,
        Self::Help,
        Self::StopConfirmed,
        Self::StartConfirmed,
        Self::RingInstead,
        Self::OverNow,
    ];

    /// Those a staff member may send from the thread.
    pub const BY_HAND: [Self; 2] = [Self::CallBackWish, Self::MissedYou];

    /// The word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::CallReminder => "call_reminder",
            Self::CallBackWish => "call_back_wish",
            Self::MissedYou => "missed_you",
            Self::Help => "help",
            Self::StopConfirmed => "stop_confirmed",
            Self::StartConfirmed => "start_confirmed",
            Self::RingInstead => "ring_instead",
            Self::OverNow => "over_now",
        }
    }

    /// The template of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.word() == word)
    }

    /// Which rules it must pass. What answers somebody is not held back by the hour they chose to write at.
    #[must_use]
    pub const fn bound_by(self) -> BoundBy {
        match self {
            Self::CallReminder | Self::CallBackWish | Self::MissedYou => BoundBy::Everything,
            Self::RingInstead | Self::StartConfirmed | Self::OverNow => BoundBy::StandingAndStop,
            Self::Help | Self::StopConfirmed => BoundBy::Standing,
        }
    }
}

/// What a template is filled with.
#[derive(Clone, Debug)]
pub struct Filling {
    /// How texts name the organization.
    pub name: String,
    /// The organization's own number, E.164.
    pub ring: String,
    /// Where help is fast, such as 911.
    pub emergency: &'static str,
    /// When the call is planned, on the patient's clock; other templates leave it out.
    pub when: Option<(DateTime<Utc>, Tz)>,
}

/// The emergency number of a country (ISO 3166 alpha-2); 112 is understood in most (ITU-T E.161.1).
#[must_use]
pub fn emergency_number(country: &str) -> &'static str {
    match country {
        "US" | "CA" | "MX" | "PR" => "911",
        "GB" | "IE" => "999",
        "AU" => "000",
        "NZ" => "111",
        _ => "112",
    }
}

/// The words of a template.
#[must_use]
pub fn words(template: Template, language: Language, with: &Filling) -> String {
    let Filling { name, ring, emergency, .. } = with;
    let when = with.when.map_or_else(String::new, |(at, zone)| moment(at, zone, language));
    match (template, language) {
        (Template::CallReminder, Language::English) => {
            format!("{name}: we plan to call you on {when}. Reply STOP to end texts, HELP for help.")
        }
        (Template::CallReminder, Language::Spanish) => {
            format!("{name}: pensamos llamarle el {when}. Responda PARAR para no recibir mensajes, AYUDA para ayuda.")
        }
        (Template::CallBackWish, Language::English) => {
            format!("{name}: please call us when you can at {ring}. Reply STOP to end texts.")
        }
        (Template::CallBackWish, Language::Spanish) => {
            format!("{name}: por favor, llame cuando pueda al {ring}. Responda PARAR para no recibir mensajes.")
        }
        (Template::MissedYou, Language::English) => {
            format!("{name}: we called and did not reach you. You can call us at {ring}. Reply STOP to end texts.")
        }
        (Template::MissedYou, Language::Spanish) => format!(
            "{name}: le llamamos y no pudimos hablar con usted. Puede llamar al {ring}. Responda PARAR para no recibir \
             mensajes."
        ),
        (Template::Help, Language::English) => format!(
            "{name}: texts about your calls. In an emergency call {emergency}. To speak with us call {ring}. Reply STOP to \
             end texts. Message and data rates may apply."
        ),
        (Template::Help, Language::Spanish) => format!(
            "{name}: mensajes sobre sus llamadas. En una emergencia llame al {emergency}. Para hablar con nosotros llame al \
             {ring}. Responda PARAR para no recibir mensajes. Pueden aplicarse tarifas."
        ),
        (Template::StopConfirmed, Language::English) => {
            format!("{name}: you will get no more texts from us. Reply START to get them again.")
        }
        (Template::StopConfirmed, Language::Spanish) => {
            format!("{name}: no vamos a enviarle otros mensajes. Responda INICIAR para recibirlos de nuevo.")
        }
        (Template::StartConfirmed, Language::English) => {
            format!("{name}: you will get texts about your calls again. Reply STOP to end them, HELP for help.")
        }
        (Template::StartConfirmed, Language::Spanish) => format!(
            "{name}: de nuevo le enviaremos mensajes sobre sus llamadas. Responda PARAR para no recibirlos, AYUDA para ayuda."
        ),
        (Template::RingInstead, Language::English) => format!(
            "{name}: nobody may see a text in time. In an emergency call {emergency} now. To speak with us call {ring} now."
        ),
        (Template::RingInstead, Language::Spanish) => format!(
            "{name}: nadie puede ver un mensaje a tiempo. En una emergencia llame ahora al {emergency}. Para hablar con \
             nosotros llame ahora al {ring}."
        ),
        (Template::OverNow, Language::English) => format!(
            "{name}: the questions are over, and a person will read what you wrote. To speak with us call {ring}. In an \
             emergency call {emergency}."
        ),
        (Template::OverNow, Language::Spanish) => format!(
            "{name}: las preguntas ya terminaron, y una persona va a leer su mensaje. Para hablar con nosotros llame al \
             {ring}. En una emergencia llame al {emergency}."
        ),
    }
}

const DAYS: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];
const MONTHS: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// Day and time as the person would say them, on their own clock.
fn moment(at: DateTime<Utc>, zone: Tz, language: Language) -> String {
    let local = at.with_timezone(&zone);
    match language {
        Language::English => local.format("%A, %B %-d at %-I:%M %p").to_string(),
        Language::Spanish => {
            let name = |names: &[&'static str], at: u32| {
                usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
            };
            format!(
                "{} {} de {} a las {}:{:02}",
                name(&DAYS, local.weekday().num_days_from_monday()),
                local.day(),
                name(&MONTHS, local.month0()),
                local.hour(),
                local.minute()
            )
        }
    }
}
