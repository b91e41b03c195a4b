//! A request of a page, with what every page needs.

use super::Dashboard;
use super::flash::Flash;
use super::form::Form;
use super::frame::{Frame, Place};
use super::preferences::Preferences;
use crate::admin::AdminRequest;
use crate::admin::context::Context;
use crate::admin::fault::Fault;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A request that was let in, on its way to its page.
pub(super) struct Visit<'a> {
    pub(super) dashboard: &'a Dashboard,
    /// What the JSON API has of a request as well: the tokens, the actor, what it may, the id in
    /// the path.
    pub(super) context: Context<'a>,
    pub(super) preferences: Preferences,
    pub(super) flash: Option<Flash>,
    pub(super) request_id: Option<&'a str>,
    request: AdminRequest<'a>,
    /// Whether it signed in here, and can sign out here.
    pub(super) signs_out: bool,
    cookie_path: String,
}

/// A request with what is known of it before anybody is let in.
#[derive(Clone, Copy)]
pub(super) struct Came<'r, 'a> {
    pub(super) request: &'r AdminRequest<'a>,
    pub(super) request_id: Option<&'a str>,
    pub(super) preferences: Preferences,
    /// Whether whoever comes signed in here, and can sign out here.
    pub(super) signs_out: bool,
}

impl<'a> Visit<'a> {
    pub(super) fn new(dashboard: &'a Dashboard, context: Context<'a>, came: &Came<'a, 'a>) -> Visit<'a> {
        let Came { request, request_id, preferences, signs_out } = *came;
        let cookie_path = format!("{}/", dashboard.public_root(request));
        let flash = Flash::of(request);
        Visit {
            dashboard,
            context,
            preferences,
            flash,
            request_id,
            request: *request,
            signs_out,
            cookie_path,
        }
    }

    /// The way from this page to the list: empty, `./` or `../`…
    pub(super) fn root(&self) -> String {
        root_of(self.context.http.path)
    }

    pub(super) fn cookie_path(&self) -> String {
        self.cookie_path.clone()
    }

    /// What a form has sent.
    pub(super) fn form(&self) -> Result<Form, Fault> {
        Form::of(&self.request)
    }

    /// The parameters of the address. Unknown ones are passed over: a link may have grown some.
    pub(super) fn query(&self) -> Result<Form, Fault> {
        Form::read(self.context.http.query.unwrap_or_default().as_bytes())
    }

    /// The frame around a page.
    pub(super) fn frame(&self, heading: impl Into<String>, place: Place) -> Frame<'_> {
        Frame::new(self, heading.into(), place)
    }
}

/// The way from a path below the mount back to the mount.
pub(super) fn root_of(path: &str) -> String {
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        depth => "../".repeat(depth - 1),
    }
}

/// The address of the sign-in, seen from a path below the mount, with the way back.
pub(super) fn sign_in_address(path: &str) -> String {
    format!(
        "{}sign-in?return_to={}",
        root_of(path),
        utf8_percent_encode(path.trim_start_matches('/'), NON_ALPHANUMERIC)
    )
}

/// The host's login, told where to send people back to.
pub(super) fn with_return_to(login: &str, here: &str) -> String {
    let separator = if login.contains('?') { '&' } else { '?' };
    format!("{login}{separator}return_to={}", utf8_percent_encode(here, NON_ALPHANUMERIC))
}

/// Whether a text is a path below the mount and nothing else: where a form may send its browser back
/// to.
pub(super) fn is_below_mount(address: &str) -> bool {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let plain = |text: &str, signs: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || signs.contains(&byte))
    };
    plain(path, b"_-/") && !path.contains("//") && !path.starts_with('/') && plain(query, b"_-=&%.+~")
}

/// A prefix that a proxy has taken off a path, if it is one: `/eu/shop`.
pub(super) fn prefix(sent: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(sent).ok()?.strip_prefix('/')?.trim_end_matches('/');
    (!path.contains('?') && is_below_mount(path)).then(|| format!("/{path}"))
}
