//! What the address of the list asks for: read from it, and written into links.

use chrono::TimeDelta;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::form::Form;
use crate::admin::context::Context;
use crate::admin::fault::Fault;
use crate::admin::token_page::order_of;
use crate::{Order, Prefix, Query, SortKey, Status};

/// The list's search, filters, order and page.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    pub(super) text: String,
    /// Those that are named; none for all but the revoked ones.
    pub(super) statuses: Vec<Status>,
    /// Revoked ones among the others.
    pub(super) with_revoked: bool,
    pub(super) scope: String,
    pub(super) created_by: String,
    pub(super) environment: String,
    /// Expiring within so many days.
    pub(super) expires_within: Option<u16>,
    pub(super) sort: String,
    pub(super) cursor: Option<String>,
}

/// What stands in an address only as a number (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// A search is cut to so many characters: nothing that is listed is longer.
const LONGEST: usize = 200;
/// More of a token than this many characters behind the prefix is more than any listing shows.
const SHOWN_OF_A_TOKEN: usize = 16;

impl Asked {
    pub(super) fn read(form: &Form) -> Result<Asked, Fault> {
        let text = |name| form.text(name).chars().take(LONGEST).collect::<String>();
        let mut asked = Asked {
            text: text("q"),
            scope: text("scope"),
            created_by: text("created_by"),
            environment: text("env"),
            sort: text("sort"),
            cursor: form.some("cursor").map(str::to_owned),
            ..Asked::default()
        };
        for word in form.all("status").filter(|word| !word.is_empty()) {
            match word.parse() {
                Ok(status) if asked.statuses.contains(&status) => {}
                Ok(status) => asked.statuses.push(status),
                Err(_) if word == "any" => asked.with_revoked = true,
                Err(error) => return Err(Fault::parameter("status", format!("{error}, or any."))),
            }
        }
        if let Some(days) = form.some("expires") {
            let wrong = || Fault::parameter("expires", "expires is a number of days from 1 to 3650.");
            let days = days.parse().ok().filter(|days| (1..=3_650).contains(days));
            asked.expires_within = Some(days.ok_or_else(wrong)?);
        }
        if !asked.sort.is_empty() && order_of(&asked.sort).is_none() {
            let detail = "sort is created_at, name or expires_at, with - before it for the reverse.";
            return Err(Fault::parameter("sort", detail));
        }
        Ok(asked)
    }

    /// The question to the store.
    pub(super) fn query(&self, context: &Context<'_>) -> Result<Query, Fault> {
        let mut query = Query::new(context.actor.tenants(), context.now());
        query.order = self.order();
        let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let filter = &mut query.filter;
        filter.text = said(&self.text);
        filter.created_by = said(&self.created_by);
        filter.environment = said(&self.environment);
        if !self.scope.is_empty() {
            let scope = self.scope.parse();
            let wrong = |_| Fault::parameter("scope", "A scope reads resource:action.");
            filter.scope = Some(scope.map_err(wrong)?);
        }
        filter.statuses.clone_from(&self.statuses);
        if let Some(days) = self.expires_within {
            filter.expires_before = query.now.checked_add_signed(TimeDelta::days(days.into()));
            if filter.statuses.is_empty() {
                // What is over does not expire any more.
                filter.statuses = vec![Status::Active, Status::Paused, Status::NotYetValid];
            }
        } else if filter.statuses.is_empty() && !self.with_revoked {
            filter.statuses = Status::ALL.into_iter().filter(|status| *status != Status::Revoked).collect();
        }
        Ok(query)
    }

    fn order(&self) -> Order {
        let usual = match self.expires_within {
            Some(_) => Order { by: SortKey::ExpiresAt, descending: false },
            None => Order::NEWEST_FIRST,
        };
        order_of(&self.sort).unwrap_or(usual)
    }

    /// Whether anything is searched or filtered by.
    pub(super) fn narrows(&self) -> bool {
        !self.statuses.is_empty() || self.narrows_beside_status()
    }

    /// The same without a look at the status.
    pub(super) fn narrows_beside_status(&self) -> bool {
        let Asked { text, scope, created_by, environment, .. } = self;
        [text, scope, created_by, environment].iter().any(|text| !text.is_empty())
            || self.expires_within.is_some()
    }

    /// Whether one of the filters that are folded away is in use.
    pub(super) fn uses_more_filters(&self) -> bool {
        let Asked { scope, created_by, environment, .. } = self;
        [scope, created_by, environment].iter().any(|text| !text.is_empty()) || self.expires_within.is_some()
    }

    /// The words for the statuses, as they stand in the address.
    pub(super) fn status_words(&self) -> Vec<&'static str> {
        let any = self.with_revoked.then_some("any");
        self.statuses.iter().map(|status| status.as_str()).chain(any).collect()
    }

    /// The same with another choice of statuses, from its first page.
    pub(super) fn with_status(&self, statuses: &[Status], with_revoked: bool) -> Asked {
        Asked { statuses: statuses.to_vec(), with_revoked, cursor: None, ..self.clone() }
    }

    /// The same on another page.
    pub(super) fn at(&self, cursor: &str) -> Asked {
        Asked { cursor: Some(cursor.to_owned()), ..self.clone() }
    }

    /// All of it but the page: what a cursor is bound to.
    pub(super) fn fingerprint(&self) -> String {
        Asked { cursor: None, ..self.clone() }.address()
    }

    /// The query of an address that asks for this, with its question mark; nothing for the plain
    /// list.
    pub(super) fn address(&self) -> String {
        let mut pairs: Vec<(&str, &str)> = vec![("q", &self.text)];
        pairs.extend(self.status_words().into_iter().map(|word| ("status", word)));
        let days = self.expires_within.map(|days| days.to_string()).unwrap_or_default();
        pairs.extend([
            ("scope", self.scope.as_str()),
            ("created_by", &self.created_by),
            ("env", &self.environment),
            ("expires", &days),
            ("sort", &self.sort),
            ("cursor", self.cursor.as_deref().unwrap_or_default()),
        ]);
        let pairs: Vec<_> = pairs
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED)))
            .collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

/// What is a whole token of ours somewhere in a text, right or wrong: more of one than any listing
/// shows.
pub(super) fn token_in<'t>(text: &'t str, prefix: &Prefix) -> Option<&'t str> {
    let start = format!("{}_", prefix.as_str());
    text.match_indices(&start).find_map(|(place, _)| {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let length = text.bytes().skip(place).take_while(is_part).count();
        (length > start.len() + SHOWN_OF_A_TOKEN).then(|| &text[place..place + length])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Asked {
        Asked::read(&Form::read(query.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn an_address_that_was_read_is_written_the_same_way() {
        let address =
            "?q=a%26b&status=paused&status=expired&scope=orders%3Aread&env=live&expires=14&sort=-name";
        assert_eq!(read(&address[1..]).address(), address);
        assert_eq!(read("q=&status=&scope=&sort=&unknown=1").address(), "");
    }

    #[test]
    fn what_a_form_cannot_send_is_refused() {
        for query in ["status=dead", "expires=0", "expires=soon", "expires=99999", "sort=colour"] {
            assert!(Asked::read(&Form::read(query.as_bytes()).unwrap()).is_err(), "{query}");
        }
    }

    #[test]
    fn whole_tokens_are_told_from_the_starts_that_a_list_shows() {
        let prefix: Prefix = "acme_live".parse().unwrap();
        let secret = "aB3".repeat(20);
        for text in [
            format!("acme_live_{secret}"),
            format!("  Bearer acme_live_{secret}\n"),
            format!("acme_live_x acme_live_{secret}"),
        ] {
            let token = format!("acme_live_{secret}");
            assert_eq!(token_in(&text, &prefix), Some(&*token), "{text}");
        }
        for text in ["acme_live_7Qd3", "acme_live_", "acme", "x9Kp", &secret] {
            assert_eq!(token_in(text, &prefix), None, "{text}");
        }
    }
}
