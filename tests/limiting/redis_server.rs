//! A Redis server of a test's own, which it may stop, kill and empty.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Client, Connection};
use tempfile::TempDir;

use super::tools;

/// So long a test waits for a server or for what it does.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    child: Child,
    folder: TempDir,
}

impl Server {
    /// None where there is no redis-server; the test is then left out.
    pub fn start() -> Option<Server> {
        if tools::is_missing("redis-server") {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let child = run(&folder);
        let server = Server { child, folder };
        server.wait_until_it_answers();
        Some(server)
    }

    pub fn address(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub fn connection(&self) -> Connection {
        Client::open(self.address()).unwrap().get_connection().unwrap()
    }

    pub fn command(&self, words: &[&str]) {
        let mut command = redis::cmd(words[0]);
        words[1..].iter().for_each(|word| _ = command.arg(word));
        command.exec(&mut self.connection()).unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it anew, empty.
    pub fn restart(&mut self) {
        self.child = run(&self.folder);
        self.wait_until_it_answers();
    }

    /// `STOP` or `CONT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis")
    }

    fn wait_until_it_answers(&self) {
        until(|| {
            let connection = Client::open(self.address()).unwrap().get_connection();
            connection.is_ok_and(|mut connection| redis::cmd("PING").exec(&mut connection).is_ok())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn run(folder: &TempDir) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--port", "0", "--save", "", "--unixsocket", "redis"]);
    command.current_dir(folder).stdout(Stdio::null()).spawn().unwrap()
}

/// Asks again and again until it is so.
pub fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}
