//! What somebody may do, one by one.

use super::Fault;

/// What somebody may do, one by one: for [`Access::Custom`](super::Access::Custom).
///
/// Looking at tokens, their settings and their figures needs none of these.
///
/// ```
/// use tokenward::admin::Permissions;
/// // A support desk that may stop a token in a hurry, and change nothing else.
/// let mut support = Permissions::read_only();
/// support.pause = true;
/// support.view_addresses = false;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Permissions {
    /// Create tokens.
    pub create: bool,
    /// Change name, scopes, limit, expiry and addresses in place.
    pub edit: bool,
    /// Give a token a new secret, and end or prolong the old one's grace period.
    pub rotate: bool,
    /// Pause and resume.
    pub pause: bool,
    /// Revoke, and delete what is revoked or expired.
    pub revoke: bool,
    /// Look at calls one by one.
    pub view_calls: bool,
    /// See the addresses of clients; without it they are left out everywhere.
    pub view_addresses: bool,
    /// Look at history.
    pub view_history: bool,
}

impl Permissions {
    /// Everything.
    pub const fn all() -> Permissions {
        Permissions {
            create: true,
            edit: true,
            rotate: true,
            pause: true,
            revoke: true,
            view_calls: true,
            view_addresses: true,
            view_history: true,
        }
    }

    /// Looking at everything, and changing nothing.
    pub const fn read_only() -> Permissions {
        Permissions {
            create: false,
            edit: false,
            rotate: false,
            pause: false,
            revoke: false,
            ..Permissions::all()
        }
    }

    /// The same without everything that changes something.
    #[cfg(feature = "dashboard")]
    pub(crate) const fn without_changes(self) -> Permissions {
        let Permissions { view_calls, view_addresses, view_history, .. } = self;
        Permissions { view_calls, view_addresses, view_history, ..Permissions::read_only() }
    }

    /// Whether a right is among them.
    pub(crate) const fn has(&self, right: Right) -> bool {
        match right {
            Right::Look => true,
            Right::ChangeSome => self.changes(),
            Right::Create => self.create,
            Right::Edit => self.edit,
            Right::Rotate => self.rotate,
            Right::Pause => self.pause,
            Right::Revoke => self.revoke,
            Right::ViewCalls => self.view_calls,
            Right::ViewHistory => self.view_history,
        }
    }

    /// Whether anything can be changed with them.
    pub(crate) const fn changes(&self) -> bool {
        self.create || self.edit || self.rotate || self.pause || self.revoke
    }
}

/// What a route needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Right {
    /// Being let in.
    Look,
    /// Any right to change something; which one, the body of the request says.
    ChangeSome,
    Create,
    Edit,
    Rotate,
    Pause,
    Revoke,
    ViewCalls,
    ViewHistory,
}

impl Right {
    /// Whether it changes anything: a bearer token needs `tokens:manage` for these.
    pub(crate) const fn changes(self) -> bool {
        !matches!(self, Right::Look | Right::ViewCalls | Right::ViewHistory)
    }

    /// Refuses whoever does not have it.
    pub(crate) fn check(self, permissions: &Permissions) -> Result<(), Fault> {
        match () {
            () if permissions.has(self) => Ok(()),
            () if permissions.changes() || !self.changes() => Err(Fault::not_permitted()),
            () => Err(Fault::forbidden()),
        }
    }
}
