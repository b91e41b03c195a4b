//! What is still running, added to what is read.

use rusqlite::{Connection, params};

use super::super::{read, spans, subject};
use crate::usage::{Clients, Detail, Level, SliceQuery, StoredSlice, Subject, Tally};

pub(in super::super) const RUNNING: &str = "SELECT s.key, u.minute, u.coarse, u.tally, iif(?2, u.detail, NULL), iif(?2, u.clients, NULL) \
     FROM json_each(?1) AS s CROSS JOIN tokenward_usage_running AS u INDEXED BY tokenward_usage_running_by_subject \
     ON u.subject = s.value";

/// Adds to the spans of each subject, which are in order, what a roll-up would add to them now.
pub(super) fn add_running(
    connection: &Connection,
    query: &SliceQuery,
    subjects: &[&Subject],
    found: &mut [Vec<StoredSlice>],
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(RUNNING)?;
    let mut rows = statement.query(params![super::texts(subjects)?, query.detailed])?;
    while let Some(row) = rows.next()? {
        let place = row.get::<_, u32>(0)? as usize;
        let (Some(subject), Some(spans)) = (subjects.get(place), found.get_mut(place)) else { continue };
        let (minute, coarse): (i64, bool) = (row.get(1)?, row.get(2)?);
        let wanted = Level::ALL.map(|level| is_asked(query, level, level.start_of(minute)));
        if wanted == [false; 3] {
            continue;
        }
        let mut tally: Tally = read(row, 3)?;
        if !coarse {
            let mut whole = spans::minute(connection, &subject::text(subject), minute)?;
            tally = whole.add_to_minute(minute, tally);
            if wanted[0] {
                span(spans, subject, Level::Minute, minute).tally = whole;
            }
        }
        let (detail, clients): (Detail, Clients) = (read(row, 4)?, read(row, 5)?);
        for level in [Level::Hour, Level::Day] {
            let start = level.start_of(minute);
            if is_asked(query, level, start) {
                let span = span(spans, subject, level, start);
                span.tally.merge(&tally);
                span.detail.merge(&detail);
                span.detail.shrink(subject.names());
                span.clients.merge(&clients);
                span.clients.shrink(subject.names());
            }
        }
    }
    Ok(())
}

fn is_asked(query: &SliceQuery, level: Level, start: i64) -> bool {
    query.spans.iter().any(|span| span.level == level && (span.from..span.until).contains(&start))
}

/// The span in its place, which is empty if it was not there.
fn span<'a>(
    spans: &'a mut Vec<StoredSlice>,
    subject: &Subject,
    level: Level,
    start: i64,
) -> &'a mut StoredSlice {
    let place = match spans.binary_search_by_key(&(level, start), |slice| (slice.level, slice.start)) {
        Ok(place) => place,
        Err(place) => {
            let empty = StoredSlice {
                subject: subject.clone(),
                level,
                start,
                tally: Tally::default(),
                detail: Detail::default(),
                clients: Clients::default(),
            };
            spans.insert(place, empty);
            place
        }
    };
    &mut spans[place]
}
