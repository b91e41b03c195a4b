//! The table of live tokens: of each, in one place, what a verification needs.
//!
//! One look-up finds the record as bits, the window and the counters. The table is the cache, and
//! there is no other. What it may be trusted for, and when, is the first part of the protocol in
//! the design chapter of the guide:
//!
//! - a change **marks** its id before it begins; while an id is marked, its entry is not trusted
//!   and nothing trusted is put in its place;
//! - a **fill** (what a miss brings from the store) carries the **generation** that it began with,
//!   and is not trusted if that has moved;
//! - a change **spoils** the flight of its id: whoever waited for that flight asks again.

mod checks;
mod decision;
mod dirty;
mod elsewhere;
mod entry;
mod known;
mod lingering;
mod shared;
mod table;
mod tenants;
mod transit;
mod unknown;

pub(crate) use checks::compare_with_nothing;
pub(crate) use decision::{Asked, Decided, Granted, Needed, Open, Refusal, Refused, TenantCheck};
pub(crate) use elsewhere::{Counting, Held};
pub(crate) use table::{Live, LiveSize, Trust};
pub(crate) use transit::{Asking, Ending, Known, Landing, Mark};
