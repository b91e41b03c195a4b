//! What a shop's owner is told without asking: here on the terminal, in a service by mail.

use std::convert::Infallible;

use tokenward::{Event, EventKind};

/// Tells of an event on the terminal. A service would send a mail, and fail if it could not.
pub fn tell(event: Event) -> Result<(), Infallible> {
    let Event { kind, name, tenant, .. } = &event;
    let what = match kind {
        EventKind::Expiring { days, expires_at } => {
            format!("expires in {days} days or less, at {}", expires_at.format("%-d %B %Y, %H:%M UTC"))
        }
        EventKind::ExpiredInUse { .. } => "has expired, and is still called".to_owned(),
        EventKind::Limited => "is refused by its limit now".to_owned(),
        EventKind::Unused { days, .. } => format!("was not used for {days} days"),
        EventKind::NewAddress { client } => format!("is called from a new address, {}", client.address),
        EventKind::Failing { success_rate, calls } => {
            format!("fails: of its last {calls} calls {:.0} % succeeded", 100.0 * success_rate)
        }
        other => format!("deserves attention: {other:?}"),
    };
    // Names are their owners' words: quoted, so that none can write on the terminal what it likes.
    eprintln!("attention: the token {name:?} of {} {what}", tenant.as_deref().unwrap_or("nobody"));
    Ok(())
}
