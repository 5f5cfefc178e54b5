//! Icons drawn in the text's colour. A word always stands beside them, so screen readers pass them over.

/// Danger: a red flag, a fault.
pub const WARN: &str = r#"<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true"><path fill="currentColor" d="M10 1.6 19.2 18H.8L10 1.6Z"/><path stroke="var(--card)" stroke-width="2" stroke-linecap="round" d="M10 7.5v4.6M10 15v.1"/></svg>"#;
/// Something to know.
pub const INFO: &str = r#"<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="8.4" fill="none" stroke="currentColor" stroke-width="1.8"/><path stroke="currentColor" stroke-width="2" stroke-linecap="round" d="M10 9.2v5M10 6v.1"/></svg>"#;
/// Done, proven, fired.
pub const CHECK: &str = r#"<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="8.4" fill="none" stroke="currentColor" stroke-width="1.8"/><path fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" d="m6.2 10.4 2.6 2.6 5-5.6"/></svg>"#;
/// Not known.
pub const UNKNOWN: &str = r#"<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="8.4" fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="3 2.2"/><path fill="none" stroke="currentColor" stroke-width="1.9" stroke-linecap="round" d="M7.7 7.8c.2-3 4.9-2.7 4.6.2-.2 1.6-2.2 1.6-2.3 3.3M10 14.4v.1"/></svg>"#;
/// The telephone.
pub const PHONE: &str = r#"<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true"><path fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" d="M6.5 2.5 8.4 7 6.2 8.6a10.6 10.6 0 0 0 5.2 5.2L13 11.6l4.5 1.9v3c0 .6-.5 1.1-1.1 1A14 14 0 0 1 2.5 3.6c0-.6.4-1.1 1-1.1h3Z"/></svg>"#;
/// Audio that is missing.
pub const GAP: &str = r#"<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true"><path stroke="currentColor" stroke-width="2" stroke-linecap="round" d="M2 8v4M5.5 4.5v11M14.5 4.5v11M18 8v4M9 10h.1M11 10h.1"/></svg>"#;
/// Hear it.
pub const PLAY: &str = r#"<svg width="12" height="12" viewBox="0 0 20 20" aria-hidden="true"><path fill="currentColor" d="M4 2.5v15l13-7.5z"/></svg>"#;
/// Careline.
pub const BRAND: &str = r#"<svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true"><rect width="26" height="26" rx="8" fill="currentColor"/><path fill="none" stroke="var(--card)" stroke-width="2.2" stroke-linecap="round" d="M4.5 13.5h3l2-5 3.4 9.5 2.7-7 1.5 2.5h4.4"/></svg>"#;
