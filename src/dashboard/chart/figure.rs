//! What every chart has around its picture: title, axes, legend, marks, and the same in a table.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::scale::{HEIGHT, WIDTH};
use crate::TimeSeries;
use crate::dashboard::html::Html;
use crate::dashboard::show::Time;

/// A chart with everything around it.
///
/// The picture is stretched to the room that it has, and never higher than 200 pixels: labels stand
/// beside it as text, so that they are as large on a telephone as anywhere.
#[derive(Template)]
#[template(path = "chart.html")]
pub(in crate::dashboard) struct Figure {
    /// What ids in it begin with.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What the picture says, in a sentence.
    pub(super) sentence: String,
    /// From the top to the bottom.
    pub(super) y: [String; 3],
    pub(super) x: Vec<Time>,
    /// What is drawn; nothing that anybody wrote stands in it.
    pub(super) picture: Html,
    pub(super) legend: Vec<Entry>,
    pub(super) marks: Vec<Mark>,
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<FigureRow>,
    /// Whether steps are left out of the table, nothing having been called in them.
    pub(super) leaves_out: bool,
}

/// A series in the legend, drawn as in the picture.
pub(super) struct Entry {
    pub(super) swatch: Html,
    pub(super) text: String,
}

/// Something that was done to the token.
#[derive(Clone)]
pub(in crate::dashboard) struct Mark {
    pub(in crate::dashboard) at: Time,
    pub(in crate::dashboard) time: DateTime<Utc>,
    pub(in crate::dashboard) text: String,
}

/// A step in the table. There are many of them: the page leaves out what HTML lets it.
pub(super) struct FigureRow {
    /// Its middle in the picture.
    pub(super) x: String,
    /// Its beginning, to the minute.
    pub(super) iso: String,
    pub(super) start: String,
    pub(super) cells: Vec<String>,
}

/// The steps that a chart shows.
#[derive(Clone, Copy)]
pub(in crate::dashboard) struct Frame<'a> {
    pub(in crate::dashboard) series: &'a TimeSeries,
    /// Whether the first step is dropped where it begins before the range.
    pub(in crate::dashboard) is_trimmed: bool,
    /// Whether it is about one token, so that there is something to say of a limit.
    pub(in crate::dashboard) is_of_one_token: bool,
    /// The steps before this moment are no zeros: the token was not there.
    pub(in crate::dashboard) since: Option<DateTime<Utc>>,
    pub(in crate::dashboard) from: DateTime<Utc>,
    pub(in crate::dashboard) now: DateTime<Utc>,
    /// `the last 24 hours`.
    pub(in crate::dashboard) words: &'a str,
}

/// A chart never has more steps than this.
const MOST_STEPS: usize = 120;

impl<'a> Frame<'a> {
    pub(super) fn steps(&self) -> &'a [crate::Step] {
        let steps = &self.series.steps;
        let early = steps.first().is_some_and(|first| first.start < self.from);
        let dropped = usize::from(self.is_trimmed && early && steps.len() > 1);
        &steps[dropped.max(steps.len().saturating_sub(MOST_STEPS))..]
    }

    pub(super) fn length(&self) -> TimeDelta {
        TimeDelta::try_minutes(self.series.step_minutes.max(1)).unwrap_or(TimeDelta::minutes(1))
    }

    /// Whether the last step is not over, or not all of it is written.
    pub(super) fn is_last_partial(&self) -> bool {
        self.steps().last().is_some_and(|last| last.start + self.length() > self.series.as_of)
    }

    /// Whether the token was there in a step.
    pub(super) fn is_there(&self, step: &crate::Step) -> bool {
        self.since.is_none_or(|since| step.start + self.length() > since)
    }

    /// Five moments from the beginning to the end.
    pub(super) fn ticks(&self) -> Vec<Time> {
        let steps = self.steps();
        let Some((first, last)) = steps.first().zip(steps.last()) else { return Vec::new() };
        let whole = last.start + self.length() - first.start;
        (0..=4).map(|part| self.tick(first.start + whole * part / 4, whole)).collect()
    }

    /// A moment beside the others: with its time, its date, or both.
    pub(super) fn tick(&self, time: DateTime<Utc>, whole: TimeDelta) -> Time {
        let format = match whole {
            whole if whole <= TimeDelta::hours(25) => "%H:%M",
            whole if whole <= TimeDelta::days(3) => "%-d %b, %H:%M",
            whole if whole <= TimeDelta::days(300) => "%-d %b",
            _ => "%-d %b %Y",
        };
        Time { text: time.format(format).to_string(), ..Time::of(time, self.now) }
    }

    /// A step in the table, by its beginning.
    pub(super) fn row(&self, place: usize, cells: Vec<String>) -> FigureRow {
        let steps = self.steps();
        let start = steps[place].start;
        let format = match self.series.step_minutes {
            ..60 if steps.len() as i64 * self.series.step_minutes <= 1_440 => "%H:%M",
            1_440.. => "%-d %b %Y",
            _ => "%-d %b, %H:%M",
        };
        FigureRow {
            x: format!("{:.0}", super::scale::Steps::new(steps.len()).middle(place)),
            iso: start.format("%Y-%m-%dT%H:%MZ").to_string(),
            start: start.format(format).to_string(),
            cells,
        }
    }

    /// Where a moment lies in the picture, if it does.
    pub(super) fn place(&self, time: DateTime<Utc>) -> Option<f64> {
        let steps = self.steps();
        let (first, last) = steps.first().zip(steps.last())?;
        let end = last.start + self.length();
        if time < first.start || time >= end {
            return None;
        }
        let share =
            (time - first.start).num_seconds() as f64 / (end - first.start).num_seconds().max(1) as f64;
        Some(share * WIDTH)
    }

    /// The marks that lie within, and the lines for them.
    pub(super) fn marks(&self, marks: &[Mark]) -> (Vec<Mark>, String) {
        let within: Vec<_> = marks
            .iter()
            .filter_map(|mark| Some((mark.clone(), self.place(mark.time)?)))
            .take(MOST_MARKS)
            .collect();
        let path: String =
            within.iter().map(|(_, x)| format!("M{} 0v{HEIGHT}", super::scale::short(*x))).collect();
        let path = match path.is_empty() {
            true => String::new(),
            false => format!(r#"<path class="mark" d="{path}" fill="none" stroke-dasharray="1 3"/>"#),
        };
        (within.into_iter().map(|(mark, _)| mark).collect(), path)
    }
}

/// More marks than these would hide the chart.
const MOST_MARKS: usize = 12;

/// The lines at half and at full height, and the axis.
pub(super) fn grid() -> String {
    format!(
        r#"<path class="grid" d="M0 0h{WIDTH}M0 {}h{WIDTH}"/><path class="axis" d="M0 {HEIGHT}h{WIDTH}"/>"#,
        HEIGHT / 2.0
    )
}
