//! The page of one token.
