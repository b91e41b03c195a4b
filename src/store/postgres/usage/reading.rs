//! Reading spans of time, for all subjects of a query in one state of the database: as they stand there,
//! with what is still running.

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio_postgres::types::Type;

use super::super::failure::Fault;
use super::super::session::Session;
use super::super::sql::Schema;
use super::columns::{number, read, text};
use super::{Lane, PostgresStore};
use crate::StoreError;
use crate::usage::running::{Asked, Found, Running};
use crate::usage::{Level, SliceQuery, StoredSlice, Tally, subject_text};

/// `OFFSET 0` keeps each subject's spans from being joined in any other way than by their index.
pub(super) const FIGURES: &str = "SELECT q.place, f.level, f.start, f.tally, NULL::bytea, NULL::bytea \
     FROM unnest($1) WITH ORDINALITY AS q (subject, place) \
     CROSS JOIN unnest($2, $3, $4) AS s (level, from_minute, until_minute) \
     CROSS JOIN LATERAL (SELECT level, start, tally FROM tokenward.usage_figures AS f \
        WHERE f.subject = q.subject AND f.level = s.level AND f.start >= s.from_minute \
            AND f.start < s.until_minute OFFSET 0) AS f";
pub(super) const DETAILED: &str = "SELECT q.place, f.level, f.start, f.tally, d.detail, d.clients \
     FROM unnest($1) WITH ORDINALITY AS q (subject, place) \
     CROSS JOIN unnest($2, $3, $4) AS s (level, from_minute, until_minute) \
     CROSS JOIN LATERAL (SELECT level, start, tally FROM tokenward.usage_figures AS f \
        WHERE f.subject = q.subject AND f.level = s.level AND f.start >= s.from_minute \
            AND f.start < s.until_minute OFFSET 0) AS f \
     LEFT JOIN LATERAL (SELECT detail, clients FROM tokenward.usage_details AS d \
        WHERE f.level > 0 AND d.subject = q.subject AND d.level = f.level AND d.start = f.start OFFSET 0) \
        AS d ON true";
pub(super) const RUNNING: &str = "SELECT q.place, r.minute, r.coarse, r.tally, \
        CASE WHEN $4 THEN r.detail END, CASE WHEN $4 THEN r.clients END \
     FROM unnest($1) WITH ORDINALITY AS q (subject, place) \
     CROSS JOIN LATERAL (SELECT minute, coarse, tally, detail, clients FROM tokenward.usage_running AS r \
        WHERE r.subject = q.subject AND r.minute >= $2 AND r.minute < $3 OFFSET 0) AS r";
pub(super) const MINUTES: &str = "SELECT k.place, k.minute, f.tally \
     FROM unnest($1, $2, $3) AS k (subject, minute, place) \
     CROSS JOIN LATERAL (SELECT tally FROM tokenward.usage_figures AS f \
        WHERE f.subject = k.subject AND f.level = 0 AND f.start = k.minute OFFSET 0) AS f";

/// In the order of the subjects' first mention, of the levels, and of time.
pub(super) async fn slices(
    store: &PostgresStore,
    query: &SliceQuery,
) -> Result<Vec<StoredSlice>, StoreError> {
    let asked = Asked::of(&query.spans);
    let mut mentioned = HashSet::new();
    let subjects: Vec<_> = query.subjects.iter().filter(|subject| mentioned.insert(*subject)).collect();
    if asked.is_empty() || subjects.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<String> =
        subjects.iter().map(|subject| text(&subject_text::text(subject)).into_owned()).collect();
    let (schema, reading) =
        (&store.schema, &Reading { asked: &asked, texts: &texts, detailed: query.detailed });
    let attempt = |mut session: Session| async move {
        session.begin_reading().await?;
        let found = reading.read(&mut session, schema).await?;
        session.commit().await?;
        Ok(found)
    };
    let (stored, mut running, minutes) = store.run(Lane::Usage, attempt).await?;
    let mut found: Vec<_> = subjects.into_iter().map(|subject| Found::of(subject, &asked)).collect();
    for (place, stored) in stored {
        let slice = found[place].span(stored.level, stored.start);
        (slice.tally, slice.detail, slice.clients) = (stored.tally, stored.detail, stored.clients);
    }
    while let Some(((place, minute, _), running)) = running.pop_first() {
        let of_minute = minutes.get(&(place, minute)).cloned().unwrap_or_default();
        found[place].add(running, of_minute);
    }
    Ok(found.into_iter().flat_map(Found::into_slices).collect())
}

struct Reading<'a> {
    asked: &'a Asked,
    /// The texts of the subjects, by their places.
    texts: &'a [String],
    detailed: bool,
}

/// A span as it stands.
struct Stored {
    level: Level,
    start: i64,
    tally: Tally,
    detail: crate::usage::Detail,
    clients: crate::usage::Clients,
}

/// By place of the subject, minute, and whether it is coarse.
type AllRunning = BTreeMap<(usize, i64, bool), Running>;
type Read = (Vec<(usize, Stored)>, AllRunning, HashMap<(usize, i64), Tally>);

impl Reading<'_> {
    async fn read(&self, session: &mut Session, schema: &Schema) -> Result<Read, Fault> {
        let stored = self.stored(session, schema).await?;
        let running = self.running(session, schema).await?;
        let minutes = self.minutes(session, schema, &running).await?;
        Ok((stored, running, minutes))
    }

    fn place(&self, place: i64) -> Result<usize, StoreError> {
        let index = usize::try_from(place - 1).ok().filter(|place| *place < self.texts.len());
        index.ok_or_else(|| StoreError::broken("a row is of no subject that was asked for"))
    }

    async fn stored(&self, session: &mut Session, schema: &Schema) -> Result<Vec<(usize, Stored)>, Fault> {
        let (mut levels, mut from, mut until) = (Vec::new(), Vec::new(), Vec::new());
        for level in Level::ALL {
            for span in self.asked.of_level(level) {
                levels.push(subject_text::number(level) as i16);
                from.push(span.0);
                until.push(span.1);
            }
        }
        let parameters = [
            (&self.texts as _, Type::TEXT_ARRAY),
            (&levels as _, Type::INT2_ARRAY),
            (&from as _, Type::INT8_ARRAY),
            (&until as _, Type::INT8_ARRAY),
        ];
        let sql = if self.detailed { DETAILED } else { FIGURES };
        let rows = session.rows(&schema.text(sql), &parameters).await?;
        let stored = |row: &tokio_postgres::Row| {
            let level = usize::try_from(row.try_get::<_, i16>(1)?).unwrap_or(usize::MAX);
            let level =
                Level::ALL.get(level).copied().ok_or_else(|| StoreError::broken("a span has no level"))?;
            let stored = Stored {
                level,
                start: number(row, 2)?,
                tally: read(row, 3)?,
                detail: read(row, 4)?,
                clients: read(row, 5)?,
            };
            Ok((self.place(number(row, 0)?)?, stored))
        };
        rows.iter().map(stored).collect()
    }

    async fn running(&self, session: &mut Session, schema: &Schema) -> Result<AllRunning, Fault> {
        let (from, until) = self.asked.bounds();
        let parameters = [
            (&self.texts as _, Type::TEXT_ARRAY),
            (&from as _, Type::INT8),
            (&until as _, Type::INT8),
            (&self.detailed as _, Type::BOOL),
        ];
        let mut all = AllRunning::new();
        for row in session.rows(&schema.text(RUNNING), &parameters).await? {
            let (place, minute, coarse) = (self.place(number(&row, 0)?)?, number(&row, 1)?, row.try_get(2)?);
            if !self.asked.includes_some(minute) {
                continue;
            }
            let (tally, detail, clients) = (read(&row, 3)?, read(&row, 4)?, read(&row, 5)?);
            let more = Running { minute, coarse, tally, detail, clients };
            let names = subject_text::names(&self.texts[place]);
            Running::sum(all.entry((place, minute, coarse)), more, names);
        }
        Ok(all)
    }

    /// The minutes to which something is to be added, as they stand.
    async fn minutes(
        &self,
        session: &mut Session,
        schema: &Schema,
        running: &AllRunning,
    ) -> Result<HashMap<(usize, i64), Tally>, Fault> {
        let keys: Vec<_> = running
            .keys()
            .filter(|(.., coarse)| !coarse)
            .map(|(place, minute, _)| (*place, *minute))
            .collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let subjects: Vec<&str> = keys.iter().map(|(place, _)| self.texts[*place].as_str()).collect();
        let minutes: Vec<i64> = keys.iter().map(|(_, minute)| *minute).collect();
        let places: Vec<i64> = keys.iter().map(|(place, _)| *place as i64 + 1).collect();
        let parameters = [
            (&subjects as _, Type::TEXT_ARRAY),
            (&minutes as _, Type::INT8_ARRAY),
            (&places as _, Type::INT8_ARRAY),
        ];
        let rows = session.rows(&schema.text(MINUTES), &parameters).await?;
        let tally =
            |row: &tokio_postgres::Row| Ok(((self.place(number(row, 0)?)?, number(row, 1)?), read(row, 2)?));
        rows.iter().map(tally).collect()
    }
}
