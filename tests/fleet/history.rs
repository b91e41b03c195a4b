//! What was done in a run, and what came of it.

use std::fmt;

/// Microseconds since the run began, by the one clock of the test.
pub type Moment = u64;

/// All that was recorded.
#[derive(Clone, Default)]
pub struct History {
    pub verifications: Vec<Verification>,
    pub changes: Vec<Change>,
    pub faults: Vec<Fault>,
    pub kills: Vec<Kill>,
    pub limited: Vec<LimitedToken>,
    pub usage: Vec<Usage>,
}

/// One request with a token.
#[derive(Clone, Debug)]
pub struct Verification {
    pub begin: Moment,
    pub end: Moment,
    pub node: usize,
    pub token: u32,
    /// The number of the change that made the secret.
    pub secret: u32,
    /// The scope that the route needs, as a bit.
    pub need: u8,
    pub answer: Answer,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It passed; whether the limiter was left out of it.
    Granted {
        degraded: bool,
    },
    /// It passed all but the limit.
    Limited,
    /// The secret is not the token's.
    DeadSecret,
    /// The secret was the token's until it was rotated.
    Rotated,
    Revoked,
    Paused,
    OutOfScope,
    /// 503.
    Unavailable,
    /// The connection ended, or nothing came in time.
    Nothing,
    /// What no token of this test should ever be answered.
    Unexpected(String),
}

/// One change of a token.
#[derive(Clone, Debug)]
pub struct Change {
    /// Different for each.
    pub number: u32,
    pub begin: Moment,
    pub end: Moment,
    /// One that is none of the fleet is the library beside it.
    pub node: usize,
    pub token: u32,
    pub what: What,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// With these scopes, as bits.
    Issue(u8),
    Revoke,
    Rotate,
    Pause,
    Resume,
    Scopes(u8),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    Done,
    /// It has changed nothing.
    Refused,
    /// It may have taken effect at any time from its begin on, or never.
    Unknown,
    /// What no change of this test should ever be answered.
    Unexpected(String),
}

/// Something that was broken, from its begin until all was well again.
#[derive(Clone, Debug)]
pub struct Fault {
    pub begin: Moment,
    pub end: Moment,
    pub name: String,
    pub lost: Lost,
}

/// Whether the limiter lost what it had counted, and the nodes can know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    Nothing,
    /// Their connections went with it.
    Noticed,
    /// Somebody has emptied it by hand.
    Unnoticed,
}

/// A node that was killed, and from when on what it had counted may have been lost with it.
#[derive(Clone, Debug)]
pub struct Kill {
    pub at: Moment,
    pub node: usize,
    pub unwritten_since: Moment,
}

/// A token whose limit is to be hit.
#[derive(Clone, Debug)]
pub struct LimitedToken {
    pub token: u32,
    pub limit: usize,
    /// In microseconds.
    pub window: Moment,
}

/// What the store holds of a token's use at the end.
#[derive(Clone, Debug)]
pub struct Usage {
    pub token: u32,
    pub calls: u64,
}

impl Change {
    /// Whether it was certainly over before this moment.
    pub fn is_done_before(&self, moment: Moment) -> bool {
        self.outcome == Outcome::Done && self.end < moment
    }

    /// Whether everything that it did was certainly before this one began.
    pub fn precedes(&self, other: &Change) -> bool {
        self.is_done_before(other.begin)
    }

    pub fn may_have_happened(&self) -> bool {
        self.outcome != Outcome::Refused
    }
}

/// A moment, to be read.
pub fn seconds(moment: Moment) -> String {
    format!("{}.{:06} s", moment / 1_000_000, moment % 1_000_000)
}

impl fmt::Display for Verification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verification { begin, end, node, token, secret, need, answer } = self;
        let (begin, end) = (seconds(*begin), seconds(*end));
        write!(
            formatter,
            "{begin} to {end}: node {node} answers {answer:?} to token {token} with the secret of change {secret}, \
             which needs scope {need:#b}"
        )
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { number, begin, end, node, token, what, outcome } = self;
        let (begin, end) = (seconds(*begin), seconds(*end));
        write!(
            formatter,
            "{begin} to {end}: change {number}, {what:?} of token {token} by node {node}: {outcome:?}"
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} to {}: {}", seconds(self.begin), seconds(self.end), self.name)
    }
}
