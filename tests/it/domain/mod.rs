//! Rules of the domain, and codecs.

mod tones;
