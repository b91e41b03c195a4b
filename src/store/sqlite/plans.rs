//! Every query walks an index.
