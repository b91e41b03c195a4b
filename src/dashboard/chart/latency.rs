//! How long responses took: percentiles over time.

use std::fmt::Write;

use super::figure::{Entry, Figure, Frame, Mark, grid};
use super::scale::{HEIGHT, Steps, line, short, top};
use crate::dashboard::html::Html;
use crate::dashboard::show::milliseconds;
use crate::usage::Tally;

/// A percentile, and how its line is drawn.
struct Percentile {
    name: &'static str,
    share: f64,
    dash: &'static str,
}

const PERCENTILES: [Percentile; 3] = [
    Percentile { name: "p50", share: 0.5, dash: "" },
    Percentile { name: "p95", share: 0.95, dash: r#" stroke-dasharray="6 3""# },
    Percentile { name: "p99", share: 0.99, dash: r#" stroke-dasharray="2 3""# },
];

impl Percentile {
    fn line(&self, path: &str) -> String {
        let Percentile { name, dash, .. } = self;
        format!(r#"<path class="line {name}" d="{path}" fill="none"{dash}/>"#)
    }
}

/// The chart.
pub(in crate::dashboard) fn latency(frame: Frame<'_>, marks: &[Mark]) -> Figure {
    let steps = frame.steps();
    let values = |percentile: &Percentile| {
        steps.iter().map(|step| step.tally.percentile_ms(percentile.share)).collect::<Vec<_>>()
    };
    let series = PERCENTILES.each_ref().map(values);
    let most = series.iter().flatten().flatten().copied().fold(0.0, f64::max);
    let top = top(most, 1.0);
    let places = Steps::new(steps.len());
    let mut picture = grid();
    if frame.is_last_partial() {
        let (left, width) = (short(places.left(steps.len() - 1)), short(places.width()));
        picture = r#"<defs><pattern id="latency-partial" width="6" height="6" patternUnits="userSpaceOnUse"><path class="veil" d="M0 6L6 0" fill="none"/></pattern></defs>"#.to_owned() + &picture;
        _ = write!(
            picture,
            r#"<path class="partial" d="M{left} 0h{width}v{HEIGHT}h-{width}z" fill="url(#latency-partial)"/>"#
        );
    }
    for (percentile, values) in PERCENTILES.iter().zip(&series) {
        picture += &percentile.line(&line(values, top));
    }
    let (marks, mark_lines) = frame.marks(marks);
    picture += &mark_lines;
    let is_known = |place: &usize| series[0][*place].is_some();
    let rows: Vec<_> = (0..steps.len())
        .filter(is_known)
        .map(|place| frame.row(place, series.iter().map(|values| milliseconds(values[place])).collect()))
        .collect();
    let swatch = |percentile: &Percentile| Entry {
        swatch: Html(format!(
            r#"<svg viewBox="0 0 24 12" width="24" height="12" aria-hidden="true">{}</svg>"#,
            percentile.line("M0 6h24")
        )),
        text: percentile.name.to_owned(),
    };
    let mut legend: Vec<_> = PERCENTILES.iter().map(swatch).collect();
    if frame.is_last_partial() {
        let rect = r#"<svg viewBox="0 0 24 12" width="24" height="12" aria-hidden="true"><rect class="partial" width="24" height="12" fill="url(#latency-partial)"/></svg>"#;
        legend.push(Entry { swatch: Html(rect.to_owned()), text: "not over yet".to_owned() });
    }
    Figure {
        name: "latency",
        title: "Time to the end of the response",
        sentence: sentence(&frame),
        y: [axis(top), axis(top / 2.0), "0 ms".to_owned()],
        x: frame.ticks(),
        picture: Html(picture),
        legend,
        marks,
        heads: PERCENTILES.iter().map(|percentile| percentile.name.to_owned()).collect(),
        leaves_out: rows.len() < steps.len(),
        rows,
    }
}

/// `200 ms`, `2.5 s`.
fn axis(ms: f64) -> String {
    match ms {
        ms if ms >= 1_000.0 => format!("{} s", short(ms / 1_000.0)),
        ms => format!("{} ms", short(ms)),
    }
}

fn sentence(frame: &Frame<'_>) -> String {
    let mut sum = Tally::default();
    frame.steps().iter().for_each(|step| sum.latency.merge(&step.tally.latency));
    let told = |percentile: &Percentile| {
        format!(
            "{} of 100 within {}",
            (percentile.share * 100.0).round(),
            milliseconds(sum.percentile_ms(percentile.share))
        )
    };
    if sum.latency.count() == 0 {
        return format!("Times of responses in {}: none is known.", frame.words);
    }
    let told: Vec<_> = PERCENTILES.iter().map(told).collect();
    format!("Times of responses in {}: {}.", frame.words, told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{frame, series};
    use super::*;

    fn took(times: &[u64]) -> Tally {
        let mut tally = Tally::default();
        times.iter().for_each(|time| tally.latency.record(*time));
        tally
    }

    #[test]
    fn steps_without_responses_are_gaps() {
        let series = series(1, vec![took(&[1_000]), took(&[2_000]), Tally::default(), took(&[1_000])]);
        let figure = latency(frame(&series), &[]);
        assert_eq!(figure.rows.len(), 3);
        assert!(figure.leaves_out);
        let line = figure.picture.0.split(r#"class="line p50" d=""#).nth(1).unwrap();
        let line = line.split('"').next().unwrap();
        assert_eq!(line.matches('M').count(), 2, "{line}");
    }

    #[test]
    fn the_sentence_tells_the_percentiles_of_the_whole_range() {
        let series = series(1, vec![took(&[100_000; 100])]);
        let figure = latency(frame(&series), &[]);
        assert!(figure.sentence.starts_with("Times of responses in the last hour: 50 of 100 within "));
    }

    #[test]
    fn nothing_and_the_greatest_are_drawn_without_absurd_numbers() {
        for tallies in [vec![], vec![Tally::default()], vec![took(&[0])], vec![took(&[u64::MAX]); 3]] {
            let series = series(60, tallies);
            let html = askama::Template::render(&latency(frame(&series), &[])).unwrap();
            for absurd in ["NaN", "inf", "M-"] {
                assert!(!html.contains(absurd), "{absurd} in {html}");
            }
        }
    }
}
