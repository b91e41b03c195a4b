//! The example that replays access logs: its parsers, and the program itself, killed and started again.
#![cfg(feature = "sqlite")]

#[path = "../../examples/replay/combined.rs"]
mod combined;
#[path = "../../examples/replay/entry.rs"]
mod entry;
#[path = "../../examples/replay/json_lines.rs"]
mod json_lines;
#[path = "../../examples/replay/lines.rs"]
mod lines;
mod parsing;
mod program;
#[path = "../clients/python.rs"]
mod python;
mod recount;
mod recounted;
#[path = "../../examples/replay/template.rs"]
mod template;
#[path = "../support/tools.rs"]
mod tools;
