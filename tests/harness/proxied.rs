//! The proxy breaks connections as it is told, and as networks do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::proxy::{Ending, Mode, Proxy, Way};
use crate::servers::eventually;

/// A server that takes connections and hands them to the test.
struct Server {
    authority: String,
    accepted: Receiver<TcpStream>,
}

/// A connection through a proxy, and its other end.
struct Ends {
    client: TcpStream,
    server: TcpStream,
}

const MOMENT: Duration = Duration::from_millis(50);

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let (send, accepted) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if send.send(stream.unwrap()).is_err() {
                    return;
                }
            }
        });
        Server { authority, accepted }
    }

    fn connect(&self, proxy: &Proxy) -> Ends {
        let client = TcpStream::connect(proxy.authority()).unwrap();
        let server = self.accepted.recv().unwrap();
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            stream.set_nodelay(true).unwrap();
        }
        Ends { client, server }
    }
}

impl Ends {
    /// Sends a word up and another down, and waits for both.
    fn talk(&mut self) {
        self.client.write_all(b"ask").unwrap();
        assert_eq!(heard(&mut self.server, 3), b"ask");
        self.server.write_all(b"answer").unwrap();
        assert_eq!(heard(&mut self.client, 6), b"answer");
    }
}

fn heard(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Whether nothing comes for a moment.
fn is_silent(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(MOMENT)).unwrap();
    let read = stream.read(&mut [0; 1]);
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

fn ends(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 1]), Ok(0))
}

fn is_reset(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 1]).is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn everything_passes_in_both_directions_to_the_end() {
    let server = Server::start();
    let proxy = Proxy::before(&server.authority, 1);
    let Ends { mut client, server: mut other } = server.connect(&proxy);
    let text: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let sent = text.clone();
    let sender = thread::spawn(move || {
        client.write_all(&sent).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut back = Vec::new();
        client.read_to_end(&mut back).unwrap();
        back
    });
    let mut received = Vec::new();
    other.read_to_end(&mut received).unwrap();
    assert!(received == text, "what arrives is not what was sent");
    other.write_all(&received).unwrap();
    drop(other);
    assert!(sender.join().unwrap() == text, "what comes back is not what was sent");
    eventually("no connection", || (proxy.connections() == 0).then_some(()));
}

#[test]
fn a_delay_holds_in_the_direction_that_was_named() {
    let server = Server::start();
    let proxy = Proxy::before(&server.authority, 1);
    let mut both = server.connect(&proxy);
    both.talk();
    let delay = Mode::Delay { least: MOMENT, jitter: Duration::from_millis(20) };
    proxy.set(Way::ToServer, delay);
    let begin = Instant::now();
    both.client.write_all(b"late").unwrap();
    assert_eq!(heard(&mut both.server, 4), b"late");
    assert!(begin.elapsed() >= MOMENT);
    // Pieces keep their order, whatever the jitter.
    proxy.set_both(delay);
    for number in 0..50 {
        both.client.write_all(&[number]).unwrap();
        thread::yield_now();
    }
    let order: Vec<u8> = (0..50).collect();
    assert_eq!(heard(&mut both.server, 50), order);
    proxy.set_both(Mode::Pass);
    both.talk();
}

#[test]
fn a_black_hole_takes_connections_and_is_silent_until_it_heals() {
    let server = Server::start();
    let mut proxy = Proxy::before(&server.authority, 1);
    let mut both = server.connect(&proxy);
    both.talk();
    proxy.set(Way::ToServer, Mode::Blackhole);
    both.client.write_all(b"ask").unwrap();
    assert!(is_silent(&mut both.server));
    // The other direction is as it was.
    both.server.write_all(b"news").unwrap();
    assert_eq!(heard(&mut both.client, 4), b"news");
    proxy.set_both(Mode::Blackhole);
    let mut later = server.connect(&proxy);
    later.server.write_all(b"hello").unwrap();
    assert!(is_silent(&mut later.client));
    // Nor does anybody learn that the other has gone.
    drop(both.server);
    assert!(is_silent(&mut both.client));
    proxy.heal();
    assert!(ends(&mut both.client));
    assert_eq!(heard(&mut later.client, 5), b"hello");
}

#[test]
fn a_cut_ends_what_is_connected_and_nothing_else() {
    let server = Server::start();
    let proxy = Proxy::before(&server.authority, 1);
    for (ending, looks_so) in [(Ending::Reset, is_reset as fn(&mut _) -> _), (Ending::Close, ends)] {
        let mut both = server.connect(&proxy);
        both.talk();
        proxy.cut(ending);
        assert!(looks_so(&mut both.client) && looks_so(&mut both.server), "{ending:?}");
        server.connect(&proxy).talk();
    }
}

#[test]
fn one_direction_is_closed_and_the_other_goes_on() {
    let server = Server::start();
    let proxy = Proxy::before(&server.authority, 1);
    for way in [Way::ToServer, Way::ToClient] {
        let mut both = server.connect(&proxy);
        both.talk();
        proxy.half_close(way);
        let (closed, open) = match way {
            Way::ToServer => (&mut both.server, &mut both.client),
            Way::ToClient => (&mut both.client, &mut both.server),
        };
        assert!(ends(closed), "{way:?}");
        closed.write_all(b"still here").unwrap();
        assert_eq!(heard(open, 10), b"still here", "{way:?}");
        server.connect(&proxy).talk();
    }
}

#[test]
fn who_is_refused_may_come_again_later_and_who_is_there_stays() {
    let server = Server::start();
    let mut proxy = Proxy::before(&server.authority, 1);
    let mut both = server.connect(&proxy);
    proxy.refuse();
    proxy.refuse();
    let refused = TcpStream::connect(proxy.authority()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    both.talk();
    proxy.heal();
    server.connect(&proxy).talk();
    both.talk();
}

#[test]
fn a_server_that_is_away_is_away_through_the_proxy_as_well() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::before(&away.to_string(), 1);
    let mut client = TcpStream::connect(proxy.authority()).unwrap();
    assert!(is_reset(&mut client));
}

#[test]
fn a_proxy_that_is_dropped_takes_its_connections_with_it() {
    let server = Server::start();
    let proxy = Proxy::before(&server.authority, 1);
    let mut both = server.connect(&proxy);
    both.talk();
    let authority = proxy.authority();
    drop(proxy);
    assert!(ends(&mut both.client) && ends(&mut both.server));
    eventually("a closed port", || TcpStream::connect(&authority).is_err().then_some(()));
}
