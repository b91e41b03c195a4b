//! The program, and logs for it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

use crate::python::Python;

/// Cargo builds examples beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/replay");
    assert!(program.exists(), "build it first: cargo build --examples --all-features");
    program
}

/// The program with these arguments, separated by spaces, in this folder.
pub fn command(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(program());
    command.args(arguments.split(' ')).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it prints as JSON.
pub fn report(folder: &Path, arguments: &str) -> Value {
    let output = command(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Writes `access.log` in this folder: so many lines, users and endpoints.
pub fn make_log(python: &Python, folder: &Path, lines: u64, users: u64, endpoints: u64) {
    let path = folder.join("access.log");
    let numbers = [lines, users, endpoints, 7].map(|number| number.to_string());
    let mut arguments = vec![path.to_str().unwrap()];
    arguments.extend(numbers.iter().map(String::as_str));
    python.run("make_log.py", &arguments, "");
}

/// A run that tells how far it is, ended when it is dropped.
pub struct Running {
    child: Child,
    told: BufReader<ChildStderr>,
}

/// What a run says of itself after each flush.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Told {
    pub pushed: u64,
    pub flushed: u64,
}

impl Running {
    pub fn start(folder: &Path, arguments: &str) -> Running {
        let mut child = command(folder, arguments).stdout(Stdio::null()).spawn().unwrap();
        let told = BufReader::new(child.stderr.take().unwrap());
        Running { child, told }
    }

    /// The next that it tells; none when it has ended.
    pub fn told(&mut self) -> Option<Told> {
        let mut line = String::new();
        if self.told.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        let mut words = line.split_whitespace();
        let (pushed, flushed) = (words.nth(1), words.nth(1));
        let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
        match number(pushed).zip(number(flushed)) {
            Some((pushed, flushed)) => Some(Told { pushed, flushed }),
            None => panic!("{line}{}", self.rest()),
        }
    }

    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.told.read_to_string(&mut rest).unwrap();
        rest
    }

    /// Kills it where it stands, and gives the last that it has told.
    pub fn kill(mut self) -> Option<Told> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.told()).last()
    }

    /// Waits until it has ended by itself.
    pub fn finish(mut self) {
        while self.told().is_some() {}
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
