//! The reading desk: collects every fault of a file and picks blocks of keys apart.

use super::yaml::{Entry, Node, Value};
use crate::domain::{
    disposition::Disposition,
    protocol::{Fault, decimal::Decimal},
};

/// Faults found so far in one file.
pub struct Desk {
    file: String,
    pub faults: Vec<Fault>,
    /// Text keys the logic needs, each with its line.
    pub wants: Vec<(u32, String)>,
}

/// A block of keys being read; `what` is what a person calls it, such as `question sob_now`.
pub struct Block<'n> {
    pub line: u32,
    pub what: String,
    entries: &'n [Entry],
}

impl Desk {
    /// A desk for one file.
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), faults: Vec::new(), wants: Vec::new() }
    }

    /// Notes a fault.
    pub fn fault(&mut self, line: u32, rule: &'static str, message: impl Into<String>) {
        let file = self.file.clone();
        self.faults.push(Fault { file, line: Some(line), rule: rule.to_owned(), message: message.into() });
    }

    /// Notes a text key the logic needs.
    pub fn wants(&mut self, line: u32, key: String) {
        self.wants.push((line, key));
    }

    /// A block of keys, none of which is unknown. When it has an `id`, faults name it.
    pub fn block<'n>(&mut self, node: &'n Node, what: &str, allowed: &[&str]) -> Option<Block<'n>> {
        let Value::Map(entries) = &node.value else {
            let found = node.value.word();
            self.fault(
                node.line,
                "wrong-shape",
                format!("{what} is {found}; write a block of keys: {}", list(allowed)),
            );
            return None;
        };
        let id = entries.iter().find(|entry| entry.key == "id").and_then(|entry| text_of(&entry.node));
        let what = id.map_or_else(|| what.to_owned(), |id| format!("{what} `{id}`"));
        for entry in entries.iter().filter(|entry| !allowed.contains(&entry.key.as_str())) {
            let message = format!("{what} has the unknown key `{}`; it may have {}", entry.key, list(allowed));
            self.fault(entry.line, "unknown-key", message);
        }
        Some(Block { line: node.line, what, entries })
    }

    /// The items of a list.
    pub fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        if let Value::List(items) = &node.value {
            return items;
        }
        self.fault(node.line, "wrong-shape", format!("{what} is {}; write a list", node.value.word()));
        &[]
    }

    /// A list of texts.
    pub fn texts(&mut self, node: &Node, what: &str) -> Vec<String> {
        let items = self.items(node, what);
        items.iter().filter_map(|item| self.text(item, what)).collect()
    }

    /// A text.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        let text = text_of(node).map(str::to_owned);
        if text.is_none() {
            self.fault(
                node.line,
                "wrong-shape",
                format!("{what} is {}; write text, quoted if need be", node.value.word()),
            );
        }
        text
    }

    /// `true` or `false`.
    pub fn yes_no(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Value::YesNo(value) = node.value {
            return Some(value);
        }
        self.fault(node.line, "wrong-shape", format!("{what} is {}; write true or false", node.value.word()));
        None
    }

    /// A number.
    pub fn number(&mut self, node: &Node, what: &str) -> Option<Decimal> {
        if let Value::Number(value) = node.value {
            return Some(value);
        }
        self.fault(node.line, "wrong-shape", format!("{what} is {}; write a number", node.value.word()));
        None
    }

    /// Two numbers, the lower first.
    pub fn pair(&mut self, node: &Node, what: &str) -> Option<(Decimal, Decimal)> {
        if let Value::List(items) = &node.value
            && let [Node { value: Value::Number(low), .. }, Node { value: Value::Number(high), .. }] = items.as_slice()
            && low <= high
        {
            return Some((*low, *high));
        }
        self.fault(node.line, "wrong-range", format!("{what} must be two numbers, the lower first, such as [0, 10]"));
        None
    }

    /// A disposition code.
    pub fn disposition(&mut self, node: &Node, what: &str) -> Option<Disposition> {
        let code = self.text(node, what)?;
        let level = Disposition::from_code(&code);
        if level.is_none() {
            let known: Vec<&str> = Disposition::ALL.iter().map(|level| level.code()).collect();
            self.fault(
                node.line,
                "unknown-disposition",
                format!("{what} is `{code}`, which is no level; write one of {}", list(&known)),
            );
        }
        level
    }

    /// One word of a closed list.
    pub fn word<T: Copy>(&mut self, node: &Node, what: &str, known: &[(&'static str, T)]) -> Option<T> {
        let word = self.text(node, what)?;
        if let Some((_, value)) = known.iter().find(|(known, _)| *known == word) {
            return Some(*value);
        }
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        self.fault(node.line, "unknown-value", format!("{what} is `{word}`; write one of {}", list(&words)));
        None
    }

    /// A text key, `{t: key}`.
    pub fn key(&mut self, node: &Node, what: &str) -> Option<String> {
        if let Value::Map(entries) = &node.value
            && let [entry] = entries.as_slice()
            && entry.key == "t"
        {
            let key = self.text(&entry.node, what)?;
            self.wants(node.line, key.clone());
            return Some(key);
        }
        let message =
            format!("{what} must name a text, such as {{t: q.example}}; words live in i18n, never in the logic");
        self.fault(node.line, "text-in-logic", message);
        None
    }
}

impl<'n> Block<'n> {
    /// A key that may be absent; `null` counts as absent.
    pub fn optional(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (!matches!(entry.node.value, Value::Nothing)).then_some(&entry.node)
    }

    /// A key that must be there.
    pub fn required(&self, desk: &mut Desk, key: &str) -> Option<&'n Node> {
        let node = self.optional(key);
        if node.is_none() {
            desk.fault(self.line, "missing-key", format!("{} lacks `{key}`; add it", self.what));
        }
        node
    }

    /// What faults call one of its keys.
    pub fn named(&self, key: &str) -> String {
        format!("`{key}` of {}", self.what)
    }

    /// A required text.
    pub fn text(&self, desk: &mut Desk, key: &str) -> Option<String> {
        let node = self.required(desk, key)?;
        desk.text(node, &self.named(key))
    }

    /// A required id: lower case letters, digits, `_`, `.` and `-`.
    pub fn id(&self, desk: &mut Desk) -> Option<String> {
        let id = self.text(desk, "id")?;
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        if !id.is_empty() && id.len() <= 60 && id.bytes().all(fits) {
            return Some(id);
        }
        desk.fault(self.line, "bad-id", format!("{}: write an id of lower case letters, digits and _ . -", self.what));
        None
    }

    /// Every key with its value, for blocks whose keys are names.
    pub fn entries(&self) -> &'n [Entry] {
        self.entries
    }
}

/// The entries of a block whose keys are names of the author's own choice.
pub fn named_entries<'n>(desk: &mut Desk, node: &'n Node, what: &str) -> &'n [Entry] {
    if let Value::Map(entries) = &node.value {
        return entries;
    }
    desk.fault(node.line, "wrong-shape", format!("{what} is {}; write a block of keys", node.value.word()));
    &[]
}

/// Words with commas between them.
pub fn list(words: &[&str]) -> String {
    words.join(", ")
}

fn text_of(node: &Node) -> Option<&str> {
    if let Value::Text(text) = &node.value { Some(text) } else { None }
}
