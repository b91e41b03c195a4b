//! Tokens in a SQLite file that others use as well, that is killed, moved, altered and held.
#![cfg(feature = "sqlite")]

use std::error::Error as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tokenward::store::TokenStore;
use tokenward::{
    Actor, Catalog, Error, HistoryQuery, Need, NewToken, SqliteStore, StoreError, TenantFilter, Tokens,
    block_on,
};

fn catalog() -> Catalog {
    Catalog::new().scope("orders:read", "Look at orders")
}

/// Nothing in the background, so that it is known when use is written.
async fn quiet(path: &Path) -> Tokens {
    let store = Arc::new(SqliteStore::at(path).busy_timeout(Duration::from_millis(50)));
    let tokens = Tokens::builder(store.clone()).usage_store(store).catalog(catalog()).without_background();
    let tokens = tokens.build().unwrap();
    tokens.open().await.unwrap();
    tokens
}

fn directory() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shop.db");
    (directory, path)
}

fn asked() -> NewToken {
    NewToken::named("Nightly export").scopes(["orders:read"])
}

async fn code(tokens: &Tokens, text: &str) -> &'static str {
    let verdict = tokens.verify(text, &Need::scope("orders:read")).await.unwrap();
    verdict.denied().map_or("granted", |denied| denied.code())
}

/// Whether the token is in memory and believed there.
fn is_live(tokens: &Tokens, text: &str) -> bool {
    tokens.try_verify(text, &Need::scope("orders:read")).unwrap().is_some()
}

fn why(error: &StoreError) -> String {
    error.source().unwrap().to_string()
}

fn pragma(connection: &Connection, name: &str) -> String {
    let value =
        connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0));
    format!("{:?}", value.unwrap())
}

#[test]
fn describing_a_store_touches_nothing() {
    let (_directory, path) = directory();
    let store = SqliteStore::at(&path);
    assert!(!path.exists());
    let error = block_on(store.load(&[])).unwrap_err();
    assert!(error.is_transient() && why(&error).contains("open"), "{error:?}");
    assert!(!path.exists());
}

#[test]
fn everything_outlives_a_restart() {
    block_on(async {
        let (_directory, path) = directory();
        let (secret, revoked, id) = {
            let tokens = Tokens::sqlite(&path, catalog()).await.unwrap();
            let kept = tokens.issue(asked()).by("maria").await.unwrap();
            let revoked = tokens.issue(asked()).by("maria").await.unwrap();
            for _ in 0..3 {
                assert_eq!(code(&tokens, kept.secret.expose()).await, "granted");
            }
            tokens.revoke(&revoked.record.id).by("maria").await.unwrap();
            tokens.shutdown().await.unwrap();
            (kept.secret, revoked.secret, kept.record.id)
        };
        let tokens = Tokens::sqlite(&path, catalog()).await.unwrap();
        assert_eq!(code(&tokens, secret.expose()).await, "granted");
        assert_eq!(code(&tokens, revoked.expose()).await, "token-revoked");
        assert_eq!(tokens.usage(&id).await.unwrap().granted, 3);
        assert_eq!(tokens.history(&HistoryQuery::new(TenantFilter::Any)).await.unwrap().len(), 3);
        tokens.verify_history(None).await.unwrap();
        tokens.shutdown().await.unwrap();
    });
}

#[test]
fn no_secret_is_in_the_file() {
    block_on(async {
        let (directory, path) = directory();
        let tokens = quiet(&path).await;
        let issued = tokens.issue(asked()).by("maria").await.unwrap();
        let rotated = tokens.rotate(&issued.record.id).by("maria").await.unwrap();
        let bytes: Vec<u8> = std::fs::read_dir(directory.path())
            .unwrap()
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect();
        for text in [issued.secret.expose(), rotated.secret.expose()] {
            // The secret part, up to the four characters that are shown.
            let secret = &text.as_bytes()[text.len() - 42..text.len() - 10];
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "a secret is in the file");
        }
    });
}

#[test]
fn what_is_the_services_stays_as_it_is() {
    block_on(async {
        let (_directory, path) = directory();
        let host = Connection::open(&path).unwrap();
        host.execute_batch(
            "PRAGMA user_version = 7; PRAGMA application_id = 42; \
             CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO orders VALUES (1, 'first')",
        )
        .unwrap();
        assert!(pragma(&host, "journal_mode").contains("delete"));
        {
            let tokens = quiet(&path).await;
            let issued = tokens.issue(asked()).by("maria").await.unwrap();
            assert_eq!(code(&tokens, issued.secret.expose()).await, "granted");
            // The service goes on writing while the tokens are in use.
            host.execute_batch("INSERT INTO orders VALUES (2, 'second')").unwrap();
            tokens.flush().await.unwrap();
        }
        assert!(pragma(&host, "user_version").contains("(7)"));
        assert!(pragma(&host, "application_id").contains("(42)"));
        assert!(pragma(&host, "journal_mode").contains("delete"));
        let orders: i64 = host.query_row("SELECT count(*) FROM orders", [], |row| row.get(0)).unwrap();
        assert_eq!(orders, 2);
        let foreign = "SELECT count(*) FROM sqlite_master WHERE name NOT GLOB 'tokenward_*' \
                       AND name NOT GLOB 'sqlite_autoindex_tokenward_*' AND name <> 'orders'";
        assert_eq!(host.query_row(foreign, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    });
}

#[test]
fn a_file_of_our_own_is_in_wal_mode() {
    block_on(async {
        let (_directory, path) = directory();
        std::fs::write(&path, b"").unwrap();
        let _tokens = quiet(&path).await;
        let other = Connection::open(&path).unwrap();
        assert!(pragma(&other, "journal_mode").contains("wal"));
        assert!(pragma(&other, "user_version").contains("(0)"));
    });
}

#[test]
fn a_change_by_hand_is_noticed() {
    block_on(async {
        let (_directory, path) = directory();
        let tokens = quiet(&path).await;
        let issued = tokens.issue(asked()).by("maria").await.unwrap();
        let other = tokens.issue(asked()).by("maria").await.unwrap();
        for secret in [&issued.secret, &other.secret] {
            assert_eq!(code(&tokens, secret.expose()).await, "granted");
        }
        let hand = Connection::open(&path).unwrap();

        // Neither what we write ourselves nor what others write elsewhere makes us forget.
        tokens.flush().await.unwrap();
        tokens.pause(&other.record.id).by("maria").await.unwrap();
        hand.execute_batch("CREATE TABLE orders (id); INSERT INTO orders VALUES (1)").unwrap();
        tokens.flush().await.unwrap();
        assert!(is_live(&tokens, issued.secret.expose()));

        let sql = "UPDATE tokenward_tokens SET revoked_at = unixepoch() * 1000 WHERE id = ?1";
        assert_eq!(hand.execute(sql, [issued.record.id.as_str()]).unwrap(), 1);
        tokens.flush().await.unwrap();
        assert!(!is_live(&tokens, issued.secret.expose()), "nothing that was read before is believed");
        assert_eq!(code(&tokens, issued.secret.expose()).await, "token-revoked");
        assert_eq!(code(&tokens, other.secret.expose()).await, "token-paused");

        // A change of ours right behind one by hand does not hide it.
        tokens.resume(&other.record.id).by("maria").await.unwrap();
        assert_eq!(code(&tokens, other.secret.expose()).await, "granted");
        hand.execute("DELETE FROM tokenward_tokens WHERE id = ?1", [other.record.id.as_str()]).unwrap();
        tokens.issue(asked()).by("maria").await.unwrap();
        tokens.flush().await.unwrap();
        assert_eq!(code(&tokens, other.secret.expose()).await, "token-invalid");
        tokens.flush().await.unwrap();
        tokens.issue(asked()).by("maria").await.unwrap();
    });
}

#[test]
fn a_second_store_on_the_file_is_refused_by_whatever_name() {
    block_on(async {
        let (directory, path) = directory();
        let first = SqliteStore::at(&path);
        first.open().await.unwrap();
        let name = if cfg!(unix) {
            let link = directory.path().join("link.db");
            // The first was opened through its own name, this one leads to it.
            #[cfg(unix)]
            std::os::unix::fs::symlink(&path, &link).unwrap();
            link
        } else {
            path.clone()
        };
        let second = SqliteStore::at(&name);
        let error = second.open().await.unwrap_err();
        assert!(error.is_transient());
        assert!(why(&error).contains("another store of this very process"), "{}", why(&error));
        assert!(matches!(Tokens::sqlite(&path, catalog()).await, Err(Error::Store(_))));
        drop(first);
        second.open().await.unwrap();
    });
}

#[test]
fn of_two_that_open_at_once_one_waits_for_the_other() {
    let (_directory, path) = directory();
    let open = |_| {
        let store = SqliteStore::at(&path);
        // Closed again at once, well within the patience of the other.
        block_on(store.open())
    };
    std::thread::scope(|scope| {
        let open = &open;
        let threads: Vec<_> = (0..4).map(|place| scope.spawn(move || open(place))).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    });
}

const HELD: &str = "TOKENWARD_TEST_HELD_FILE";

#[test]
#[ignore = "the other process of the test below"]
fn holds_the_file() {
    let Some(path) = std::env::var_os(HELD) else { return };
    block_on(async {
        let tokens = quiet(Path::new(&path)).await;
        println!("\nholds {}", tokens.issue(asked()).by("maria").await.unwrap().secret.expose());
        std::io::stdin().lines().for_each(drop);
    });
}

#[test]
fn a_file_that_another_process_holds_is_refused_until_that_is_killed() {
    let (_directory, path) = directory();
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_the_file", "--ignored", "--nocapture"])
        .env(HELD, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(other.stdout.take().unwrap()).lines().map(Result::unwrap);
    let secret = lines.filter_map(|line| line.strip_prefix("holds ").map(str::to_owned)).next().unwrap();

    let store = SqliteStore::at(&path);
    let error = block_on(store.open()).unwrap_err();
    assert!(why(&error).contains(&format!("process {}", other.id())), "{}", why(&error));
    other.kill().unwrap();
    other.wait().unwrap();
    drop(store);
    block_on(async {
        let tokens = quiet(&path).await;
        assert_eq!(code(&tokens, &secret).await, "granted", "what was answered outlives a kill");
        tokens.verify_history(None).await.unwrap();
    });
}

#[test]
fn a_write_waits_only_so_long_for_somebody_elses() {
    block_on(async {
        let (_directory, path) = directory();
        let tokens = quiet(&path).await;
        let issued = tokens.issue(asked()).by("maria").await.unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let Err(Error::Store(error)) = tokens.issue(asked()).by("maria").await else {
            panic!("somebody else has the lock");
        };
        assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
        assert_eq!(code(&tokens, issued.secret.expose()).await, "granted", "reading goes on");
        assert!(matches!(tokens.flush().await, Err(Error::Store(_))));
        other.execute_batch("COMMIT").unwrap();
        tokens.flush().await.unwrap();
        assert_eq!(tokens.usage(&issued.record.id).await.unwrap().granted, 1, "use was kept meanwhile");
    });
}

#[test]
fn a_file_that_is_gone_is_not_written_to() {
    block_on(async {
        let (directory, path) = directory();
        let tokens = quiet(&path).await;
        let issued = tokens.issue(asked()).by("maria").await.unwrap();
        std::fs::remove_dir_all(directory.path()).unwrap();
        assert!(matches!(tokens.issue(asked()).by("maria").await, Err(Error::Store(_))));
        assert!(matches!(tokens.verify(issued.secret.expose(), &Need::live()).await, Err(Error::Store(_))));
        assert!(matches!(tokens.flush().await, Err(Error::Store(_))));
        drop(tokens);
        let error = block_on(SqliteStore::at(&path).open()).unwrap_err();
        assert!(why(&error).contains("neither found nor created"), "{}", why(&error));
    });
}

#[test]
fn a_file_that_may_not_be_written_is_refused() {
    let (_directory, path) = directory();
    drop(block_on(quiet(&path)));
    // With the other journal, nothing but the file itself has to be written.
    Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let mut permissions = std::fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        eprintln!("skipped: this user may write whatever it likes");
        return;
    }
    let store = Arc::new(SqliteStore::at(&path));
    let tokens = Tokens::builder(store.clone()).usage_store(store).catalog(catalog()).without_background();
    let tokens = tokens.build().unwrap();
    block_on(tokens.open()).unwrap();
    let Err(Error::Store(error)) = block_on(async { tokens.issue(asked()).by("maria").await }) else {
        panic!("the file may not be written");
    };
    assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
}

#[test]
fn what_cannot_be_understood_is_refused_and_left_alone() {
    let (_directory, path) = directory();
    let refusal = || {
        let error = block_on(SqliteStore::at(&path).open()).unwrap_err();
        assert!(!error.is_transient(), "{error:?}");
        why(&error)
    };
    std::fs::write(&path, "no database at all, but a text that somebody would miss".repeat(100)).unwrap();
    let before = std::fs::read(&path).unwrap();
    refusal();
    assert_eq!(std::fs::read(&path).unwrap(), before);

    std::fs::remove_file(&path).unwrap();
    drop(block_on(quiet(&path)));
    let hand = Connection::open(&path).unwrap();
    hand.execute_batch("INSERT INTO tokenward_migrations VALUES (3, 'of a later version')").unwrap();
    assert!(refusal().contains("a newer version of tokenward has used this file"));
    hand.execute_batch(
        "DELETE FROM tokenward_migrations WHERE number = 3; DROP INDEX tokenward_tokens_by_owner",
    )
    .unwrap();
    assert!(refusal().contains("tokenward_tokens_by_owner"));
}

#[test]
fn a_row_that_cannot_be_read_opens_nothing() {
    block_on(async {
        let (_directory, path) = directory();
        let tokens = quiet(&path).await;
        let issued = tokens.issue(asked()).by("maria").await.unwrap();
        let hand = Connection::open(&path).unwrap();
        for digest in ["x''", "'text'", "zeroblob(33)", "x'02' || zeroblob(32)", "1"] {
            hand.execute_batch(&format!("UPDATE tokenward_tokens SET digest = {digest}")).unwrap();
            tokens.flush().await.unwrap();
            assert_eq!(code(&tokens, issued.secret.expose()).await, "token-invalid", "{digest}");
        }
        for harm in ["scopes = '[\"no scope\"]'", "rate_limit = 'x'", "created_at = 9223372036854775807"] {
            hand.execute_batch(&format!("UPDATE tokenward_tokens SET {harm}")).unwrap();
            tokens.flush().await.unwrap();
            let verdict = tokens.verify(issued.secret.expose(), &Need::live()).await;
            assert!(matches!(verdict, Err(Error::Store(_))), "{harm}");
        }
    });
}

#[test]
fn erased_personal_values_leave_the_chain_whole() {
    block_on(async {
        let (_directory, path) = directory();
        let tokens = quiet(&path).await;
        let actor = || Actor::new("maria").address([203, 0, 113, 7].into());
        let issued = tokens.issue(asked()).by(actor()).await.unwrap();
        let hand = Connection::open(&path).unwrap();
        hand.execute_batch("UPDATE tokenward_history SET actor = NULL, address = NULL, salt = NULL").unwrap();
        tokens.revoke(&issued.record.id).by(actor()).await.unwrap();
        tokens.verify_history(None).await.unwrap();
        hand.execute_batch("UPDATE tokenward_history SET reason = 'another'").unwrap();
        assert!(matches!(tokens.verify_history(None).await, Err(Error::BrokenHistory(_))));
    });
}
