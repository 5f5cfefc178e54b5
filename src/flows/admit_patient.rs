//! flows/admit_patient: being built.
