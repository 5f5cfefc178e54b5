//! store/assessments: being built.
