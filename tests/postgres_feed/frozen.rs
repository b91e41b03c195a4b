//! A proxy whose connections can be frozen, as by a firewall that has forgotten them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A proxy before a PostgreSQL server.
pub struct Freezer {
    state: Arc<State>,
    port: u16,
}

#[derive(Default)]
struct State {
    accepted: AtomicUsize,
    /// Of the connections so many, from the first on, pass nothing on.
    frozen: AtomicUsize,
}

impl Freezer {
    /// Passes on to the server of this address, whose path and user are kept.
    pub fn before(address: &str) -> Freezer {
        let server = authority(address).to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect(&server) else { continue };
                let (mut client_reads, mut server_reads) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (mut client, mut server) = (client, server);
                let (first, second) = (shared.clone(), shared.clone());
                thread::spawn(move || pass_on(&mut client_reads, &mut server, number, &first));
                thread::spawn(move || pass_on(&mut server_reads, &mut client, number, &second));
            }
        });
        Freezer { state, port }
    }

    pub fn address(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Nothing passes any more on the connections that there are now, and nobody is told.
    pub fn freeze(&self) {
        self.state.frozen.store(self.state.accepted.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

fn authority(address: &str) -> &str {
    let behind_user = address.rsplit_once('@').map_or(address, |(_, rest)| rest);
    behind_user.split('/').next().unwrap_or(behind_user)
}

fn pass_on(from: &mut TcpStream, to: &mut TcpStream, number: usize, state: &State) {
    let mut bytes = [0; 16_384];
    loop {
        let length = from.read(&mut bytes).unwrap_or(0);
        let is_frozen = number < state.frozen.load(Ordering::SeqCst);
        if is_frozen && length > 0 {
            continue;
        }
        if length == 0 || to.write_all(&bytes[..length]).is_err() {
            if !is_frozen {
                _ = to.shutdown(std::net::Shutdown::Both);
            }
            return;
        }
    }
}
