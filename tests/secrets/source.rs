//! The public types of the crate, as its source declares them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A type as the source declares it, and how its values can show themselves.
#[derive(Default, Debug)]
pub struct Declared {
    pub debug: bool,
    pub display: bool,
    pub serialize: bool,
}

/// Which types are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Those that are always there.
    Nothing,
    /// Those that are there with some feature alone.
    Features,
}

/// Every public type of the crate, read from the source: what is declared there and exported by
/// `lib.rs` or a public module.
pub fn public_types(needs: Needs) -> BTreeMap<String, Declared> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let lib = Module { is_public: true, needs: Needs::Nothing };
    read_module(&root.join("lib.rs"), &root, lib, &mut sources);
    let mut exported = BTreeSet::new();
    for (_, text) in sources.iter().filter(|(module, _)| module.is_public) {
        for statement in text.split("\npub use ").skip(1) {
            let statement = statement.split(';').next().unwrap();
            let names = statement.split(|character: char| !character.is_alphanumeric() && character != '_');
            exported.extend(names.map(str::to_owned));
        }
        exported.extend(declarations(text).into_iter().map(|(name, _)| name));
    }
    let mut types = BTreeMap::new();
    for (_, text) in sources.iter().filter(|(module, _)| module.needs == needs) {
        for (name, derived) in declarations(text) {
            if exported.contains(&name) {
                let declared: &mut Declared = types.entry(name).or_default();
                declared.debug |= derived.contains("Debug");
                declared.display |= derived.contains("Error");
                declared.serialize |= derived.contains("Serialize");
            }
        }
    }
    for (_, text) in &sources {
        for (name, declared) in &mut types {
            let implements = |named: &str| {
                let start = format!("{named} for {name}");
                text.split(&start).skip(1).any(|rest| rest.starts_with([' ', '<']))
            };
            declared.debug |= implements("Debug");
            declared.display |= implements("Display");
            declared.serialize |= implements("Serialize");
        }
    }
    types
}

/// The names of the types that a source declares `pub`, each with what it derives.
fn declarations(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut attributes = String::new();
    for line in text.lines() {
        let word = ["pub struct ", "pub enum "].iter().find_map(|start| line.strip_prefix(start));
        if let Some(rest) = word {
            let name: String = rest.chars().take_while(|character| character.is_alphanumeric()).collect();
            found.push((name, std::mem::take(&mut attributes)));
        } else if line.starts_with("#[derive") {
            attributes.push_str(line);
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            attributes.clear();
        }
    }
    found
}

/// A module of the crate.
#[derive(Clone, Copy)]
struct Module {
    is_public: bool,
    needs: Needs,
}

/// Reads a module and those below it, but for tests.
fn read_module(file: &Path, folder: &Path, module: Module, sources: &mut Vec<(Module, String)>) {
    let text = std::fs::read_to_string(file).unwrap();
    let mut below = Vec::new();
    let mut before = "";
    for line in text.lines() {
        let word = ["mod ", "pub mod ", "pub(crate) mod "].iter().find_map(|start| line.strip_prefix(start));
        if let Some(name) = word.and_then(|rest| rest.strip_suffix(';')).filter(|_| before != "#[cfg(test)]")
        {
            let is_public = module.is_public && line.starts_with("pub mod ");
            let needs = if before.starts_with("#[cfg(") { Needs::Features } else { module.needs };
            below.push((name.to_owned(), Module { is_public, needs }));
        }
        before = line;
    }
    sources.push((module, text));
    for (name, module) in below {
        let file = folder.join(&name).with_extension("rs");
        let folder = folder.join(&name);
        let file = if file.exists() { file } else { folder.join("mod.rs") };
        read_module(&file, &folder, module, sources);
    }
}

/// The variants of an error or a refusal, read from the source.
pub fn variants(file: &str, name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let body = text.split(&format!("pub enum {name} {{\n")).nth(1).unwrap().split("\n}").next().unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    lines
        .filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()))
        .map(|line| line.chars().take_while(|character| character.is_alphanumeric()).collect())
        .collect()
}
