//! Stories: what a person meets, from their door to the record.

mod account;
mod admission;
mod assessing;
mod at_the_screen;
mod calls;
mod credentials;
mod documents;
mod guidance;
mod hearing;
mod ladder;
mod never_called;
mod pace;
mod planning;
mod reach;
mod record;
mod second_factors;
mod sign_in;
mod single_sign_on;
mod single_sign_on_settings;
mod standing;
mod taking_out;
mod texts;
mod texts_and_status;
mod tokens;
mod trouble;
mod two_persons;
