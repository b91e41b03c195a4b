//! The names of the keys of a request.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::Take;

/// How what is in the keys is written: a script that writes otherwise must use other keys.
const FORM: u32 = 1;

/// The token's key, if it has a limit, and then its tenant's. What stands in braces puts both into
/// one slot of a cluster. Without a limit that is shared each token may be in a slot of its own.
pub(super) fn of(prefix: &str, request: &Take<'_>) -> Vec<String> {
    let token = request.token;
    let own = |key: String| (!request.limit.is_unlimited()).then_some(key);
    match shared(request) {
        None => own(format!("{prefix}:{FORM}:{{{token}}}")).into_iter().collect(),
        Some(tenant) => {
            let shared = format!("{prefix}:{FORM}:{{{}}}", tag(tenant));
            own(format!("{shared}:{token}")).into_iter().chain([shared]).collect()
        }
    }
}

/// The tenant whose tokens share a limit.
fn shared<'a>(request: &Take<'a>) -> Option<Option<&'a str>> {
    request.shared.filter(|(_, limit)| !limit.is_unlimited()).map(|(tenant, _)| tenant)
}

/// A name could hold braces, and be of any length.
fn tag(tenant: Option<&str>) -> String {
    let Some(tenant) = tenant else { return "without".into() };
    Sha256::digest(tenant).iter().take(16).fold(String::with_capacity(32), |mut tag, byte| {
        // Writing to a String cannot fail.
        _ = write!(tag, "{byte:02x}");
        tag
    })
}
