//! What a person has chosen for this browser: colours, and whose time.

use super::cookie::{self, Cookie};
use crate::admin::AdminRequest;
use crate::web::Reply;

/// The choices, from their cookies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Preferences {
    pub(super) theme: Theme,
    pub(super) zone: Zone,
    /// Whether single keys do things (WCAG 2.1.4).
    pub(super) keys: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Theme {
    Auto,
    Light,
    Dark,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Zone {
    /// That of the browser.
    Local,
    Utc,
}

const THEME: &str = "tokenward_theme";
const ZONE: &str = "tokenward_zone";
const KEYS: &str = "tokenward_keys";
const YEAR: u32 = 31_536_000;

impl Theme {
    pub(super) fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

impl Zone {
    pub(super) fn word(self) -> &'static str {
        match self {
            Zone::Local => "local",
            Zone::Utc => "utc",
        }
    }
}

impl Preferences {
    pub(super) fn of(request: &AdminRequest<'_>) -> Preferences {
        Preferences {
            theme: theme(cookie::value(request, THEME).unwrap_or_default()),
            zone: zone(cookie::value(request, ZONE).unwrap_or_default()),
            keys: cookie::value(request, KEYS) != Some("off"),
        }
    }

    /// The same with what a form says otherwise.
    pub(super) fn with(
        mut self,
        said_theme: Option<&str>,
        said_zone: Option<&str>,
        said_keys: Option<&str>,
    ) -> Self {
        if let Some(text) = said_theme {
            self.theme = theme(text);
        }
        if let Some(text) = said_zone {
            self.zone = zone(text);
        }
        if let Some(text) = said_keys {
            self.keys = text != "off";
        }
        self
    }

    /// Keeps them in the browser: for the pages beside the one that answers, which is the mount.
    pub(super) fn keep(&self, reply: Reply) -> Reply {
        let keys = if self.keys { "on" } else { "off" };
        [(THEME, self.theme.word()), (ZONE, self.zone.word()), (KEYS, keys)].into_iter().fold(
            reply,
            |reply, (name, value)| {
                Cookie { name, value, path: None, seconds: Some(YEAR), is_hidden: true, is_secure: false }
                    .set_on(reply)
            },
        )
    }
}

fn theme(text: &str) -> Theme {
    [Theme::Light, Theme::Dark].into_iter().find(|theme| theme.word() == text).unwrap_or(Theme::Auto)
}

fn zone(text: &str) -> Zone {
    if text == Zone::Utc.word() { Zone::Utc } else { Zone::Local }
}
