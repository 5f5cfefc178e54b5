//! The words of the call script, in each language it is complete in. Nothing before identity names a person, the
//! service or an illness; the organization is named only after identity is proven.

use super::{
    people::Language,
    script::{Prompt, Speech},
};

/// The words around a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// The first time.
    Fresh,
    /// After an entry that did not match.
    DidNotMatch,
    /// After silence.
    Again,
}

/// One prompt as speech.
#[must_use]
pub fn ask(language: Language, lead: Lead, prompt: Prompt, organization: &str) -> Speech {
    let lead = match (language, lead) {
        (_, Lead::Fresh) => "",
        (Language::English, Lead::DidNotMatch) => "That did not match. ",
        (Language::Spanish, Lead::DidNotMatch) => "Eso no coincide. ",
        (Language::English, Lead::Again) => "I did not hear a key. ",
        (Language::Spanish, Lead::Again) => "No oí ninguna tecla. ",
    };
    let text = match language {
        Language::English => english(prompt, organization),
        Language::Spanish => spanish(prompt, organization),
    };
    Speech::Ask { language, text: format!("{lead}{text}"), digits: digits(prompt), wait_seconds: 10 }
}

const fn digits(prompt: Prompt) -> u8 {
    match prompt {
        Prompt::WhoIsThere
        | Prompt::WhoRings
        | Prompt::WhoRingsAfterHours
        | Prompt::WhoIsThereForKeys
        | Prompt::MayRecord => 1,
        Prompt::BirthDate | Prompt::CaregiverBirthDate => 8,
        Prompt::CallCode | Prompt::CaregiverCode => 4,
    }
}

fn english(prompt: Prompt, organization: &str) -> String {
    match prompt {
        // Short first, and what for: whoever screens calls by a machine reads this sentence.
        Prompt::WhoIsThere => "Hello. A person would like to speak with you, as planned; this voice is automatic. \
                               Please press 1 if you are the one who asked for this call. \
                               Press 2 if you are answering for them."
            .to_owned(),
        Prompt::WhoRings => "Thank you for ringing. If somebody's life is in danger, hang up now and dial 9 1 1. \
                             This is an automatic voice; a person follows. \
                             Please press 1 if you ring for yourself. Press 2 if you ring for somebody you care for."
            .to_owned(),
        Prompt::WhoRingsAfterHours => {
            "Thank you for ringing. If somebody's life is in danger, hang up now and dial 9 1 1. \
             The office is closed; somebody on call will be rung for you. This is an automatic voice. \
             Please press 1 if you ring for yourself. Press 2 if you ring for somebody you care for."
                .to_owned()
        }
        Prompt::WhoIsThereForKeys => {
            "Hello. This is a planned call by an automatic voice; you can have a person later by pressing 9. \
                                      Please press 1 if you are the one who asked for this call. \
                                      Press 2 if you are answering for them."
                .to_owned()
        }
        Prompt::BirthDate => "So that we speak with the right person, please enter your date of birth: \
                              two digits for the month, two for the day, four for the year."
            .to_owned(),
        Prompt::CallCode => "Now please enter your four-digit call code.".to_owned(),
        Prompt::CaregiverCode => "Please enter your own caregiver code, four digits.".to_owned(),
        Prompt::CaregiverBirthDate => "Now please enter the date of birth of the person you care for: \
                                       two digits for the month, two for the day, four for the year."
            .to_owned(),
        Prompt::MayRecord => format!(
            "Thank you. This is {organization}. May this call be recorded and written down for the care team? \
             Press 1 for yes. Press 2 for no; we will talk all the same."
        ),
    }
}

fn spanish(prompt: Prompt, organization: &str) -> String {
    match prompt {
        Prompt::WhoIsThere => {
            "Hola. Una persona desea hablar con usted, como estaba planeado; esta voz es automática. \
                               Oprima 1 si usted es quien pidió esta llamada. \
                               Oprima 2 si contesta por esa persona."
                .to_owned()
        }
        Prompt::WhoRings => "Gracias por llamar. Si la vida de alguien corre peligro, cuelgue ahora y marque 9 1 1. \
                             Esta es una voz automática; después sigue una persona. \
                             Oprima 1 si llama por usted mismo. Oprima 2 si llama por alguien a quien cuida."
            .to_owned(),
        Prompt::WhoRingsAfterHours => {
            "Gracias por llamar. Si la vida de alguien corre peligro, cuelgue ahora y marque 9 1 1. \
             La oficina está cerrada; llamaremos por usted a quien está de guardia. Esta es una voz automática. \
             Oprima 1 si llama por usted mismo. Oprima 2 si llama por alguien a quien cuida."
                .to_owned()
        }
        Prompt::WhoIsThereForKeys => {
            "Hola. Esta es una llamada planeada de una voz automática; más tarde puede pedir una persona oprimiendo 9. \
                                      Oprima 1 si usted es quien pidió esta llamada. \
                                      Oprima 2 si contesta por esa persona."
                .to_owned()
        }
        Prompt::BirthDate => "Para hablar con la persona correcta, marque su fecha de nacimiento: \
                              dos dígitos del mes, dos del día y cuatro del año."
            .to_owned(),
        Prompt::CallCode => "Ahora marque su código de cuatro dígitos.".to_owned(),
        Prompt::CaregiverCode => "Marque su propio código de cuidador, cuatro dígitos.".to_owned(),
        Prompt::CaregiverBirthDate => "Ahora marque la fecha de nacimiento de la persona a quien cuida: \
                                       dos dígitos del mes, dos del día y cuatro del año."
            .to_owned(),
        Prompt::MayRecord => format!(
            "Gracias. Le habla {organization}. ¿Podemos grabar esta llamada y escribirla para el equipo? \
             Oprima 1 para sí. Oprima 2 para no; hablaremos de todos modos."
        ),
    }
}

/// How a call may part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// Identity was not proven. Says nothing about anybody.
    NotProven,
    /// Nobody pressed a key; perhaps a machine. Says nothing at all that names a purpose.
    Nobody,
    /// A caregiver who may not talk about health.
    CaregiverMayNot,
    /// No nurse could come to the line.
    NoNurse,
    /// The nurse was rung, but the patient has gone.
    PatientGone,
    /// The nurse passed the call on.
    NursePassed,
    /// The nurse waited, and the patient was not reached.
    NotReached,
    /// Somebody who was asked in and cannot come, or the call is over.
    NotNeeded,
    /// The patient could not be told that somebody listens.
    NotAnnounced,
}

/// Parting words.
#[must_use]
pub fn part(language: Language, parting: Parting) -> Speech {
    let text = match (language, parting) {
        (Language::English, Parting::NotProven) => {
            "Thank you for your time. We could not match the entries, so we end this call here. \
             Somebody will be in touch another way. Goodbye."
        }
        (Language::Spanish, Parting::NotProven) => {
            "Gracias por su tiempo. Los datos no coinciden, así que terminamos aquí. \
             Alguien se comunicará de otra manera. Adiós."
        }
        (Language::English, Parting::Nobody) => "Goodbye.",
        (Language::Spanish, Parting::Nobody) => "Adiós.",
        (Language::English, Parting::CaregiverMayNot) => {
            "Thank you for answering. We will ring again to speak with them in person. Goodbye."
        }
        (Language::Spanish, Parting::CaregiverMayNot) => {
            "Gracias por contestar. Volveremos a llamar para hablar con esa persona. Adiós."
        }
        (Language::English, Parting::NoNurse) => {
            "I am sorry. No nurse is free at this moment. A nurse will ring you back as soon as possible. \
             If you cannot wait, please ring our number, or 9 1 1 in an emergency. Goodbye."
        }
        (Language::Spanish, Parting::NoNurse) => {
            "Lo siento. Ninguna enfermera está libre en este momento. Una enfermera le devolverá la llamada lo antes \
             posible. Si no puede esperar, llame a nuestro número, o al 9 1 1 en una emergencia. Adiós."
        }
        (_, Parting::PatientGone) => "The line has ended. Your worklist shows what is owed. Goodbye.",
        (_, Parting::NotReached) => {
            "The patient was not reached. Your worklist shows what comes next. Thank you for waiting. Goodbye."
        }
        (_, Parting::NotNeeded) => "Thank you. Goodbye.",
        (_, Parting::NotAnnounced) => {
            "The patient could not be told that somebody listens, so you are not connected. Please try again. Goodbye."
        }
        (_, Parting::NursePassed) => "Thank you. The call is passed on. Goodbye.",
    };
    Speech::Farewell { language, text: text.to_owned() }
}

/// What a nurse hears who is rung for a waiting patient: no name, no illness.
#[must_use]
pub fn ask_nurse() -> Speech {
    Speech::Ask {
        language: Language::English,
        text: "A planned call is waiting for you. Press 1 to take the call. Press 2 to pass it on.".to_owned(),
        digits: 1,
        wait_seconds: 10,
    }
}

/// What a nurse hears who is rung before the patient.
#[must_use]
pub fn ask_nurse_first() -> Speech {
    Speech::Ask {
        language: Language::English,
        text: "It is time for a planned call. Press 1 to take the call and wait while the patient is rung. \
               Press 2 to pass it on."
            .to_owned(),
        digits: 1,
        wait_seconds: 10,
    }
}

/// What a nurse hears who is rung before a patient whose check-in found a red flag: no name, no illness.
#[must_use]
pub fn ask_nurse_first_at_once() -> Speech {
    Speech::Ask {
        language: Language::English,
        text: "Urgent: an automated check-in found a red flag. Press 1 to take the call and wait while the patient is rung. \
               Press 2 to pass it on."
            .to_owned(),
        digits: 1,
        wait_seconds: 10,
    }
}

/// What a nurse hears who is rung because a red flag came up in a check-in: no name, no illness.
#[must_use]
pub fn ask_nurse_at_once() -> Speech {
    Speech::Ask {
        language: Language::English,
        text: "Urgent: an automated check-in found a red flag and somebody is waiting for you. \
               Press 1 to take the call. Press 2 to pass it on."
            .to_owned(),
        digits: 1,
        wait_seconds: 10,
    }
}

/// What a nurse hears who then waits in the conference.
pub const PATIENT_IS_RUNG: &str = "Thank you. Please stay on the line. The patient is being rung.";

/// The words before a leg enters the conference.
#[must_use]
pub const fn joining(language: Language) -> &'static str {
    match language {
        Language::English => "Please stay on the line.",
        Language::Spanish => "Por favor, no cuelgue.",
    }
}

/// What somebody hears who is asked into a call: it names no patient, and a machine cannot answer it.
#[must_use]
pub fn ask_guest() -> Speech {
    Speech::Ask {
        language: Language::English,
        text: "A Careline nurse asks you into a call. Press 1 to join. Press 2 if you cannot.".to_owned(),
        digits: 1,
        wait_seconds: 10,
    }
}

/// What a supervisor hears whose own telephone rings.
#[must_use]
pub fn ask_supervisor() -> Speech {
    Speech::Ask {
        language: Language::English,
        text: "Careline connects you to a call you asked to hear. Press 1 to be connected.".to_owned(),
        digits: 1,
        wait_seconds: 10,
    }
}

/// While the patient is told that somebody listens.
#[must_use]
pub fn moment() -> Speech {
    Speech::Moment { language: Language::English, text: "One moment.".to_owned(), wait_seconds: 1 }
}

/// What is said to a patient on hold, now and then.
#[must_use]
pub fn on_hold(language: Language) -> Speech {
    let text = match language {
        Language::English => "You are on hold. Your nurse comes back in a moment. Please stay on the line.",
        Language::Spanish => "Está en espera. Su enfermera vuelve en un momento. Por favor, no cuelgue.",
    };
    Speech::OnHold { language, text: text.to_owned(), pause_seconds: 20 }
}

/// What a patient hears before somebody supervises their call.
#[must_use]
pub fn supervised(language: Language) -> Speech {
    let text = match language {
        Language::English => "A supervisor of your care team now listens to this call.",
        Language::Spanish => "Una supervisora de su equipo escucha ahora esta llamada.",
    };
    Speech::Announcement { language, text: text.to_owned() }
}

/// The one sentence a voicemail may hear after its beep: no name, no service, nothing about health. Keys still count, so
/// that a person who was taken for a machine can go on.
#[must_use]
pub fn leave_word(language: Language, ring_back: &str) -> Speech {
    let number = spaced(ring_back);
    let text = match language {
        Language::English => format!("Hello. Somebody tried to reach you, as planned. Please ring back at {number}."),
        Language::Spanish => {
            format!("Hola. Alguien intentó comunicarse con usted, como estaba planeado. Por favor llame al {number}.")
        }
    };
    Speech::Ask { language, text, digits: 1, wait_seconds: 4 }
}

/// A number as its digits, said one by one; in North America without the country code.
#[must_use]
pub fn spaced(number: &str) -> String {
    let digits = number.strip_prefix("+1").filter(|rest| rest.len() == 10).unwrap_or(number);
    let digits: Vec<String> = digits.chars().filter(char::is_ascii_digit).map(String::from).collect();
    digits.join(" ")
}
