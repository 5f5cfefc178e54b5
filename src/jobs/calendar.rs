//! jobs/calendar: being built.
