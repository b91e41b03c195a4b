//! A PostgreSQL server.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Process, eventually};
use super::{ports, unprivileged};

/// A PostgreSQL server of a test's own, without TLS and passwords. Its user and its database are
/// `postgres`.
pub struct PostgresServer {
    process: Process,
    port: u16,
    data: PathBuf,
    /// Goes away last.
    _folder: tempfile::TempDir,
}

/// Durable it need not be; and several nodes with two pools each need more than the usual hundred.
const SETTINGS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "max_connections=400",
    "shared_buffers=32MB",
    "autovacuum=off",
];

/// How often another port is tried, when somebody was faster.
const ATTEMPTS: usize = 5;

impl PostgresServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> PostgresServer {
        let (folder, data) = unprivileged::folder();
        let made = unprivileged::command(&program("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
            .arg("--pgdata")
            .arg(&data)
            .current_dir("/")
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        for _ in 0..ATTEMPTS {
            let port = ports::free();
            let log = folder.path().join("postgres.log");
            if let Some(process) = started(&data, &log, port) {
                return PostgresServer { process, port, data, _folder: folder };
            }
        }
        panic!("PostgreSQL does not start: {}", log(folder.path()));
    }

    /// As a store takes it.
    pub fn address(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.authority())
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every session at once, as when its machine restarts, and starts it again.
    pub fn restart(&mut self) {
        self.stop_immediately();
        self.start_again();
    }

    /// Ends it without saying goodbye to anybody.
    pub fn stop_immediately(&mut self) {
        if self.process.is_running() {
            self.process.end("QUIT");
        }
    }

    /// Starts it after it was stopped, on the same port.
    pub fn start_again(&mut self) {
        let folder = self._folder.path();
        self.process = started(&self.data, &folder.join("postgres.log"), self.port)
            .unwrap_or_else(|| panic!("PostgreSQL does not start again: {}", log(folder)));
    }

    /// Runs a statement and gives its rows, one a line, columns apart by `|`.
    pub fn execute(&self, sql: &str) -> String {
        self.try_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, where it may well fail.
    pub fn try_execute(&self, sql: &str) -> Result<String, String> {
        query(&self.address(), sql)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Not killed: it has shared memory to give back.
        self.stop_immediately();
    }
}

/// Runs a statement on any server.
pub(super) fn query(address: &str, sql: &str) -> Result<String, String> {
    let output = Command::new(program("psql"))
        .args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "-v", "ON_ERROR_STOP=1", "-c", sql])
        .arg(address)
        .env("PGCONNECT_TIMEOUT", "5")
        .current_dir("/")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// The folder with its programs: Debian has them beside the path, a folder for each version.
pub(super) fn programs() -> Option<PathBuf> {
    let of_path = || unprivileged::find("initdb")?.canonicalize().ok()?.parent().map(Path::to_owned);
    let of_debian = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
        let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
        Some(versions.map(|entry| entry.path()).max_by_key(version)?.join("bin"))
    };
    let has_all =
        |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists());
    [of_path(), of_debian()].into_iter().flatten().find(has_all)
}

fn program(name: &str) -> PathBuf {
    programs().expect("PostgreSQL is installed").join(name)
}

/// A server that has its port; none if it has ended.
fn started(data: &Path, log: &Path, port: u16) -> Option<Process> {
    let mut command = unprivileged::command(&program("postgres"));
    command.arg("-D").arg(data).args(["-p", &port.to_string()]).current_dir("/");
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    let log = File::options().create(true).append(true).open(log).unwrap();
    command.stdin(std::process::Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut process = Process::start(&mut command);
    let state = data.join("postmaster.pid");
    let is_ready = |id: u32| {
        let text = std::fs::read_to_string(&state).unwrap_or_default();
        // The last of its lines, once it takes connections; the first tells a file of an earlier run.
        text.lines().next().is_some_and(|line| line.trim() == id.to_string())
            && text.lines().last().is_some_and(|line| line.trim() == "ready")
    };
    let has_started = eventually("PostgreSQL", || {
        let is_running = process.is_running();
        if is_running && !is_ready(process.id()) { None } else { Some(is_running) }
    });
    has_started.then_some(process)
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("postgres.log")).unwrap_or_default()
}
