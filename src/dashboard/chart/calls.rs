//! Calls per minute, by what became of them, beside the limit.

use std::fmt::Write;

use super::figure::{Entry, Figure, Frame, Mark, grid};
use super::scale::{HEIGHT, Steps, WIDTH, down, line, short, top};
use crate::dashboard::html::Html;
use crate::dashboard::show::{count, number};
use crate::usage::{Tally, start_of};

/// What became of a call.
#[derive(Clone, Copy)]
struct Class {
    /// Its class in the style, and the end of its pattern's id.
    name: &'static str,
    text: &'static str,
    /// Lines over its colour, so that it is told by more than that; nothing for plain colour.
    hatch: &'static str,
    calls: fn(&Tally) -> u64,
}

/// From the bottom up.
const CLASSES: [Class; 7] = [
    Class {
        name: "2xx",
        text: "2xx",
        hatch: "",
        calls: |tally| tally.statuses.informational.saturating_add(tally.statuses.success),
    },
    Class { name: "3xx", text: "3xx", hatch: "M0 4h8", calls: |tally| tally.statuses.redirection },
    Class { name: "open", text: "answer not recorded", hatch: "M1 1h2v2h-2z", calls: unfinished },
    Class { name: "4xx", text: "4xx", hatch: "M0 8L8 0", calls: |tally| tally.statuses.client_error },
    Class { name: "429", text: "limited (429)", hatch: "M0 0L8 8M0 8L8 0", calls: |tally| tally.limited },
    Class { name: "5xx", text: "5xx", hatch: "M4 0v8", calls: |tally| tally.statuses.server_error },
    Class { name: "denied", text: "denied", hatch: "M0 0L8 8", calls: Tally::denied },
];

fn unfinished(tally: &Tally) -> u64 {
    tally.granted.saturating_sub(tally.finished)
}

/// The chart. `limit` is that per minute, as it is now.
pub(in crate::dashboard) fn calls(frame: Frame<'_>, limit: Option<u32>, marks: &[Mark]) -> Figure {
    let steps = frame.steps();
    let minutes = frame.length().num_minutes().max(1) as f64;
    let per_minute = |calls: u64| calls as f64 / minutes;
    let classes: Vec<_> = CLASSES
        .into_iter()
        .filter(|class| class.name == "2xx" || steps.iter().any(|step| (class.calls)(&step.tally) > 0))
        .collect();
    let whole =
        |tally: &Tally| classes.iter().fold(0_u64, |sum, class| sum.saturating_add((class.calls)(tally)));
    let has_peaks = frame.series.step_minutes > 1;
    let peak_of = |tally: &Tally| tally.peak.map(|peak| peak.granted);

    let highest_bar = steps.iter().map(|step| per_minute(whole(&step.tally))).fold(0.0, f64::max);
    let highest_peak = steps.iter().filter_map(|step| peak_of(&step.tally)).max().unwrap_or(0);
    let most = if has_peaks { highest_bar.max(highest_peak as f64) } else { highest_bar };
    // A limit that is far above would press everything else to the ground.
    let shown_limit = limit.filter(|limit| f64::from(*limit) <= (most * 8.0).max(60.0));
    let top = top(most.max(shown_limit.map_or(0.0, f64::from)), 1.0);

    let mut picture = patterns(&classes) + &grid();
    let places = Steps::new(steps.len());
    let gap = if places.width() > 4.0 { 1.0 } else { 0.0 };
    let mut bars = vec![String::new(); classes.len()];
    let mut heights = Vec::with_capacity(steps.len());
    for (place, step) in steps.iter().enumerate() {
        let mut below = 0_u64;
        for (class, path) in classes.iter().zip(&mut bars) {
            let calls = (class.calls)(&step.tally);
            if calls == 0 {
                continue;
            }
            let low = down(per_minute(below), top);
            below = below.saturating_add(calls);
            let high = down(per_minute(below), top);
            _ = write!(
                path,
                "M{} {}V{}h{}V{}z",
                short(places.left(place)),
                short(low),
                short(high),
                short(places.width() - gap),
                short(low)
            );
        }
        heights.push(down(per_minute(below), top));
    }
    for (class, path) in classes.iter().zip(&bars).filter(|(_, path)| !path.is_empty()) {
        _ = write!(picture, r#"<path class="{}" d="{path}"{}/>"#, class.style(), class.fill());
    }
    let is_partial = frame.is_last_partial();
    if let Some((last, high)) = heights.iter().enumerate().next_back().filter(|_| is_partial) {
        // The hatch reaches to the top where nothing stands yet.
        let high = if *high >= HEIGHT { 0.0 } else { *high };
        let (left, width) = (short(places.left(last)), short(places.width() - gap));
        _ = write!(
            picture,
            r#"<path class="partial" d="M{left} {HEIGHT}V{}h{width}V{HEIGHT}z" fill="url(#calls-partial)"/>"#,
            short(high)
        );
    }
    if has_peaks {
        // What is not over yet is no zero either.
        let is_open = |place: usize| is_partial && place + 1 == steps.len();
        let peak = |(place, step): (usize, &crate::Step)| {
            let nothing = (frame.is_there(step) && !is_open(place)).then_some(0);
            peak_of(&step.tally).or(nothing).map(|peak| peak as f64)
        };
        let peaks: Vec<_> = steps.iter().enumerate().map(peak).collect();
        _ = write!(picture, r#"<path class="line peak" d="{}" fill="none"/>"#, line(&peaks, top));
    }
    if let Some(limit) = shown_limit {
        let y = short(down(f64::from(limit), top));
        _ = write!(
            picture,
            r#"<path class="line limit" d="M0 {y}h{WIDTH}" fill="none" stroke-dasharray="8 4"/>"#
        );
    }
    let (marks, mark_lines) = frame.marks(marks);
    picture += &mark_lines;

    let mut heads: Vec<_> = classes.iter().map(|class| class.text.to_owned()).collect();
    if has_peaks {
        heads.push("busiest minute".to_owned());
    }
    let called =
        || steps.iter().enumerate().filter(|(_, step)| step.tally.calls() > 0 || whole(&step.tally) > 0);
    let rows = called()
        .map(|(place, step)| {
            let mut cells: Vec<_> = classes.iter().map(|class| number((class.calls)(&step.tally))).collect();
            if has_peaks {
                cells.push(number(peak_of(&step.tally).unwrap_or(0)));
            }
            frame.row(place, cells)
        })
        .collect();
    Figure {
        name: "calls",
        title: match has_peaks {
            true => "Calls per minute, on average and in the busiest minute",
            false => "Calls per minute",
        },
        sentence: sentence(&frame, limit),
        y: [axis(top), axis(top / 2.0), "0".to_owned()],
        x: frame.ticks(),
        picture: Html(picture),
        legend: legend(&classes, limit, shown_limit, has_peaks, is_partial),
        marks,
        heads,
        rows,
        leaves_out: called().count() < steps.len(),
    }
}

impl Class {
    /// A style would else put plain colour in place of a pattern.
    fn style(&self) -> String {
        format!("{}s-{}", if self.hatch.is_empty() { "bar " } else { "" }, self.name)
    }

    /// A pattern in place of plain colour.
    fn fill(&self) -> String {
        if self.hatch.is_empty() { String::new() } else { format!(r#" fill="url(#calls-{})""#, self.name) }
    }
}

/// The patterns of the classes: their colour, with lines over it.
fn patterns(classes: &[Class]) -> String {
    let mut text = String::from("<defs>");
    for Class { name, hatch, .. } in classes.iter().filter(|class| !class.hatch.is_empty()) {
        _ = write!(
            text,
            r#"<pattern id="calls-{name}" class="s-{name}" width="8" height="8" patternUnits="userSpaceOnUse"><rect class="bar" width="8" height="8"/><path class="over" d="{hatch}" fill="none"/></pattern>"#
        );
    }
    text + r#"<pattern id="calls-partial" width="6" height="6" patternUnits="userSpaceOnUse"><path class="veil" d="M0 6L6 0" fill="none"/></pattern></defs>"#
}

fn legend(
    classes: &[Class],
    limit: Option<u32>,
    shown_limit: Option<u32>,
    has_peaks: bool,
    is_partial: bool,
) -> Vec<Entry> {
    let swatch = |inside: String| {
        Html(format!(r#"<svg viewBox="0 0 24 12" width="24" height="12" aria-hidden="true">{inside}</svg>"#))
    };
    let of_class = |class: &Class| Entry {
        swatch: swatch(format!(
            r#"<rect class="{}" width="24" height="12"{}/>"#,
            class.style(),
            class.fill()
        )),
        text: class.text.to_owned(),
    };
    let mut entries: Vec<_> = classes.iter().map(of_class).collect();
    if has_peaks {
        let line = r#"<path class="line peak" d="M0 6h24" fill="none"/>"#.to_owned();
        entries.push(Entry { swatch: swatch(line), text: "busiest minute".to_owned() });
    }
    if let Some(limit) = limit {
        let line = r#"<path class="line limit" d="M0 6h24" fill="none" stroke-dasharray="8 4"/>"#.to_owned();
        let above = if shown_limit.is_none() { ", far above" } else { "" };
        let text = format!("limit {} per minute{above}", number(limit.into()));
        entries.push(Entry { swatch: swatch(line), text });
    }
    if is_partial {
        let rect = r#"<rect class="partial" width="24" height="12" fill="url(#calls-partial)"/>"#.to_owned();
        entries.push(Entry { swatch: swatch(rect), text: "not over yet".to_owned() });
    }
    entries
}

/// `60`, `1,500`, `0.5`.
fn axis(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 { format!("{value:.1}") } else { number(value as u64) }
}

fn sentence(frame: &Frame<'_>, limit: Option<u32>) -> String {
    let mut sum = Tally::default();
    frame.steps().iter().for_each(|step| sum.merge(&step.tally));
    let mut text = format!("Calls in {}: ", frame.words);
    if sum.calls() == 0 && sum.finished == 0 {
        return text + "none.";
    }
    text += &number(sum.calls());
    if let Some(peak) = sum.peak {
        let at = start_of(peak.minute).format("%-d %b, %H:%M UTC");
        _ = write!(text, ", at most {} in one minute, at {at}", number(peak.granted));
    }
    match limit {
        Some(limit) => _ = write!(text, ". The limit is {} per minute", number(limit.into())),
        None if frame.is_of_one_token => text += ". There is no limit per minute",
        None => {}
    }
    let errors = sum.statuses.client_error.saturating_add(sum.statuses.server_error);
    _ = write!(
        text,
        ". {} refused by the limit, {} answered with an error, {} denied.",
        count(sum.limited, "call"),
        number(errors),
        number(sum.denied())
    );
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{frame, series};
    use super::*;
    use crate::usage::Peak;

    fn drawn(minutes: i64, tallies: Vec<Tally>, limit: Option<u32>) -> Figure {
        calls(frame(&series(minutes, tallies)), limit, &[])
    }

    fn answered(success: u64, failed: u64) -> Tally {
        let mut tally = Tally { granted: success + failed, finished: success + failed, ..Tally::default() };
        (tally.statuses.success, tally.statuses.server_error) = (success, failed);
        tally.peak = Some(Peak::new(29_000_000, success + failed));
        tally
    }

    #[test]
    fn bars_are_stacked_from_the_bottom() {
        let figure = drawn(1, vec![answered(6, 2), Tally::default()], None);
        assert_eq!(figure.y, ["8", "4", "0"]);
        assert!(
            figure.picture.0.contains(r#"class="bar s-2xx" d="M0 200V50h299V200z""#),
            "{}",
            figure.picture.0
        );
        assert!(
            figure.picture.0.contains(r#"class="s-5xx" d="M0 50V0h299V50z" fill="url(#calls-5xx)""#),
            "{}",
            figure.picture.0
        );
        assert_eq!(figure.rows.len(), 1);
        assert!(figure.leaves_out);
    }

    #[test]
    fn longer_steps_show_their_busiest_minute_beside_the_average() {
        let mut tally = answered(150, 0);
        tally.peak = Some(Peak::new(29_000_000, 57));
        let figure = drawn(15, vec![tally, Tally::default()], Some(60));
        assert_eq!(figure.y[0], "60");
        assert!(
            figure.picture.0.contains(r#"class="line peak" d="M150 10L450 200""#),
            "{}",
            figure.picture.0
        );
        assert!(figure.picture.0.contains(r#"class="line limit" d="M0 0h600""#), "{}", figure.picture.0);
        assert!(figure.sentence.contains("at most 57 in one minute"), "{}", figure.sentence);
        assert!(figure.sentence.contains("The limit is 60 per minute"));
        assert_eq!(figure.heads, ["2xx", "busiest minute"]);
    }

    #[test]
    fn a_limit_far_above_is_told_and_not_drawn() {
        let figure = drawn(1, vec![answered(6, 0)], Some(100_000));
        assert!(!figure.picture.0.contains("limit"));
        assert!(figure.legend.iter().any(|entry| entry.text == "limit 100,000 per minute, far above"));
    }

    #[test]
    fn the_step_that_runs_is_hatched() {
        let mut series = series(1, vec![answered(1, 0), answered(1, 0)]);
        let over = calls(frame(&series), None, &[]);
        assert!(!over.picture.0.contains(r#"class="partial""#));
        series.as_of = series.steps[1].start;
        let running = calls(frame(&series), None, &[]);
        assert!(running.picture.0.contains(r#"class="partial""#));
        assert!(running.legend.iter().any(|entry| entry.text == "not over yet"));
    }

    #[test]
    fn time_before_the_token_is_a_gap_and_no_zero() {
        let mut series = series(15, vec![Tally::default(), answered(15, 0), answered(15, 0)]);
        series.as_of += chrono::TimeDelta::days(1);
        let mut frame = frame(&series);
        frame.since = Some(series.steps[1].start);
        let figure = calls(frame, None, &[]);
        assert!(figure.picture.0.contains(r#"class="line peak" d="M300 50L500 50""#), "{}", figure.picture.0);
    }

    #[test]
    fn nothing_one_value_and_the_greatest_are_drawn_without_absurd_numbers() {
        let mut greatest = answered(0, 0);
        greatest.granted = u64::MAX;
        greatest.statuses.success = u64::MAX;
        greatest.limited = u64::MAX;
        greatest.peak = Some(Peak::new(i64::MAX, u64::MAX));
        for tallies in [vec![], vec![answered(1, 0)], vec![greatest], vec![Tally::default(); 500]] {
            for minutes in [1, 15, 1_440, i64::MAX] {
                let figure = drawn(minutes, tallies.clone(), Some(u32::MAX));
                let html = askama::Template::render(&figure).unwrap();
                for absurd in ["NaN", "inf", "M-", "V-"] {
                    assert!(!html.contains(absurd), "{absurd} in {html}");
                }
                assert!(figure.rows.len() <= 120);
            }
        }
    }
}
