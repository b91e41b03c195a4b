//! API tokens for the customers of a web service.
#![forbid(unsafe_code)]

pub mod limit;
