//! The combined log format of Apache and nginx, and the common one, which ends earlier.
//!
//! `203.0.113.9 - maria [10/Oct/2027:13:55:36 -0700] "GET /orders HTTP/1.1" 200 512 "referrer" "agent" 0.012`
//!
//! What comes after the agent is no part of the format. Of it the last field is read as the time that
//! the request took, `name=` before it or not: seconds where it has a point (nginx's `$request_time`),
//! microseconds where it has none (Apache's `%D`).

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use crate::entry::{Entry, Request, Unreadable, local_time, seconds, status};

/// Reads a line.
pub fn read(line: &str) -> Result<Entry<'_>, Unreadable> {
    let (client, rest) = line.split_once(' ').ok_or(Unreadable("it has no fields"))?;
    let (_identity, rest) = rest.split_once(' ').ok_or(Unreadable("it has two fields only"))?;
    // A user's name may hold spaces.
    let (user, rest) = rest.split_once(" [").ok_or(Unreadable("there is no time in [brackets]"))?;
    let (time, rest) = rest.split_once(']').ok_or(Unreadable("the time has no closing bracket"))?;
    let at_ms = local_time(time).ok_or(Unreadable("the time is not like 10/Oct/2027:13:55:36 -0700"))?;
    let (request, rest) = quoted(rest).ok_or(Unreadable("there is no request in quotes"))?;
    let mut fields = rest.trim_start().splitn(3, ' ');
    let status =
        fields.next().and_then(status).ok_or(Unreadable("the status is no number from 100 to 999"))?;
    let bytes = match fields.next() {
        None | Some("-" | "") => None,
        Some(bytes) => Some(bytes.parse().map_err(|_| Unreadable("the length is no number"))?),
    };
    let rest = fields.next().unwrap_or("");
    let (agent, rest) = match quoted(rest).map(|(_referrer, rest)| rest) {
        Some(rest) => quoted(rest).unwrap_or((Cow::Borrowed(""), rest)),
        None => (Cow::Borrowed(""), rest),
    };
    let address = client.parse().ok().map(|address: IpAddr| address.to_canonical());
    let user = match user {
        "-" | "" | "\"\"" => client.into(),
        user => unescaped(user),
    };
    let agent = if agent == "-" { Cow::Borrowed("") } else { agent };
    Ok(Entry {
        user,
        address,
        at_ms,
        request: Request::of_line(request),
        status,
        duration: took(rest),
        bytes,
        agent,
    })
}

fn took(rest: &str) -> Option<Duration> {
    let last = rest.split_ascii_whitespace().next_back()?.trim_matches('"');
    let number = last.rsplit_once('=').map_or(last, |(_name, number)| number);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match number.contains('.') {
        _ if !is_number => None,
        true => seconds(number.parse().ok()?),
        false => Some(Duration::from_micros(number.parse().ok()?)),
    }
}

/// What stands in the next quotes, and what comes behind them.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((unescaped(&text[..end]), &text[end + 1..]))
}

/// With `\"`, `\\` and `\x22` as what they stand for. Other escapes stay as they are written.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let hex = text.get(place + 2..place + 4).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, bytes.get(place + 1), hex) {
            (b'\\', Some(b'x'), Some(byte)) => {
                plain.push(byte);
                place += 4;
            }
            (b'\\', Some(next @ (b'"' | b'\\')), _) => {
                plain.push(*next);
                place += 2;
            }
            _ => {
                plain.push(*byte);
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned().into()
}
