//! Several tokens at once.
