//! What a check-in by text writes before identity is proven, in each language: who writes, that it is automated, whether now
//! is a good time, and who reads. Nothing of health: anybody may read a text over somebody's shoulder.

use crate::domain::{people::Language, script::Prompt, text::templates::Filling};

/// The words around a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningLead {
    /// The first time.
    Fresh,
    /// After an entry that did not match.
    DidNotMatch,
    /// After silence.
    StillThere,
    /// After words of their own, which a person reads.
    NotAnAnswer,
}

/// How a check-in by text ends before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningParting {
    /// Too many wrong entries.
    NotProven,
    /// A caregiver who may not talk about health.
    CaregiverMayNot,
    /// They want to be asked later, and will be.
    Later,
    /// They want to be asked later, and a person calls instead.
    PersonLater,
    /// They asked for a person.
    Person,
}

/// One prompt as a text.
#[must_use]
pub fn ask(language: Language, lead: OpeningLead, prompt: Prompt, with: &Filling) -> String {
    let lead = match (language, lead) {
        (_, OpeningLead::Fresh) => "",
        (Language::English, OpeningLead::DidNotMatch) => "That did not match. ",
        (Language::Spanish, OpeningLead::DidNotMatch) => "Eso no coincide. ",
        (Language::English, OpeningLead::StillThere) => "Once more, in case you missed it. ",
        (Language::Spanish, OpeningLead::StillThere) => "Una vez más, por si no lo vio. ",
        (Language::English, OpeningLead::NotAnAnswer) => "A person will read what you wrote. ",
        (Language::Spanish, OpeningLead::NotAnAnswer) => "Una persona va a leer lo que escribió. ",
    };
    let text = match language {
        Language::English => english(prompt, with),
        Language::Spanish => spanish(prompt, with),
    };
    format!("{lead}{text}")
}

fn english(prompt: Prompt, with: &Filling) -> String {
    let name = &with.name;
    match prompt {
        Prompt::WhoIsThere
        | Prompt::WhoRings
        | Prompt::WhoRingsAfterHours
        | Prompt::WhoIsThereForKeys
        | Prompt::MayRecord => format!(
            "{name}: these are automated texts, as planned with you. Is now a good time for some short questions? Reply 1 if \
             yes and you are the one who asked for them, 2 if you answer for them, 3 for later. For a person reply PERSON, \
             to end texts STOP."
        ),
        Prompt::BirthDate => {
            "So that we write with the right person, reply with your date of birth in eight digits: two \
                              for the month, two for the day, four for the year."
                .to_owned()
        }
        Prompt::CallCode => "Now reply with your four-digit call code.".to_owned(),
        Prompt::CaregiverCode => "Reply with your own caregiver code, four digits.".to_owned(),
        Prompt::CaregiverBirthDate => {
            "Now reply with the date of birth of the person you care for in eight digits: two \
                                       for the month, two for the day, four for the year."
                .to_owned()
        }
    }
}

fn spanish(prompt: Prompt, with: &Filling) -> String {
    let name = &with.name;
    match prompt {
        Prompt::WhoIsThere
        | Prompt::WhoRings
        | Prompt::WhoRingsAfterHours
        | Prompt::WhoIsThereForKeys
        | Prompt::MayRecord => format!(
            "{name}: estos son mensajes automáticos, como lo planeamos con usted. ¿Es buen momento para unas preguntas \
             cortas? Responda 1 si es así y usted es quien los pidió, 2 si responde por esa persona, 3 para más tarde. Para \
             una persona responda PERSONA, para no recibir mensajes PARAR."
        ),
        Prompt::BirthDate => {
            "Para escribir con la persona correcta, responda con su fecha de nacimiento en ocho dígitos: \
                              dos del mes, dos del día y cuatro del año."
                .to_owned()
        }
        Prompt::CallCode => "Ahora responda con su código de cuatro dígitos.".to_owned(),
        Prompt::CaregiverCode => "Responda con su propio código de cuidador, cuatro dígitos.".to_owned(),
        Prompt::CaregiverBirthDate => "Ahora responda con la fecha de nacimiento de la persona a quien cuida en ocho \
                                       dígitos: dos del mes, dos del día y cuatro del año."
            .to_owned(),
    }
}

/// Parting words as a text.
#[must_use]
pub fn part(language: Language, parting: OpeningParting, with: &Filling) -> String {
    let Filling { name, ring, emergency, .. } = with;
    match (language, parting) {
        (Language::English, OpeningParting::NotProven) => format!(
            "{name}: we could not make sure who writes, so this ends here and somebody will call. To speak with us call {ring}."
        ),
        (Language::Spanish, OpeningParting::NotProven) => format!(
            "{name}: no pudimos saber quién escribe; por eso termina aquí y alguien va a llamar. Para hablar con nosotros \
             llame al {ring}."
        ),
        (Language::English, OpeningParting::CaregiverMayNot) => format!(
            "{name}: thank you. We may not go on with you by text, and somebody will call. To speak with us call {ring}."
        ),
        (Language::Spanish, OpeningParting::CaregiverMayNot) => format!(
            "{name}: gracias. No podemos seguir con usted por mensaje, y alguien va a llamar. Para hablar con nosotros llame \
             al {ring}."
        ),
        (Language::English, OpeningParting::Later) => {
            format!("{name}: all right, we will write again in about an hour. To speak with us call {ring}.")
        }
        (Language::Spanish, OpeningParting::Later) => {
            format!(
                "{name}: está bien, le escribiremos de nuevo en una hora. Para hablar con nosotros llame al {ring}."
            )
        }
        (Language::English, OpeningParting::PersonLater) => {
            format!("{name}: all right. Somebody will call you instead. To speak with us call {ring}.")
        }
        (Language::Spanish, OpeningParting::PersonLater) => {
            format!("{name}: está bien. Alguien va a llamarle. Para hablar con nosotros llame al {ring}.")
        }
        (Language::English, OpeningParting::Person) => format!(
            "{name}: somebody is being asked to call you now. In an emergency call {emergency}; do not wait for us. To speak \
             with us call {ring}."
        ),
        (Language::Spanish, OpeningParting::Person) => format!(
            "{name}: estamos pidiendo a alguien que le llame ahora. En una emergencia llame al {emergency}; no nos espere. \
             Para hablar con nosotros llame al {ring}."
        ),
    }
}
