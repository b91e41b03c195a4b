//! What is asked of use walks an index, whatever it is: looked up in SQLite's own plans.

use rusqlite::Connection;

use super::super::outbox;
use super::super::plans::{faults, file, now, plan};
use super::super::statement::Statement;
use super::{calls, forgetting, reading, running};
use crate::TokenId;
use crate::usage::{CallQuery, Subject};

fn subjects() -> [Subject; 4] {
    let id = TokenId::placeholder();
    [Subject::All, Subject::Tenant(Some("acme".into())), Subject::Tenant(None), Subject::Token(id)]
}

/// Use of a few among many, so that statistics would tempt a planner to read everything.
fn used() -> [Connection; 2] {
    let lopsided = file();
    for number in 0..200 {
        lopsided
            .execute_batch(&format!(
                "INSERT INTO tokenward_usage_minutes VALUES ('{number:016}', 1, x''), ('*', {number}, x''); \
                 INSERT INTO tokenward_usage_tallies \
                     VALUES ('{number:016}', 1, 60, x''), ('*', 2, 1440 * {number}, x''); \
                 INSERT INTO tokenward_usage_spans (subject, level, start, detail, clients) \
                     VALUES ('{number:016}', 1, 60, x'', x''), ('*', 2, 1440 * {number}, x'', NULL); \
                 INSERT INTO tokenward_usage_running (subject, minute, coarse, tally, detail, clients) \
                     VALUES ('{number:016}', 1, 0, x'', x'', x''), ('*', {number}, 0, x'', x'', NULL); \
                 INSERT INTO tokenward_calls \
                     VALUES ({number} + 1, '{number:016}', NULL, 1, 1, '', '', 1, 1, 1, '', NULL, NULL, 0); \
                 INSERT INTO tokenward_events VALUES ({number}, {number}, '{number:016}', '', {number} % 2, nullif({number} % 4, 1), nullif({number} % 2, 1))"
            ))
            .unwrap();
    }
    lopsided.execute_batch("ANALYZE").unwrap();
    [file(), lopsided]
}

#[test]
fn use_over_time_is_searched_by_subject_and_time() {
    let [minutes, figures, detailed, running] = reading::STATEMENTS;
    let (minute, span) =
        ("(subject=? AND minute>? AND minute<?)", "(subject=? AND level=? AND start>? AND start<?)");
    let long =
        "SEARCH d USING INDEX tokenward_usage_spans_by_subject (subject=? AND level=? AND start=?) LEFT-JOIN";
    let expected = [
        (minutes, vec![format!("SEARCH tokenward_usage_minutes USING PRIMARY KEY {minute}")]),
        (figures, vec![format!("SEARCH tokenward_usage_tallies USING PRIMARY KEY {span}")]),
        (detailed, vec![format!("SEARCH u USING PRIMARY KEY {span}"), long.to_owned()]),
        (
            running,
            vec![
                "SEARCH tokenward_usage_running USING INDEX tokenward_usage_running_by_subject (subject=?)"
                    .to_owned(),
            ],
        ),
    ];
    for connection in used() {
        for (sql, expected) in &expected {
            assert_eq!(plan(&connection, &valued(&connection, sql)), *expected, "{sql}");
        }
    }
}

#[test]
fn calls_are_walked_in_the_order_of_their_numbers() {
    let mut filtered = CallQuery::new(Subject::All);
    filtered.after = Some(1);
    filtered.from = Some(now());
    filtered.until = Some(now());
    filtered.status = Some((400, 499));
    filtered.route = Some("GET /orders".into());
    filtered.method = Some("GET".into());
    filtered.address = Some("192.0.2.1".into());
    filtered.at_least = Some(std::time::Duration::from_secs(1));
    for connection in used() {
        for subject in subjects() {
            for oldest_first in [false, true] {
                let query = CallQuery { subject: subject.clone(), oldest_first, ..filtered.clone() };
                let lines = plan(&connection, &calls::statement(&query));
                assert!(lines.len() == 1 && lines[0].starts_with("SEARCH"), "{lines:#?}");
                let all = CallQuery { after: None, ..query };
                let lines = plan(&connection, &calls::statement(&all));
                let expected = if subject == Subject::All { "SCAN tokenward_calls" } else { "SEARCH" };
                assert!(lines.len() == 1 && lines[0].starts_with(expected), "{lines:#?}");
            }
        }
    }
}

#[test]
fn nothing_else_walks_a_table() {
    for connection in used() {
        let of_events = outbox::STATEMENTS.into_iter().chain([calls::CROWDED]);
        for sql in forgetting::STATEMENTS.into_iter().chain(of_events).chain(running::STATEMENTS) {
            let lines = plan(&connection, &valued(&connection, sql));
            // What is free to be delivered is walked from its beginning, up to the limit.
            let is_meant =
                |line: &&String| line.as_str() != "SCAN tokenward_events USING INDEX tokenward_events_free";
            let faults: Vec<_> = faults(&lines).into_iter().filter(is_meant).collect();
            assert!(faults.is_empty() && !lines.is_empty(), "{sql}\n{lines:#?}");
        }
    }
}

/// The statement with a value for each of its places.
fn valued(connection: &Connection, sql: &str) -> Statement {
    let places = connection.prepare(sql).unwrap().parameter_count();
    Statement { sql: sql.into(), values: vec![1.into(); places] }
}
