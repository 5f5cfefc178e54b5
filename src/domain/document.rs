//! A document of a chart: what may be kept, told by its own bytes and not by what it is called.

/// Most bytes of a document: 20 MiB.
pub const LARGEST_DOCUMENT: u64 = 20 * 1024 * 1024;
/// Bytes that tell what a document is.
pub const TELLING: usize = 8;
/// Most characters of a document's name.
pub const LONGEST_NAME: usize = 200;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// A PDF (ISO 32000).
    Pdf,
    /// A PNG picture (RFC 2083).
    Png,
    /// A JPEG picture (ITU T.81).
    Jpeg,
}

impl MediaType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Pdf, Self::Png, Self::Jpeg];

    /// Told by its first bytes; `None` for everything else.
    #[must_use]
    pub fn told_by(first: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| first.starts_with(kind.magic()))
    }

    const fn magic(self) -> &'static [u8] {
        match self {
            Self::Pdf => b"%PDF-",
            Self::Png => b"\x89PNG\r\n\x1a\n",
            Self::Jpeg => b"\xff\xd8\xff",
        }
    }

    /// The media type of HTTP (RFC 9110); also the word stored.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// The type of a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What follows the point of a file's name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

/// A document's name as typed or as a browser sent it: no path, no control characters, not too long, not empty.
#[must_use]
pub fn name_of(typed: &str) -> String {
    let last = typed.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
    let name = name.trim();
    if name.is_empty() { "document".to_owned() } else { name.to_owned() }
}
