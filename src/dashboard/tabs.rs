//! The tabs above the list.

use super::asked::Asked;
use super::frame::Frame;
use super::show::number;
use crate::Status;

/// One of the tabs.
pub(super) struct Tab {
    pub(super) text: &'static str,
    pub(super) address: String,
    pub(super) is_here: bool,
    /// How many there are, of the one that is shown.
    pub(super) count: Option<String>,
    /// Whether the number asks for somebody to look.
    pub(super) is_warning: bool,
}

const CHOICES: [(&str, &[Status]); 6] = [
    ("All", &[]),
    ("Active", &[Status::Active]),
    ("Paused", &[Status::Paused]),
    ("Not yet valid", &[Status::NotYetValid]),
    ("Expired", &[Status::Expired]),
    ("Revoked", &[Status::Revoked]),
];

/// The tabs of the list. `total` is how many it has on all its pages, and whether there may be more;
/// `noted` how many tokens need attention.
pub(super) fn tabs(
    asked: &Asked,
    frame: &Frame<'_>,
    total: Option<(u32, bool)>,
    noted: Option<String>,
) -> Vec<Tab> {
    let root = &frame.root;
    let counted = total.map(|(total, is_estimate)| {
        format!("{}{}", number(total.into()), if is_estimate { "+" } else { "" })
    });
    let tab = |(text, statuses): (&'static str, &[Status])| {
        let is_here = asked.statuses == statuses;
        Tab {
            text,
            address: format!("{root}{}", asked.with_status(statuses, false).address()),
            is_here,
            count: counted.clone().filter(|_| is_here),
            is_warning: false,
        }
    };
    let mut tabs: Vec<_> = CHOICES.into_iter().map(tab).collect();
    tabs.insert(1, attention(frame, noted, false));
    tabs
}

/// The tabs above what deserves attention.
pub(super) fn tabs_of_attention(frame: &Frame<'_>, count: String) -> Vec<Tab> {
    let mut tabs = tabs(&Asked::default(), frame, None, None);
    tabs[0].is_here = false;
    tabs[1] = attention(frame, Some(count), true);
    tabs
}

fn attention(frame: &Frame<'_>, count: Option<String>, is_here: bool) -> Tab {
    let count = count.filter(|count| is_here || count != "0");
    Tab {
        text: "Needs attention",
        address: format!("{}attention", frame.root),
        is_here,
        is_warning: count.as_ref().is_some_and(|count| count != "0"),
        count,
    }
}
