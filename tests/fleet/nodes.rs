//! The processes of a fleet: real servers, and nodes that reach them through proxies of their own.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::client::Client;
use crate::plan::NODES;
use crate::proxy::Proxy;
use crate::servers::{PostgresServer, Process, RedisServer, eventually, free_port};

/// The lease of every node, in seconds.
pub const LEASE: u32 = 2;

pub struct Fleet {
    // Ended in this order: nodes first.
    pub nodes: Vec<Node>,
    pub postgres: PostgresServer,
    pub redis: RedisServer,
}

/// A copy of the example store, with its ways to the servers.
pub struct Node {
    process: Option<Process>,
    pub address: SocketAddr,
    pub postgres: Proxy,
    pub redis: Proxy,
    folder: PathBuf,
    number: usize,
}

impl Fleet {
    /// Starts all nodes at the same moment, over servers that are empty.
    pub fn start(folder: &Path, seed: u64) -> Fleet {
        let (postgres, redis) = (PostgresServer::start(), RedisServer::start());
        let nodes = (0..NODES).map(|number| Node {
            process: None,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())),
            postgres: Proxy::before(&postgres.authority(), seed ^ number as u64),
            redis: Proxy::before(&redis.authority(), seed ^ number as u64 ^ 0xff),
            folder: folder.to_owned(),
            number,
        });
        let mut nodes: Vec<_> = nodes.collect();
        nodes.iter_mut().for_each(Node::start);
        nodes.iter_mut().for_each(Node::await_answers);
        Fleet { nodes, postgres, redis }
    }

    /// The text of a token that may manage the first shop: the node that has made the first tokens has
    /// written it.
    pub fn manager(&self, folder: &Path) -> String {
        let text = eventually("the admin tokens", || std::fs::read_to_string(folder.join("admin.json")).ok());
        let tokens: serde_json::Value = serde_json::from_str(&text).unwrap();
        tokens["acme"].as_str().unwrap().to_owned()
    }

    /// How many tokens there are.
    pub fn tokens(&self) -> usize {
        self.postgres.execute("SELECT count(*) FROM tokenward.tokens").parse().unwrap()
    }
}

impl Node {
    /// Starts it, without waiting until it answers.
    pub fn start(&mut self) {
        let log = self.folder.join(format!("node-{}.log", self.number));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(program());
        command
            .args(["--addr", &self.address.to_string(), "--admin-token-file", "admin.json"])
            .args(["--database", &format!("postgres://postgres@{}/postgres", self.postgres.authority())])
            .args(["--redis", &format!("redis://{}", self.redis.authority())])
            .args(["--lease", &format!("{LEASE}s")])
            .current_dir(&self.folder)
            .env("RUST_LOG", "info")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.process = Some(Process::start(&mut command));
    }

    /// Waits until it answers.
    pub fn await_answers(&mut self) {
        let mut client = Client::new(self.address);
        let (process, number) = (self.process.as_mut().expect("it was started"), self.number);
        eventually("a node", || {
            assert!(process.is_running(), "node {number} has ended: see its log");
            client.ask("", "GET", "/health", "").ok().filter(|answer| answer.status == 200)
        });
    }

    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn stop(&self) {
        self.signal("STOP");
    }

    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        self.process.as_ref().expect("it runs").signal(name);
    }
}

/// Cargo builds examples beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/store");
    assert!(program.exists(), "build it first: cargo build --examples --all-features");
    program
}
