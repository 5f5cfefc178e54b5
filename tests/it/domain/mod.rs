//! Rules of the domain, and codecs.

mod call;
mod chain;
mod contact_hours;
mod guidance;
mod script;
mod tones;
