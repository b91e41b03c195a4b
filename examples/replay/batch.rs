//! Lines on their way from the thread that reads to one that pushes.

use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use tokenward::Token;
use tokenward::usage::Call;

use crate::entry::Entry;
use crate::template;

/// So many lines, or so many bytes of text, are handed over at once.
const MOST_LINES: usize = 512;
const MOST_BYTES: usize = 256 << 10;
/// Of an agent not more than so many bytes are handed over.
const LONGEST_AGENT: usize = 512;

/// Lines on their way, in two pieces of memory.
#[derive(Default)]
pub struct Batch {
    /// Secrets that are new to the thread, in the order of its own numbers.
    pub tokens: Vec<Token>,
    pub calls: Vec<Pushed>,
    /// Routes and agents.
    text: String,
}

/// A call to be made.
pub struct Pushed {
    /// The thread's own number of the token.
    pub token: u32,
    pub at_ms: i64,
    pub address: Option<IpAddr>,
    pub is_read: bool,
    status: u16,
    duration: Duration,
    bytes: Option<u64>,
    route: Range<u32>,
    agent: Range<u32>,
}

impl Batch {
    pub fn is_full(&self) -> bool {
        self.calls.len() >= MOST_LINES || self.text.len() >= MOST_BYTES
    }

    /// Adds a call at this time, which may be later than the line says.
    pub fn push(&mut self, token: u32, at_ms: i64, entry: &Entry<'_>) {
        let start = self.text.len() as u32;
        template::write(&entry.request, &mut self.text);
        let route = start..self.text.len() as u32;
        let end =
            (0..=entry.agent.len().min(LONGEST_AGENT)).rev().find(|end| entry.agent.is_char_boundary(*end));
        self.text.push_str(&entry.agent[..end.unwrap_or(0)]);
        self.calls.push(Pushed {
            token,
            at_ms,
            address: entry.address,
            is_read: matches!(&*entry.request.method, "GET" | "HEAD"),
            status: entry.status,
            duration: entry.duration.unwrap_or_default(),
            bytes: entry.bytes,
            agent: route.end..self.text.len() as u32,
            route,
        });
    }

    /// How a call ended.
    pub fn call(&self, pushed: &Pushed) -> Call<'_> {
        let text = |range: &Range<u32>| &self.text[range.start as usize..range.end as usize];
        let mut call = Call::new(text(&pushed.route), pushed.status, pushed.duration);
        call.bytes = pushed.bytes;
        call.address = pushed.address;
        call.agent = Some(text(&pushed.agent)).filter(|agent| !agent.is_empty());
        call
    }
}
