//! What is wrong with a form, by the field that a person sees.

use crate::{Error, FieldError, NotGrantable};

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::dashboard) struct Mistake {
    /// The id of the field.
    pub(in crate::dashboard) field: &'static str,
    /// What the form calls it.
    pub(in crate::dashboard) label: &'static str,
    /// What was wrong and what would be right.
    pub(in crate::dashboard) text: String,
}

/// The fields by the pointers of the core's errors; of two that fit, the longer comes first.
const FIELDS: [(&str, &str, &str); 14] = [
    ("/name", "name", "Name"),
    ("/description", "description", "Description"),
    ("/scopes", "scopes", "What it may do"),
    ("/rate_limit/per_hour", "per_hour", "Calls per hour"),
    ("/rate_limit/per_day", "per_day", "Calls per day"),
    ("/rate_limit", "per_minute", "Calls per minute"),
    ("/expires_at", "ends", "Until when"),
    ("/expires_in", "ends", "Until when"),
    ("/not_before", "ends", "Until when"),
    ("/ip_allow", "addresses", "From where"),
    ("/env", "environment", "Environment"),
    ("/owner", "owner", "Owner"),
    ("/metadata", "metadata", "Attributes"),
    ("/reason", "reason", "Reason"),
];

/// The fields from the top of the form to its end.
const ORDER: [&str; 12] = [
    "name",
    "description",
    "scopes",
    "per_minute",
    "per_hour",
    "per_day",
    "ends",
    "reason",
    "addresses",
    "environment",
    "owner",
    "metadata",
];

impl Mistake {
    pub(super) fn of(error: &FieldError) -> Mistake {
        let found = FIELDS.into_iter().find(|(pointer, ..)| {
            let rest = error.pointer.strip_prefix(pointer);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let (_, field, label) = found.unwrap_or(("", "token-form", "The form"));
        Mistake { field, label, text: sentence(&error.detail) }
    }

    /// What is beyond what somebody may grant, one for each field.
    fn beyond(error: &NotGrantable) -> Vec<Mistake> {
        let names: Vec<_> = error.scopes.iter().map(|scope| scope.as_str()).collect();
        let text = |field: &str| match field {
            "scopes" => format!("You may not grant {}: you do not hold it yourself.", names.join(", ")),
            "rate_limit" => "This is more than you may call yourself.".to_owned(),
            "expires_at" => "This is later than the end of your own access.".to_owned(),
            _ => "This lets in more addresses than your own access does.".to_owned(),
        };
        let fields = error.exceeds.iter().map(|field| (format!("/{field}"), text(field)));
        fields.map(|(pointer, detail)| Mistake::of(&FieldError { pointer, code: "range", detail })).collect()
    }
}

/// What is wrong, of what could not be read and of what the core says against it, and the status
/// that goes with it; none where nothing is. What is not the form's fault is the error.
pub(in crate::dashboard) fn told(
    unread: Vec<FieldError>,
    checked: Result<(), Error>,
) -> Result<Option<(u16, Vec<Mistake>)>, Error> {
    let mut mistakes: Vec<_> = unread.iter().map(Mistake::of).collect();
    let mut status = 422;
    match checked {
        Ok(()) => {}
        Err(Error::Invalid(invalid)) => {
            for mistake in invalid.errors.iter().map(Mistake::of) {
                // What could not be read was not handed on: the core can only miss it.
                if !unread.iter().any(|error| Mistake::of(error).field == mistake.field) {
                    mistakes.push(mistake);
                }
            }
        }
        Err(Error::NotGrantable(error)) => {
            if mistakes.is_empty() {
                status = 403;
            }
            mistakes.extend(Mistake::beyond(&error));
        }
        Err(error) if mistakes.is_empty() => return Err(error),
        Err(_) => {}
    }
    mistakes.dedup();
    mistakes.sort_by_key(|mistake| ORDER.iter().position(|field| *field == mistake.field));
    Ok((!mistakes.is_empty()).then_some((status, mistakes)))
}

/// `at most 100 characters` as a sentence.
fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if detail.ends_with(['.', '?']) { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_core_stands_at_a_field() {
        let field = |pointer: &str| {
            let error = FieldError { pointer: pointer.to_owned(), code: "range", detail: "no".to_owned() };
            Mistake::of(&error).field
        };
        for (pointer, expected) in [
            ("/name", "name"),
            ("/scopes/3", "scopes"),
            ("/rate_limit", "per_minute"),
            ("/rate_limit/per_minute", "per_minute"),
            ("/rate_limit/per_day", "per_day"),
            ("/ip_allow/0", "addresses"),
            ("/metadata/a~1b", "metadata"),
            ("/environment", "token-form"),
        ] {
            assert_eq!(field(pointer), expected, "{pointer}");
        }
    }
}
