//! What a client would rather have, by `Accept`.

use crate::web::Request;

/// One JSON document on each line.
pub(crate) const LINES: &str = "application/x-ndjson";

/// Whether `Accept` names this media type, and names JSON no higher.
pub(super) fn prefers(http: &Request<'_>, media_type: &str) -> bool {
    let mut sent = Vec::new();
    http.headers.each("accept", &mut |value| sent.extend(std::str::from_utf8(value)));
    let weight = |wanted: &str| {
        let ranges = sent.iter().flat_map(|value| value.split(','));
        ranges.filter_map(|range| weight_of(range, wanted)).fold(0.0, f32::max)
    };
    let weight_of_it = weight(media_type);
    weight_of_it > 0.0 && weight_of_it >= weight("application/json")
}

/// The weight of a media range, if it is this one by name.
fn weight_of(range: &str, wanted: &str) -> Option<f32> {
    let mut parts = range.split(';').map(str::trim);
    let is_it = parts.next()?.eq_ignore_ascii_case(wanted);
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    is_it.then(|| weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
}
