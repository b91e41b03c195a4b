//! The use of all tokens.
