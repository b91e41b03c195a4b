//! Lists in pages: `limit` says how many rows, `after` names the last row already seen.

use serde::Serialize;

use crate::problem::Problem;

const USUAL: i64 = 20;
const MOST: i64 = 100;

pub struct Page {
    pub limit: i64,
    pub after: Option<i64>,
}

impl Page {
    pub fn read(limit: Option<&str>, after: Option<&str>) -> Result<Self, Problem> {
        let limit = match limit {
            None => USUAL,
            Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
                Problem::bad_request(format!(
                    "limit must be a whole number from 1 to {MOST}; it is `{text}`."
                ))
            })?,
        };
        let after = match after {
            None => None,
            Some(text) => Some(text.parse().ok().filter(|after| *after > 0).ok_or_else(|| {
                Problem::bad_request(format!(
                    "after must be the `next_after` of the page before; it is `{text}`."
                ))
            })?),
        };
        Ok(Self { limit, after })
    }

    /// One row more than asked for shows whether another page follows, without counting them all.
    pub fn rows_to_read(&self) -> i64 {
        self.limit + 1
    }

    /// `after` for lists that start with the lowest number.
    pub fn above(&self) -> i64 {
        self.after.unwrap_or(0)
    }

    /// `after` for lists that start with the highest number.
    pub fn below(&self) -> i64 {
        self.after.unwrap_or(i64::MAX)
    }
}

#[derive(Serialize)]
pub struct Listing<T> {
    items: Vec<T>,
    /// What to send as `after` for the next page; `null` on the last one.
    next_after: Option<i64>,
}

impl<T> Listing<T> {
    pub fn new(mut rows: Vec<T>, page: &Page, id: impl Fn(&T) -> i64) -> Self {
        let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next_after = if more { rows.last().map(id) } else { None };
        Self { items: rows, next_after }
    }
}
