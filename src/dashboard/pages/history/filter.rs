//! What of the history is asked for: read from the address, and written into links.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::admin::fields::moment;
use crate::dashboard::form::Form;
use crate::dashboard::pages::dialog::Mistakes;
use crate::history::Action;
use crate::{HistoryQuery, TokenId};

/// The filters as they were typed.
#[derive(Default)]
pub(super) struct Filter {
    pub(super) actor: String,
    pub(super) actions: Vec<String>,
    pub(super) token: String,
    pub(super) from: String,
    pub(super) to: String,
}

impl Filter {
    pub(super) fn read(form: &Form) -> Filter {
        let text = |name| form.text(name).to_owned();
        let actions = form.all("action").map(str::trim).filter(|action| !action.is_empty());
        Filter {
            actor: text("actor"),
            actions: actions.map(str::to_owned).collect(),
            token: text("token"),
            from: text("from"),
            to: text("to"),
        }
    }

    /// Whether anything is left out.
    pub(super) fn narrows(&self) -> bool {
        self.address(&[]) != "?"
    }

    /// Puts it into a query. What does not read is told.
    pub(super) fn narrow(&self, query: &mut HistoryQuery, mistakes: &mut Mistakes) {
        if !self.actor.is_empty() {
            query.actor = Some(self.actor.clone());
        }
        for word in &self.actions {
            match Action::ALL.into_iter().find(|action| action.as_str() == word) {
                Some(action) => query.actions.push(action),
                None => mistakes.add("history-action", "There is no such action."),
            }
        }
        if !self.token.is_empty() && query.token.is_none() {
            match self.token.parse::<TokenId>() {
                Ok(id) => query.token = Some(id),
                Err(_) => mistakes
                    .add("history-token", "The id of a token is tok_ and 16 characters: its page shows it."),
            }
        }
        let mut time = |text: &str, field, days| {
            if text.is_empty() {
                return None;
            }
            let time = day(text, days).or_else(|| moment(text));
            if time.is_none() {
                mistakes.add(field, "A day reads 2026-11-24, a moment 2026-11-24T14:00:00Z.");
            }
            time
        };
        query.from = time(&self.from, "history-from", 0);
        // The last day is a whole one.
        query.to = time(&self.to, "history-to", 1);
    }

    pub(super) fn is_chosen(&self, action: &Action) -> bool {
        self.actions.iter().any(|chosen| chosen == action.as_str())
    }

    /// The query of an address that asks for the same, and for more.
    pub(super) fn address(&self, more: &[(&str, &str)]) -> String {
        let mut pairs = vec![("actor", self.actor.as_str())];
        pairs.extend(self.actions.iter().map(|action| ("action", action.as_str())));
        pairs.extend([("token", self.token.as_str()), ("from", &self.from), ("to", &self.to)]);
        pairs.extend(more);
        let pairs: Vec<_> = pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        format!("?{}", pairs.join("&"))
    }
}

/// The beginning of a day in UTC, so many days later.
fn day(text: &str, later: u64) -> Option<DateTime<Utc>> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    moment(&day.and_time(NaiveTime::MIN).and_utc().to_rfc3339())?.checked_add_days(Days::new(later))
}
