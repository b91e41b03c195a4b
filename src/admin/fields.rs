//! The fields of a body: each taken by its name, and whatever is left over is refused.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::Fault;
use crate::{Error, FieldError, Invalid};

/// The fields of an object, and what is wrong with those that were taken.
pub(crate) struct Fields {
    object: Map<String, Value>,
    /// Where the object stands in the body, as a JSON pointer.
    place: String,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

/// What a field says that may be taken away: nothing, that it is to be none, or a value.
pub(crate) type Optional<T> = Option<Option<T>>;

impl Fields {
    pub(crate) fn new(object: Map<String, Value>) -> Fields {
        Fields { object, place: String::new(), known: Vec::new(), errors: Vec::new() }
    }

    /// Takes a field by its name. `null` is `Some(None)`.
    fn take(&mut self, name: &'static str) -> Optional<Value> {
        self.known.push(name);
        self.object.remove(name).map(|value| (!value.is_null()).then_some(value))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    pub(crate) fn error(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = format!("{}/{}", self.place, escaped(name));
        self.errors.push(FieldError { pointer, code, detail: detail.into() });
    }

    /// Whether something is wrong with what was taken until now.
    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Text, or none.
    pub(crate) fn text(&mut self, name: &'static str) -> Optional<String> {
        match self.take(name)? {
            None => Some(None),
            Some(Value::String(text)) => Some(Some(text)),
            Some(_) => {
                self.error(name, "type", "text is needed here");
                None
            }
        }
    }

    /// Text that cannot be taken away.
    pub(crate) fn required_text(&mut self, name: &'static str) -> Option<String> {
        match self.text(name)? {
            Some(text) => Some(text),
            None => {
                self.error(name, "required", "text is needed here, not null");
                None
            }
        }
    }

    /// A list of texts; `null` is an empty one.
    pub(crate) fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let values = match self.take(name)? {
            None => return Some(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => {
                self.error(name, "type", "a list of texts is needed here");
                return None;
            }
        };
        // One mistake for the list would not say which; one per value could be thousands.
        if let Some(place) = values.iter().position(|value| !value.is_string()) {
            let pointer = format!("{}/{name}/{place}", self.place);
            self.errors.push(FieldError { pointer, code: "type", detail: "text is needed here".to_owned() });
            return None;
        }
        let text = |value| if let Value::String(text) = value { Some(text) } else { None };
        Some(values.into_iter().filter_map(text).collect())
    }

    /// A moment, or none.
    pub(crate) fn time(&mut self, name: &'static str) -> Optional<DateTime<Utc>> {
        let Some(text) = self.text(name)? else { return Some(None) };
        match moment(&text) {
            Some(time) => Some(Some(time)),
            None => {
                self.error(name, "format", TIME_FORM);
                None
            }
        }
    }

    /// Whole seconds, or none.
    pub(crate) fn seconds(&mut self, name: &'static str) -> Optional<TimeDelta> {
        let value = match self.take(name)? {
            None => return Some(None),
            Some(value) => value,
        };
        match value.as_i64().and_then(TimeDelta::try_seconds) {
            Some(time) => Some(Some(time)),
            None => {
                self.error(name, "type", "a whole number of seconds is needed here");
                None
            }
        }
    }

    /// Yes or no; `null` is no.
    pub(crate) fn truth(&mut self, name: &'static str) -> bool {
        match self.take(name) {
            None | Some(None) => false,
            Some(Some(Value::Bool(truth))) => truth,
            Some(Some(_)) => {
                self.error(name, "type", "true or false is needed here");
                false
            }
        }
    }

    /// A number of requests, or none.
    pub(crate) fn requests(&mut self, name: &'static str) -> Optional<u32> {
        let value = match self.take(name)? {
            None => return Some(None),
            Some(value) => value,
        };
        match value.as_u64().and_then(|number| u32::try_from(number).ok()) {
            Some(number) if number > 0 => Some(Some(number)),
            _ => {
                self.error(name, "range", "a whole number of requests, at least 1, is needed here");
                None
            }
        }
    }

    /// An object in a field, with fields of its own, or none. Give it back by [`Fields::end`].
    pub(crate) fn object(&mut self, name: &'static str) -> Optional<Fields> {
        match self.take(name)? {
            None => Some(None),
            Some(Value::Object(object)) => {
                Some(Some(Fields { place: format!("{}/{name}", self.place), ..Fields::new(object) }))
            }
            Some(_) => {
                self.error(name, "type", "an object is needed here");
                None
            }
        }
    }

    /// What is wrong with an object in a field.
    pub(crate) fn end(&mut self, inner: Fields) {
        self.errors.extend(inner.mistakes());
    }

    /// Every entry of an object whose keys are free: texts, or nulls where they may be.
    pub(crate) fn entries(&mut self, nulls: bool) -> Vec<(String, Option<String>)> {
        let mut entries = Vec::new();
        for (key, value) in std::mem::take(&mut self.object) {
            match value {
                Value::String(text) => entries.push((key, Some(text))),
                Value::Null if nulls => entries.push((key, None)),
                _ => self.error(&key, "type", "text is needed here"),
            }
        }
        entries
    }

    /// Everything that is wrong, here and (`checked`) by the rules of the core, all at once.
    /// `renamed` says which field was sent in another one's place.
    pub(crate) fn finish(self, checked: Result<(), Error>, renamed: &[(&str, &str)]) -> Result<(), Fault> {
        let mut errors = self.mistakes();
        match checked {
            Ok(()) => {}
            Err(Error::Invalid(invalid)) => merge(&mut errors, invalid, renamed),
            Err(error) if errors.is_empty() => return Err(error.into()),
            Err(_) => {}
        }
        if errors.is_empty() { Ok(()) } else { Err(Fault::validation(Invalid { errors })) }
    }

    fn mistakes(mut self) -> Vec<FieldError> {
        let left_over: Vec<_> = std::mem::take(&mut self.object).into_iter().map(|(key, _)| key).collect();
        let detail = match &*self.known {
            [] => "there are no fields here".to_owned(),
            known => format!("there is no such field here; there are {}", known.join(", ")),
        };
        for key in left_over {
            self.error(&key, "unknown", &*detail);
        }
        self.errors
    }
}

/// Adds what the core says, unless the field was told of already.
fn merge(errors: &mut Vec<FieldError>, invalid: Invalid, renamed: &[(&str, &str)]) {
    for mut error in invalid.errors {
        if let Some((_, sent)) = renamed.iter().find(|(name, _)| error.pointer == *name) {
            error.pointer = (*sent).to_owned();
        }
        if !errors.iter().any(|told| told.pointer == error.pointer) {
            errors.push(error);
        }
    }
}

pub(crate) const TIME_FORM: &str = "a time reads 2027-02-01T00:00:00Z";

/// A moment as RFC 3339 writes it, in the years that RFC 3339 can write.
pub(crate) fn moment(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (1970..=9999).contains(&time.year()).then_some(time)
}

/// A key as a part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.chars().take(60).collect::<String>().replace('~', "~0").replace('/', "~1")
}
