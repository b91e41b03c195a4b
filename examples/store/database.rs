//! The shop's tables in SQLite, and the one way to reach them without holding up the async runtime.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::Mutex;

use crate::problem::Problem;
use crate::seed;

/// A handle to the shop's connection; clones share it.
#[derive(Clone)]
pub struct Database {
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    /// Opens or creates the file and fills it the first time. It blocks, so it belongs before the server
    /// starts. The file may hold other people's tables; all of the shop's begin with `shop_`.
    pub fn open(path: &Path, now: DateTime<Utc>) -> rusqlite::Result<Self> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // The journal mode is a property of the file, so it is whoever set the file up who chooses it.
        let new_to_us = !connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'shop_settings')",
            [],
            |row| row.get::<_, bool>(0),
        )?;
        if new_to_us {
            switch_to_wal(&connection)?;
        }
        // One transaction for tables and rows: a crash half-way leaves nothing that looks seeded, and of
        // two processes that start together the second finds the work done.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(TABLES)?;
        seed::fill(&transaction, now)?;
        transaction.commit()?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs `job` in one snapshot of the database.
    pub async fn read<T, F>(&self, job: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Problem> + Send + 'static,
    {
        self.run(TransactionBehavior::Deferred, job).await
    }

    /// Runs `job` in one transaction that is kept only if `job` succeeds. It locks before it reads, so what
    /// `job` checks still holds when it writes.
    pub async fn write<T, F>(&self, job: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Problem> + Send + 'static,
    {
        self.run(TransactionBehavior::Immediate, job).await
    }

    async fn run<T, F>(&self, behavior: TransactionBehavior, job: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Problem> + Send + 'static,
    {
        // Waiting for the connection happens here, asynchronously, so that a queue of requests never turns
        // into a crowd of blocked threads.
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        let finished = tokio::task::spawn_blocking(move || {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = job(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        match finished.await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "a database job did not finish");
                Err(Problem::internal())
            }
        }
    }
}

/// SQLite does not wait by itself when two processes switch the same new file at once.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    const TRIES: usize = 50;
    for _ in 1..TRIES {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(Duration::from_millis(100));
            }
            finished => return finished,
        }
    }
    connection.pragma_update(None, "journal_mode", "wal")
}

/// Times are kept as text of one width, so that they sort as text and read well in the file.
pub fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS shop_settings (
    shop TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    support_email TEXT NOT NULL,
    currency TEXT NOT NULL,
    low_stock_threshold INTEGER NOT NULL,
    return_days INTEGER NOT NULL,
    prices_include_tax INTEGER NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS shop_products (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL REFERENCES shop_settings (shop),
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    stock INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (shop, sku)
) STRICT;
CREATE INDEX IF NOT EXISTS shop_products_by_shop ON shop_products (shop, id);

CREATE TABLE IF NOT EXISTS shop_customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL REFERENCES shop_settings (shop),
    name TEXT NOT NULL,
    email TEXT NOT NULL COLLATE NOCASE,
    city TEXT NOT NULL,
    country TEXT NOT NULL,
    accepts_marketing INTEGER NOT NULL,
    note TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (shop, email)
) STRICT;
CREATE INDEX IF NOT EXISTS shop_customers_by_shop ON shop_customers (shop, id);

CREATE TABLE IF NOT EXISTS shop_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL REFERENCES shop_settings (shop),
    customer_id INTEGER NOT NULL REFERENCES shop_customers (id),
    status TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    note TEXT,
    carrier TEXT,
    tracking_number TEXT,
    placed_at TEXT NOT NULL,
    fulfilled_at TEXT,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS shop_orders_by_shop ON shop_orders (shop, id);
CREATE INDEX IF NOT EXISTS shop_orders_by_status ON shop_orders (shop, status, id);
CREATE INDEX IF NOT EXISTS shop_orders_by_day ON shop_orders (shop, placed_at);
CREATE INDEX IF NOT EXISTS shop_orders_by_customer ON shop_orders (customer_id, id);

-- SKU, name and price are copied: an order stays what was bought when the product changes.
CREATE TABLE IF NOT EXISTS shop_order_lines (
    order_id INTEGER NOT NULL REFERENCES shop_orders (id),
    line INTEGER NOT NULL,
    product_id INTEGER NOT NULL REFERENCES shop_products (id),
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price_minor INTEGER NOT NULL,
    PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS shop_order_lines_by_product ON shop_order_lines (product_id);

CREATE TABLE IF NOT EXISTS shop_webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    shop TEXT NOT NULL REFERENCES shop_settings (shop),
    url TEXT NOT NULL,
    description TEXT,
    events TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS shop_webhooks_by_shop ON shop_webhooks (shop, id);

CREATE TABLE IF NOT EXISTS shop_webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES shop_webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    response_status INTEGER,
    error TEXT,
    created_at TEXT NOT NULL,
    last_attempt_at TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS shop_webhook_deliveries_by_webhook ON shop_webhook_deliveries (webhook_id, id);
";
