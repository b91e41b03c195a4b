//! The form as its template shows it.

use chrono::{DateTime, Utc};

use super::ending::{EndChoice, Span, exact};
use super::picker::{Group, Picker, readable};
use super::{Mistake, TokenForm};
use crate::dashboard::sentence::{self, Told};
use crate::dashboard::show::Time;
use crate::dashboard::visit::Visit;
use crate::{RateLimit, Scope};

/// The form, with all that can be chosen, and what is wrong with it.
pub(in crate::dashboard) struct FormView {
    pub(in crate::dashboard) typed: TokenForm,
    pub(in crate::dashboard) picker: Picker,
    pub(in crate::dashboard) ends: Vec<EndChoice>,
    pub(in crate::dashboard) ends_hint: Option<String>,
    /// When it ends as it stands, where that is known.
    pub(in crate::dashboard) end: Option<Time>,
    /// The greatest limit that somebody may give, in words; none where nobody minds.
    pub(in crate::dashboard) limit_hint: Option<String>,
    /// Whether a token may be without a limit.
    pub(in crate::dashboard) may_be_unlimited: bool,
    pub(in crate::dashboard) words: Vec<String>,
    pub(in crate::dashboard) mistakes: Vec<Mistake>,
    /// What was passed over, of a link that filled the form.
    pub(in crate::dashboard) notices: Vec<String>,
}

impl FormView {
    /// The form for a new token, or (`kept`: its end and its limit) for one that is there.
    pub(in crate::dashboard) fn new(
        visit: &Visit<'_>,
        typed: TokenForm,
        kept: Option<(Option<DateTime<Utc>>, RateLimit)>,
        mistakes: Vec<Mistake>,
    ) -> FormView {
        let context = &visit.context;
        let (tokens, actor, now) = (context.tokens, &context.actor, context.now());
        let policy = tokens.policy();
        let span = Span::of(policy, actor, now);
        let kept_end = kept.map(|(end, _)| end);
        let end = typed.end(kept_end, now);
        // What has no field of its own stays, where nothing of the limit was touched.
        let untouched = kept.map(|(_, limit)| limit).filter(|limit| typed.shows_limit(limit));
        let limit = untouched.or_else(|| typed.limit());
        let limit_hint = actor.greatest_limit().filter(|limit| !limit.is_unlimited());
        FormView {
            picker: Picker::of(tokens, actor, &typed.scopes),
            ends: span.choices(typed.ends, kept_end),
            ends_hint: span.hint(),
            end: end.flatten().map(|end| exact(end, now)),
            limit_hint: limit_hint.map(|limit| format!("At most {limit}, as you may call yourself.")),
            may_be_unlimited: typed.unlimited || (policy.unlimited_allowed && limit_hint.is_none()),
            words: words(visit, &typed, limit, end),
            mistakes,
            notices: Vec::new(),
            typed,
        }
    }

    /// What is wrong with a field.
    pub(in crate::dashboard) fn wrong<'v>(&'v self, field: &'v str) -> impl Iterator<Item = &'v str> + 'v {
        let mistakes = self.mistakes.iter().filter(move |mistake| mistake.field == field);
        mistakes.map(|mistake| mistake.text.as_str())
    }

    pub(in crate::dashboard) fn is_wrong(&self, field: &str) -> bool {
        self.wrong(field).next().is_some()
    }

    /// The ids of what describes a field: its hint, and what is wrong with it.
    pub(in crate::dashboard) fn described(&self, field: &str) -> String {
        match self.is_wrong(field) {
            true => format!("{field}-error {field}-hint"),
            false => format!("{field}-hint"),
        }
    }

    /// Whether what is seldom needed is shown: something stands in it, or is wrong with it.
    pub(in crate::dashboard) fn shows_windows(&self) -> bool {
        let typed = &self.typed;
        !typed.per_hour.is_empty()
            || !typed.per_day.is_empty()
            || typed.unlimited
            || self.is_wrong("per_hour")
            || self.is_wrong("per_day")
    }

    pub(in crate::dashboard) fn shows_from_where(&self) -> bool {
        !self.typed.addresses.is_empty() || self.is_wrong("addresses")
    }

    pub(in crate::dashboard) fn shows_more(&self) -> bool {
        let typed = &self.typed;
        [&typed.environment, &typed.owner, &typed.metadata].iter().any(|text| !text.is_empty())
            || ["environment", "owner", "metadata"].iter().any(|field| self.is_wrong(field))
    }

    /// Groups, for the template.
    pub(in crate::dashboard) fn groups(&self) -> &[Group] {
        &self.picker.groups
    }
}

/// What the token as typed can do, in words. What does not read is left out.
fn words(
    visit: &Visit<'_>,
    typed: &TokenForm,
    limit: Option<RateLimit>,
    end: Option<Option<DateTime<Utc>>>,
) -> Vec<String> {
    let tokens = visit.context.tokens;
    let chosen = readable(&typed.scopes);
    let built_in = crate::Catalog::built_in();
    let is_known = |scope: &Scope| {
        let mut declared = tokens.catalog().declarations().chain(&built_in);
        declared.any(|declaration| declaration.scope == scope.as_str())
    };
    let unknown: Vec<_> = chosen.iter().filter(|scope| !is_known(scope)).cloned().collect();
    let told = Told {
        may: &tokens.effective_scopes(&chosen),
        unknown: &unknown,
        limit,
        end,
        addresses: &typed.readable_ranges(),
    };
    sentence::in_words(tokens.catalog(), &told, visit.context.now())
}
