//! Spans that make up a period, what is kept of it, and the ends of time.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::{Kept, Period, minute_of, start_of};
use crate::usage::{Level, Span};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_make_up_a_period(period in periods()) {
        assert_made_up(period, &period.spans());
    }

    #[test]
    fn a_widened_period_is_made_of_what_is_kept(
        period in periods(),
        minutes in -20_000..20_000_i64,
        hours in 0..20_000_i64,
    ) {
        let kept = Kept { minutes, hours: minutes - hours };
        let widened = period.widened(kept);
        prop_assert_eq!(widened.is_empty(), period.is_empty());
        prop_assert!(widened.from <= period.from && period.until <= widened.until);
        prop_assert!(period.from - widened.from < 1_440 && widened.until - period.until < 1_440);
        for span in widened.spans() {
            let kept_since = match span.level {
                Level::Minute => kept.minutes,
                Level::Hour => kept.hours,
                Level::Day => i64::MIN,
            };
            prop_assert!(span.from >= kept_since, "{span:?} is gone");
        }
        if period.from >= kept.minutes {
            prop_assert_eq!(widened, period);
        }
        prop_assert_eq!(widened.widened(kept), widened);
    }

    #[test]
    fn a_period_is_widened_to_whole_spans(period in periods()) {
        for level in Level::ALL {
            let widened = period.widened_to(level);
            prop_assert_eq!(widened.is_empty(), period.is_empty());
            prop_assert!(widened.from <= period.from && period.until <= widened.until);
            if !period.is_empty() {
                prop_assert!(widened.from % level.minutes() == 0 && widened.until % level.minutes() == 0);
                prop_assert!(widened.minutes() < period.minutes() + 2 * level.minutes());
            }
        }
    }

    #[test]
    fn minutes_and_times_agree(seconds in -10_000_000_000..10_000_000_000_i64) {
        let time = DateTime::from_timestamp(seconds, 0).unwrap();
        let start = start_of(minute_of(time));
        prop_assert!(start <= time && time < start + TimeDelta::minutes(1));
    }
}

#[test]
fn a_begun_minute_at_the_end_is_in_it() {
    let noon = start_of(29_900_000);
    assert!(Period::new(noon, noon).is_empty());
    assert!(Period::new(noon, noon - TimeDelta::minutes(3)).is_empty());
    assert_eq!(Period::new(noon, noon + TimeDelta::minutes(1)).minutes(), 1);
    assert_eq!(Period::new(noon, noon + TimeDelta::nanoseconds(1)).minutes(), 1);
    assert_eq!(Period::new(noon + TimeDelta::seconds(59), noon + TimeDelta::seconds(61)).minutes(), 2);
}

#[test]
fn the_last_24_hours_are_the_running_minute_and_those_before() {
    let now = start_of(29_900_000) + TimeDelta::seconds(30);
    let day = Period::last_24_hours(now);
    assert_eq!(day.minutes(), 1_440);
    assert_eq!(day.until(), start_of(29_900_001));
    assert_eq!(day.bounds().1, 29_900_001);
}

#[test]
fn the_ends_of_time_are_no_harm() {
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    for (from, until) in [(first, last), (first, first), (last, last), (last, first)] {
        let period = Period::new(from, until);
        assert!(period.from() >= first && period.until() <= last);
        assert!(period.minutes() >= 0);
        assert!(period.spans().len() <= 5);
        for level in Level::ALL {
            assert!(period.widened_to(level).minutes() >= period.minutes());
        }
        for since in [period.from, period.until, 0] {
            assert!(period.widened(Kept { minutes: since, hours: since }).minutes() >= period.minutes());
        }
    }
    for now in [first, last] {
        assert_eq!(Period::last_minutes(now, u32::MAX).minutes(), i64::from(u32::MAX));
        assert_eq!(Period::last_24_hours(now).minutes(), 1_440);
    }
    assert_eq!((start_of(i64::MIN), start_of(i64::MAX)), (first, last));
    assert_eq!(start_of(minute_of(first)), first);
}

#[test]
fn what_is_no_period_does_not_read() {
    let read = |text: &str| serde_json::from_str::<Period>(text);
    let period = Period::new(start_of(5), start_of(9));
    assert_eq!(read(&serde_json::to_string(&period).unwrap()).unwrap(), period);
    assert!(read(r#"{"from":2,"until":1}"#).is_err());
    assert!(read(r#"{"from":-9223372036854775808,"until":0}"#).is_err());
    assert!(read(r#"{"from":0,"until":9223372036854775807}"#).is_err());
}

fn periods() -> impl Strategy<Value = Period> {
    let lengths = prop_oneof![0..10_i64, 0..200_i64, 0..10_000_i64];
    (-15_000..15_000_i64, lengths).prop_map(|(from, minutes)| Period { from, until: from + minutes })
}

fn assert_made_up(period: Period, spans: &[Span]) {
    let mut next = period.from;
    let mut of_level = [0; 3];
    for span in spans {
        assert_eq!(span.from, next, "a gap or a repetition");
        assert!(span.until > span.from);
        let minutes = span.level.minutes();
        assert!(span.from % minutes == 0 && span.until % minutes == 0, "{span:?} is not aligned");
        of_level[span.level as usize] += (span.until - span.from) / minutes;
        next = span.until;
    }
    assert_eq!(next, period.until);
    assert!(of_level[0] <= 2 * 59 && of_level[1] <= 2 * 23, "{of_level:?}");
}
