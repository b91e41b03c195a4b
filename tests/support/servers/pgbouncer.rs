//! A pooler before a PostgreSQL server.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use super::process::{Process, eventually};
use super::{PostgresServer, ports, postgres, unprivileged};

/// A pgbouncer that hands out a connection for one transaction at a time. The server behind it may be
/// restarted, and must live longer.
pub struct Pgbouncer {
    _process: Process,
    port: u16,
    /// Goes away last.
    _folder: tempfile::TempDir,
}

const ATTEMPTS: usize = 5;

impl Pgbouncer {
    /// Starts one, and waits until it answers.
    pub fn before(server: &PostgresServer) -> Pgbouncer {
        let (folder, data) = unprivileged::folder();
        for _ in 0..ATTEMPTS {
            let port = ports::free();
            if let Some(process) = started(&data, folder.path(), port, server.port()) {
                return Pgbouncer { _process: process, port, _folder: folder };
            }
        }
        let log = std::fs::read_to_string(folder.path().join("pgbouncer.log")).unwrap_or_default();
        panic!("pgbouncer does not start: {log}");
    }

    /// As a store takes it.
    pub fn address(&self) -> String {
        address(self.port)
    }
}

fn address(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

/// A pooler that passes on to this server; none if it has ended.
fn started(data: &Path, folder: &Path, port: u16, server: u16) -> Option<Process> {
    let settings = data.join("pgbouncer.ini");
    let text = format!(
        "[databases]\n\
         * = host=127.0.0.1 port={server} user=postgres\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         default_pool_size = 20\n\
         max_client_conn = 400\n\
         server_login_retry = 1\n"
    );
    std::fs::write(&settings, text).unwrap();
    let program = unprivileged::find("pgbouncer").expect("pgbouncer is installed");
    let log = File::options().create(true).append(true).open(folder.join("pgbouncer.log")).unwrap();
    let mut command = unprivileged::command(&program);
    command.arg(&settings).current_dir("/");
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut process = Process::start(&mut command);
    // Another pooler may answer where ours found the port taken, and has not ended yet.
    let passes_on = || {
        postgres::query(&address(port), "SELECT inet_server_port()")
            .is_ok_and(|port| port == server.to_string())
    };
    let has_started = eventually("pgbouncer", || {
        let is_running = process.is_running();
        if is_running && !passes_on() { None } else { Some(is_running) }
    });
    has_started.then_some(process)
}
