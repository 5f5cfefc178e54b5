//! A page as the demo's nurse sees it: its words, its links and its forms. It reads what this server renders, not the
//! web at large.

use std::borrow::Cow;

/// One page that was fetched.
#[derive(Clone, Debug)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// Path and query it ended at, after redirects.
    pub at: String,
    /// Its source.
    pub html: String,
}

/// A form with what it would send if nothing were changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it goes; empty means the page itself.
    pub action: String,
    /// Name and value of each field that would be sent.
    pub fields: Vec<(String, String)>,
    /// Name and value of every choice and button offered, chosen or not.
    pub offered: Vec<(String, String)>,
}

impl Form {
    /// Fills in a field, as a person would: the last word counts.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(own, _)| own != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether it offers this choice or button.
    #[must_use]
    pub fn offers(&self, name: &str, value: &str) -> bool {
        self.offered.iter().any(|(own, choice)| own == name && choice == value)
    }
}

/// A piece of a page.
enum Piece<'a> {
    Text(&'a str),
    Open(&'a str, &'a str),
    Close(&'a str),
}

/// Elements whose content nobody reads.
const UNREAD: [&str; 4] = ["script", "style", "head", "svg"];
/// Elements that flow inside a line; every other one parts words.
const INLINE: [&str; 8] = ["a", "span", "strong", "em", "q", "b", "i", "mark"];

impl Page {
    /// The words on it, in reading order, each element parted by a space.
    #[must_use]
    pub fn text(&self) -> String {
        text_of(&self.html)
    }

    /// Every link with its words.
    #[must_use]
    pub fn links(&self) -> Vec<(String, String)> {
        let mut links: Vec<(String, String)> = Vec::new();
        let mut inside = false;
        for piece in pieces(&self.html) {
            match piece {
                Piece::Open("a", attributes) => {
                    inside = true;
                    links.push((attribute(attributes, "href").unwrap_or_default(), String::new()));
                }
                Piece::Close("a") => inside = false,
                Piece::Text(text) if inside => {
                    if let Some((_, words)) = links.last_mut() {
                        words.push_str(&decoded(text));
                    }
                }
                Piece::Open(..) | Piece::Close(_) | Piece::Text(_) => {}
            }
        }
        links
    }

    /// The form that goes to `action`, by the end of its address.
    #[must_use]
    pub fn form(&self, action: &str) -> Option<Form> {
        self.forms().into_iter().find(|form| form.action.ends_with(action))
    }

    /// Every form.
    #[must_use]
    pub fn forms(&self) -> Vec<Form> {
        let mut reader = FormReader::default();
        for piece in pieces(&self.html) {
            reader.read(&piece);
        }
        reader.forms
    }

    /// Every article, each as a page of its own.
    #[must_use]
    pub fn articles(&self) -> Vec<Self> {
        self.elements("article").map(|html| Self { html: html.to_owned(), ..self.clone() }).collect()
    }

    /// The words of every list item.
    #[must_use]
    pub fn items(&self) -> Vec<String> {
        self.elements("li").map(text_of).collect()
    }

    fn elements<'p>(&'p self, tag: &'p str) -> impl Iterator<Item = &'p str> {
        pieces(&self.html).filter_map(move |piece| match piece {
            Piece::Open(name, attributes) if name == tag => {
                let end = attributes.as_ptr().addr() + attributes.len() - self.html.as_ptr().addr();
                self.html.get(end + 1..).map(|body| element(tag, body))
            }
            Piece::Open(..) | Piece::Close(_) | Piece::Text(_) => None,
        })
    }

    /// The words of every element whose class list has `class`.
    #[must_use]
    pub fn texts_of_class(&self, class: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = self.html.as_str();
        while let Some((before, after)) = rest.split_once("class=\"") {
            let Some((classes, inside)) = after.split_once('"') else { break };
            if classes.split_whitespace().any(|own| own == class) {
                let tag = before.rsplit('<').next().unwrap_or("").split_whitespace().next().unwrap_or("");
                let body = inside.split_once('>').map_or("", |(_, body)| body);
                found.push(text_of(element(tag, body)));
            }
            rest = inside;
        }
        found
    }
}

/// What belongs to an element that has just opened.
fn element<'a>(tag: &str, body: &'a str) -> &'a str {
    let mut depth = 1_usize;
    for piece in pieces(body) {
        match piece {
            Piece::Open(name, _) if name == tag => depth += 1,
            Piece::Close(name) if name == tag => {
                depth -= 1;
                if depth == 0 {
                    let end = name.as_ptr().addr().saturating_sub(body.as_ptr().addr());
                    return body.get(..end.saturating_sub(2)).unwrap_or(body);
                }
            }
            Piece::Open(..) | Piece::Close(_) | Piece::Text(_) => {}
        }
    }
    body
}

fn text_of(html: &str) -> String {
    let mut words = String::new();
    let mut unread = 0_usize;
    for piece in pieces(html) {
        match piece {
            Piece::Open(tag, _) if UNREAD.contains(&tag) => unread += 1,
            Piece::Close(tag) if UNREAD.contains(&tag) => unread = unread.saturating_sub(1),
            Piece::Open(tag, _) | Piece::Close(tag) if !INLINE.contains(&tag) => words.push(' '),
            Piece::Text(text) if unread == 0 => words.push_str(&decoded(text)),
            Piece::Open(..) | Piece::Close(_) | Piece::Text(_) => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct FormReader {
    forms: Vec<Form>,
    inside: bool,
    select: Option<(String, Option<String>)>,
    area: Option<(String, String)>,
}

impl FormReader {
    fn read(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Open("form", attributes) => {
                self.inside = true;
                let action = attribute(attributes, "action").unwrap_or_default();
                self.forms.push(Form { action, ..Form::default() });
            }
            Piece::Close("form") => self.inside = false,
            Piece::Open("input", attributes) => self.input(attributes, "text"),
            Piece::Open("button", attributes) => self.input(attributes, "submit"),
            Piece::Open("select", attributes) => {
                self.select = attribute(attributes, "name").map(|name| (name, None));
            }
            Piece::Open("option", attributes) => self.option(attributes),
            Piece::Close("select") => {
                if let Some((name, chosen)) = self.select.take() {
                    self.sends(name, chosen.unwrap_or_default());
                }
            }
            Piece::Open("textarea", attributes) => {
                self.area = attribute(attributes, "name").map(|name| (name, String::new()));
            }
            Piece::Text(text) => {
                if let Some((_, words)) = &mut self.area {
                    words.push_str(&decoded(text));
                }
            }
            Piece::Close("textarea") => {
                if let Some((name, words)) = self.area.take() {
                    self.sends(name, words.trim_start_matches('\n').to_owned());
                }
            }
            Piece::Open(..) | Piece::Close(_) => {}
        }
    }

    /// An `input` or `button`, which is `otherwise` where it names no type (HTML: a text field, and a button that sends).
    fn input(&mut self, attributes: &str, otherwise: &str) {
        let Some(name) = attribute(attributes, "name") else { return };
        let kind = attribute(attributes, "type").unwrap_or_else(|| otherwise.to_owned());
        let value = attribute(attributes, "value");
        match kind.as_str() {
            "radio" | "checkbox" => {
                let value = value.unwrap_or_else(|| "on".to_owned());
                self.offers(&name, &value);
                if has(attributes, "checked") {
                    self.sends(name, value);
                }
            }
            "hidden" | "text" | "number" | "search" | "date" | "time" | "tel" | "email" | "password"
            | "datetime-local" => {
                self.sends(name, value.unwrap_or_default());
            }
            // A button sends its value only when it is the one pressed.
            _ => self.offers(&name, &value.unwrap_or_default()),
        }
    }

    fn option(&mut self, attributes: &str) {
        let value = attribute(attributes, "value").unwrap_or_default();
        let Some((name, chosen)) = &mut self.select else { return };
        if chosen.is_none() || has(attributes, "selected") {
            *chosen = Some(value.clone());
        }
        let name = name.clone();
        self.offers(&name, &value);
    }

    fn sends(&mut self, name: String, value: String) {
        if self.inside
            && let Some(form) = self.forms.last_mut()
        {
            form.fields.push((name, value));
        }
    }

    fn offers(&mut self, name: &str, value: &str) {
        if self.inside
            && let Some(form) = self.forms.last_mut()
        {
            form.offered.push((name.to_owned(), value.to_owned()));
        }
    }
}

fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            let Some(tag) = rest.strip_prefix('<') else {
                let end = rest.find('<').unwrap_or(rest.len());
                let (text, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                rest = after;
                return Some(Piece::Text(text));
            };
            let (inside, after) = tag.split_at_checked(end_of_tag(tag)).unwrap_or((tag, ""));
            rest = after.strip_prefix('>').unwrap_or(after);
            if let Some(name) = inside.strip_prefix('/') {
                return Some(Piece::Close(name.trim_end()));
            }
            let end = inside.find(|letter: char| letter.is_whitespace() || letter == '/').unwrap_or(inside.len());
            let (name, attributes) = inside.split_at_checked(end).unwrap_or((inside, ""));
            // What a script says is no markup.
            if matches!(name, "script" | "style") {
                rest = rest.find(&format!("</{name}")).and_then(|end| rest.get(end..)).unwrap_or("");
            }
            return Some(Piece::Open(name, attributes));
        }
    })
}

/// Where a tag ends: at a `>` outside quotation marks.
fn end_of_tag(tag: &str) -> usize {
    let mut quoted = None;
    for (at, letter) in tag.char_indices() {
        match (quoted, letter) {
            (None, '>') => return at,
            (None, '"' | '\'') => quoted = Some(letter),
            (Some(mark), _) if mark == letter => quoted = None,
            (None | Some(_), _) => {}
        }
    }
    tag.len()
}

fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mark = format!(" {name}=\"");
    let (_, after) = attributes.split_once(mark.as_str())?;
    after.split_once('"').map(|(value, _)| decoded(value).into_owned())
}

/// Whether an attribute without a value is there, outside the values of others.
fn has(attributes: &str, name: &str) -> bool {
    attributes.split('"').step_by(2).any(|bare| bare.split_whitespace().any(|word| word == name))
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match after.split_once(';').and_then(|(name, behind)| Some((letter(name)?, behind))) {
            Some((letter, behind)) => {
                plain.push(letter);
                rest = behind;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn letter(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "middot" => Some('·'),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
