//! The dashboard's own sign-in.
