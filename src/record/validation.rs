//! Checks of what is asked for: all of it at once, each with what would be right.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::scope::CompiledCatalog;
use crate::token::repeatable;
use crate::{AddressRange, Scope};

/// One field that was asked for wrongly.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct FieldError {
    /// Where it stands, as a JSON pointer (RFC 6901) into the admin API's body: `/rate_limit/per_minute`.
    pub pointer: String,
    /// A word for programs: `range`, `length`, `characters`, `unknown`, `required`, `format`.
    pub code: &'static str,
    /// What was wrong and what would be right.
    pub detail: String,
}

/// Everything that is wrong with what was asked for. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Invalid {
    /// Each field that is wrong; never empty.
    pub errors: Vec<FieldError>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.errors.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(formatter, "{separator}{}: {}", error.pointer, error.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

/// Collects what is wrong.
#[derive(Default)]
pub(crate) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub(crate) fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), code, detail: detail.into() });
    }

    pub(crate) fn finish(self) -> Result<(), Invalid> {
        if self.0.is_empty() { Ok(()) } else { Err(Invalid { errors: self.0 }) }
    }
}

/// The checks of single fields. Each adds to the errors, or gives the value as it is kept.
pub(crate) struct Validation<'a> {
    pub(crate) catalog: &'a CompiledCatalog,
    pub(crate) errors: FieldErrors,
}

impl<'a> Validation<'a> {
    pub(crate) fn new(catalog: &'a CompiledCatalog) -> Validation<'a> {
        Validation { catalog, errors: FieldErrors::default() }
    }

    pub(crate) fn name(&mut self, name: &str) -> String {
        let name = name.trim();
        if name.is_empty() {
            self.errors.add("/name", "required", "give it a name that people know it by");
        }
        self.text("/name", name, 100)
    }

    pub(crate) fn description(&mut self, description: &str) -> String {
        let text = description.trim();
        // A description may have lines; nothing else that is invisible.
        let lines = text.replace("\r\n", "\n");
        self.text_of_lines("/description", &lines, 1_000);
        lines
    }

    pub(crate) fn tenant(&mut self, tenant: Option<&str>) -> Option<String> {
        let tenant = tenant?;
        let printable = tenant.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || tenant.is_empty() || tenant.len() > 128 {
            self.errors.add(
                "/tenant",
                "characters",
                "a tenant is 1 to 128 visible ASCII characters, without spaces",
            );
        }
        Some(tenant.to_owned())
    }

    pub(crate) fn label(&mut self, pointer: &str, text: Option<&str>, longest: usize) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        Some(self.text(pointer, text, longest))
    }

    pub(crate) fn scopes<S: AsRef<str>>(&mut self, names: &[S]) -> BTreeSet<Scope> {
        let mut scopes = BTreeSet::new();
        for (place, name) in names.iter().enumerate() {
            match self.catalog.find(name.as_ref()) {
                Some(scope) => _ = scopes.insert(scope.clone()),
                None => {
                    let shown = repeatable(name.as_ref());
                    self.errors.add(
                        format!("/scopes/{place}"),
                        "unknown",
                        format!("{shown:?} is not a scope of this service"),
                    );
                }
            }
        }
        scopes
    }

    pub(crate) fn addresses(&mut self, ranges: &[String]) -> Vec<AddressRange> {
        if ranges.len() > 100 {
            self.errors.add("/ip_allow", "length", "at most 100 addresses or blocks");
            return Vec::new();
        }
        let mut kept = Vec::new();
        for (place, text) in ranges.iter().enumerate() {
            match text.trim().parse::<AddressRange>() {
                Ok(range) if kept.contains(&range) => {}
                Ok(range) => kept.push(range),
                Err(error) => self.errors.add(format!("/ip_allow/{place}"), "format", error.to_string()),
            }
        }
        kept
    }

    pub(crate) fn metadata(&mut self, metadata: &BTreeMap<String, String>) {
        if metadata.len() > 50 {
            self.errors.add("/metadata", "length", "at most 50 attributes");
        }
        for (key, value) in metadata {
            let pointer = format!("/metadata/{}", escaped(key));
            let key_is_fine = !key.is_empty()
                && key.len() <= 40
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
            if !key_is_fine {
                let detail = "an attribute's key is 1 to 40 characters of A-Z a-z 0-9 . _ -";
                self.errors.add(pointer, "characters", detail);
            } else {
                self.text(&pointer, value, 500);
            }
        }
    }

    /// One line of text.
    pub(crate) fn text(&mut self, pointer: &str, text: &str, longest: usize) -> String {
        if text.contains('\n') {
            self.errors.add(pointer, "characters", "one line only");
        } else {
            self.text_of_lines(pointer, text, longest);
        }
        text.to_owned()
    }

    fn text_of_lines(&mut self, pointer: &str, text: &str, longest: usize) {
        if text.chars().count() > longest {
            self.errors.add(pointer, "length", format!("at most {longest} characters"));
        }
        if text.chars().any(|character| character != '\n' && is_invisible(character)) {
            let detail = "control characters and marks that change the direction of text are not allowed";
            self.errors.add(pointer, "characters", detail);
        }
    }
}

/// Characters that could make a name look like another one, or end a line of a log.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}' | '\u{fff9}'..='\u{fffb}')
}

/// A key as a part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.chars().take(40).collect::<String>().replace('~', "~0").replace('/', "~1")
}
