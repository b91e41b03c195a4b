//! Any path, and proxies that rewrite it.
