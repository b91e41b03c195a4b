//! Faults that only a connection of the store's own can have.
