//! The calls of the last day by the hour, as small as a word.

use std::fmt::Write;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::dashboard::html::Html;
use crate::dashboard::show::number;

/// How wide a bar is with the gap behind it, and how high the highest.
const STEP: usize = 4;
const HEIGHT: u64 = 20;

/// Bars for the calls of each hour, the oldest first. The last is the hour that runs at `now`, and
/// is drawn as one that is not over.
pub(in crate::dashboard) fn trend(hours: &[u64], now: DateTime<Utc>) -> Html {
    let width = hours.len() * STEP;
    let sentence = sentence(hours, now);
    let mut svg = format!(
        r#"<svg class="trend" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" role="img"><title>{sentence}</title>"#
    );
    let most = hours.iter().copied().max().unwrap_or(0);
    if most == 0 {
        _ = write!(svg, r#"<path class="trend-none" d="M0 {HEIGHT}h{width}"/></svg>"#);
        return Html(svg);
    }
    let (over, running) = hours.split_at(hours.len() - 1);
    let bars = |hours: &[u64], first: usize| {
        hours.iter().enumerate().filter(|(_, calls)| **calls > 0).fold(
            String::new(),
            |mut path, (place, calls)| {
                let height = height(*calls, most);
                _ = write!(path, "M{} {HEIGHT}v-{height}h3v{height}z", (first + place) * STEP);
                path
            },
        )
    };
    for (class, path) in [("trend-bars", bars(over, 0)), ("trend-running", bars(running, over.len()))] {
        if !path.is_empty() {
            _ = write!(svg, r#"<path class="{class}" d="{path}"/>"#);
        }
    }
    svg.push_str("</svg>");
    Html(svg)
}

/// A bar is never lower than what can be seen.
fn height(calls: u64, most: u64) -> u64 {
    let scaled = u128::from(calls) * u128::from(HEIGHT) / u128::from(most);
    (scaled as u64).max(2)
}

fn sentence(hours: &[u64], now: DateTime<Utc>) -> String {
    let busiest = hours.iter().enumerate().max_by_key(|(place, calls)| (**calls, *place));
    let Some((place, calls)) = busiest.filter(|(_, calls)| **calls > 0) else {
        return "No calls in the last 24 hours.".to_owned();
    };
    let back = TimeDelta::hours((hours.len() - 1 - place) as i64);
    let start = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) - back;
    let end = start + TimeDelta::hours(1);
    let calls = if *calls == 1 { "1 call".to_owned() } else { format!("{} calls", number(*calls)) };
    format!(
        "Calls by the hour: busiest from {} to {} UTC, {calls}.",
        start.format("%H:%M"),
        end.format("%H:%M")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(hours: &[u64]) -> String {
        trend(hours, "2026-11-24T14:20:00Z".parse().unwrap()).0
    }

    #[test]
    fn the_busiest_hour_is_as_high_as_the_picture_and_told_in_words() {
        let svg = drawn(&[0, 10, 1_200, 0, 1]);
        assert!(svg.contains("busiest from 12:00 to 13:00 UTC, 1,200 calls."), "{svg}");
        assert!(svg.contains(r#"class="trend-bars" d="M4 20v-2h3v2zM8 20v-20h3v20z""#), "{svg}");
        assert!(svg.contains(r#"class="trend-running" d="M16 20v-2h3v2z""#), "{svg}");
    }

    #[test]
    fn a_day_without_calls_is_a_line_and_a_sentence() {
        let svg = drawn(&[0; 25]);
        assert!(svg.contains("No calls in the last 24 hours.") && svg.contains("trend-none"), "{svg}");
    }

    #[test]
    fn figures_at_the_end_of_their_range_are_drawn() {
        let svg = drawn(&[u64::MAX, 1]);
        assert!(svg.contains("M0 20v-20h3v20z") && svg.contains("M4 20v-2h3v2z"), "{svg}");
        assert!(drawn(&[]).contains("No calls"));
    }
}
