//! The contenders, one a file.

mod bound;
mod careful;
mod parts;
mod tokenward;

use crate::contender::Build;

/// All contenders. `bound` and `tokenward` are compared with the others by these names.
pub const ALL: &[Build] = &[bound::build, careful::build, tokenward::build];
