//! The floors of the house: a file imports from its own floor or from those above it, and backends
//! do not know each other.

use std::fs;
use std::path::{Path, PathBuf};

/// Which floor a module stands on, by the start of its path below `src`. The longest start counts.
const FLOORS: [(&str, Floor); 37] = [
    ("actor", Floor::Values),
    ("address", Floor::Values),
    ("clock", Floor::Values),
    ("denied", Floor::Values),
    ("error", Floor::Values),
    ("executor", Floor::Values),
    ("history", Floor::Values),
    ("id_hash", Floor::Values),
    ("keyed_hash", Floor::Values),
    ("limit", Floor::Values),
    ("policy", Floor::Values),
    ("randomness", Floor::Values),
    ("record", Floor::Values),
    ("scope", Floor::Values),
    ("token", Floor::Values),
    ("changes", Floor::Seams),
    ("event", Floor::Seams),
    ("limiter", Floor::Seams),
    ("store", Floor::Seams),
    ("usage", Floor::Seams),
    ("conformance", Floor::Ready),
    ("fleet", Floor::Engine),
    ("live", Floor::Engine),
    ("recording", Floor::Engine),
    ("tokens", Floor::Engine),
    ("limiter/redis", Floor::Backends),
    ("store/memory", Floor::Backends),
    ("store/postgres", Floor::Backends),
    ("store/sqlite", Floor::Backends),
    ("ready_made", Floor::Ready),
    ("web", Floor::Web),
    ("web/tower", Floor::Web),
    ("web/axum", Floor::Web),
    ("admin", Floor::Page),
    ("dashboard", Floor::Page),
    ("guide", Floor::Page),
    ("lib", Floor::Page),
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Floor {
    Values,
    Seams,
    Engine,
    Backends,
    /// Short forms that join the engine and its backends.
    Ready,
    Web,
    Page,
}

#[test]
fn no_file_imports_from_a_floor_below_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let exports = exports(&source);
    let mut files = Vec::new();
    collect(&source, &mut files);
    assert!(files.len() > 40, "the source is not where it was");
    let mut wrong = Vec::new();
    for file in files {
        let module = module_of(&source, &file);
        let floor = floor_of(&module);
        let text = fs::read_to_string(&file).unwrap();
        // Unit tests may use whatever helps them.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (path, is_reexport) in imports(code, &exports) {
            let target = floor_of(&path);
            let other_backend = floor == Floor::Backends
                && target == Floor::Backends
                && path.split('/').nth(1) != module.split('/').nth(1);
            // A seam re-exports its backends, so that a user finds them beside the trait.
            if (target > floor || other_backend) && !is_reexport {
                wrong.push(format!("{module} ({floor:?}) imports {path} ({target:?})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn floor_of(module: &str) -> Floor {
    let covers = |start: &str| module == start || module.starts_with(&format!("{start}/"));
    let found = FLOORS.iter().filter(|(start, _)| covers(start)).max_by_key(|(start, _)| start.len());
    found.unwrap_or_else(|| panic!("{module} stands on no floor: name it in this test")).1
}

fn module_of(source: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(source).unwrap().with_extension("");
    relative.to_string_lossy().replace('\\', "/")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Which module each name at the crate's root comes from, by the `pub use` lines of `lib.rs` and of
/// the modules that it takes them from.
fn exports(source: &Path) -> Vec<(String, String)> {
    let mut exports = Vec::new();
    let text = fs::read_to_string(source.join("lib.rs")).unwrap();
    for line in uses(&text) {
        let Some(rest) = line.strip_prefix("pub use ") else { continue };
        let (module, names) = rest.split_once("::").unwrap_or((rest, ""));
        for name in names_of(names) {
            // A backend's store comes through its seam.
            let place = match name.as_str() {
                "MemoryStore" => "store/memory".to_owned(),
                "PostgresStore" => "store/postgres".to_owned(),
                "SqliteStore" => "store/sqlite".to_owned(),
                _ => module.to_owned(),
            };
            exports.push((name, place));
        }
    }
    exports
}

/// The modules that a file imports from this crate, each with whether the line is a re-export.
fn imports(code: &str, exports: &[(String, String)]) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for line in uses(code) {
        let is_reexport = line.starts_with("pub");
        let Some((_, rest)) = line.split_once("crate::") else { continue };
        if let Some(names) = rest.strip_prefix('{') {
            for name in names_of(names) {
                if let Some((_, module)) = exports.iter().find(|(exported, _)| *exported == name) {
                    found.push((module.clone(), is_reexport));
                }
            }
        } else {
            let mut parts = rest.split("::");
            let first = parts.next().unwrap_or_default().trim_end_matches(';');
            match exports.iter().find(|(exported, _)| exported == first) {
                Some((_, module)) => found.push((module.clone(), is_reexport)),
                None if first == "store" => {
                    let names = rest.split_once("::").map_or("", |(_, names)| names);
                    for name in names_of(names) {
                        let backend = exports.iter().find(|(exported, _)| *exported == name);
                        let module = backend.map_or("store".to_owned(), |(_, module)| module.clone());
                        found.push((module, is_reexport));
                    }
                }
                None if FLOORS.iter().any(|(start, _)| *start == first) => {
                    found.push((first.to_owned(), is_reexport));
                }
                None => {}
            }
        }
    }
    found
}

/// Each `use` item on one line.
fn uses(code: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut open: Option<String> = None;
    for line in code.lines().map(str::trim) {
        let starts = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "];
        if open.is_none() && starts.iter().any(|start| line.starts_with(start)) {
            open = Some(String::new());
        }
        if let Some(item) = &mut open {
            item.push_str(line);
            item.push(' ');
            if line.ends_with(';') {
                items.push(std::mem::take(item));
                open = None;
            }
        }
    }
    items
}

fn names_of(text: &str) -> Vec<String> {
    let inner = text.trim().trim_start_matches('{').trim_end_matches(';').trim_end().trim_end_matches('}');
    inner
        .split(',')
        .map(|name| name.trim().trim_end_matches(';').split(" as ").next().unwrap_or_default())
        .map(|name| name.split("::").next().unwrap_or_default().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}
