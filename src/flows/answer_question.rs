//! flows/answer_question: being built.
