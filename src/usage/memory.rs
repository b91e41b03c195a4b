//! Use in this process's memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Counts, UsageBatch, UsageStore};
use crate::{StoreError, TokenId};

/// Use in this process's memory, gone with it: what is used where no [`UsageStore`] is named.
#[derive(Default)]
pub struct MemoryUsage {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    counts: HashMap<TokenId, Counts>,
    last_batches: HashMap<u64, u64>,
}

impl MemoryUsage {
    /// An empty store.
    pub fn new() -> MemoryUsage {
        MemoryUsage::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl UsageStore for MemoryUsage {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let last = tables.last_batches.entry(batch.node).or_default();
        if batch.number <= *last {
            return Ok(());
        }
        *last = batch.number;
        for (id, counts) in &batch.counts {
            tables.counts.entry(*id).or_default().add(counts);
        }
        Ok(())
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        let tables = self.tables();
        Ok(tokens.iter().filter_map(|id| Some((*id, tables.counts.get(id)?.clone()))).collect())
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        tokens.iter().for_each(|id| _ = tables.counts.remove(id));
        Ok(())
    }
}
