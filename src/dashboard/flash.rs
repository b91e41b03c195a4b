//! A word on what was just done, shown once on the next page.
//!
//! It travels in a short-lived cookie that names one of these words and nothing else: no text of
//! anybody's can be put on a page by it.

use super::cookie::{self, Cookie};
use super::visit::Visit;
use crate::admin::AdminRequest;
use crate::web::Reply;

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flash {
    Saved,
    NothingChanged,
    Paused,
    Resumed,
    Revoked,
    Purged,
    GraceEnded,
    GraceExtended,
    BulkDone,
    PreferencesSaved,
    NothingChosen,
    FoundByText,
    NoTokenWithThisText,
    WholeTokenInAddress,
}

const NAME: &str = "tokenward_flash";

impl Flash {
    const ALL: [(Flash, &'static str, &'static str); 14] = [
        (Flash::Saved, "saved", "Saved. It holds from the next request on."),
        (Flash::NothingChanged, "same", "Nothing was changed."),
        (Flash::Paused, "paused", "Paused. Requests with this token now get 403."),
        (Flash::Resumed, "resumed", "Resumed. The token works again."),
        (Flash::Revoked, "revoked", "Revoked, for good. Requests with this token now get 401."),
        (Flash::Purged, "purged", "Deleted. Its history stays."),
        (Flash::GraceEnded, "grace-ended", "The old secret is dead. Only the new one works."),
        (Flash::GraceExtended, "grace-extended", "The old secret works for longer."),
        (Flash::BulkDone, "bulk", "Done for every token that was chosen."),
        (Flash::PreferencesSaved, "preferences", "Your choice is kept in this browser."),
        (
            Flash::NothingChosen,
            "none-chosen",
            "No token was chosen. Tick at least one, then choose what to do.",
        ),
        (
            Flash::FoundByText,
            "found",
            "This is the token with that text. If the text stood where others may have read it, rotate or revoke the token now.",
        ),
        (
            Flash::NoTokenWithThisText,
            "no-token",
            "No token here has this text. A single wrong letter is enough.",
        ),
        (
            Flash::WholeTokenInAddress,
            "whole-token",
            "A whole token stood in the address, where browsers and logs keep it. It was not searched for. Rotate that token, and next time use \u{201c}Which token is this?\u{201d}.",
        ),
    ];

    /// The sentence.
    pub(super) fn text(self) -> &'static str {
        self.row().2
    }

    /// Whether it tells of something that did not work out.
    pub(super) fn is_warning(self) -> bool {
        matches!(self, Flash::NothingChosen | Flash::NoTokenWithThisText | Flash::WholeTokenInAddress)
    }

    pub(super) fn of(request: &AdminRequest<'_>) -> Option<Flash> {
        let word = cookie::value(request, NAME)?;
        Flash::ALL.into_iter().find(|(_, is, _)| *is == word).map(|(flash, ..)| flash)
    }

    pub(super) fn told_by(self, reply: Reply, visit: &Visit<'_>) -> Reply {
        set(reply, visit, self.row().1, 30)
    }

    /// The same answer, after which the word is not told again.
    pub(super) fn taken_from(reply: Reply, visit: &Visit<'_>) -> Reply {
        set(reply, visit, "", 0)
    }

    fn row(self) -> (Flash, &'static str, &'static str) {
        Flash::ALL.into_iter().find(|(flash, ..)| *flash == self).expect("every word is in the table")
    }
}

fn set(reply: Reply, visit: &Visit<'_>, value: &str, seconds: u32) -> Reply {
    let path = visit.cookie_path();
    Cookie { name: NAME, value, path: Some(&path), seconds: Some(seconds), is_hidden: true, is_secure: false }
        .set_on(reply)
}
