//! Many thousands of schedules.
