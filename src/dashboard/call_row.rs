//! A call as a row of a table.

use chrono::{DateTime, Utc};

use super::show::{Time, count, milliseconds, visible};
use crate::usage::{Outcome, RecordedCall};

/// A call.
pub(super) struct CallRow {
    pub(super) at: Time,
    /// None where it is not known.
    pub(super) endpoint: Option<String>,
    pub(super) status: u16,
    /// The end of its class in the style: `2xx`, `limited`, `denied`.
    pub(super) class: &'static str,
    /// Why it was refused; nothing for an answer of the service.
    pub(super) refusal: Option<String>,
    /// The scopes that authorised it.
    pub(super) scopes: String,
    pub(super) time: String,
    /// None where it is not known, or not for whoever looks.
    pub(super) address: Option<String>,
    pub(super) agent: Option<String>,
    /// How many calls before this one are counted, and not kept one by one.
    pub(super) left_out: Option<String>,
}

impl CallRow {
    pub(super) fn of(call: &RecordedCall, tells_address: bool, now: DateTime<Utc>) -> CallRow {
        let known = |text: &str| (!text.is_empty()).then(|| visible(text).into_owned());
        let client = call.client.as_ref();
        let is_granted = call.outcome == Outcome::Granted;
        let scopes = visible(&call.scopes).into_owned();
        CallRow {
            at: Time::of(call.at, now),
            endpoint: known(&call.route),
            status: call.status,
            class: class(call),
            refusal: refusal(call.outcome, &scopes),
            scopes: if call.outcome == Outcome::MissingScope { String::new() } else { scopes },
            time: milliseconds(is_granted.then(|| call.duration_us as f64 / 1_000.0)),
            address: client.filter(|_| tells_address).and_then(|client| known(&client.address)),
            agent: client.and_then(|client| known(&client.agent)),
            left_out: (call.left_out > 0).then(|| count(call.left_out, "more call")),
        }
    }
}

fn class(call: &RecordedCall) -> &'static str {
    match (call.outcome, call.status) {
        (Outcome::Limited, _) => "limited",
        (Outcome::Granted, ..300) => "2xx",
        (Outcome::Granted, 300..400) => "3xx",
        (Outcome::Granted, 400..500) => "4xx",
        (Outcome::Granted, 500..) => "5xx",
        _ => "denied",
    }
}

/// Why a call was refused, in a few words.
fn refusal(outcome: Outcome, missing: &str) -> Option<String> {
    let text = match outcome {
        Outcome::Granted => return None,
        Outcome::MissingScope => return Some(format!("lacked {missing}")),
        Outcome::Limited => "over the limit",
        Outcome::Revoked => "revoked",
        Outcome::Expired => "expired",
        Outcome::NotYetValid => "not valid yet",
        Outcome::Paused => "paused",
        Outcome::Rotated => "old secret",
        Outcome::Address => "address not allowed",
        Outcome::NotForTokens => "not for tokens",
    };
    Some(text.to_owned())
}
