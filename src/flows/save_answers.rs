//! flows/save_answers: being built.
