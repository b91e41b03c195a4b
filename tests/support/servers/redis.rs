//! A Redis server.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::ports;
use super::process::{Process, eventually};

/// A Redis server of a test's own, which keeps nothing on disk.
pub struct RedisServer {
    process: Process,
    port: u16,
    /// Goes away last.
    folder: tempfile::TempDir,
}

const ATTEMPTS: usize = 5;
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

impl RedisServer {
    /// Starts one, and waits until it answers.
    pub fn start() -> RedisServer {
        let folder = tempfile::Builder::new().prefix("tokenward-server-").tempdir().unwrap();
        for _ in 0..ATTEMPTS {
            let port = ports::free();
            if let Some(process) = started(folder.path(), port) {
                return RedisServer { process, port, folder };
            }
        }
        panic!("Redis does not start: {}", log(folder.path()));
    }

    /// As a limiter takes it.
    pub fn address(&self) -> String {
        format!("redis://{}", self.authority())
    }

    /// Host and port.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port, and with nothing in it; whether it ran or was killed.
    pub fn restart_empty(&mut self) {
        self.kill();
        self.process = started(self.folder.path(), self.port)
            .unwrap_or_else(|| panic!("Redis does not start again: {}", log(self.folder.path())));
    }

    /// Stops it where it stands: it has its connections, and answers nothing.
    pub fn pause(&self) {
        self.process.signal("STOP");
    }

    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Empties it.
    pub fn flush(&self) {
        self.command(&["FLUSHALL"]);
    }

    /// Runs a command and gives its answer as text: of a list, its elements line by line.
    pub fn command(&self, words: &[&str]) -> String {
        ask(self.port, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }
}

/// A server that answers on this port; none if it has ended.
fn started(folder: &Path, port: u16) -> Option<Process> {
    let log = File::options().create(true).append(true).open(folder.join("redis.log")).unwrap();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.arg("--dir").arg(folder);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut process = Process::start(&mut command);
    // Another server may answer where ours found the port taken, and has not ended yet.
    let ours = format!("process_id:{}", process.id());
    let answers = || ask(port, &["INFO", "server"]).is_ok_and(|info| info.lines().any(|line| line == ours));
    let has_started = eventually("Redis", || {
        let is_running = process.is_running();
        if is_running && !answers() { None } else { Some(is_running) }
    });
    has_started.then_some(process)
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("redis.log")).unwrap_or_default()
}

fn ask(port: u16, words: &[&str]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(request.as_bytes())?;
    answer(&mut BufReader::new(stream))
}

/// Reads one answer of Redis' protocol.
fn answer(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let rest = line.get(1..).unwrap_or_default().trim_end();
    match line.get(..1) {
        Some("+" | ":") => Ok(rest.to_owned()),
        Some("$") if rest == "-1" => Ok(String::new()),
        Some("$") => {
            let mut bytes = vec![0; rest.parse::<usize>().map_err(std::io::Error::other)? + 2];
            stream.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
        }
        Some("*") => {
            let length = rest.parse::<i64>().map_err(std::io::Error::other)?;
            let elements: Result<Vec<_>, _> = (0..length).map(|_| answer(stream)).collect();
            Ok(elements?.join("\n"))
        }
        _ => Err(std::io::Error::other(format!("Redis answers {line:?}"))),
    }
}
