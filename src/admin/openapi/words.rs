//! Words of the API: text of a certain form, and one word of a list.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::admin::shape::Moment;
use crate::history::Action;
use crate::usage::Outcome;
use crate::{FindingKind, Status, Via};

/// Gives a type a name in the document, and its schema.
macro_rules! word {
    ($type:ident, $name:literal, $schema:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let schema: ObjectBuilder = $schema;
                schema.into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                $name.into()
            }
        }
    };
}

/// Whether a type stands where it is used, and is no schema of its own.
pub(super) fn is_inline(name: &str) -> bool {
    name.starts_with("Line")
        || matches!(name, "Moment" | "TokenId" | "ScopeName" | "AddressText" | "AttributeMap")
}

pub(in crate::admin) struct Id;
pub(in crate::admin) struct ScopeName;
pub(in crate::admin) struct AddressText;
pub(in crate::admin) struct StatusWord;
pub(in crate::admin) struct OutcomeWord;
pub(in crate::admin) struct ViaWord;
pub(in crate::admin) struct ActionWord;
pub(in crate::admin) struct FindingWord;

pub(super) const ID_PATTERN: &str = "^tok_[0-9A-Za-z_]{16}$";
pub(super) const SCOPE_PATTERN: &str = "^[0-9A-Za-z._-]+(:[0-9A-Za-z._-]+)+$";

word!(Moment, "Moment", text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))));
word!(Id, "TokenId", text().pattern(Some(ID_PATTERN)));
word!(ScopeName, "ScopeName", text().pattern(Some(SCOPE_PATTERN)).max_length(Some(64)));
word!(AddressText, "AddressText", text().min_length(Some(1)));
word!(StatusWord, "TokenStatus", one_of(&Status::ALL).description(Some(
    "What a token's life comes to now. Only `revoked` is for good: an expired token that is extended is active again."
)));
word!(
    OutcomeWord,
    "CallOutcome",
    one_of(&Outcome::ALL).description(Some("What a verification said: `granted`, or why it was refused."))
);
word!(
    ViaWord,
    "Via",
    one_of(&[Via::Code, Via::Api, Via::Dashboard]).description(Some("Which way a change came."))
);
word!(
    FindingWord,
    "FindingKind",
    one_of(&FindingKind::ALL).description(Some("Why a token deserves attention, the most pressing first."))
);
word!(ActionWord, "HistoryAction", one_of(&Action::ALL).description(Some("What was done to a token.")));

/// One line of text with at most so many characters.
pub(in crate::admin) struct Line<const LONGEST: usize>;

/// Text that cannot look like other text: no control characters, and no marks that change its direction.
/// Spaces around it are cut off.
const LINE_PATTERN: &str = concat!(
    "^[\\t-\\r \\u0085]*",
    "[^\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]*",
    "[\\t-\\r \\u0085]*$",
);

impl<const LONGEST: usize> PartialSchema for Line<LONGEST> {
    fn schema() -> RefOr<Schema> {
        text().pattern(Some(LINE_PATTERN)).max_length(Some(LONGEST)).into()
    }
}

impl<const LONGEST: usize> ToSchema for Line<LONGEST> {
    fn name() -> Cow<'static, str> {
        format!("Line{LONGEST}").into()
    }
}

/// What a service keeps about a token: keys and texts.
pub(in crate::admin) struct AttributeMap;

impl PartialSchema for AttributeMap {
    fn schema() -> RefOr<Schema> {
        let key = text().pattern(Some("^[0-9A-Za-z._-]{1,40}$"));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .max_properties(Some(50))
            .property_names(Some(key))
            .additional_properties(Some(Line::<500>::schema()))
            .into()
    }
}

impl ToSchema for AttributeMap {
    fn name() -> Cow<'static, str> {
        "AttributeMap".into()
    }
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn one_of(words: &[impl serde::Serialize]) -> ObjectBuilder {
    text().enum_values(Some(words.iter().map(|word| serde_json::to_value(word).unwrap_or_default())))
}
