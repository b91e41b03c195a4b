//! Until when a token is to live, as a form asks for it.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::dashboard::show::{Time, number};
use crate::{Actor, Policy};

/// What was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in crate::dashboard) enum Ends {
    /// Nothing was: what is there stays.
    #[default]
    Kept,
    /// After so many days.
    Days(u16),
    /// At a date and a time.
    On,
    Never,
}

impl Ends {
    /// The lifetimes that can be chosen.
    pub(super) const CHOICES: [Ends; 4] = [Ends::Days(7), Ends::Days(30), Ends::Days(90), Ends::Days(365)];

    pub(super) fn read(word: &str) -> Ends {
        let all = Ends::CHOICES.into_iter().chain([Ends::On, Ends::Never]);
        all.into_iter().find(|ends| ends.word() == word).unwrap_or(Ends::Kept)
    }

    pub(super) fn word(self) -> String {
        match self {
            Ends::Kept => "kept".to_owned(),
            Ends::Days(days) => format!("{days}d"),
            Ends::On => "date".to_owned(),
            Ends::Never => "never".to_owned(),
        }
    }

    pub(super) fn lifetime(self) -> Option<TimeDelta> {
        match self {
            Ends::Days(days) => Some(TimeDelta::days(days.into())),
            _ => None,
        }
    }

    fn label(self) -> String {
        match self {
            Ends::Kept => "As it is".to_owned(),
            Ends::Days(365) => "1 year".to_owned(),
            Ends::Days(days) => format!("{days} days"),
            Ends::On => "On a date".to_owned(),
            Ends::Never => "Never".to_owned(),
        }
    }
}

/// How long a token may live here.
pub(in crate::dashboard) struct Span {
    now: DateTime<Utc>,
    must_end: bool,
    greatest: TimeDelta,
    /// The actor's own end, beyond which nothing that it makes may live.
    actors_end: Option<DateTime<Utc>>,
}

impl Span {
    pub(in crate::dashboard) fn of(policy: &Policy, actor: &Actor, now: DateTime<Utc>) -> Span {
        Span {
            now,
            must_end: policy.expiry_required,
            greatest: policy.greatest_lifetime,
            actors_end: actor.latest_expiry(),
        }
    }

    /// What the form suggests: 90 days, or the longest choice that may be.
    pub(in crate::dashboard) fn suggested(&self) -> Ends {
        let choices = [Ends::Days(90), Ends::Days(30), Ends::Days(7)];
        choices.into_iter().find(|ends| self.against(*ends).is_none()).unwrap_or(Ends::On)
    }

    /// What may be known before somebody chooses; nothing where only the bound of ten years holds.
    pub(super) fn hint(&self) -> Option<String> {
        let days = self.greatest.num_days();
        match (self.actors_end, self.must_end) {
            (Some(end), _) => Some(format!(
                "Your own access ends {}. What you create cannot outlive it.",
                Time::of(end, self.now).text
            )),
            (None, true) if days < 3_650 => {
                Some(format!("Every token here ends after at most {} days.", number(days.unsigned_abs())))
            }
            (None, true) => Some("Every token here has an end.".to_owned()),
            (None, false) => None,
        }
    }

    /// Why a choice cannot be made.
    fn against(&self, ends: Ends) -> Option<String> {
        match ends {
            Ends::Never if self.must_end => Some("Every token here has an end.".to_owned()),
            Ends::Never if self.actors_end.is_some() => Some("It would outlive your own access.".to_owned()),
            Ends::Days(days) => {
                let lifetime = TimeDelta::days(days.into());
                let end = self.now.checked_add_signed(lifetime)?;
                if lifetime > self.greatest {
                    Some("Longer than tokens may live here.".to_owned())
                } else if self.actors_end.is_some_and(|bound| end > bound) {
                    Some("It would outlive your own access.".to_owned())
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// Every choice. `kept` is the end of a token that is there, which may have none.
    pub(super) fn choices(&self, chosen: Ends, kept: Option<Option<DateTime<Utc>>>) -> Vec<EndChoice> {
        let all = Ends::CHOICES.into_iter().chain([Ends::On, Ends::Never]);
        let kept_one = kept.map(|end| EndChoice {
            label: match end {
                None => "As it is: it never ends".to_owned(),
                Some(_) => "As it is".to_owned(),
            },
            end: end.map(|end| exact(end, self.now)),
            ..self.choice(Ends::Kept, chosen)
        });
        kept_one.into_iter().chain(all.map(|ends| self.choice(ends, chosen))).collect()
    }

    fn choice(&self, ends: Ends, chosen: Ends) -> EndChoice {
        let end = ends.lifetime().and_then(|time| self.now.checked_add_signed(time));
        EndChoice {
            value: ends.word(),
            label: ends.label(),
            end: end.map(|end| exact(end, self.now)),
            is_chosen: ends == chosen,
            // What was chosen can be unchosen.
            against: self.against(ends).filter(|_| ends != chosen),
            is_date: ends == Ends::On,
        }
    }
}

/// One choice, as the form shows it.
pub(in crate::dashboard) struct EndChoice {
    pub(in crate::dashboard) value: String,
    pub(in crate::dashboard) label: String,
    /// When that is.
    pub(in crate::dashboard) end: Option<Time>,
    pub(in crate::dashboard) is_chosen: bool,
    /// Why it cannot be chosen.
    pub(in crate::dashboard) against: Option<String>,
    pub(in crate::dashboard) is_date: bool,
}

/// A moment with its day of the week: `Mon 22 Feb 2027, 13:05 UTC`.
pub(in crate::dashboard) fn exact(time: DateTime<Utc>, now: DateTime<Utc>) -> Time {
    Time { text: time.format("%a %-d %b %Y, %H:%M UTC").to_string(), ..Time::of(time, now) }
}

/// A moment as `datetime-local` has it.
pub(super) fn typed(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M").to_string()
}

/// The moment that was typed, in UTC.
pub(super) fn moment(typed: &str) -> Option<DateTime<Utc>> {
    let typed = typed.trim().replace(' ', "T");
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let time = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&typed, form).ok())?.and_utc();
    (1970..=9999).contains(&chrono::Datelike::year(&time)).then_some(time)
}
