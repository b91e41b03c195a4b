//! What is broken in a run, in which order and for how long: the same for the same seed.

use std::fmt;
use std::time::Duration;

use crate::dice::Dice;
use crate::history::Lost;
use crate::proxy::{Ending, Way};

pub const NODES: usize = 3;

/// One fault, and the quiet after it.
#[derive(Clone, PartialEq, Debug)]
pub struct Planned {
    pub what: What,
    pub lasts: Duration,
    pub quiet: Duration,
}

/// What is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// A node is killed, and started again.
    KillNode(usize),
    /// A node stands still, for longer than its lease.
    StopNode(usize),
    /// The sessions that listen are ended.
    EndListeners,
    /// All sessions are ended.
    EndSessions,
    RestartPostgres,
    RestartRedis,
    EmptyRedis,
    /// Redis stands still.
    StopRedis,
    /// The way to a server is broken, of one node or of all.
    Break(Server, Broken, Option<usize>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Server {
    Postgres,
    Redis,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    Slow,
    Blackhole,
    /// Connections end, and new ones are refused.
    Cut(Ending),
    HalfClosed(Way),
}

/// As many faults as take this time, each kind before any comes again.
pub fn plan(dice: &mut Dice, time: Duration) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut taken = Duration::ZERO;
    let mut deck = Vec::new();
    loop {
        if deck.is_empty() {
            deck = kinds(dice);
        }
        let next = deck.swap_remove(dice.below(deck.len()));
        let (least, most) = lasting(next);
        let lasts = Duration::from_millis(dice.within(least..most));
        let quiet = Duration::from_millis(dice.within(400..1_200));
        taken += lasts + quiet;
        if taken > time {
            return planned;
        }
        planned.push(Planned { what: next, lasts, quiet });
    }
}

/// Each kind, once.
fn kinds(dice: &mut Dice) -> Vec<What> {
    let mut kinds = vec![
        What::KillNode(dice.below(NODES)),
        What::StopNode(dice.below(NODES)),
        What::EndListeners,
        What::EndSessions,
        What::RestartPostgres,
        What::RestartRedis,
        What::EmptyRedis,
        What::StopRedis,
    ];
    let broken = [
        Broken::Slow,
        Broken::Blackhole,
        Broken::Cut(Ending::Reset),
        Broken::Cut(Ending::Close),
        Broken::HalfClosed(Way::ToServer),
        Broken::HalfClosed(Way::ToClient),
    ];
    for server in [Server::Postgres, Server::Redis] {
        for broken in broken {
            let of = if dice.percent(70) { Some(dice.below(NODES)) } else { None };
            kinds.push(What::Break(server, broken, of));
        }
    }
    kinds
}

/// How long it lasts, in milliseconds: some for longer than a lease of two seconds.
fn lasting(what: What) -> (u64, u64) {
    match what {
        What::KillNode(_) => (200, 1_000),
        What::StopNode(_) => (2_600, 3_400),
        What::EndListeners | What::EndSessions | What::EmptyRedis => (600, 900),
        What::RestartPostgres | What::RestartRedis => (300, 1_500),
        What::StopRedis => (500, 1_500),
        What::Break(Server::Postgres, Broken::Blackhole | Broken::Cut(_), _) => (1_500, 3_400),
        What::Break(..) => (800, 1_800),
    }
}

impl What {
    /// Whether the limiter loses with it what it has counted.
    pub fn lost(self) -> Lost {
        match self {
            What::RestartRedis => Lost::Noticed,
            What::EmptyRedis => Lost::Unnoticed,
            _ => Lost::Nothing,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::KillNode(_) => formatter.write_str("a node is killed"),
            What::StopNode(_) => formatter.write_str("a node stands still"),
            What::EndListeners => formatter.write_str("listening sessions are ended"),
            What::EndSessions => formatter.write_str("all sessions are ended"),
            What::RestartPostgres => formatter.write_str("PostgreSQL is restarted"),
            What::RestartRedis => formatter.write_str("Redis is restarted empty"),
            What::EmptyRedis => formatter.write_str("Redis is emptied"),
            What::StopRedis => formatter.write_str("Redis stands still"),
            What::Break(server, broken, of) => {
                let how = match broken {
                    Broken::Slow => "slow",
                    Broken::Blackhole => "black hole",
                    Broken::Cut(Ending::Reset) => "cut by RST, refused",
                    Broken::Cut(Ending::Close) => "cut by FIN, refused",
                    Broken::HalfClosed(Way::ToServer) => "half-closed to it",
                    Broken::HalfClosed(Way::ToClient) => "half-closed from it",
                };
                let whose = if of.is_some() { "one node" } else { "all nodes" };
                write!(formatter, "{server:?} of {whose}: {how}")
            }
        }
    }
}

#[test]
fn a_seed_gives_the_same_plan_again() {
    let of = |seed| plan(&mut Dice::new(seed), Duration::from_secs(600));
    assert_eq!(of(7), of(7));
    assert_ne!(of(7), of(8));
    // In a long run everything is broken.
    for kind in kinds(&mut Dice::new(1)) {
        let same = |planned: &Planned| match (planned.what, kind) {
            (What::Break(server, broken, _), What::Break(other, how, _)) => server == other && broken == how,
            (one, other) => std::mem::discriminant(&one) == std::mem::discriminant(&other),
        };
        assert!(of(7).iter().any(same), "{kind}");
    }
}
