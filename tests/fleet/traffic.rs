//! Requests with tokens, to one node after another answer.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::board::{Board, Known, ROUTES, lock};
use crate::client::{self, Client};
use crate::dice::Dice;
use crate::history::{Answer, Verification};

/// Asks a node until the run is over.
pub fn drive(board: &Board, node: usize, mut dice: Dice) {
    let mut client = Client::new(board.nodes[node]);
    let mut asked = Vec::new();
    while !board.is_over() {
        let Some(known) = some_token(board, &mut dice) else { continue };
        let (secret, text) = {
            let secrets = lock(&known.secrets);
            // Now and then one of before.
            let back = if dice.percent(20) { dice.below(secrets.len()) } else { 0 };
            secrets[secrets.len() - 1 - back].clone()
        };
        let verification = verify(board, &mut client, node, &known, secret, &text, dice.below(ROUTES.len()));
        // Without a pause traffic alone would take the processors, and a node that is down refuses at once.
        let pause = if verification.answer == Answer::Nothing { 20_000 } else { dice.within(0..4_000) };
        thread::sleep(Duration::from_micros(pause));
        asked.push(verification);
    }
    board.record(asked, Vec::new());
}

fn some_token(board: &Board, dice: &mut Dice) -> Option<Arc<Known>> {
    let throw = dice.within(0..100);
    let of = |tokens: &[Arc<Known>], dice: &mut Dice| {
        if tokens.is_empty() { None } else { Some(dice.one(tokens).clone()) }
    };
    match throw {
        0..25 => of(&board.limited, dice),
        25..45 => of(&lock(&board.past), dice),
        _ => of(&lock(&board.live), dice),
    }
}

/// One request, and what came of it.
pub fn verify(
    board: &Board,
    client: &mut Client,
    node: usize,
    known: &Known,
    secret: u32,
    text: &str,
    route: usize,
) -> Verification {
    let begin = board.now();
    let answer = client.ask(text, "GET", ROUTES[route].1, "");
    let end = board.now();
    let answer = answer.map_or(Answer::Nothing, |answer| meaning(&answer));
    Verification { begin, end, node, token: known.number, secret, need: 1 << route, answer }
}

fn meaning(answer: &client::Answer) -> Answer {
    let code = if answer.status == 200 { String::new() } else { answer.code() };
    match (answer.status, &*code) {
        // Whoever was decided without the limiter is not told of a limit.
        (200, _) => Answer::Granted { degraded: client::header(&answer.head, "ratelimit").is_none() },
        (429, "rate-limited") => Answer::Limited,
        (401, "token-invalid") => Answer::DeadSecret,
        (401, "token-rotated") => Answer::Rotated,
        (401, "token-revoked") => Answer::Revoked,
        (403, "token-paused") => Answer::Paused,
        (403, "insufficient-scope") => Answer::OutOfScope,
        (503, _) => Answer::Unavailable,
        (status, code) => Answer::Unexpected(format!("{status} {code} {}", answer.body)),
    }
}
