//! Runs the Python side of a test, where there is a Python for it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::tools;

/// The interpreter that `TOKENWARD_PYTHON` names, with the packages of tests/requirements.txt.
pub struct Python(String);

/// None where no interpreter is named; the test then says so and is over.
pub fn find() -> Option<Python> {
    match std::env::var("TOKENWARD_PYTHON") {
        Ok(path) if !path.is_empty() => Some(Python(path)),
        _ => {
            tools::skip("TOKENWARD_PYTHON names no interpreter");
            None
        }
    }
}

impl Python {
    /// What a script of tests/python writes when it is given `input`.
    pub fn run(&self, script: &str, arguments: &[&str], input: &str) -> String {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "python", script].iter().collect();
        let mut command = Command::new(&self.0);
        command.arg("-B").arg(path).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{script} fails: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stdout).unwrap()
    }
}
