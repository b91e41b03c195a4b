//! `ETag`, `If-Match` and `Idempotency-Key`.

use super::Fault;
use super::context::Context;

/// The ETag of a version of a token. Use never changes it.
pub(crate) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The version that a change is meant for: none where the client does not say, or takes any.
///
/// Several ETags mean one of them; which one that is, is looked up, and the change is then bound
/// to it.
pub(crate) async fn if_match(context: &Context<'_>) -> Result<Option<u64>, Fault> {
    let mut sent = Vec::new();
    context.http.headers.each("if-match", &mut |value| sent.push(value));
    if sent.is_empty() {
        return Ok(None);
    }
    let unreadable = || Fault::malformed("If-Match is the ETag of the token in its quotes, or *.");
    let mut tags = Vec::new();
    for value in sent {
        let text = std::str::from_utf8(value).map_err(|_| unreadable())?;
        tags.extend(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()));
    }
    let is_quoted = |tag: &str| {
        let opaque = tag.strip_prefix("W/").unwrap_or(tag);
        opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"')
    };
    match &*tags {
        ["*"] => return Ok(None),
        [] => return Err(unreadable()),
        tags if !tags.iter().all(|tag| is_quoted(tag)) => return Err(unreadable()),
        _ => {}
    }
    // A weak tag, or one that is none of ours, matches no version.
    let versions: Vec<u64> =
        tags.iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()).collect();
    if let [version] = *versions {
        return Ok(Some(version));
    }
    let current = context.record().await?.version;
    if versions.contains(&current) { Ok(Some(current)) } else { Err(Fault::stale(&etag(current))) }
}

/// The key that makes a repetition harmless.
pub(crate) fn idempotency_key(context: &Context<'_>) -> Result<Option<String>, Fault> {
    let wrong = || Fault::malformed("An Idempotency-Key is 1 to 200 visible ASCII characters, sent once.");
    let Some(key) = context.http.only_header("idempotency-key").map_err(|_| wrong())? else {
        return Ok(None);
    };
    if !(1..=200).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
        return Err(wrong());
    }
    String::from_utf8(key.to_vec()).map(Some).map_err(|_| wrong())
}
