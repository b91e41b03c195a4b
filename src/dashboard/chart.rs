//! Charts, drawn here as SVG with classes and presentation attributes: no style of its own, no
//! script, and the same figures in words or in a table beside each.

pub(super) mod calls;
pub(super) mod figure;
pub(super) mod latency;
mod scale;
pub(super) mod trend;

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::figure::Frame;
    use crate::usage::Tally;
    use crate::{Step, Subject, TimeSeries};

    /// Steps of so many minutes, all of which are over.
    pub(super) fn series(minutes: i64, tallies: Vec<Tally>) -> TimeSeries {
        let start: chrono::DateTime<chrono::Utc> = "2026-11-24T13:00:00Z".parse().unwrap();
        let length = TimeDelta::minutes(minutes.min(1_440));
        let step = |(place, tally)| Step { start: start + length * place as i32, tally };
        let steps: Vec<_> = tallies.into_iter().enumerate().map(step).collect();
        let as_of = start + TimeDelta::days(10_000);
        TimeSeries { subject: Subject::All, step_minutes: minutes, steps, as_of }
    }

    pub(super) fn frame(series: &TimeSeries) -> Frame<'_> {
        let from = series.steps.first().map_or(series.as_of, |step| step.start);
        Frame {
            series,
            is_trimmed: true,
            is_of_one_token: true,
            since: None,
            from,
            now: series.as_of,
            words: "the last hour",
        }
    }
}
