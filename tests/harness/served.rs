//! The servers of tests start, break and come back as they are told.

use std::net::TcpStream;
use std::time::Duration;

use crate::servers::{Pgbouncer, PostgresServer, RedisServer, are_missing, eventually};

#[test]
fn postgres_comes_back_on_its_port_with_what_it_held() {
    if are_missing(&["postgres"]) {
        return;
    }
    let mut server = PostgresServer::start();
    let address = server.address();
    server.execute("CREATE TABLE kept AS SELECT 7 AS number");
    server.restart();
    assert_eq!(server.address(), address);
    assert_eq!(server.execute("SELECT number, number + 1 FROM kept"), "7|8");
    server.stop_immediately();
    assert!(server.try_execute("SELECT 1").is_err());
    server.start_again();
    assert_eq!(server.execute("SELECT count(*) FROM kept"), "1");
}

#[test]
fn two_servers_have_nothing_in_common() {
    if are_missing(&["postgres"]) {
        return;
    }
    let (first, second) = (PostgresServer::start(), PostgresServer::start());
    first.execute("CREATE TABLE mine (number integer)");
    assert!(second.try_execute("SELECT * FROM mine").unwrap_err().contains("does not exist"));
    let port = first.port();
    drop(first);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert_eq!(second.execute("SELECT 1"), "1");
}

#[test]
fn pgbouncer_gives_a_connection_for_a_transaction() {
    if are_missing(&["postgres", "pgbouncer"]) {
        return;
    }
    let server = PostgresServer::start();
    let pooler = Pgbouncer::before(&server);
    let through = std::process::Command::new("psql")
        .args(["-XAtq", "-c", "SELECT 1; SELECT 2", &pooler.address()])
        .current_dir("/")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&through.stdout), "1\n2\n");
    assert_eq!(server.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql'"), "2");
}

#[test]
fn redis_is_killed_emptied_and_paused() {
    if are_missing(&["redis-server"]) {
        return;
    }
    let mut server = RedisServer::start();
    server.command(&["SET", "a", "kept"]);
    assert_eq!(server.command(&["GET", "a"]), "kept");
    server.flush();
    assert_eq!(server.command(&["GET", "a"]), "");
    server.command(&["RPUSH", "list", "1", "2"]);
    assert_eq!(server.command(&["LRANGE", "list", "0", "-1"]), "1\n2");
    server.kill();
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
    server.restart_empty();
    assert_eq!(server.command(&["DBSIZE"]), "0");
    server.restart_empty();

    // It still takes connections, and is silent on them.
    server.pause();
    let mut silent = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    silent.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    std::io::Write::write_all(&mut silent, b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    assert!(std::io::Read::read(&mut silent, &mut answer).is_err());
    server.resume();
    let read = || std::io::Read::read(&mut silent, &mut answer).ok();
    assert_eq!(eventually("an answer", read), 7);
}
