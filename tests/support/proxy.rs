//! A TCP proxy before a server, which breaks connections in the ways in which networks do.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::dice::Dice;
use super::servers::{eventually, free_port};

/// A proxy on a port of its own. It and all its connections end when it is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    /// Who accepts connections; none while they are refused.
    accepting: Option<JoinHandle<()>>,
    port: u16,
    runtime: Option<Runtime>,
}

/// What the connections know.
struct Shared {
    server: String,
    ways: [watch::Sender<State>; 2],
    cuts: broadcast::Sender<Ending>,
    connections: AtomicUsize,
    dice: Dice,
}

/// A direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    ToServer,
    ToClient,
}

/// What becomes of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// They go on at once.
    Pass,
    /// They go on after `least`, and up to `jitter` more, in their order.
    Delay { least: Duration, jitter: Duration },
    /// They wait, and so does what the other side has to say about the end of the connection: half
    /// open. What waited goes on when the mode is another.
    Blackhole,
}

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// By RST, with whatever was under way lost.
    Reset,
    /// By FIN on both sides.
    Close,
}

/// The state of one direction, of all connections.
#[derive(Clone, Copy)]
struct State {
    mode: Mode,
    /// Grows when what is connected now is closed in this direction.
    closings: u64,
}

/// So much waits at most in one direction of a connection, in pieces; then the sender has to.
const PIECES: usize = 1_024;
const PIECE: usize = 16 * 1_024;

impl Proxy {
    /// A proxy before a server (host and port), which lets everything pass. The seed is for jitter.
    pub fn before(server: &str, seed: u64) -> Proxy {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("proxy")
            .enable_all()
            .build()
            .unwrap();
        let state = State { mode: Mode::Pass, closings: 0 };
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            ways: [watch::Sender::new(state), watch::Sender::new(state)],
            cuts: broadcast::Sender::new(16),
            connections: AtomicUsize::new(0),
            dice: Dice::new(seed),
        });
        let (listener, port) = eventually("a port", || {
            let port = free_port();
            Some((runtime.block_on(TcpListener::bind(("127.0.0.1", port))).ok()?, port))
        });
        let accepting = runtime.spawn(accept(listener, shared.clone()));
        Proxy { shared, accepting: Some(accepting), port, runtime: Some(runtime) }
    }

    /// Where it listens: host and port.
    pub fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections go through it.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Acquire)
    }

    /// What becomes of bytes in one direction, of connections that are there and that come.
    pub fn set(&self, way: Way, mode: Mode) {
        self.shared.ways[way as usize].send_modify(|state| state.mode = mode);
    }

    /// The same in both directions.
    pub fn set_both(&self, mode: Mode) {
        self.set(Way::ToServer, mode);
        self.set(Way::ToClient, mode);
    }

    /// Everything passes, and whoever wants to connect can.
    pub fn heal(&mut self) {
        self.set_both(Mode::Pass);
        self.accept();
    }

    /// Ends all connections that are there.
    pub fn cut(&self, ending: Ending) {
        _ = self.shared.cuts.send(ending);
    }

    /// Closes all connections that are there in one direction: the receiver reads the end, and may go on
    /// sending.
    pub fn half_close(&self, way: Way) {
        self.shared.ways[way as usize].send_modify(|state| state.closings += 1);
    }

    /// Refuses whoever wants to connect.
    pub fn refuse(&mut self) {
        let Some(accepting) = self.accepting.take() else { return };
        accepting.abort();
        // The port is closed only when the listener is dropped.
        _ = self.runtime().block_on(accepting);
    }

    /// No longer [refuses](Proxy::refuse) anybody.
    pub fn accept(&mut self) {
        if self.accepting.is_none() {
            let listener = self.runtime().block_on(TcpListener::bind(("127.0.0.1", self.port))).unwrap();
            self.accepting = Some(self.runtime().spawn(accept(listener, self.shared.clone())));
        }
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("there until it is dropped")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut number = 0;
    // An error is one of a connection that is gone already.
    loop {
        if let Ok((client, _)) = listener.accept().await {
            number += 1;
            let dice = shared.dice.of(number);
            tokio::spawn(connect(client, shared.clone(), dice));
        }
    }
}

/// One connection, from its first byte to its last.
async fn connect(mut client: TcpStream, shared: Arc<Shared>, dice: Dice) {
    let mut cuts = shared.cuts.subscribe();
    let ways = [shared.ways[0].subscribe(), shared.ways[1].subscribe()];
    let Ok(mut server) = TcpStream::connect(&shared.server).await else {
        // As if the server itself had refused it, as far as that can still be done.
        _ = client.set_zero_linger();
        return;
    };
    _ = (client.set_nodelay(true), server.set_nodelay(true));
    let _counted = Counted::new(&shared.connections);
    let ending = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let [up, down] = ways;
        let carried = async {
            tokio::try_join!(
                carry(from_client, to_server, up, dice.of(0)),
                carry(from_server, to_client, down, dice.of(1)),
            )
        };
        tokio::select! {
            carried = carried => if carried.is_ok() { Ending::Close } else { Ending::Reset },
            ending = cuts.recv() => ending.unwrap_or(Ending::Close),
        }
    };
    if ending == Ending::Reset {
        _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Carries bytes in one direction until that is over.
async fn carry(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut state: watch::Receiver<State>,
    mut dice: Dice,
) -> io::Result<()> {
    let closings = state.borrow_and_update().closings;
    // What waits, and until when; a piece without bytes is the end.
    let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut buffer = vec![0; PIECE];
    let mut has_ended = false;
    loop {
        let State { mode, closings: now } = *state.borrow_and_update();
        if now != closings {
            return closed(to.shutdown().await);
        }
        let is_open = mode != Mode::Blackhole;
        let due = waiting.front().map(|(due, _)| *due);
        // Not by a timer where it is time already: that would take a millisecond.
        if is_open && due.is_some_and(|due| due <= Instant::now()) {
            let Some((_, piece)) = waiting.pop_front() else { continue };
            if piece.is_empty() {
                return closed(to.shutdown().await);
            }
            to.write_all(&piece).await?;
            continue;
        }
        tokio::select! {
            // What was set before a byte was sent holds for it.
            biased;
            changed = state.changed() => if changed.is_err() { return Ok(()) },
            read = from.read(&mut buffer), if is_open && !has_ended && waiting.len() < PIECES => {
                let length = read?;
                has_ended = length == 0;
                let mut time = Instant::now() + delay(mode, &mut dice);
                if let Some((last, _)) = waiting.back() {
                    time = time.max(*last);
                }
                waiting.push_back((time, buffer[..length].to_vec()));
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if is_open && due.is_some() => {}
        }
    }
}

fn delay(mode: Mode, dice: &mut Dice) -> Duration {
    match mode {
        Mode::Delay { least, jitter } => {
            let most = u64::try_from(jitter.as_micros()).unwrap_or(u64::MAX - 1);
            least + Duration::from_micros(dice.within(0..most + 1))
        }
        Mode::Pass | Mode::Blackhole => Duration::ZERO,
    }
}

/// Who is gone already need not be told of the end.
fn closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
        other => other,
    }
}

struct Counted<'a>(&'a AtomicUsize);

impl Counted<'_> {
    fn new(count: &AtomicUsize) -> Counted<'_> {
        count.fetch_add(1, Ordering::AcqRel);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
