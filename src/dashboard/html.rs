//! Small pieces of HTML that many pages show alike.

use std::fmt;

use super::frame::Frame;
use crate::Status;

/// Text that is HTML already. Whatever somebody may have written stands in none of it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Html(pub(super) String);

impl fmt::Display for Html {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Templates write it as it is.
impl askama::filters::HtmlSafe for Html {}

impl Frame<'_> {
    /// A picture beside words that say the same.
    pub(super) fn icon(&self, name: &'static str) -> Html {
        let Frame { root, icons, .. } = self;
        Html(format!(
            r##"<svg class="icon" aria-hidden="true"><use href="{root}assets/{icons}#{name}"/></svg>"##
        ))
    }

    /// What a token's life comes to, by picture and word.
    pub(super) fn badge(&self, status: &Status) -> Html {
        let (class, icon) = match status {
            Status::Active => ("active", "check"),
            Status::Paused => ("paused", "pause"),
            Status::NotYetValid => ("not-yet-valid", "clock"),
            Status::Expired => ("expired", "clock"),
            Status::Revoked => ("revoked", "ban"),
        };
        let word = word_of(*status);
        Html(format!(r#"<span class="badge badge-{class}">{}{word}</span>"#, self.icon(icon)))
    }
}

/// A status as people read it.
pub(super) fn word_of(status: Status) -> &'static str {
    match status {
        Status::Active => "Active",
        Status::Paused => "Paused",
        Status::NotYetValid => "Not yet valid",
        Status::Expired => "Expired",
        Status::Revoked => "Revoked",
    }
}
