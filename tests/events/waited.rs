//! A store on a file whose futures are done when they are polled first: tests that poll by hand have
//! no thread to wait for.

use tempfile::TempDir;
use tokenward::{SqliteStore, block_on};

use crate::wrapped::wrapped;

pub struct Waited {
    store: SqliteStore,
    _directory: TempDir,
}

impl Waited {
    pub fn new() -> Waited {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::at(directory.path().join("tokens.db"));
        Waited { store, _directory: directory }
    }
}

wrapped!(Waited, self => self.store, call => block_on(call));
