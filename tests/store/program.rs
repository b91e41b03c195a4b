//! The store's program, in a folder of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::client::Client;

/// A running store, ended when it is dropped.
pub struct Store {
    child: Child,
    pub client: Client,
    /// What it has printed until it said how to stop it.
    pub greeting: String,
    log: Receiver<String>,
}

/// A folder in which stores run one after the other.
pub struct Folder(tempfile::TempDir);

/// The admin tokens of the two shops.
pub struct AdminTokens {
    pub acme: String,
    pub globex: String,
}

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Starts the store on a free port, with its admin tokens in `admin.json`.
    pub fn start(&self) -> Store {
        self.start_with(&[])
    }

    /// The same with more arguments.
    pub fn start_with(&self, more: &[&str]) -> Store {
        let arguments = [&["--addr", "127.0.0.1:0", "--admin-token-file", "admin.json"], more].concat();
        Store::of(&mut self.command(&arguments))
    }

    /// Starts the store by a line as it prints it.
    pub fn start_line(&self, line: &str) -> Store {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("exec {line}")]).current_dir(self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Store::of(&mut command)
    }

    /// The program with these arguments, in this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.path()).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn admin_tokens(&self) -> AdminTokens {
        let text = std::fs::read_to_string(self.path().join("admin.json")).unwrap();
        let tokens: serde_json::Value = serde_json::from_str(&text).unwrap();
        let of = |shop: &str| tokens[shop].as_str().unwrap().to_owned();
        AdminTokens { acme: of("acme"), globex: of("globex") }
    }
}

impl Store {
    /// A store that has just been started, once it has greeted.
    fn of(command: &mut Command) -> Store {
        let mut child = command.env("RUST_LOG", "trace").spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let (send, receive) = channel();
        thread::spawn(move || {
            let mut text = Vec::new();
            _ = log.read_to_end(&mut text);
            _ = send.send(String::from_utf8_lossy(&text).into_owned());
        });
        let mut greeting = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let is_last = line.starts_with("Ctrl-C") || line.starts_with("To begin anew");
            greeting.push_str(&line);
            greeting.push('\n');
            if is_last {
                break;
            }
        }
        let port = greeting.split("http://acme.localhost:").nth(1).map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().unwrap()
        });
        let Some(port) = port else { panic!("the store did not start: {greeting}{:?}", receive.recv()) };
        Store { child, client: Client::new(port), greeting, log: receive }
    }

    /// Stops it as a supervisor does, and gives what it has logged.
    pub fn stop(mut self) -> String {
        let stopped = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        assert!(self.child.wait().unwrap().success(), "the store did not stop in peace");
        self.log.recv().unwrap()
    }

    /// The demo token of the first start.
    pub fn demo_token(&self) -> String {
        let line = self.greeting.lines().find(|line| line.contains(" demo ")).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Cargo builds examples beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/store");
    assert!(program.exists(), "build it first: cargo build --examples --all-features");
    program
}
