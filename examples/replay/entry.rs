//! One call, as a log tells it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDate};

/// One call, as a log tells it.
#[derive(PartialEq, Debug)]
pub struct Entry<'a> {
    /// The user; the client as it is written where none is named.
    pub user: Cow<'a, str>,
    pub address: Option<IpAddr>,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    pub request: Request<'a>,
    pub status: u16,
    pub duration: Option<Duration>,
    pub bytes: Option<u64>,
    /// Empty where it is not known.
    pub agent: Cow<'a, str>,
}

/// The method and the path; both empty where the client sent something else.
#[derive(PartialEq, Default, Debug)]
pub struct Request<'a> {
    pub method: Cow<'a, str>,
    pub path: Cow<'a, str>,
}

/// Why a line cannot be read.
#[derive(PartialEq, Eq, Debug)]
pub struct Unreadable(pub &'static str);

impl<'a> Request<'a> {
    /// Of a line such as `GET /orders/7?page=2 HTTP/1.1`. What is no such line (a scanner's bytes,
    /// `-` for a connection that said nothing) is a request without method and path.
    pub fn of_line(line: Cow<'a, str>) -> Request<'a> {
        let part = |part: &str| Cow::Owned(part.to_owned());
        match line {
            Cow::Borrowed(line) => match split(line) {
                Some((method, path)) => Request { method: method.into(), path: path.into() },
                None => Request::default(),
            },
            Cow::Owned(line) => match split(&line) {
                Some((method, path)) => Request { method: part(method), path: part(path) },
                None => Request::default(),
            },
        }
    }

    /// Of both parts.
    pub fn of_parts(method: Cow<'a, str>, path: Cow<'a, str>) -> Request<'a> {
        match is_method(&method) && is_path(&path) {
            true => Request { method, path },
            false => Request::default(),
        }
    }
}

fn split(line: &str) -> Option<(&str, &str)> {
    let (method, rest) = line.split_once(' ')?;
    // A path may hold spaces where a client did not encode them; the protocol never does.
    let path = match rest.rsplit_once(' ') {
        Some((path, protocol)) if protocol.starts_with("HTTP/") => path,
        _ => rest,
    };
    (is_method(method) && is_path(path)).then_some((method, path))
}

fn is_method(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') || text == "*" || text.starts_with("http://") || text.starts_with("https://")
}

/// A status, if it is one.
pub fn status(text: &str) -> Option<u16> {
    text.parse().ok().filter(|status| (100..=999).contains(status))
}

/// A time of `seconds`, if it is one.
pub fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// Milliseconds since 1970 of a time such as `10/Oct/2027:13:55:36 -0700`.
pub fn local_time(text: &str) -> Option<i64> {
    let digits = |from: usize, until: usize| {
        let digits = text.get(from..until).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u32>().ok()
    };
    let separators = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':'), (20, b' ')];
    if text.len() != 26 || separators.iter().any(|(place, byte)| text.as_bytes()[*place] != *byte) {
        return None;
    }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = 1 + months.iter().position(|month| text.get(3..6) == Some(month))? as u32;
    let date = NaiveDate::from_ymd_opt(digits(7, 11)? as i32, month, digits(0, 2)?)?;
    // A leap second is told as the second before it.
    let time = date.and_hms_opt(digits(12, 14)?, digits(15, 17)?, digits(18, 20)?.min(59))?;
    let west = match text.as_bytes()[21] {
        b'+' => -1,
        b'-' => 1,
        _ => return None,
    };
    let (hours, minutes) = (digits(22, 24)?, digits(24, 26)?);
    if hours > 15 || minutes > 59 {
        return None;
    }
    let offset = i64::from(hours * 3_600 + minutes * 60) * 1_000;
    Some(time.and_utc().timestamp_millis() + west * offset)
}

/// Milliseconds since 1970 of a time such as `2027-10-10T13:55:36.5-07:00`.
pub fn iso_time(text: &str) -> Option<i64> {
    let time: DateTime<FixedOffset> = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.timestamp_millis())
}
