//! Rules of the domain, and codecs.

mod call;
mod chain;
mod contact_hours;
mod guidance;
mod guidance_sample;
mod script;
mod tones;
