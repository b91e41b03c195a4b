//! What stands around every page: header, navigation, the word on what was done, footer.

use super::assets;
use super::routes::{self, Found};
use super::visit::Visit;
use crate::admin::{Permissions, table};

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Tokens,
    Usage,
    History,
    Help,
    Elsewhere,
}

/// What stands around a page. Every page's template extends `frame.html`, and has one as `frame`.
pub(super) struct Frame<'a> {
    /// The one `<h1>`, and the first part of the title.
    pub(super) heading: String,
    pub(super) site: &'a str,
    pub(super) back_link: Option<&'a str>,
    pub(super) note: Option<&'a str>,
    /// The way from here to the list; what every link starts with.
    pub(super) root: String,
    /// This page, below the mount: where a choice of colours leads back to.
    pub(super) back: String,
    pub(super) place: Place,
    pub(super) theme: &'static str,
    pub(super) zone: &'static str,
    pub(super) keys: bool,
    /// When the page was made, RFC 3339: scripts count on from it, whatever the browser's clock says.
    pub(super) now: String,
    pub(super) flash: Option<(&'static str, bool)>,
    /// Who is logged in.
    pub(super) actor: &'a str,
    pub(super) may: Permissions,
    /// Whether it signed in here, and can sign out here.
    pub(super) signs_out: bool,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) icons: &'static str,
}

impl<'a> Frame<'a> {
    pub(super) fn new(visit: &'a Visit<'_>, heading: String, place: Place) -> Frame<'a> {
        let settings = &visit.dashboard.settings;
        Frame {
            heading,
            site: &settings.title,
            back_link: settings.back_link.as_deref(),
            note: settings.extra_note.as_deref(),
            root: visit.root(),
            back: back(visit.context.http.path, visit.context.http.query),
            place,
            theme: visit.preferences.theme.word(),
            zone: visit.preferences.zone.word(),
            keys: visit.preferences.keys,
            now: visit.context.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            flash: visit.flash.map(|flash| (flash.text(), flash.is_warning())),
            actor: visit.context.actor.name(),
            may: visit.context.permissions,
            signs_out: visit.signs_out,
            style: assets::STYLE.name(),
            script: assets::SCRIPT.name(),
            icons: assets::ICONS.name(),
        }
    }

    /// Whether an entry of the navigation is the page's own.
    pub(super) fn is_at(&self, place: Place) -> bool {
        self.place == place
    }
}

/// A page below the mount, with its query unless that is long; the list from where there is only a
/// form's answer.
fn back(path: &str, query: Option<&str>) -> String {
    if !matches!(routes::find("GET", path), Ok(Found::InTheTable(table::Found::Route(..)))) {
        return String::new();
    }
    let path = path.trim_start_matches('/');
    match query {
        Some(query) if query.len() <= 500 => format!("{path}?{query}"),
        _ => path.to_owned(),
    }
}
