//! One JSON object a line, under the names that nginx, Apache, Caddy and most services write.
//!
//! | what | names, the first that is there |
//! |---|---|
//! | time | `time`, `ts`, `@timestamp`, `timestamp`, `time_iso8601`, `time_local`: RFC 3339, as in the combined format, or a number of seconds or milliseconds since 1970 |
//! | request | `request`: `GET /orders HTTP/1.1`; or `method`, `request_method`, and `uri`, `request_uri`, `path`, `url` |
//! | status | `status`, `status_code` |
//! | length | `bytes`, `body_bytes_sent`, `bytes_sent`, `size` |
//! | client | `remote_addr`, `remote_ip`, `client_ip`, `ip`, `host` |
//! | user | `remote_user`, `user`, `user_id` |
//! | agent | `http_user_agent`, `user_agent`, `agent` |
//! | time taken | `request_time`, `duration` in seconds; `duration_ms`, `latency_ms` in milliseconds |
//!
//! Where `request` is an object, as Caddy writes it, its fields are looked at as well. Numbers may be
//! written as texts.

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::entry::{Entry, Request, Unreadable, iso_time, local_time, seconds, status};

/// Reads a line.
pub fn read(line: &str) -> Result<Entry<'static>, Unreadable> {
    let mut line: Map<String, Value> =
        serde_json::from_str(line).map_err(|_| Unreadable("it is no JSON object"))?;
    let nested = match line.get_mut("request") {
        Some(Value::Object(request)) => std::mem::take(request),
        _ => Map::new(),
    };
    let fields = Fields { line, nested };
    let times = ["time", "ts", "@timestamp", "timestamp", "time_iso8601", "time_local"];
    let at_ms = fields.find(&times).and_then(moment).ok_or(Unreadable("it has no time that can be read"))?;
    let status = fields.text(&["status", "status_code"]).and_then(|text| status(&text));
    let status = status.ok_or(Unreadable("the status is no number from 100 to 999"))?;
    let request = match fields.line.get("request") {
        Some(Value::String(line)) => Request::of_line(Cow::Owned(line.clone())),
        _ => {
            let method = fields.text(&["method", "request_method"]).unwrap_or_default();
            let path = fields.text(&["uri", "request_uri", "path", "url"]).unwrap_or_default();
            Request::of_parts(Cow::Owned(method), Cow::Owned(path))
        }
    };
    let client = fields.text(&["remote_addr", "remote_ip", "client_ip", "ip", "host"]);
    let user = fields.text(&["remote_user", "user", "user_id"]).or_else(|| client.clone());
    let user = user.ok_or(Unreadable("it names neither a user nor a client"))?;
    let number = |names: &[&str]| fields.text(names).and_then(|text| text.parse::<f64>().ok());
    let took = number(&["request_time", "duration"]);
    let took =
        took.or_else(|| number(&["duration_ms", "latency_ms"]).map(|milliseconds| milliseconds / 1_000.0));
    let bytes = fields.text(&["bytes", "body_bytes_sent", "bytes_sent", "size"]);
    Ok(Entry {
        user: user.into(),
        address: client.and_then(|client| client.parse().ok()).map(|address: IpAddr| address.to_canonical()),
        at_ms,
        request,
        status,
        duration: took.and_then(seconds),
        bytes: bytes.and_then(|bytes| bytes.parse().ok()),
        agent: fields
            .text(&["http_user_agent", "user_agent", "agent"])
            .or_else(|| fields.agent())
            .unwrap_or_default()
            .into(),
    })
}

struct Fields {
    line: Map<String, Value>,
    /// Those of `request`, where it is an object.
    nested: Map<String, Value>,
}

impl Fields {
    fn find(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.line.get(*name).or_else(|| self.nested.get(*name)))
    }

    /// The first of these that says something, as a text.
    fn text(&self, names: &[&str]) -> Option<String> {
        let said = |name: &&str| match self.find(&[name])? {
            Value::String(text) if !text.is_empty() && text != "-" => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        names.iter().find_map(said)
    }

    /// As Caddy writes it: `"headers": {"User-Agent": ["curl/8.5.0"]}`.
    fn agent(&self) -> Option<String> {
        Some(self.nested.get("headers")?.get("User-Agent")?.get(0)?.as_str()?.to_owned())
    }
}

/// A number beyond this counts milliseconds: as seconds it would lie in the year 5138.
const MOST_SECONDS: f64 = 1e11;
/// The year 9999, beyond which times are not written with four digits.
const MOST_MS: f64 = 253_402_300_799_999.0;

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => iso_time(text).or_else(|| local_time(text)),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| (0.0..=MOST_MS).contains(number))?;
            Some(if number > MOST_SECONDS { number as i64 } else { (number * 1_000.0).round() as i64 })
        }
        _ => None,
    }
}
