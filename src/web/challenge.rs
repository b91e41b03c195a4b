//! The header that says what is wrong with a credential (RFC 6750, section 3).

use crate::{Denied, Scope};

/// The value of `WWW-Authenticate` for a refusal; none where another credential would not help.
pub(super) fn of(denied: &Denied, realm: &str) -> Option<String> {
    let realm = quotable(realm);
    let invalid = |description: &str| {
        format!(
            r#"Bearer realm="{realm}", error="invalid_token", error_description="{}""#,
            quotable(description)
        )
    };
    Some(match denied {
        Denied::Missing => format!(r#"Bearer realm="{realm}""#),
        Denied::Ambiguous(_) => format!(r#"Bearer realm="{realm}", error="invalid_request""#),
        Denied::Invalid => invalid("The token is missing a letter or is not known here"),
        Denied::Revoked(_) => invalid("The token was revoked"),
        Denied::Expired(_) => invalid("The token expired"),
        Denied::NotYetValid(_) => invalid("The token is not valid yet"),
        Denied::Rotated(_) => invalid("The token was replaced by a new one"),
        Denied::InsufficientScope(shortage) => {
            let scopes: Vec<_> = shortage.required.iter().map(Scope::as_str).collect();
            format!(r#"Bearer realm="{realm}", error="insufficient_scope", scope="{}""#, scopes.join(" "))
        }
        Denied::Paused(_)
        | Denied::AddressNotAllowed
        | Denied::NotForTokens
        | Denied::RateLimited(_)
        | Denied::SharedLimit(_) => return None,
    })
}

/// What may stand between quotes: visible ASCII and spaces, without `"` and `\`.
fn quotable(text: &str) -> String {
    text.chars()
        .filter(|character| matches!(character, ' '..='~') && !matches!(character, '"' | '\\'))
        .collect()
}
