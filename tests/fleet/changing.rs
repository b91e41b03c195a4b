//! Changes of tokens through random nodes, and whether the nodes heed them.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokenward::{NewToken, Quota, RateLimit, block_on};

use crate::board::{Board, Known, ROUTES, lock};
use crate::client::{Answer, Client};
use crate::dice::Dice;
use crate::history::{Change, Outcome, Verification, What};
use crate::plan::NODES;
use crate::traffic::verify;

/// So many tokens are changed at a time.
const LIVE: usize = 12;
/// Nobody asks again at once.
const AFTER_A_FAILURE: Duration = Duration::from_millis(150);
const API: &str = "/admin/api/v1/tokens";

/// Makes changes, one after the other.
pub struct Changer<'a> {
    board: &'a Board,
    dice: Dice,
    clients: Vec<Client>,
    verifications: Vec<Verification>,
    changes: Vec<Change>,
}

impl<'a> Changer<'a> {
    pub fn new(board: &'a Board, dice: Dice) -> Changer<'a> {
        let clients = board.nodes.iter().map(|node| Client::new(*node)).collect();
        Changer { board, dice, clients, verifications: Vec::new(), changes: Vec::new() }
    }

    /// Changes tokens until the run is over.
    pub fn drive(mut self) {
        while !self.board.is_over() {
            if lock(&self.board.live).len() < LIVE {
                self.issue();
            } else {
                self.change_one();
            }
            thread::sleep(Duration::from_millis(self.dice.within(1..30)));
        }
        self.board.record(self.verifications, self.changes);
    }

    fn issue(&mut self) {
        let (token, scopes) = (self.board.next_token(), self.some_scopes());
        let known = if self.dice.percent(50) {
            self.issue_by_a_node(token, scopes)
        } else {
            self.issue_by_the_library(token, scopes)
        };
        match known {
            Some(known) => lock(&self.board.live).push(Arc::new(known)),
            None => thread::sleep(AFTER_A_FAILURE),
        }
    }

    fn issue_by_a_node(&mut self, token: u32, scopes: u8) -> Option<Known> {
        let body = json!({"name": format!("Token {token}"), "scopes": names(scopes), "rate_limit": {"per_minute": 6_000}});
        let (number, answer) = self.ask(token, What::Issue(scopes), "POST", API, &body);
        let body = answer?.json();
        let (id, text) = (body["token"]["id"].as_str()?.to_owned(), body["secret"].as_str()?.to_owned());
        Some(Known { number: token, id, secrets: Mutex::new(vec![(number, text)]) })
    }

    /// With a window of a second, and no more than the manager may grant, who changes it later.
    fn issue_by_the_library(&mut self, token: u32, scopes: u8) -> Option<Known> {
        let new = NewToken::named(format!("Token {token}"))
            .tenant("acme")
            .scopes(names(scopes))
            .rate_limit(RateLimit::of(Quota::new(90, Duration::from_secs(1)).expect("in range")));
        let number = self.board.next_change();
        let begin = self.board.now();
        let issued = block_on(self.board.library.issue(new).by("test"));
        let end = self.board.now();
        let outcome = if issued.is_ok() { Outcome::Done } else { Outcome::Unknown };
        let what = What::Issue(scopes);
        self.changes.push(Change { number, begin, end, node: NODES, token, what, outcome });
        Some(Known::new(token, number, &issued.ok()?))
    }

    fn change_one(&mut self) {
        let known = {
            let live = lock(&self.board.live);
            if live.is_empty() {
                return;
            }
            self.dice.one(&live).clone()
        };
        let path = |verb: &str| format!("{API}/{}{verb}", known.id);
        let what = match self.dice.within(0..100) {
            0..30 => What::Revoke,
            30..50 => What::Rotate,
            50..65 => What::Pause,
            65..82 => What::Resume,
            _ => What::Scopes(self.some_scopes()),
        };
        let (method, path, body) = match what {
            What::Revoke => ("POST", path("/revoke"), Value::Null),
            What::Rotate => ("POST", path("/rotate"), Value::Null),
            What::Pause => ("POST", path("/pause"), Value::Null),
            What::Resume => ("POST", path("/resume"), Value::Null),
            What::Scopes(scopes) => ("PATCH", path(""), json!({"scopes": names(scopes)})),
            What::Issue(_) => unreachable!("it is there"),
        };
        let (number, answer) = self.ask(known.number, what, method, &path, &body);
        let is_unknown = self.changes.last().is_some_and(|change| change.outcome == Outcome::Unknown);
        if is_unknown {
            thread::sleep(AFTER_A_FAILURE);
        }
        if what == What::Revoke || is_unknown {
            // Of a token of which little is known, little can be checked.
            self.board.retire(&known);
        }
        if let (What::Rotate, Some(answer)) = (what, &answer)
            && let Some(text) = answer.json()["secret"].as_str()
        {
            lock(&known.secrets).push((number, text.to_owned()));
        }
        if answer.is_some() {
            self.look_everywhere(&known);
        }
    }

    /// A change, and its answer if it was made.
    fn ask(
        &mut self,
        token: u32,
        what: What,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u32, Option<Answer>) {
        let node = self.dice.below(self.clients.len());
        let number = self.board.next_change();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let begin = self.board.now();
        let answer = self.clients[node].ask(&self.board.manager, method, path, &body);
        let end = self.board.now();
        let outcome = answer.as_ref().map_or(Outcome::Unknown, outcome);
        let answer = answer.ok().filter(|_| outcome == Outcome::Done);
        self.changes.push(Change { number, begin, end, node, token, what, outcome });
        (number, answer)
    }

    /// Asks every node right after a change, with each secret of before and with the last.
    fn look_everywhere(&mut self, known: &Known) {
        let secrets = lock(&known.secrets).clone();
        let last = &secrets[secrets.len().saturating_sub(2)..];
        for node in 0..self.clients.len() {
            for (secret, text) in last {
                let route = self.dice.below(ROUTES.len());
                let client = &mut self.clients[node];
                self.verifications.push(verify(self.board, client, node, known, *secret, text, route));
            }
        }
    }

    fn some_scopes(&mut self) -> u8 {
        u8::try_from(self.dice.within(1..16)).expect("four bits")
    }
}

fn outcome(answer: &Answer) -> Outcome {
    match answer.status {
        200 | 201 => Outcome::Done,
        409 | 429 => Outcome::Refused,
        500.. => Outcome::Unknown,
        status => Outcome::Unexpected(format!("{status} {}", answer.body)),
    }
}

fn names(scopes: u8) -> Vec<&'static str> {
    let routes = ROUTES.iter().enumerate();
    routes.filter(|(bit, _)| scopes >> bit & 1 == 1).map(|(_, (scope, _))| *scope).collect()
}
