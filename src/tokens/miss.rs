//! What a verification does when the token is not in memory: one caller asks, the others wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Engine;
use super::verify::{Proof, ResolvedNeed};
use crate::clock::Reading;
use crate::live::{Asking, Decided, Landing, Refused};
use crate::{Error, StoreError, StoredToken, TokenId};

/// Whether the store was opened. It is opened at its first use, unless it was before.
#[derive(Default)]
pub(super) struct Opening(AtomicBool);

impl Engine {
    /// Makes the store ready, once it has been.
    pub(super) async fn open(&self) -> Result<(), StoreError> {
        if !self.opening.0.load(Ordering::Acquire) {
            self.store.open().await?;
            self.opening.0.store(true, Ordering::Release);
        }
        Ok(())
    }

    pub(super) async fn load(&self, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.open().await?;
        let mut found = self.store.load(&[id]).await?;
        // A store that answers with another token must not make it pass for this one.
        found.retain(|token| token.record.id == id);
        Ok(found.pop())
    }

    /// The decision on a token that is not in memory, or is not to be believed there.
    pub(super) async fn decide_miss(
        &self,
        proof: &Proof,
        need: &ResolvedNeed<'_>,
        now: Reading,
    ) -> Result<Decided, Error> {
        loop {
            if need.believes && self.live.is_unknown(&proof.id, now) {
                return Ok(self.decide_unknown(proof));
            }
            match self.live.ask(proof.id, need.believes) {
                Asking::Alone => {
                    let found = self.ask_store(proof.id).await?;
                    return self.decide_found(found.as_ref(), None, proof, need, now);
                }
                Asking::Lead(lead) => {
                    let (generation, applied) = (lead.generation(), self.applied());
                    let found = match self.ask_store(proof.id).await {
                        Ok(found) => found.map(Arc::new),
                        Err(error) => {
                            lead.land(Landing::Failed);
                            return Err(error);
                        }
                    };
                    if found.is_none() {
                        self.live.remember_unknown(proof.id, generation, now);
                    }
                    let is_ahead =
                        found.as_ref().is_some_and(|token| !applied.reaches(token.record.sequence));
                    let kept = Some(generation).filter(|_| !is_ahead);
                    let decided = self.decide_found(found.as_deref(), kept, proof, need, now);
                    lead.land(found.map_or(Landing::NotFound, Landing::Found));
                    return decided;
                }
                Asking::Join(flight) => match flight.landing().await {
                    Landing::Found(token) => return self.decide_found(Some(&token), None, proof, need, now),
                    Landing::NotFound => return Ok(self.decide_unknown(proof)),
                    Landing::Failed => {
                        return Err(
                            StoreError::unavailable("the look-up that this one waited for failed").into()
                        );
                    }
                    // Changed meanwhile: what is true now may be in memory already.
                    Landing::Spoiled => {
                        if let Some(decided) = self.live.decide(proof.id, &self.asked(proof, need, now)) {
                            return Ok(decided);
                        }
                    }
                },
            }
        }
    }

    async fn ask_store(&self, id: TokenId) -> Result<Option<StoredToken>, Error> {
        let lane = self.live.enter_miss(&id);
        let _lane =
            lane.ok_or(Error::Overloaded("too many tokens that are not in memory are being looked up"))?;
        Ok(self.load(id).await?)
    }

    fn decide_found(
        &self,
        found: Option<&StoredToken>,
        generation: Option<u64>,
        proof: &Proof,
        need: &ResolvedNeed<'_>,
        now: Reading,
    ) -> Result<Decided, Error> {
        let Some(token) = found else { return Ok(self.decide_unknown(proof)) };
        self.live.know_tenant(token.record.tenant.as_deref());
        self.live
            .fill(token, generation, &self.asked(proof, need, now))
            .ok_or(Error::Overloaded("the table of live tokens is full of tokens that are in use"))
    }

    /// Does for an id that nobody has the work that a wrong secret costs.
    fn decide_unknown(&self, proof: &Proof) -> Decided {
        crate::live::compare_with_nothing(&proof.digest);
        Decided::Refused(Refused::unknown())
    }
}
