//! The words to whoever rings us and is not put through: what is promised, where they can be reached, what to do if a life
//! is in danger. They have told no language yet, so everything is said in each. Nothing of it names anybody.

use super::{
    people::{Language, PhoneNumber},
    script::Speech,
    script_texts::spaced,
};
use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

/// Most keys of a number; the pound key ends a shorter one.
const MOST_KEYS: u8 = 15;
/// How long the first key may take, in seconds.
const WAIT_SECONDS: u8 = 10;
const SPANISH_DAYS: [&str; 7] = ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"];

/// By when a person rings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Within half an hour.
    Soon,
    /// Once the office is open; until this instant, on this clock.
    By(DateTime<Utc>, Tz),
}

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToCaller<'a> {
    /// The number they ring from is rung back; they may type another.
    WillRingBack(Promise),
    /// Their number is withheld: they are asked for one.
    AskNumber,
    /// What they typed is no number.
    AskNumberAgain,
    /// The number they typed is rung back.
    WillRing(&'a PhoneNumber, Promise),
    /// They typed none, or nothing that can be rung.
    NoNumber,
    /// They have been promised a call and typed no other number.
    Goodbye,
}

/// The same in each language, one after the other; whoever is in danger is told to dial the number given. What asks for keys
/// is an `Ask`.
#[must_use]
pub fn to_caller(told: ToCaller<'_>, emergency_number: &str) -> Vec<Speech> {
    [Language::English, Language::Spanish].map(|language| speech(language, told, &spaced(emergency_number))).into()
}

fn speech(language: Language, told: ToCaller<'_>, emergency: &str) -> Speech {
    let text = match language {
        Language::English => english(told, emergency),
        Language::Spanish => spanish(told, emergency),
    };
    match told {
        ToCaller::WillRingBack(_) | ToCaller::AskNumber | ToCaller::AskNumberAgain => {
            Speech::Ask { language, text, digits: MOST_KEYS, wait_seconds: WAIT_SECONDS }
        }
        ToCaller::WillRing(_, _) | ToCaller::NoNumber | ToCaller::Goodbye => Speech::Farewell { language, text },
    }
}

fn english(told: ToCaller<'_>, emergency: &str) -> String {
    let danger = format!("Thank you for ringing. If somebody's life is in danger, hang up now and dial {emergency}.");
    match told {
        ToCaller::WillRingBack(Promise::Soon) => format!(
            "{danger} We do not know this number, so a person will ring you back on it within half an hour. \
             For another number, type it now with its area code, and then the pound key. Otherwise just hang up."
        ),
        ToCaller::WillRingBack(promise) => format!(
            "{danger} The office is closed. A person will ring you back on this number {}. \
             For another number, type it now with its area code, and then the pound key. Otherwise just hang up.",
            by(Language::English, promise)
        ),
        ToCaller::AskNumber => format!(
            "{danger} Your number is withheld. So that a person can ring you back, please type your number with its area \
             code, and then the pound key."
        ),
        ToCaller::AskNumberAgain => {
            "That is no number we can ring. Please type it again with its area code, and then the \
                                     pound key."
                .to_owned()
        }
        ToCaller::WillRing(number, promise) => format!(
            "Thank you. A person will ring you back on {} {}. Goodbye.",
            spaced(number.reveal()),
            by(Language::English, promise)
        ),
        ToCaller::NoNumber => {
            "We have no number on which we can ring you back. Please ring again and let your number be \
                               shown, or type it. Goodbye."
                .to_owned()
        }
        ToCaller::Goodbye => "Goodbye.".to_owned(),
    }
}

fn spanish(told: ToCaller<'_>, emergency: &str) -> String {
    let danger =
        format!("Gracias por llamar. Si la vida de alguien corre peligro, cuelgue ahora y marque {emergency}.");
    match told {
        ToCaller::WillRingBack(Promise::Soon) => format!(
            "{danger} No conocemos este número, por eso una persona le devolverá la llamada en media hora. \
             Si prefiere otro número, márquelo ahora con su código de área y después la tecla numeral. Si no, cuelgue."
        ),
        ToCaller::WillRingBack(promise) => format!(
            "{danger} La oficina está cerrada. Una persona le devolverá la llamada a este número {}. \
             Si prefiere otro número, márquelo ahora con su código de área y después la tecla numeral. Si no, cuelgue.",
            by(Language::Spanish, promise)
        ),
        ToCaller::AskNumber => format!(
            "{danger} Su número está oculto. Para que una persona le devuelva la llamada, marque su número con su \
             código de área y después la tecla numeral."
        ),
        ToCaller::AskNumberAgain => {
            "No podemos llamar a ese número. Márquelo otra vez con su código de área y después la tecla numeral."
                .to_owned()
        }
        ToCaller::WillRing(number, promise) => format!(
            "Gracias. Una persona le devolverá la llamada al {} {}. Adiós.",
            spaced(number.reveal()),
            by(Language::Spanish, promise)
        ),
        ToCaller::NoNumber => {
            "No tenemos ningún número al que devolverle la llamada. Llame otra vez mostrando su número, o \
                               márquelo. Adiós."
                .to_owned()
        }
        ToCaller::Goodbye => "Adiós.".to_owned(),
    }
}

fn by(language: Language, promise: Promise) -> String {
    match (language, promise) {
        (Language::English, Promise::Soon) => "within half an hour".to_owned(),
        (Language::Spanish, Promise::Soon) => "en media hora".to_owned(),
        (Language::English, Promise::By(at, zone)) => at.with_timezone(&zone).format("by %-I:%M %p on %A").to_string(),
        (Language::Spanish, Promise::By(at, zone)) => {
            let local = at.with_timezone(&zone);
            let days = usize::try_from(local.weekday().num_days_from_monday()).unwrap_or(0);
            let day = SPANISH_DAYS.get(days).copied().unwrap_or_default();
            format!("antes de las {} del {day}", local.format("%-H:%M"))
        }
    }
}
