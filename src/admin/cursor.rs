//! Where a page begins, signed, so that it leads nowhere but into its own listing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use super::Fault;
use super::context::Context;
use crate::TenantFilter;
use crate::keyed_hash::keyed_hash;

/// Signs and reads the cursors of one listing.
pub(crate) struct Cursors {
    key: [u8; 32],
    tenants: String,
    listing: String,
}

const SIGNATURE: usize = 16;

impl Cursors {
    /// Of the listing that `listing` names with its sort and its filters, for this actor.
    pub(crate) async fn of(context: &Context<'_>, listing: String) -> Result<Cursors, Fault> {
        let tenants = match context.actor.tenants() {
            TenantFilter::Any => "any".to_owned(),
            TenantFilter::Only(None) => "none".to_owned(),
            TenantFilter::Only(Some(tenant)) => format!("only {tenant}"),
        };
        Ok(Cursors { key: context.tokens.service_key().await?, tenants, listing })
    }

    pub(crate) fn write(&self, place: &impl Serialize) -> String {
        let place = serde_json::to_string(place).unwrap_or_default();
        let mut bytes = self.signature(&place).to_vec();
        bytes.extend(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn read<T: DeserializeOwned>(&self, cursor: &str) -> Result<T, Fault> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Fault::invalid_cursor())?;
        let (signature, place) = bytes.split_at_checked(SIGNATURE).ok_or_else(Fault::invalid_cursor)?;
        let place = std::str::from_utf8(place).map_err(|_| Fault::invalid_cursor())?;
        if !bool::from(self.signature(place).ct_eq(signature)) {
            return Err(Fault::invalid_cursor());
        }
        serde_json::from_str(place).map_err(|_| Fault::invalid_cursor())
    }

    fn signature(&self, place: &str) -> [u8; SIGNATURE] {
        let hash = keyed_hash(&self.key, "signature of a cursor", &[&self.tenants, &self.listing, place]);
        hash[..SIGNATURE].try_into().expect("sixteen of thirty-two bytes")
    }
}
