//! How values become places in a picture.

use std::fmt::Write;

/// The picture is so wide and so high, in units of its own: it is stretched to the room it has.
pub(super) const WIDTH: f64 = 600.0;
pub(super) const HEIGHT: f64 = 200.0;

/// The top of an axis that starts at 0: the least of 1, 2, 4, 5, 6 and 8 times a power of ten that
/// nothing is above. At least `least`, so that the axis of nothing has a length.
pub(super) fn top(most: f64, least: f64) -> f64 {
    if !most.is_finite() || most <= least {
        return least;
    }
    let power = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|top| *top >= most)
        .unwrap_or(power * 10.0)
}

/// How far down a value lies below a top, 0 being at the bottom. What is above lies at the top.
pub(super) fn down(value: f64, top: f64) -> f64 {
    let share = value / top;
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    HEIGHT * (1.0 - share)
}

/// Where the steps lie from left to right.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    count: usize,
}

impl Steps {
    pub(super) fn new(count: usize) -> Steps {
        Steps { count: count.max(1) }
    }

    pub(super) fn width(self) -> f64 {
        WIDTH / self.count as f64
    }

    pub(super) fn left(self, step: usize) -> f64 {
        self.width() * step as f64
    }

    pub(super) fn middle(self, step: usize) -> f64 {
        self.left(step) + self.width() / 2.0
    }
}

/// A line through values, one for each step: with a gap where there is none, and a dash as wide as
/// the step where one stands alone.
pub(super) fn line(values: &[Option<f64>], top: f64) -> String {
    let steps = Steps::new(values.len());
    let mut path = String::new();
    let mut place = 0;
    for run in values.chunk_by(|one, next| one.is_some() == next.is_some()) {
        if let [Some(alone)] = run {
            let (left, width) = (short(steps.left(place)), short(steps.width()));
            _ = write!(path, "M{left} {}h{width}", short(down(*alone, top)));
        } else {
            let values = run.iter().enumerate().filter_map(|(offset, value)| Some((offset, (*value)?)));
            for (offset, value) in values {
                let letter = if offset == 0 { 'M' } else { 'L' };
                let (x, y) = (short(steps.middle(place + offset)), short(down(value, top)));
                _ = write!(path, "{letter}{x} {y}");
            }
        }
        place += run.len();
    }
    path
}

/// A number for a path, to a tenth.
pub(super) fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_that_nothing_is_above() {
        let tops = [0.0, 0.5, 1.0, 1.1, 3.0, 57.0, 60.0, 61.0, 99.0, 1_204.0].map(|most| top(most, 1.0));
        assert_eq!(tops, [1.0, 1.0, 1.0, 2.0, 4.0, 60.0, 60.0, 80.0, 100.0, 2_000.0]);
    }

    #[test]
    fn values_that_are_no_numbers_or_too_large_do_no_harm() {
        for most in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(top(most, 1.0), 1.0);
        }
        let huge = top(u64::MAX as f64, 1.0);
        assert!(huge.is_finite() && huge >= u64::MAX as f64);
        assert!(top(f64::MAX, 1.0) >= 1.0);
        for value in [f64::NAN, f64::INFINITY, -5.0, f64::MAX] {
            assert!((0.0..=HEIGHT).contains(&down(value, 10.0)), "{value}");
            assert!((0.0..=HEIGHT).contains(&down(value, 0.0)), "{value}");
        }
    }

    #[test]
    fn a_line_has_gaps_where_nothing_is_known() {
        let path = line(&[Some(0.0), Some(10.0), None, Some(5.0), None, None], 10.0);
        assert_eq!(path, "M50 200L150 0M300 100h100");
        assert_eq!(line(&[], 1.0), "");
        assert_eq!(line(&[None, None], 1.0), "");
        assert_eq!(line(&[Some(1.0)], 1.0), "M0 0h600");
    }
}
