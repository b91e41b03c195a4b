//! Tools that a machine may lack: a test that needs one says so and is over, or fails where nothing
//! may be left out.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::process::Command;

/// Says that a test is left out; with `TOKENWARD_NO_SKIP=1` that is a failure.
pub fn skip(why: &str) {
    assert!(!std::env::var("TOKENWARD_NO_SKIP").is_ok_and(|value| value == "1"), "not to be skipped: {why}");
    println!("skipped: {why}");
}

/// Whether a program is missing, for which the test is then [left out](skip).
pub fn is_missing(program: &str) -> bool {
    match Command::new(program).arg("--version").output() {
        Ok(_) => false,
        Err(error) => {
            skip(&format!("{program} cannot be started: {error}"));
            true
        }
    }
}

/// The address of a server that this variable names; none where it names none, and the test is then
/// [left out](skip).
pub fn server(variable: &str) -> Option<String> {
    let address = std::env::var(variable).ok().filter(|address| !address.is_empty());
    if address.is_none() {
        skip(&format!("{variable} names no server"));
    }
    address
}
