//! From a path to the template that it is counted under.
//!
//! A log tells paths, and statistics are by route. Nothing here knows the service's routes, so that
//! what looks like an id becomes one. What gets through all the same is bounded by the recorder.

use crate::entry::Request;

/// Beyond so many segments a path goes on as `{more}`.
const MOST_SEGMENTS: usize = 8;
/// A segment longer than this is an id, whatever is in it.
const LONGEST_SEGMENT: usize = 64;

/// Writes the method and the template behind `text`: `GET /orders/{id}`, or `(none)` for what is no
/// request.
pub fn write(request: &Request<'_>, text: &mut String) {
    if request.method.is_empty() {
        text.push_str("(none)");
        return;
    }
    text.push_str(&request.method);
    text.push(' ');
    let path = request.path.split(['?', '#']).next().unwrap_or_default();
    // In the absolute form the host comes first.
    let path = match path.split_once("://") {
        Some((_scheme, rest)) => rest.split_once('/').map_or("", |(_host, path)| path),
        None => path,
    };
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let length = text.len();
    for segment in segments.by_ref().take(MOST_SEGMENTS) {
        text.push('/');
        match (is_id(segment), segment.rsplit_once('.')) {
            (true, _) => text.push_str("{id}"),
            (false, Some((stem, kind))) if is_id(stem) && is_extension(kind) => {
                text.push_str("{id}.");
                text.push_str(kind);
            }
            _ => text.push_str(segment),
        }
    }
    if segments.next().is_some() {
        text.push_str("/{more}");
    }
    if text.len() == length {
        text.push('/');
    }
}

fn is_extension(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A number; a UUID or another long word of hexadecimal digits; a long word with digits and letters in
/// both cases, as base64 gives; a long one with digits and letters in one, as ULIDs are.
fn is_id(segment: &str) -> bool {
    if segment.len() > LONGEST_SEGMENT || segment.bytes().any(|byte| byte.is_ascii_control()) {
        return true;
    }
    let (mut digits, mut hex, mut upper, mut lower, mut dashes) = (0, 0, 0, 0, 0);
    for byte in segment.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'A'..=b'Z' => upper += 1,
            b'a'..=b'z' => lower += 1,
            b'-' | b'_' | b'=' => dashes += 1,
            _ => return false,
        }
        hex += usize::from(byte.is_ascii_hexdigit());
    }
    let length = segment.len();
    let all_hex = hex + dashes == length && digits > 0;
    digits == length
        || (all_hex && hex >= 8)
        || (length >= 16 && digits > 0 && upper > 0 && lower > 0)
        || (length >= 20 && digits > 0 && dashes == 0)
}
