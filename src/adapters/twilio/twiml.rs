//! What a leg does next, in the provider's language. Every word and attribute goes through the XML writer, so that no
//! text, however hostile, can become an instruction.

use super::address::PublicOrigin;
use crate::{
    domain::{
        ids::{AttemptId, OrgId},
        people::Language,
        script::{Speech, Visit},
    },
    ports::phone::Fork,
};
use quick_xml::{Writer, events::BytesText};
use std::io;

/// The addresses one instruction leads to.
#[derive(Clone, Debug)]
pub struct Steps {
    /// Where keys go, and where the leg asks again when none were pressed.
    pub answer: String,
    /// Where the conference reports.
    pub conference: String,
    /// What is said on hold.
    pub hold: String,
}

impl Steps {
    /// Addresses for one instruction to one attempt, unlike those of any other instruction.
    #[must_use]
    pub fn fresh(origin: &PublicOrigin, org: OrgId, attempt: AttemptId) -> Self {
        Self {
            answer: origin.step(org, attempt, &fresh_step()),
            conference: origin.hook(org, attempt, "conference"),
            hold: origin.hook(org, attempt, "hold"),
        }
    }
}

/// A name for one instruction, unlike that of any other.
pub fn fresh_step() -> String {
    hex::encode(rand::random::<[u8; 8]>())
}

/// Hangs up; also what is said when a document could not be written, which a vector in memory cannot fail to be.
const HANG_UP: &str = "<Response><Hangup/></Response>";

/// The document for a speech, with the fork of the leg's audio where there is one.
#[must_use]
pub fn write(steps: &Steps, origin: &PublicOrigin, speech: &Speech, fork: Option<&Fork>) -> String {
    document(|xml| match speech {
        Speech::Ask { language, text, digits, wait_seconds } => {
            ask(xml, &steps.answer, (*digits, *wait_seconds), &[(*language, text)])
        }
        Speech::Farewell { language, text } => farewell(xml, *language, text),
        Speech::Join { language, text, conference, ends_on_exit } => {
            if let Some(fork) = fork {
                start_stream(xml, &origin.media(fork.org), fork)?;
            }
            say(xml, *language, text)?;
            let ends_on_exit = if *ends_on_exit { "true" } else { "false" };
            join(xml, &steps.conference, &Joined { name: conference, ends_on_exit, visit: &Visit::Talks })?;
            hang_up(xml)
        }
        Speech::Visit { language, text, conference, visit } => {
            say(xml, *language, text)?;
            join(xml, &steps.conference, &Joined { name: conference, ends_on_exit: "false", visit })?;
            hang_up(xml)
        }
        Speech::Moment { language, text, wait_seconds } => {
            say(xml, *language, text)?;
            pause(xml, *wait_seconds)?;
            redirect(xml, &steps.answer)
        }
        Speech::OnHold { language, text, pause_seconds } => {
            say(xml, *language, text)?;
            pause(xml, *pause_seconds)?;
            redirect(xml, &steps.hold)
        }
        Speech::Announcement { language, text } => say(xml, *language, text),
    })
}

/// The last words on a leg: a farewell, or, of anything else, only the end.
#[must_use]
pub fn parting(speech: &Speech) -> String {
    document(|xml| match speech {
        Speech::Farewell { language, text } => farewell(xml, *language, text),
        Speech::Ask { .. }
        | Speech::Join { .. }
        | Speech::Visit { .. }
        | Speech::Moment { .. }
        | Speech::OnHold { .. }
        | Speech::Announcement { .. } => hang_up(xml),
    })
}

/// Words in one language after another, and then the end; where any of them ask, keys or silence go to `answer` first.
#[must_use]
pub fn to_caller(answer: &str, told: &[Speech]) -> String {
    let mut bounds = None;
    let mut words = Vec::new();
    for speech in told {
        match speech {
            Speech::Ask { language, text, digits, wait_seconds } => {
                bounds = Some((*digits, *wait_seconds));
                words.push((*language, text));
            }
            Speech::Farewell { language, text } => words.push((*language, text)),
            Speech::Join { .. }
            | Speech::Visit { .. }
            | Speech::Moment { .. }
            | Speech::OnHold { .. }
            | Speech::Announcement { .. } => {}
        }
    }
    document(|xml| {
        if let Some(bounds) = bounds {
            return ask(xml, answer, bounds, &words);
        }
        for (language, text) in words {
            say(xml, language, text)?;
        }
        hang_up(xml)
    })
}

type Xml = Writer<Vec<u8>>;

fn document(content: impl FnOnce(&mut Xml) -> io::Result<()>) -> String {
    let mut xml = Writer::new(Vec::new());
    let written = xml.create_element("Response").write_inner_content(content).map(|_| ());
    let text = String::from_utf8(xml.into_inner()).ok();
    match (written, text) {
        (Ok(()), Some(text)) => text,
        (Ok(()) | Err(_), _) => HANG_UP.to_owned(),
    }
}

/// Says words while waiting for so many keys, the first of them for so many seconds.
fn ask(xml: &mut Xml, answer: &str, (digits, wait_seconds): (u8, u8), words: &[(Language, &String)]) -> io::Result<()> {
    let (digits, wait) = (digits.to_string(), wait_seconds.to_string());
    xml.create_element("Gather")
        .with_attribute(("input", "dtmf"))
        .with_attribute(("numDigits", digits.as_str()))
        .with_attribute(("timeout", wait.as_str()))
        .with_attribute(("action", answer))
        .with_attribute(("method", "POST"))
        .write_inner_content(|xml| {
            for (language, text) in words {
                say(xml, *language, text)?;
            }
            Ok(())
        })?;
    // The provider asks the action only when keys were pressed; silence falls through to here.
    redirect(xml, answer)
}

fn farewell(xml: &mut Xml, language: Language, text: &str) -> io::Result<()> {
    say(xml, language, text)?;
    hang_up(xml)
}

fn start_stream(xml: &mut Xml, url: &str, fork: &Fork) -> io::Result<()> {
    let name = fork.stream.to_string();
    xml.create_element("Start").write_inner_content(|xml| {
        xml.create_element("Stream")
            .with_attribute(("url", url))
            .with_attribute(("name", name.as_str()))
            .with_attribute(("track", "inbound_track"))
            .write_inner_content(|xml| {
                xml.create_element("Parameter")
                    .with_attribute(("name", "token"))
                    .with_attribute(("value", fork.token.as_str()))
                    .write_empty()
                    .map(|_| ())
            })
            .map(|_| ())
    })?;
    Ok(())
}

/// The conference a leg enters, and how.
struct Joined<'a> {
    name: &'a str,
    ends_on_exit: &'a str,
    visit: &'a Visit,
}

fn join(xml: &mut Xml, callback: &str, joined: &Joined<'_>) -> io::Result<()> {
    xml.create_element("Dial").write_inner_content(|xml| {
        let mut conference = xml
            .create_element("Conference")
            .with_attribute(("startConferenceOnEnter", "true"))
            .with_attribute(("endConferenceOnExit", joined.ends_on_exit))
            .with_attribute(("beep", "false"));
        conference = match joined.visit {
            Visit::Talks => conference,
            Visit::Listens => conference.with_attribute(("muted", "true")),
            Visit::Coaches(sid) => conference.with_attribute(("coach", sid.as_str())),
        };
        conference
            .with_attribute(("statusCallback", callback))
            .with_attribute(("statusCallbackMethod", "POST"))
            .with_attribute(("statusCallbackEvent", "start end join leave mute hold"))
            .write_text_content(BytesText::new(&speakable(joined.name)))
            .map(|_| ())
    })?;
    Ok(())
}

fn pause(xml: &mut Xml, seconds: u8) -> io::Result<()> {
    let length = seconds.to_string();
    xml.create_element("Pause").with_attribute(("length", length.as_str())).write_empty()?;
    Ok(())
}

fn redirect(xml: &mut Xml, url: &str) -> io::Result<()> {
    xml.create_element("Redirect").with_attribute(("method", "POST")).write_text_content(BytesText::new(url))?;
    Ok(())
}

fn say(xml: &mut Xml, language: Language, text: &str) -> io::Result<()> {
    let text = speakable(text);
    if text.trim().is_empty() {
        return Ok(());
    }
    xml.create_element("Say").with_attribute(("language", language.tag())).write_text_content(BytesText::new(&text))?;
    Ok(())
}

fn hang_up(xml: &mut Xml) -> io::Result<()> {
    xml.create_element("Hangup").write_empty()?;
    Ok(())
}

/// The text with blanks for what XML 1.0 cannot carry even escaped (production 2, Char): one such sign would make the
/// provider refuse the whole document.
fn speakable(text: &str) -> String {
    let blank = |sign: char| match sign {
        '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => sign,
        _ => ' ',
    };
    text.chars().map(blank).collect()
}
