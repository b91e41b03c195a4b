//! What a token can do, cannot do, how much and until when: in words.

use chrono::{DateTime, Utc};

use super::show;
use super::token_form::{is_reading, lower_first, resources, title_of};
use crate::{AddressRange, Catalog, RateLimit, Scope};

/// What is to be said in words.
pub(super) struct Told<'a> {
    /// What it may do, implications included.
    pub(super) may: &'a [Scope],
    /// Names that the catalogue does not have.
    pub(super) unknown: &'a [Scope],
    /// None where it is not known.
    pub(super) limit: Option<RateLimit>,
    /// None where it is not known, `Some(None)` for no end.
    pub(super) end: Option<Option<DateTime<Utc>>>,
    pub(super) addresses: &'a [AddressRange],
}

/// The sentences, each for itself.
pub(super) fn in_words(catalog: &Catalog, told: &Told<'_>, now: DateTime<Utc>) -> Vec<String> {
    let mut sentences = vec![can(catalog, told.may)];
    sentences.extend(cannot(catalog, told.may));
    if let [name] = told.unknown {
        sentences
            .push(format!("It also has {name}, which this service no longer knows and which does nothing."));
    } else if !told.unknown.is_empty() {
        let names: Vec<_> = told.unknown.iter().map(Scope::as_str).collect();
        let names = joined(&names, "and");
        sentences
            .push(format!("It also has {names}, which this service no longer knows and which do nothing."));
    }
    sentences.push(how_much(told.limit, told.end, now));
    if !told.addresses.is_empty() {
        sentences.push(from_where(told.addresses));
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

fn can(catalog: &Catalog, may: &[Scope]) -> String {
    if may.is_empty() {
        return "It can do nothing yet. Every call is answered 403, and the answer names the scope that it lacks: you can add that one later, without changing the token.".to_owned();
    }
    let built_in = Catalog::built_in();
    let held = |scope: &str| may.iter().any(|is| is.as_str() == scope);
    let sentences: Vec<_> = catalog
        .declarations()
        .chain(&built_in)
        .filter(|declaration| held(&declaration.scope))
        .map(|declaration| lower_first(declaration.sentence.trim().trim_end_matches('.')))
        .collect();
    // The sentences have commas of their own.
    match &*sentences {
        [one] => format!("It can {one}."),
        [all @ .., last] => format!("It can {}; and {last}.", all.join("; ")),
        [] => String::new(),
    }
}

fn cannot(catalog: &Catalog, may: &[Scope]) -> Option<String> {
    if may.is_empty() {
        return None;
    }
    let title = |resource: &&str| lower_first(&title_of(catalog, resource));
    let declared = |resource: &str| {
        let scopes = catalog.declarations().map(|declaration| declaration.scope.as_str());
        scopes.filter(|scope| of(resource, scope)).map(str::to_owned).collect::<Vec<_>>()
    };
    let holds = |resource: &str| may.iter().any(|scope| scope.resource() == resource);
    let changes =
        |resource: &str| may.iter().any(|scope| scope.resource() == resource && !is_reading(scope.as_str()));
    let can_be_changed = |resource: &str| declared(resource).iter().any(|scope| !is_reading(scope));
    let all = resources(catalog);
    let unreached: Vec<_> = all.iter().filter(|resource| !holds(resource)).map(title).collect();
    let only_read: Vec<_> = all
        .iter()
        .filter(|resource| holds(resource) && !changes(resource) && can_be_changed(resource))
        .map(title)
        .collect();
    let changes_nothing = may.iter().all(|scope| is_reading(scope.as_str()));
    let mut parts = Vec::new();
    if changes_nothing {
        parts.push("change anything".to_owned());
    } else if !only_read.is_empty() {
        parts.push(format!("change {}", at_most_five(&only_read)));
    }
    if !unreached.is_empty() {
        parts.push(format!("reach {}", at_most_five(&unreached)));
    }
    (!parts.is_empty()).then(|| format!("It cannot {}.", parts.join(", and cannot ")))
}

fn of(resource: &str, scope: &str) -> bool {
    scope.rsplit_once(':').is_some_and(|(is, _)| is == resource)
}

fn how_much(limit: Option<RateLimit>, end: Option<Option<DateTime<Utc>>>, now: DateTime<Utc>) -> String {
    let pace = limit.map(|limit| match limit.is_unlimited() {
        true => "As many calls as it likes".to_owned(),
        false => {
            let quotas: Vec<_> = limit.quotas().map(|quota| quota.to_string()).collect();
            let words: Vec<_> = quotas.iter().map(|words| in_calls(words)).collect();
            format!("At most {}", joined(&words, "and"))
        }
    });
    let until = end.map(|end| match end {
        None => "without an end".to_owned(),
        Some(end) if end <= now => format!("and ended on {}", day(end)),
        Some(end) => format!("until {}", day(end)),
    });
    match (pace, until) {
        (Some(pace), Some(until)) => format!("{pace}, {until}."),
        (Some(words), None) => format!("{words}."),
        (None, Some(until)) => format!("It works {until}."),
        (None, None) => String::new(),
    }
}

/// `60 requests per minute` as a support desk says it: `60 calls a minute`.
fn in_calls(words: &str) -> String {
    let words = words.replace("requests", "calls").replace("request", "call");
    let several = words.ends_with('s');
    if several { words } else { words.replace(" per ", " a ").replace("a hour", "an hour") }
}

/// The exact moment stands beside it, in both zones.
fn day(time: DateTime<Utc>) -> String {
    time.format("%-d %b %Y").to_string()
}

fn from_where(ranges: &[AddressRange]) -> String {
    let shown: Vec<_> = ranges.iter().map(ToString::to_string).collect();
    format!("Only from {}.", at_most_five(&shown))
}

/// `a, b and c`; of many the first four, and how many more there are.
fn at_most_five(words: &[String]) -> String {
    match words {
        [] => String::new(),
        _ if words.len() <= 5 => joined(words, "or"),
        _ => format!("{} or {} more", words[..4].join(", "), show::number((words.len() - 4) as u64)),
    }
}

fn joined<T: AsRef<str>>(words: &[T], joint: &str) -> String {
    let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
    match &*words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} {joint} {last}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Declaration, Quota};

    fn catalog() -> Catalog {
        Catalog::new()
            .group("orders", "Orders")
            .scope("orders:read", "Look at orders and the customers on them")
            .scope("orders:write", "Fulfil orders")
            .group("products", "Products")
            .scope("products:read", "Look at products, their stock and their prices.")
            .scope("products:write", "Change products")
            .declare(Declaration::new("customers:read", "Look at customers").sensitive())
    }

    fn now() -> DateTime<Utc> {
        "2026-11-24T14:00:00Z".parse().unwrap()
    }

    fn words(scopes: &[&str]) -> String {
        let may: Vec<Scope> = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let told = Told { may: &may, unknown: &[], limit: None, end: None, addresses: &[] };
        in_words(&catalog(), &told, now()).join(" ")
    }

    #[test]
    fn it_says_what_the_token_can_and_cannot_do() {
        assert_eq!(
            words(&["orders:read", "products:read"]),
            "It can look at orders and the customers on them; and look at products, their stock and their prices. \
             It cannot change anything, and cannot reach customers."
        );
        assert_eq!(
            words(&["orders:read", "orders:write", "products:read", "customers:read"]),
            "It can look at orders and the customers on them; fulfil orders; look at products, their stock and \
             their prices; and look at customers. It cannot change products."
        );
        assert_eq!(words(&["orders:write"]), "It can fulfil orders. It cannot reach products or customers.");
        assert!(words(&[]).starts_with("It can do nothing yet."), "{}", words(&[]));
        assert!(words(&["tokens:manage"]).contains("create, change, rotate and revoke the tokens"));
    }

    #[test]
    fn it_says_how_much_until_when_and_from_where() {
        let told = |limit: RateLimit, end: Option<&str>, addresses: &[&str]| {
            let addresses: Vec<AddressRange> = addresses.iter().map(|range| range.parse().unwrap()).collect();
            let end = end.map(|end| end.parse().unwrap());
            let may = ["orders:read".parse().unwrap()];
            let told =
                Told { may: &may, unknown: &[], limit: Some(limit), end: Some(end), addresses: &addresses };
            in_words(&catalog(), &told, now()).split_off(2).join(" ")
        };
        let minute = RateLimit::default();
        assert_eq!(
            told(minute, Some("2027-02-22T13:05:00Z"), &[]),
            "At most 60 calls a minute, until 22 Feb 2027."
        );
        let hour = minute.and(Quota::per_hour(1_000).unwrap()).unwrap();
        assert_eq!(
            told(hour, None, &["203.0.113.0/24", "198.51.100.7"]),
            "At most 60 calls a minute and 1,000 calls an hour, without an end. \
             Only from 203.0.113.0/24 or 198.51.100.7."
        );
        assert_eq!(
            told(RateLimit::unlimited(), Some("2026-11-01T00:00:00Z"), &[]),
            "As many calls as it likes, and ended on 1 Nov 2026."
        );
    }
}
