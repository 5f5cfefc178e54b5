//! flows/open_chart: being built.
