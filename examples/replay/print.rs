//! The report for people.

use std::fmt::{self, Display, Write};

use chrono::{DateTime, Utc};
use tokenward::GivenUp;
use tokenward::usage::StatusClasses;

use crate::report::{Report, TOP};

/// So many characters of a route, a name or an agent are shown.
const WIDTH: usize = 44;

impl Display for Report {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log_lines(to)?;
        self.call_lines(to)?;
        self.endpoint_lines(to)?;
        self.token_lines(to)?;
        self.client_lines(to)?;
        self.cost_lines(to)
    }
}

impl Report {
    fn log_lines(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = &self.log;
        write!(to, "log             {} lines, {} calls", grouped(log.lines), grouped(log.calls))?;
        if let Some((first, last)) = log.first.zip(log.last) {
            write!(to, ", {} to {} UTC", minute(first), minute(last))?;
        }
        writeln!(to)?;
        if log.left_out > 0 {
            writeln!(to, "left out        {} calls that the database had already", grouped(log.left_out))?;
        }
        if log.unreadable > 0 {
            writeln!(to, "unreadable      {} lines, such as", grouped(log.unreadable))?;
            for shown in &log.unreadable_shown {
                writeln!(to, "  line {}: {}: {}", shown.line, shown.reason, shown.text)?;
            }
        }
        let GivenUp { names, minutes, figures, .. } = self.given_up;
        for (what, calls) in [("endpoint or client", names), ("minute", minutes), ("figures", figures)] {
            if calls > 0 {
                writeln!(to, "given up        the {what} of {} calls, for want of memory", grouped(calls))?;
            }
        }
        for (code, calls) in &log.refused {
            writeln!(to, "refused         {} calls in this run: {code}", grouped(*calls))?;
        }
        Ok(())
    }

    fn call_lines(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = &self.calls;
        writeln!(to, "\ncalls           {} with {} tokens", grouped(calls.total), grouped(calls.tokens))?;
        if let Some(rate) = calls.success_rate {
            writeln!(to, "success         {:.2} %", rate * 100.0)?;
        }
        match &calls.times {
            Some(times) => writeln!(
                to,
                "time            mean {}, p50 {}, p95 {}, p99 {} ms",
                milliseconds(times.mean_ms),
                milliseconds(times.p50_ms),
                milliseconds(times.p95_ms),
                milliseconds(times.p99_ms)
            )?,
            None => writeln!(to, "time            not in the log")?,
        }
        let StatusClasses { informational, success, redirection, client_error, server_error, .. } =
            calls.statuses;
        let classes = [
            ("1xx", informational),
            ("2xx", success),
            ("3xx", redirection),
            ("4xx", client_error),
            ("5xx", server_error),
        ];
        let mut told = String::new();
        for (class, calls) in classes.into_iter().filter(|(_, calls)| *calls > 0) {
            write!(told, "{class} {}   ", grouped(calls))?;
        }
        writeln!(to, "statuses        {}", told.trim_end())?;
        writeln!(to, "bytes           {}", grouped(calls.bytes))?;
        if let Some(busiest) = &self.busiest_minute {
            writeln!(
                to,
                "busiest minute  {} UTC with {} calls",
                minute(busiest.start),
                grouped(busiest.calls)
            )?;
        }
        Ok(())
    }

    fn endpoint_lines(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints = &self.endpoints;
        writeln!(
            to,
            "\n{:<WIDTH$} {:>12} {:>8} {:>8} {:>10}",
            "endpoint", "calls", "share", "errors", "p95 ms"
        )?;
        for endpoint in endpoints.told.iter().take(TOP) {
            writeln!(
                to,
                "{:<WIDTH$} {:>12} {:>8} {:>8} {:>10}",
                cut(&endpoint.route),
                grouped(endpoint.calls),
                percent(endpoint.calls, self.calls.total),
                percent(endpoint.errors, endpoint.calls),
                milliseconds(endpoint.p95_ms)
            )?;
        }
        let further = endpoints.told.iter().skip(TOP);
        let calls: u64 = further.clone().map(|endpoint| endpoint.calls).sum();
        if calls > 0 {
            writeln!(
                to,
                "{:<WIDTH$} {:>12} {:>8}",
                format!("{} more", further.count()),
                grouped(calls),
                percent(calls, self.calls.total)
            )?;
        }
        if endpoints.other > 0 {
            let share = percent(endpoints.other, self.calls.total);
            writeln!(to, "{:<WIDTH$} {:>12} {:>8}", "other", grouped(endpoints.other), share)?;
            writeln!(
                to,
                "Of what is in \"other\", up to {} calls may belong to any line above.",
                grouped(endpoints.error)
            )?;
        }
        Ok(())
    }

    fn token_lines(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "\n{:<WIDTH$} {:>12} {:>8} {:>8}", "token", "calls", "share", "errors")?;
        for token in self.tokens.iter().take(TOP) {
            let errors = token.statuses.client_error + token.statuses.server_error;
            writeln!(
                to,
                "{:<WIDTH$} {:>12} {:>8} {:>8}",
                cut(&token.name),
                grouped(token.total),
                percent(token.total, self.calls.total),
                percent(errors, token.total)
            )?;
        }
        Ok(())
    }

    fn client_lines(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients = &self.clients;
        writeln!(to, "\n{:<WIDTH$} {:>12} {:>8}", "client", "calls", "share")?;
        for client in &clients.top {
            let name = cut(&format!("{} {}", client.address, client.agent));
            writeln!(
                to,
                "{name:<WIDTH$} {:>12} {:>8}",
                grouped(client.calls),
                percent(client.calls, self.calls.total)
            )?;
        }
        let share = percent(clients.other, self.calls.total);
        writeln!(to, "{} are told apart; {} of the calls are by others.", grouped(clients.told), share)
    }

    fn cost_lines(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = &self.cost;
        writeln!(
            to,
            "\ncost            {:.1} s in all, {} calls a second",
            cost.seconds,
            grouped(cost.calls_per_second as u64)
        )?;
        writeln!(
            to,
            "a call          parsing {:.0} ns, verification {:.0} ns, recording {:.0} ns",
            cost.parsing_ns, cost.verification_ns, cost.recording_ns
        )?;
        writeln!(
            to,
            "                each part of each call timed, less the {:.0} ns that this takes",
            cost.timing_ns
        )?;
        writeln!(to, "secrets         {} made in {:.1} s", grouped(cost.secrets), cost.secrets_seconds)?;
        write!(
            to,
            "flushes         {} in {:.2} s, the longest {:.0} ms",
            grouped(cost.flushes),
            cost.flush_seconds,
            cost.longest_flush_ms
        )?;
        if let Some(share) = cost.flush_share_of_a_core {
            write!(to, ", {:.1} % of one core", share * 100.0)?;
        }
        writeln!(to)?;
        if cost.waiting_seconds >= 0.1 {
            writeln!(to, "                pushing has waited for them for {:.1} s", cost.waiting_seconds)?;
        }
        if let Some(bytes) = cost.peak_memory_bytes {
            writeln!(to, "memory          {} MB at most", bytes.div_ceil(1_000_000))?;
        }
        Ok(())
    }
}

fn minute(time: DateTime<Utc>) -> impl Display {
    time.format("%Y-%m-%d %H:%M")
}

fn milliseconds(time: Option<f64>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"))
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", part as f64 / whole as f64 * 100.0) }
}

/// With a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Escaped, since a stranger may have written it, and cut to the column's width.
fn cut(text: &str) -> String {
    let mut shown: String = text.chars().flat_map(char::escape_debug).take(WIDTH).collect();
    if text.chars().flat_map(char::escape_debug).nth(WIDTH).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}
