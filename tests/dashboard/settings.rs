//! Changing a token in place.
