//! The threads that verify and record.

use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Instant;

use tokenward::{Error, Need, Token, Tokens, Verdict, block_on};

use crate::batch::Batch;
use crate::clock::LogClock;
use crate::cost::Pushing;
use crate::pace::Pace;
use crate::progress::Counters;
use crate::users::{READ, TENANT, WRITE};

/// One thread that verifies and records what it is handed.
pub struct Pusher<'a> {
    pub tokens: &'a Tokens,
    /// None where the machine's clock decides.
    pub clock: Option<LogClock>,
    pub counters: &'a Counters,
    pub pace: &'a Pace,
    pub wake: SyncSender<()>,
    pub number: usize,
}

impl Pusher<'_> {
    /// Pushes until nothing more comes.
    pub fn run(self, batches: Receiver<Batch>) -> Result<Pushing, Error> {
        let pushed = self.push(batches);
        if pushed.is_err() {
            self.pace.end();
        }
        pushed
    }

    fn push(&self, batches: Receiver<Batch>) -> Result<Pushing, Error> {
        let (read, write) = (self.tokens.requirement([READ])?, self.tokens.requirement([WRITE])?);
        let mut secrets: Vec<Token> = Vec::new();
        let mut cost = Pushing::default();
        for mut batch in batches {
            secrets.append(&mut batch.tokens);
            for call in &batch.calls {
                if let Some(clock) = &self.clock {
                    clock.at(call.at_ms);
                    clock.thread_is_at(self.number, call.at_ms);
                }
                let mut need = Need::of(if call.is_read { &read } else { &write }).tenant(TENANT);
                if let Some(address) = call.address {
                    need = need.from_address(address);
                }
                let secret = secrets[call.token as usize].expose();
                let start = Instant::now();
                let verdict = match self.tokens.try_verify(secret, &need)? {
                    Some(verdict) => verdict,
                    None => block_on(self.tokens.verify(secret, &need))?,
                };
                let verified = Instant::now();
                cost.verified += 1;
                cost.verification += verified - start;
                match verdict {
                    Verdict::Granted(grant) => {
                        grant.record_call(&batch.call(call));
                        cost.recorded += 1;
                        cost.recording += verified.elapsed();
                    }
                    Verdict::Denied(denied) => *cost.refused.entry(denied.code()).or_default() += 1,
                }
            }
            self.counters.add_pushed(batch.calls.len() as u64);
            cost.waiting += self.pace.keep(self.tokens, &self.wake);
        }
        Ok(cost)
    }
}
