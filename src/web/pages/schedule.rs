//! Planning a call, or ringing now.
