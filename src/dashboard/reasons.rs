//! Why a token deserves attention, with what can be done about it here.

use super::frame::Frame;
use crate::{Finding, FindingKind, TokenId};

/// A reason, as a page shows it.
pub(super) struct Reason {
    pub(super) icon: &'static str,
    pub(super) text: String,
    /// What to do about it, for whoever finds no link here.
    pub(super) advice: String,
    /// Pages on which something can be done about it, for whoever may.
    pub(super) remedies: Vec<Remedy>,
}

/// A link to what can be done.
pub(super) struct Remedy {
    pub(super) text: &'static str,
    pub(super) address: String,
    /// Whether the page is a small one, which a dialog can show.
    pub(super) is_dialog: bool,
}

impl Reason {
    pub(super) fn of(finding: &Finding, frame: &Frame<'_>) -> Reason {
        let text = match frame.may.view_addresses {
            true => finding.text.clone(),
            false => finding.clone().without_address().text,
        };
        Reason {
            icon: icon_of(finding.kind),
            text,
            advice: finding.remedy.clone(),
            remedies: remedies(finding.kind, &finding.token, frame),
        }
    }
}

fn icon_of(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::ExpiresSoon => "clock",
        FindingKind::ExpiredInUse | FindingKind::Limited | FindingKind::Failing => "warn",
        FindingKind::Unused | FindingKind::NeverUsed => "dot",
        FindingKind::ScopesUnused => "key",
        FindingKind::NewAddress => "eye",
        FindingKind::OldSecretLives => "rotate",
    }
}

fn remedies(kind: FindingKind, id: &TokenId, frame: &Frame<'_>) -> Vec<Remedy> {
    let Frame { root, may, .. } = frame;
    let page = |part: &str| format!("{root}t/{id}{part}");
    let link = |may: bool, text, address| may.then_some(Remedy { text, address, is_dialog: false });
    let dialog = |may: bool, text, address| may.then_some(Remedy { text, address, is_dialog: true });
    let extend = || dialog(may.edit, "Extend", format!("{root}bulk?action=extend&id={id}"));
    let rotate = || dialog(may.rotate, "Rotate", page("/rotate"));
    let revoke = || dialog(may.revoke, "Revoke", page("/revoke"));
    let settings = |text, part: &str| link(may.edit, text, page(&format!("/settings{part}")));
    let calls = || link(may.view_calls, "Look at the calls", page("/calls"));
    let links = match kind {
        FindingKind::ExpiresSoon => [extend(), rotate(), None],
        FindingKind::ExpiredInUse => [extend(), revoke(), None],
        FindingKind::Limited => [settings("Change the limit", "#limit"), calls(), None],
        FindingKind::Failing => [calls(), None, None],
        FindingKind::Unused | FindingKind::NeverUsed => [revoke(), None, None],
        FindingKind::ScopesUnused => [settings("Review the scopes", "#scopes"), None, None],
        FindingKind::NewAddress => [calls(), rotate(), revoke()],
        FindingKind::OldSecretLives => [link(true, "See who still uses it", page("")), None, None],
    };
    links.into_iter().flatten().collect()
}
