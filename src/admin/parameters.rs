//! The parameters of the query: each taken by its name, and whatever is left over is refused.

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

use super::Fault;
use super::fields::{TIME_FORM, moment};

/// The parameters of a query, decoded.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn read(query: Option<&str>) -> Result<Parameters, Fault> {
        let mut parameters = Vec::new();
        for pair in query.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push((decoded(name)?, decoded(value)?));
        }
        Ok(Parameters(parameters))
    }

    /// The same without what says nothing: a form sends its empty fields as well.
    #[cfg(feature = "dashboard")]
    pub(crate) fn without_empty(mut self) -> Parameters {
        self.0.retain(|(_, value)| !value.trim().is_empty());
        self
    }

    /// What a cursor is bound to: all that decides what a listing shows.
    pub(crate) fn fingerprint(&self) -> String {
        let decides = |name: &str| !matches!(name, "cursor" | "limit" | "include");
        let mut chosen: Vec<_> = self.0.iter().filter(|(name, _)| decides(name)).collect();
        chosen.sort();
        serde_json::to_string(&chosen).unwrap_or_default()
    }

    /// Whether a parameter is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(is, _)| is == name)
    }

    /// A parameter that may stand once.
    pub(crate) fn one(&mut self, name: &str) -> Result<Option<String>, Fault> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(Fault::parameter(name, format!("Send {name} once, not several times."))),
        }
    }

    /// A parameter that may stand several times.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(is, _)| is == name).map(|(_, value)| value).collect()
    }

    /// Every parameter whose name starts so, by the rest of it.
    pub(crate) fn below(&mut self, start: &str) -> Vec<(String, String)> {
        let found = self.0.extract_if(.., |(is, _)| is.starts_with(start));
        found.map(|(name, value)| (name[start.len()..].to_owned(), value)).collect()
    }

    pub(crate) fn time(&mut self, name: &str) -> Result<Option<DateTime<Utc>>, Fault> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let wrong = || Fault::parameter(name, format!("{name} is not right: {TIME_FORM}."));
        moment(&text).ok_or_else(wrong).map(Some)
    }

    /// How many a page shows.
    pub(crate) fn limit(&mut self) -> Result<u32, Fault> {
        let Some(text) = self.one("limit")? else { return Ok(50) };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(limit) if is_number && (1..=200).contains(&limit) => Ok(limit),
            _ => Err(Fault::parameter("limit", "limit is a number from 1 to 200.")),
        }
    }

    /// Refuses what nobody has taken.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(Fault::parameter(name, "There is no such parameter here. Check its spelling."))
            }
        }
    }
}

fn decoded(text: &str) -> Result<String, Fault> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(|_| Fault::malformed("The query has a part that is no UTF-8 text."))?;
    if decoded.chars().count() > 2_000 || decoded.chars().any(char::is_control) {
        return Err(Fault::malformed("The query has a part that is too long, or has control characters."));
    }
    Ok(decoded.into_owned())
}
