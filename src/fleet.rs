//! The protocol among nodes, pure: what each part does next is a function of what it knows, of what
//! happens, and of its clock. Nothing in here waits, sends or reads a clock.
//!
//! - [`Member`]: a node that renews its lease, applies what others have changed, and acknowledges it.
//! - [`Waiting`]: whoever has changed a token and waits until every node has heeded it.
//! - [`Vigil`]: whoever looks for nodes that are dead.
//!
//! Why it is safe is said in the chapter on many nodes of the guide; `model` drives it through
//! thousands of schedules.

mod lease;
mod member;
#[cfg(test)]
mod model;
mod vigil;
mod waiting;

pub(crate) use lease::{Lease, Trusted};
pub(crate) use member::{Event, Member, Step};
pub(crate) use vigil::Vigil;
pub(crate) use waiting::{Waited, Waiting};
