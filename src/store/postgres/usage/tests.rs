//! What is asked of use walks an index, whatever it is: looked up in PostgreSQL's own plans, for a few
//! among many, so that statistics would tempt a planner to read everything.

use tokio_postgres::types::Type;

use super::super::outbox;
use super::super::session::Parameter;
use super::{calls, erasing, forgetting, reading, rolling_up, spans, totals};
use crate::store::postgres::PostgresStore;
use crate::usage::{CallQuery, Subject};
use crate::{TokenId, TokenStore, block_on};

const FILL: &str = "\
     INSERT INTO tokenward.usage_batches SELECT n, 1, 1, true, n FROM generate_series(1, 5000) AS n; \
     INSERT INTO tokenward.usage_totals SELECT lpad(n::text, 16, '0'), 1, 1, 1, 1, 1, 1, 1, 1, n::bigint * 86400000, 1, \
        CASE WHEN n % 100 = 0 THEN '' END, '' FROM generate_series(1, 20000) AS n; \
     INSERT INTO tokenward.usage_running SELECT n / 1000, lpad((n % 1000)::text, 16, '0'), 1, 1, n, false, '', '', '' \
        FROM generate_series(1, 20000) AS n; \
     INSERT INTO tokenward.usage_figures SELECT lpad((n % 1000)::text, 16, '0'), l, n, '' \
        FROM generate_series(1, 20000) AS n, generate_series(0, 2) AS l; \
     INSERT INTO tokenward.usage_details SELECT lpad((n % 1000)::text, 16, '0'), l, n, '', CASE WHEN n % 100 = 0 THEN ''::bytea END \
        FROM generate_series(1, 20000) AS n, generate_series(1, 2) AS l; \
     INSERT INTO tokenward.call_numbers SELECT lpad(n::text, 16, '0'), 1, n FROM generate_series(1, 20000) AS n; \
     INSERT INTO tokenward.calls SELECT n, lpad((n % 2000)::text, 16, '0'), nullif((n % 10)::text, '1'), 1, n, '', \
        'granted', 200, 1, 1, '', '', '', 0 FROM generate_series(1, 40000) AS n; \
     INSERT INTO tokenward.events SELECT n, n, lpad((n % 2000)::text, 16, '0'), '', n % 3 = 0, n % 50 = 0, \
        CASE WHEN n % 7 = 0 THEN n END, CASE WHEN n % 2 = 0 THEN n END FROM generate_series(1, 20000) AS n; \
     ANALYZE tokenward.usage_batches, tokenward.usage_totals, tokenward.usage_running, tokenward.usage_figures, \
        tokenward.usage_details, tokenward.call_numbers, tokenward.calls, tokenward.events";

/// A store with much in it; none where there is no server.
async fn full(schema: &str) -> Option<PostgresStore> {
    let Ok(address) = std::env::var("TOKENWARD_POSTGRES") else {
        let may_skip = std::env::var("TOKENWARD_NO_SKIP").map_or(true, |value| value != "1");
        assert!(may_skip, "not to be skipped: TOKENWARD_POSTGRES names no server");
        eprintln!("skipped: TOKENWARD_POSTGRES names no server");
        return None;
    };
    let schema = format!("{schema}_{}", std::process::id());
    let store = PostgresStore::at(&address).unwrap().schema(&schema).unwrap();
    store.open().await.unwrap();
    batch(&store, FILL).await;
    Some(store)
}

async fn batch(store: &PostgresStore, sql: &str) {
    let sql = &*store.schema.text(sql);
    let run = |mut session: super::Session| async move { session.batch(sql).await };
    store.run_within(std::time::Duration::from_secs(60), super::Lane::Usage, run).await.unwrap();
}

async fn gone(store: PostgresStore) {
    batch(&store, &format!("DROP SCHEMA {} CASCADE", store.schema.name())).await;
}

async fn plan(store: &PostgresStore, sql: &str, parameters: &[Parameter<'_>]) -> Vec<String> {
    let rows = store.usage_rows(&format!("EXPLAIN {sql}"), parameters).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect()
}

#[test]
fn nothing_walks_a_table() {
    block_on(async {
        let Some(store) = full("plans").await else { return };
        let texts: Vec<String> = (0..50).map(|number| format!("{number:016}")).collect();
        let numbers: Vec<i64> = vec![15; 50];
        let (levels, flags, bytes) = (vec![1_i16; 50], vec![true; 50], vec![vec![0_u8]; 50]);
        let places = vec!["(0,1)".to_owned(); 50];
        let (one, some, level): (i64, i64, i16) = (1, 100, 1);
        let texts: Parameter<'_> = (&texts, Type::TEXT_ARRAY);
        let numbers: Parameter<'_> = (&numbers, Type::INT8_ARRAY);
        let levels: Parameter<'_> = (&levels, Type::INT2_ARRAY);
        let flags: Parameter<'_> = (&flags, Type::BOOL_ARRAY);
        let bytes: Parameter<'_> = (&bytes, Type::BYTEA_ARRAY);
        let places: Parameter<'_> = (&places, Type::TEXT_ARRAY);
        let one: Parameter<'_> = (&one, Type::INT8);
        let some: Parameter<'_> = (&some, Type::INT8);
        let level: Parameter<'_> = (&level, Type::INT2);
        let flag: Parameter<'_> = (&true, Type::BOOL);
        let text: Parameter<'_> = (&"", Type::TEXT);
        let statements: Vec<(&str, Vec<&Parameter<'_>>)> = vec![
            (super::ADDED, vec![&one]),
            (totals::READ, vec![&texts]),
            (reading::FIGURES, vec![&texts, &levels, &numbers, &numbers]),
            (reading::DETAILED, vec![&texts, &levels, &numbers, &numbers]),
            (reading::RUNNING, vec![&texts, &one, &some, &flag]),
            (reading::MINUTES, vec![&texts, &numbers, &numbers]),
            (rolling_up::EDGES, vec![]),
            (rolling_up::TAKE, vec![&one, &some, &some, &some, &text]),
            (spans::READ, vec![&texts, &levels, &numbers]),
            (
                spans::WRITE,
                vec![&texts, &levels, &numbers, &bytes, &texts, &levels, &numbers, &bytes, &bytes],
            ),
            (calls::CUT, vec![&texts, &one, &one, &some]),
            (forgetting::MINUTES, vec![&one, &some]),
            (forgetting::SPANS_OF_LEVEL, vec![&one, &some, &level]),
            (forgetting::WITH_CLIENTS, vec![&one, &some]),
            (forgetting::WITHOUT_CLIENTS, vec![&places, &bytes]),
            (forgetting::LAST_CLIENTS, vec![&one, &some]),
            (forgetting::CALLS, vec![&one, &some]),
            (forgetting::CROWDED, vec![&some, &some]),
            (forgetting::COUNTED, vec![&texts]),
            (forgetting::EVENTS, vec![&one, &some]),
            (forgetting::BATCHES, vec![&one, &some]),
            (erasing::TOTALS, vec![&texts]),
            (erasing::RUNNING, vec![&texts, &some]),
            (erasing::FIGURES, vec![&texts, &some]),
            (erasing::DETAILS, vec![&texts, &some]),
            (erasing::CALLS, vec![&texts, &some]),
            (erasing::CLIENTS_OF_TOTALS, vec![&texts]),
            (erasing::RUNNING_WITH_CLIENTS, vec![&texts, &some]),
            (erasing::RUNNING_WITHOUT, vec![&places, &bytes]),
            (erasing::DETAILS_WITH_CLIENTS, vec![&texts, &some]),
            (erasing::CLIENTS_OF_CALLS, vec![&texts, &some]),
            (outbox::ANNOUNCE, vec![&one, &texts, &texts, &texts, &flags]),
            (outbox::FIRST, vec![&texts]),
            (outbox::ANY_DUE, vec![&one]),
            (outbox::FREE, vec![&one]),
            (outbox::DUE, vec![&some]),
            (outbox::TAKE, vec![&texts, &one]),
            (outbox::DELIVERED, vec![&texts, &one]),
            (outbox::ERASE, vec![&texts, &some]),
            (outbox::TELLING, vec![&texts, &some]),
            (outbox::TELL, vec![&numbers, &texts]),
        ];
        for (sql, parameters) in statements {
            let parameters: Vec<Parameter<'_>> =
                parameters.into_iter().map(|(value, of)| -> Parameter<'_> { (*value, of.clone()) }).collect();
            let lines = plan(&store, sql, &parameters).await;
            assert!(!lines.iter().any(|line| line.contains("Seq Scan")), "{sql}\n{lines:#?}");
        }
        gone(store).await;
    });
}

#[test]
fn calls_are_walked_in_the_order_of_their_numbers() {
    block_on(async {
        let Some(store) = full("pages").await else { return };
        let mut filtered = CallQuery::new(Subject::All);
        filtered.after = Some(1);
        filtered.from = Some(chrono::DateTime::UNIX_EPOCH);
        filtered.status = Some((400, 499));
        filtered.route = Some("GET /orders".into());
        filtered.method = Some("GET".into());
        filtered.address = Some("192.0.2.1".into());
        filtered.at_least = Some(std::time::Duration::from_secs(1));
        let token = TokenId::from_characters(b"0000000000000001").unwrap();
        let subjects = [
            (Subject::All, "calls_pkey"),
            (Subject::Tenant(Some("5".into())), "calls_by_tenant"),
            (Subject::Tenant(None), "calls_by_tenant"),
            (Subject::Token(token), "calls_by_token"),
        ];
        for (subject, index) in subjects {
            for oldest_first in [false, true] {
                for query in [CallQuery::new(Subject::All), filtered.clone()] {
                    let query = CallQuery { subject: subject.clone(), oldest_first, ..query };
                    let statement = calls::statement(&query);
                    let rows = statement.rows(&store, "EXPLAIN ").await.unwrap();
                    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
                    let walks = lines.iter().any(|line| line.contains("Index Scan") && line.contains(index));
                    let sorts = lines.iter().any(|line| line.contains("Sort"));
                    // Of a token there are few.
                    let is_meant = !sorts || matches!(subject, Subject::Token(_));
                    assert!(walks && is_meant, "{query:?}\n{lines:#?}");
                }
            }
        }
        gone(store).await;
    });
}
