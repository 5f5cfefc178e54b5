//! TwiML, the carrier's language: XML read into verbs before anything is said, so that a document with a fault in
//! it is refused whole.

use super::{media::StreamPlan, post::Method};
use quick_xml::{
    XmlVersion,
    events::{BytesStart, Event},
    reader::Reader,
};
use std::time::Duration;

/// One thing to do on a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verb {
    Say {
        text: String,
    },
    Pause(Duration),
    Gather(Gather),
    Redirect {
        url: String,
        method: Method,
    },
    Hangup,
    /// Played audio is not simulated.
    Play,
    StartStream(StreamPlan),
    StopStream {
        name: String,
    },
    Dial {
        room: Room,
        action: Option<(String, Method)>,
    },
}

/// Waiting for keys.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gather {
    pub(super) texts: Vec<String>,
    pub(super) digits: Option<usize>,
    pub(super) timeout: Duration,
    pub(super) finish_on: Option<char>,
    /// The current document's address when absent.
    pub(super) action: Option<String>,
    pub(super) method: Method,
    /// Whether the action is asked even when no key was pressed.
    pub(super) on_empty: bool,
}

/// How to be in a conference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) starts: bool,
    pub(super) ends: bool,
    pub(super) muted: bool,
    /// The call of the one participant who hears this one.
    pub(super) coach: Option<String>,
    pub(super) callback: Option<(String, Method)>,
    /// Of start, end, join, leave, mute, hold, announcement.
    pub(super) events: Vec<String>,
}

/// Reads a document. The error says what is wrong with it, in words.
pub(super) fn read(text: &str) -> Result<Vec<Verb>, String> {
    let root = tree(text)?;
    if root.name != "Response" {
        return Err(format!("the root is {}, not Response", root.name));
    }
    root.children.iter().map(verb).collect()
}

fn verb(node: &Node) -> Result<Verb, String> {
    Ok(match node.name.as_str() {
        "Say" => Verb::Say { text: node.text() },
        "Pause" => Verb::Pause(node.seconds("length", 1)?),
        "Gather" => Verb::Gather(gather(node)?),
        "Redirect" => Verb::Redirect { url: node.text(), method: node.method("method") },
        "Hangup" | "Reject" => Verb::Hangup,
        "Play" => Verb::Play,
        "Start" => Verb::StartStream(stream(node.only_child("Stream")?)?),
        "Stop" => Verb::StopStream { name: node.only_child("Stream")?.needs("name")? },
        "Dial" => {
            let action = node.attribute("action").map(|url| (url.to_owned(), node.method("method")));
            Verb::Dial { room: room(node.only_child("Conference")?)?, action }
        }
        other => return Err(format!("the verb {other} is unknown here")),
    })
}

fn gather(node: &Node) -> Result<Gather, String> {
    let mut texts = Vec::new();
    for child in &node.children {
        match child.name.as_str() {
            "Say" => texts.push(child.text()),
            "Pause" | "Play" => {}
            other => return Err(format!("{other} cannot stand in Gather")),
        }
    }
    let digits = node.attribute("numDigits").map(str::parse).transpose().map_err(|_| "numDigits is not a number")?;
    Ok(Gather {
        texts,
        digits,
        timeout: node.seconds("timeout", 5)?,
        finish_on: node.attribute("finishOnKey").map_or(Some('#'), |key| key.chars().next()),
        action: node.attribute("action").map(str::to_owned),
        method: node.method("method"),
        on_empty: node.is_true("actionOnEmptyResult", Unsaid::Means(false)),
    })
}

fn stream(node: &Node) -> Result<StreamPlan, String> {
    let mut parameters = Vec::new();
    for child in &node.children {
        if child.name != "Parameter" {
            return Err(format!("{} cannot stand in Stream", child.name));
        }
        parameters.push((child.needs("name")?, child.needs("value")?));
    }
    Ok(StreamPlan {
        url: node.needs("url")?,
        name: node.attribute("name").map(str::to_owned),
        track: node.attribute("track").unwrap_or("inbound_track").to_owned(),
        parameters,
    })
}

fn room(node: &Node) -> Result<Room, String> {
    let name = node.text();
    if name.is_empty() {
        return Err("a Conference needs a name".to_owned());
    }
    let callback = node.attribute("statusCallback").map(|url| (url.to_owned(), node.method("statusCallbackMethod")));
    let events = node.attribute("statusCallbackEvent").unwrap_or("").split_whitespace().map(str::to_owned).collect();
    Ok(Room {
        name,
        starts: node.is_true("startConferenceOnEnter", Unsaid::Means(true)),
        ends: node.is_true("endConferenceOnExit", Unsaid::Means(false)),
        muted: node.is_true("muted", Unsaid::Means(false)),
        coach: node.attribute("coach").filter(|call| !call.is_empty()).map(str::to_owned),
        callback,
        events,
    })
}

/// An XML element.
#[derive(Default)]
struct Node {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
    words: String,
}

/// What an attribute means that is not there.
enum Unsaid {
    Means(bool),
}

impl Node {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn needs(&self, name: &str) -> Result<String, String> {
        self.attribute(name).map(str::to_owned).ok_or_else(|| format!("{} needs the attribute {name}", self.name))
    }

    fn text(&self) -> String {
        self.words.trim().to_owned()
    }

    fn method(&self, name: &str) -> Method {
        Method::read(self.attribute(name))
    }

    fn is_true(&self, name: &str, Unsaid::Means(unsaid): Unsaid) -> bool {
        self.attribute(name).map_or(unsaid, |value| value == "true")
    }

    fn seconds(&self, name: &str, unsaid: u64) -> Result<Duration, String> {
        let seconds = self.attribute(name).map_or(Ok(unsaid), str::parse);
        seconds.map(Duration::from_secs).map_err(|_| format!("{name} of {} is not a number of seconds", self.name))
    }

    fn only_child(&self, name: &str) -> Result<&Self, String> {
        match self.children.as_slice() {
            [child] if child.name == name => Ok(child),
            _ => Err(format!("{} needs exactly one {name}", self.name)),
        }
    }
}

fn tree(text: &str) -> Result<Node, String> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().map_err(|fault| fault.to_string())? {
            Event::Start(start) => open.push(element(&start)?),
            Event::Empty(empty) => close(&mut open, element(&empty)?)?,
            Event::End(_) => {
                let done = open.pop().ok_or("an element is closed that was never opened")?;
                close(&mut open, done)?;
            }
            Event::Text(words) => say(&mut open, &words.xml10_content()),
            Event::CData(words) => say(&mut open, &words.xml10_content()),
            Event::GeneralRef(reference) => say(&mut open, &unescaped(&reference.xml10_content())?),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    let [outside] = open.as_mut_slice() else { return Err("an element is not closed".to_owned()) };
    match std::mem::take(&mut outside.children).pop() {
        Some(root) => Ok(root),
        None => Err("the document is empty".to_owned()),
    }
}

fn unescaped(reference: &str) -> Result<String, String> {
    let whole = format!("&{reference};");
    quick_xml::escape::unescape(&whole).map(std::borrow::Cow::into_owned).map_err(|fault| fault.to_string())
}

fn element(start: &BytesStart<'_>) -> Result<Node, String> {
    let mut node = Node { name: start.name().as_ref().to_owned(), ..Node::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|fault| fault.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|fault| fault.to_string())?;
        node.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(node)
}

fn close(open: &mut [Node], done: Node) -> Result<(), String> {
    open.last_mut().ok_or("an element is closed that was never opened")?.children.push(done);
    Ok(())
}

fn say(open: &mut [Node], words: &str) {
    if let Some(node) = open.last_mut() {
        node.words.push_str(words);
    }
}
