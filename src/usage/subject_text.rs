//! How a SQL store writes whose use it is.

use super::{Level, Subject};

/// The sixteen characters of an id; or a text that begins with what no id begins with.
pub(crate) fn text(subject: &Subject) -> String {
    match subject {
        Subject::All => "*".into(),
        Subject::Tenant(None) => "-".into(),
        Subject::Tenant(Some(tenant)) => format!("={tenant}"),
        Subject::Token(id) => id.as_str().into(),
    }
}

/// [`Subject::names`] of the subject with this text.
pub(crate) fn names(text: &str) -> usize {
    match text {
        "*" => Subject::All.names(),
        _ => Subject::Tenant(None).names(),
    }
}

/// The number of a level.
pub(crate) fn number(level: Level) -> i64 {
    match level {
        Level::Minute => 0,
        Level::Hour => 1,
        Level::Day => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenId;

    #[test]
    fn no_two_subjects_have_the_same_text() {
        let id = TokenId::placeholder();
        let tenant = |name: &str| Subject::Tenant(Some(name.into()));
        let awkward = ["", "*", "-", "=", "a", id.as_str(), "=a", "\0"].map(tenant);
        let others = [Subject::All, Subject::Tenant(None), Subject::Token(id)];
        let texts: std::collections::HashSet<_> = awkward.iter().chain(&others).map(text).collect();
        assert_eq!(texts.len(), awkward.len() + others.len());
        let same_names = |subject: &Subject| names(&text(subject)) == subject.names();
        assert!(awkward.iter().chain(&others).all(same_names));
    }
}
