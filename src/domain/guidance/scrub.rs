//! Takes out of a question what could tell a model's provider who is meant: telephone numbers, long runs of digits,
//! dates, addresses of the net, and the names it is given. Measurements stay: `38.5`, `120/80`, `SpO2 88%`.

/// A question without identifiers. `names` are the patient's and contacts' given and family names.
#[must_use]
pub fn scrub(question: &str, names: &[String]) -> String {
    let pieces: Vec<&str> = question.split_whitespace().collect();
    let names = parts(names);
    let mut kept: Vec<String> = Vec::new();
    let mut rest = pieces.as_slice();
    while let Some((first, others)) = rest.split_first() {
        if let Some((placeholder, length)) = identifier(rest) {
            kept.push(with_edges(first, placeholder, rest.get(length - 1).copied().unwrap_or(first)));
            rest = rest.get(length..).unwrap_or_default();
        } else {
            kept.push(without_names(first, &names));
            rest = others;
        }
    }
    kept.join(" ")
}

/// An identifier at the beginning of the words: what stands for it and how many words it takes.
fn identifier(pieces: &[&str]) -> Option<(&'static str, usize)> {
    let first = *pieces.first()?;
    let lower = first.to_lowercase();
    if first.contains('@') || lower.contains("://") || lower.starts_with("www.") {
        return Some(("[removed]", 1));
    }
    if let Some(length) = written_date(pieces) {
        return Some(("[date]", length));
    }
    if is_date(first) {
        return Some(("[date]", 1));
    }
    telephone(pieces).map(|length| ("[number]", length))
}

/// How many words a telephone or record number takes: words of digits and their marks, seven digits or more together,
/// or one word with five digits on end.
fn telephone(pieces: &[&str]) -> Option<usize> {
    let is_part = |piece: &&&str| {
        let bare = bare(piece);
        digits(bare) > 0
            && bare
                .chars()
                .all(|letter| letter.is_numeric() || matches!(letter, '+' | '-' | '.' | '/' | '(' | ')' | '#'))
            && !is_measurement(bare)
    };
    let run = pieces.iter().take_while(is_part).count();
    if pieces.iter().take(run).map(|piece| digits(piece)).sum::<usize>() >= 7 {
        return Some(run);
    }
    let first = pieces.first()?;
    (longest_digits(first) >= 5 || digits(first) >= 7).then_some(1)
}

/// Numbers a nurse measures: two numbers round a point or a bar, three digits at most on each side.
fn is_measurement(piece: &str) -> bool {
    let mut sides = piece.split(['.', '/']);
    let is_short = |side: Option<&str>| {
        side.is_some_and(|side| (1..=3).contains(&side.len()) && side.chars().all(char::is_numeric))
    };
    piece.contains(['.', '/']) && is_short(sides.next()) && is_short(sides.next()) && sides.next().is_none()
}

/// Three groups of digits with one mark between them, such as 2026-11-21 or 3/4/51; or a year of one's life.
fn is_date(piece: &str) -> bool {
    let bare = bare(piece);
    let is_group = |group: &str| (1..=4).contains(&group.len()) && group.chars().all(char::is_numeric);
    let is_triple = ['-', '/', '.'].iter().any(|mark| {
        let groups: Vec<&str> = bare.split(*mark).collect();
        groups.len() == 3 && groups.iter().all(|group| is_group(group))
    });
    is_triple || is_year(bare)
}

fn is_year(piece: &str) -> bool {
    piece.len() == 4 && (piece.starts_with("19") || piece.starts_with("20")) && piece.chars().all(char::is_numeric)
}

/// `March 4`, `March 4th, 1951`, `4 March 1951`, `4th of March`: how many words.
fn written_date(pieces: &[&str]) -> Option<usize> {
    let at = |place: usize| pieces.get(place).map(|piece| bare(piece).to_lowercase());
    let is_month = |place: usize| at(place).is_some_and(|word| MONTHS.contains(&word.as_str()));
    let is_day = |place: usize| at(place).is_some_and(|word| is_day(&word));
    let length = if (is_month(0) && is_day(1)) || (is_day(0) && is_month(1)) {
        2
    } else if is_day(0) && at(1).as_deref() == Some("of") && is_month(2) {
        3
    } else {
        return None;
    };
    Some(if at(length).is_some_and(|word| is_year(&word)) { length + 1 } else { length })
}

fn is_day(word: &str) -> bool {
    let number = word.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']);
    (1..=2).contains(&number.len()) && number.chars().all(char::is_numeric)
}

const MONTHS: [&str; 23] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "jan",
    "feb",
    "mar",
    "apr",
    "jun",
    "jul",
    "aug",
    "sep",
    "sept",
    "oct",
    "nov",
];

fn bare(piece: &str) -> &str {
    piece.trim_matches(|letter: char| matches!(letter, ',' | '.' | ';' | ':' | '?' | '!' | '"' | '\'' | '(' | ')'))
}

fn digits(piece: &str) -> usize {
    piece.chars().filter(|letter| letter.is_numeric()).count()
}

fn longest_digits(piece: &str) -> usize {
    piece.split(|letter: char| !letter.is_numeric()).map(str::len).max().unwrap_or(0)
}

/// The parts of names that are long enough to be known by, in lower case.
fn parts(names: &[String]) -> Vec<String> {
    names
        .iter()
        .flat_map(|name| name.split(|letter: char| !letter.is_alphabetic()))
        .filter(|part| part.chars().count() >= 2)
        .map(str::to_lowercase)
        .collect()
}

/// A word with every name in it replaced; `Rosa's` and `Garcia-Lopez` have theirs inside.
fn without_names(piece: &str, names: &[String]) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let close = |word: &mut String, out: &mut String| {
        let is_name = names.contains(&word.to_lowercase());
        out.push_str(if is_name { "[name]" } else { word });
        word.clear();
    };
    for letter in piece.chars() {
        if letter.is_alphabetic() {
            word.push(letter);
        } else {
            close(&mut word, &mut out);
            out.push(letter);
        }
    }
    close(&mut word, &mut out);
    out
}

/// The placeholder with the punctuation that stood round what it replaces.
fn with_edges(first: &str, placeholder: &str, last: &str) -> String {
    let before: String = first.chars().take_while(|letter| matches!(letter, '"' | '\'')).collect();
    let after = last.rsplit(|letter: char| letter.is_alphanumeric()).next().unwrap_or_default();
    let after: String = after.chars().filter(|letter| matches!(letter, ',' | '.' | ';' | ':' | '?' | '!')).collect();
    format!("{before}{placeholder}{after}")
}
