//! The form of a token's settings, for a new one and for one that is there: what was typed, and
//! what it asks for.

mod asked;
mod ending;
mod mistakes;
mod picker;
mod view;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

pub(super) use ending::{Ends, Span, exact};
pub(super) use mistakes::{Mistake, told};
pub(super) use picker::{all_read, is_reading, lower_first, resources, title_of};
pub(super) use view::FormView;

use super::form::Form;
use crate::limit::Quota;
use crate::{Preset, RateLimit, TokenRecord};

/// What stands in the form, as it was typed.
#[derive(Clone, Default)]
pub(super) struct TokenForm {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) scopes: BTreeSet<String>,
    pub(super) per_minute: String,
    pub(super) per_hour: String,
    pub(super) per_day: String,
    pub(super) unlimited: bool,
    pub(super) ends: Ends,
    /// A date and a time in UTC, as `datetime-local` has them.
    pub(super) ends_at: String,
    pub(super) reason: String,
    /// One a line.
    pub(super) addresses: String,
    pub(super) environment: String,
    pub(super) owner: String,
    /// `key = value`, one a line.
    pub(super) metadata: String,
}

/// The names of the fields that say what a token may do start with this, one for each resource.
const LEVEL: &str = "level.";

impl TokenForm {
    /// An empty form: 60 calls a minute, and an end as the form suggests it.
    pub(super) fn empty(suggested: Ends) -> TokenForm {
        TokenForm { per_minute: Quota::DEFAULT.limit().to_string(), ends: suggested, ..TokenForm::default() }
    }

    /// What was typed. Fields that are none of its own are passed over: nothing else of a token can
    /// be set by a form.
    pub(super) fn read(form: &Form) -> TokenForm {
        let text = |name: &str| form.text(name).to_owned();
        let choices = form.pairs().filter(|(name, _)| *name == "scopes" || name.starts_with(LEVEL));
        TokenForm {
            name: text("name"),
            description: text("description"),
            scopes: choices.flat_map(|(_, value)| value.split_whitespace()).map(str::to_owned).collect(),
            per_minute: text("per_minute"),
            per_hour: text("per_hour"),
            per_day: text("per_day"),
            unlimited: form.has("unlimited"),
            ends: Ends::read(form.text("ends")),
            ends_at: text("ends_at"),
            reason: text("reason"),
            addresses: text("addresses"),
            environment: text("environment"),
            owner: text("owner"),
            metadata: text("metadata"),
        }
    }

    /// What a token is now. Its end stays as it is unless another is chosen.
    pub(super) fn of_record(record: &TokenRecord) -> TokenForm {
        let lines = |lines: Vec<String>| lines.join("\n");
        let mut form = TokenForm {
            name: record.name.clone(),
            description: record.description.clone(),
            scopes: record.scopes.iter().map(ToString::to_string).collect(),
            addresses: lines(record.addresses.iter().map(ToString::to_string).collect()),
            environment: record.environment.clone().unwrap_or_default(),
            owner: record.owner.clone().unwrap_or_default(),
            metadata: lines(record.metadata.iter().map(|(key, value)| format!("{key} = {value}")).collect()),
            ..TokenForm::default()
        };
        form.set_limit(&record.rate_limit);
        form
    }

    /// The settings of another token, for a new one.
    pub(super) fn like(record: &TokenRecord, now: DateTime<Utc>) -> TokenForm {
        let mut form = TokenForm::of_record(record);
        let name: String = record.name.chars().take(93).collect();
        form.name = format!("{name} (copy)");
        match record.expires_at {
            None => form.ends = Ends::Never,
            Some(end) => form.end_in(end - record.created_at, now),
        }
        form
    }

    /// The scopes, the limit and the lifetime that suit a use case.
    pub(super) fn take_preset(&mut self, preset: &Preset, now: DateTime<Utc>) {
        self.scopes = preset.scopes.iter().cloned().collect();
        if let Some(requests) = preset.per_minute {
            self.per_minute = requests.to_string();
        }
        if let Some(time) = preset.expires_in {
            self.end_in(time, now);
        }
    }

    /// Lets it end after this time: one of those that can be chosen, or a date.
    pub(super) fn end_in(&mut self, time: TimeDelta, now: DateTime<Utc>) {
        let choice = Ends::CHOICES.into_iter().find(|ends| ends.lifetime() == Some(time));
        match (choice, now.checked_add_signed(time)) {
            (Some(choice), _) => self.ends = choice,
            (None, Some(end)) => {
                self.ends = Ends::On;
                self.ends_at = ending::typed(end);
            }
            (None, None) => {}
        }
    }

    /// The word for what was chosen as its end.
    pub(super) fn ends_word(&self) -> String {
        self.ends.word()
    }

    /// Each field in one line, with what the form calls it: for a look at two of them side by side.
    pub(super) fn lines(&self, record: &TokenRecord, now: DateTime<Utc>) -> [(&'static str, String); 9] {
        let lines = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let limit = match self.unlimited {
            true => "no limit".to_owned(),
            false => {
                let windows =
                    [(&self.per_minute, "minute"), (&self.per_hour, "hour"), (&self.per_day, "day")];
                let said = windows.into_iter().filter(|(typed, _)| !typed.is_empty());
                said.map(|(typed, window)| format!("{typed} per {window}")).collect::<Vec<_>>().join(", ")
            }
        };
        let end = match self.end(Some(record.expires_at), now) {
            Some(Some(end)) => exact(end, now).text,
            Some(None) => "never".to_owned(),
            None => self.ends_at.clone(),
        };
        [
            ("Name", self.name.clone()),
            ("Description", lines(&self.description)),
            ("What it may do", self.scopes.iter().cloned().collect::<Vec<_>>().join(" ")),
            ("How much", limit),
            ("Until when", end),
            ("From where", lines(&self.addresses)),
            ("Environment", self.environment.clone()),
            ("Owner", self.owner.clone()),
            ("Attributes", lines(&self.metadata)),
        ]
    }

    /// Whether its fields are those of this limit.
    fn shows_limit(&self, limit: &RateLimit) -> bool {
        let mut other = TokenForm::default();
        other.set_limit(limit);
        let fields = |form: &TokenForm| {
            (form.unlimited, form.per_minute.clone(), form.per_hour.clone(), form.per_day.clone())
        };
        fields(self) == fields(&other)
    }

    fn set_limit(&mut self, limit: &RateLimit) {
        self.unlimited = limit.is_unlimited();
        for quota in limit.quotas() {
            let field = match quota.window_ms() {
                60_000 => &mut self.per_minute,
                3_600_000 => &mut self.per_hour,
                86_400_000 => &mut self.per_day,
                // It has no field, and stays as it is.
                _ => continue,
            };
            *field = quota.limit().to_string();
        }
    }
}
