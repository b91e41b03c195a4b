//! Adding to minutes, hours and days what was counted in minutes that are over: all of them are read,
//! added to here, and written, in three statements.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;

use super::super::failure::Fault;
use super::super::session::Session;
use super::super::sql::Schema;
use super::columns::mended;
use crate::usage::running::Running;
use crate::usage::{Clients, Detail, Encoded, Level, Tally, columns, subject_text};

/// What is rolled up, by subject and minute, what is coarse apart.
#[derive(Default)]
pub(super) struct Taken(BTreeMap<(String, i64, bool), Running>);

impl Taken {
    /// The last minute, and the last subject of that.
    pub(super) fn last(&self) -> Option<(i64, String)> {
        let last = self.0.keys().max_by_key(|(subject, minute, _)| (*minute, subject))?;
        Some((last.1, last.0.clone()))
    }

    pub(super) fn add(&mut self, subject: String, more: Running) {
        let names = subject_text::names(&subject);
        Running::sum(self.0.entry((subject, more.minute, more.coarse)), more, names);
    }
}

type Key = (String, i16, i64);

/// The spans that are added to.
pub(super) struct Spans(BTreeMap<Key, Open>);

#[derive(Default)]
struct Open {
    tally: Tally,
    detail: Detail,
    clients: Clients,
}

pub(super) const READ: &str = "SELECT k.subject, k.level, k.start, f.tally, d.detail, d.clients \
     FROM unnest($1, $2, $3) AS k (subject, level, start) \
     CROSS JOIN LATERAL (SELECT tally FROM tokenward.usage_figures AS f \
        WHERE f.subject = k.subject AND f.level = k.level AND f.start = k.start OFFSET 0) AS f \
     LEFT JOIN LATERAL (SELECT detail, clients FROM tokenward.usage_details AS d \
        WHERE d.subject = k.subject AND d.level = k.level AND d.start = k.start OFFSET 0) AS d ON true";
pub(super) const WRITE: &str = "WITH detailed AS ( \
        INSERT INTO tokenward.usage_details (subject, level, start, detail, clients) \
        SELECT * FROM unnest($5, $6, $7, $8, $9) \
        ON CONFLICT (subject, level, start) DO UPDATE \
            SET detail = excluded.detail, clients = excluded.clients) \
     INSERT INTO tokenward.usage_figures (subject, level, start, tally) SELECT * FROM unnest($1, $2, $3, $4) \
     ON CONFLICT (subject, level, start) DO UPDATE SET tally = excluded.tally";

impl Spans {
    /// As they stand now.
    pub(super) async fn of(session: &mut Session, schema: &Schema, taken: &Taken) -> Result<Spans, Fault> {
        let mut open: BTreeMap<Key, Open> = BTreeMap::new();
        for (subject, minute, coarse) in taken.0.keys() {
            for level in Level::ALL.into_iter().filter(|level| !coarse || *level != Level::Minute) {
                open.entry(key(subject, level, *minute)).or_default();
            }
        }
        if open.is_empty() {
            return Ok(Spans(open));
        }
        let (subjects, levels, starts) = columns_of(open.keys());
        let parameters = [
            (&subjects as _, Type::TEXT_ARRAY),
            (&levels as _, Type::INT2_ARRAY),
            (&starts as _, Type::INT8_ARRAY),
        ];
        for row in session.rows(&schema.text(READ), &parameters).await? {
            let key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let found = Open { tally: mended(&row, 3)?, detail: mended(&row, 4)?, clients: mended(&row, 5)? };
            open.insert(key, found);
        }
        Ok(Spans(open))
    }

    pub(super) fn add(mut self, taken: Taken) -> Spans {
        for ((subject, minute, coarse), mut running) in taken.0 {
            let names = subject_text::names(&subject);
            if !coarse {
                let of_minute = self.0.entry(key(&subject, Level::Minute, minute)).or_default();
                running.tally = of_minute.tally.add_to_minute(minute, running.tally);
            }
            for level in [Level::Hour, Level::Day] {
                let Open { tally, detail, clients } = self.0.entry(key(&subject, level, minute)).or_default();
                running.add_to(tally, (detail, clients), names);
            }
        }
        self
    }

    pub(super) async fn write(self, session: &mut Session, schema: &Schema) -> Result<(), Fault> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (subjects, levels, starts) = columns_of(self.0.keys());
        let tallies: Vec<Vec<u8>> = self.0.values().map(|open| open.tally.encode()).collect();
        let long = || self.0.iter().filter(|((_, level, _), _)| *level > 0);
        let (long_subjects, long_levels, long_starts) = columns_of(long().map(|(key, _)| key));
        let (details, clients): (Vec<_>, Vec<_>) =
            long().map(|(_, open)| columns::long(&open.detail, &open.clients)).unzip();
        let parameters = [
            (&subjects as _, Type::TEXT_ARRAY),
            (&levels as _, Type::INT2_ARRAY),
            (&starts as _, Type::INT8_ARRAY),
            (&tallies as _, Type::BYTEA_ARRAY),
            (&long_subjects as _, Type::TEXT_ARRAY),
            (&long_levels as _, Type::INT2_ARRAY),
            (&long_starts as _, Type::INT8_ARRAY),
            (&details as _, Type::BYTEA_ARRAY),
            (&clients as _, Type::BYTEA_ARRAY),
        ];
        session.execute(&schema.text(WRITE), &parameters).await.map(drop)
    }
}

fn key(subject: &str, level: Level, minute: i64) -> Key {
    (subject.to_owned(), subject_text::number(level) as i16, level.start_of(minute))
}

fn columns_of<'a>(keys: impl Iterator<Item = &'a Key>) -> (Vec<&'a str>, Vec<i16>, Vec<i64>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (subject, level, start) in keys {
        columns.0.push(subject.as_str());
        columns.1.push(*level);
        columns.2.push(*start);
    }
    columns
}
