//! Two people with one form: what one has typed, beside what the other has saved.

use super::super::dialog::{self, Changed};
use crate::TokenRecord;
use crate::dashboard::token_form::TokenForm;
use crate::dashboard::visit::Visit;

/// What was saved meanwhile, beside what was typed.
pub(super) struct Conflict {
    pub(super) changed: Changed,
    pub(super) rows: Vec<ConflictRow>,
}

pub(super) struct ConflictRow {
    pub(super) field: &'static str,
    pub(super) typed: String,
    pub(super) saved: String,
}

impl Conflict {
    pub(super) async fn of(visit: &Visit<'_>, typed: &TokenForm, record: &TokenRecord) -> Conflict {
        let saved = TokenForm::of_record(record);
        let pairs = typed.lines(record, visit.context.now()).into_iter();
        let rows = pairs
            .zip(saved.lines(record, visit.context.now()))
            .filter(|((_, typed), (_, saved))| typed != saved)
            .map(|((field, typed), (_, saved))| ConflictRow {
                field,
                typed: said(typed),
                saved: said(saved),
            });
        Conflict { rows: rows.collect(), changed: dialog::changed(visit, record).await }
    }
}

fn said(text: String) -> String {
    if text.is_empty() { "nothing".to_owned() } else { text }
}
