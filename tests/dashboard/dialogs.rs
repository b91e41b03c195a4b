//! Rotating, pausing, revoking, deleting.
