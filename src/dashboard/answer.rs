//! What every answer has in common: headers that keep a page to itself.

use askama::Template;

use super::visit::Visit;
use crate::web::Reply;

/// Everything comes from here, nothing is written into a page by a script, and no other page may
/// show this one in a frame.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types tokenward";

/// Whether a page may be kept by the browser for going back and forth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// By the browser, which asks each time.
    ForBack,
    /// Not at all: a secret stands on it.
    Never,
}

/// A page.
pub(super) fn page(status: u16, template: &impl Template, keeping: Keeping) -> Reply {
    match template.render() {
        Ok(html) => {
            let mut reply = Reply::empty(status);
            reply.body = html.into_bytes();
            guarded(reply.header("content-type", "text/html; charset=utf-8"), keeping)
        }
        Err(error) => {
            tracing::error!(%error, "a page of the dashboard cannot be written");
            guarded(Reply::empty(500), Keeping::Never)
        }
    }
}

/// The same answer with the headers that every page has.
pub(super) fn guarded(reply: Reply, keeping: Keeping) -> Reply {
    reply
        .header("content-security-policy", CONTENT_SECURITY_POLICY)
        .header("referrer-policy", "same-origin")
        .header("x-content-type-options", "nosniff")
        .header("cross-origin-opener-policy", "same-origin")
        .header(
            "cache-control",
            match keeping {
                Keeping::ForBack => "private, no-cache",
                Keeping::Never => "no-store",
            },
        )
        .header("vary", "cookie")
}

/// After a form: on to a page, which is asked for with GET.
pub(super) fn see_other(address: impl Into<String>) -> Reply {
    guarded(Reply::empty(303).header("location", address), Keeping::Never)
}

/// The same page has another address, now and always.
pub(super) fn moved(address: impl Into<String>) -> Reply {
    guarded(Reply::empty(308).header("location", address), Keeping::Never)
}

impl Visit<'_> {
    /// A page that a browser may keep for going back and forth.
    pub(super) fn page(&self, status: u16, template: &impl Template) -> Reply {
        self.without_flash(page(status, template, Keeping::ForBack))
    }

    /// The one page on which a secret stands.
    pub(super) fn page_with_secret(&self, status: u16, template: &impl Template) -> Reply {
        self.without_flash(page(status, template, Keeping::Never))
    }

    /// On to a page below the mount (`t/tok_…`, or nothing for the list), with a word on what was
    /// done.
    pub(super) fn see_other(&self, address: &str, flash: Option<super::flash::Flash>) -> Reply {
        let reply = see_other(format!("{}{address}", self.root()));
        match flash {
            Some(flash) => flash.told_by(reply, self),
            None => reply,
        }
    }

    fn without_flash(&self, reply: Reply) -> Reply {
        if self.flash.is_some() { super::flash::Flash::taken_from(reply, self) } else { reply }
    }
}
