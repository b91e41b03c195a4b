//! A catalogue that was checked, with a bit for each scope.

use std::collections::{BTreeSet, HashMap};

use super::{Catalog, InvalidCatalog, Scope, Scopes};

/// A [`Catalog`] that was checked, with a bit for each scope and implications followed to their end.
#[derive(Debug)]
pub(crate) struct CompiledCatalog {
    catalog: Catalog,
    names: Vec<Scope>,
    bits: HashMap<Scope, usize>,
    /// For each bit: itself and everything that it implies.
    effective: Vec<Scopes>,
}

impl CompiledCatalog {
    pub(crate) fn compile(catalog: Catalog) -> Result<CompiledCatalog, InvalidCatalog> {
        // The built-in scopes come first, so that they are among the 64 that stand inside an entry.
        let built_in = Catalog::built_in();
        let reserved = built_in.len();
        let declarations: Vec<_> = built_in.into_iter().chain(catalog.declarations().cloned()).collect();
        let mut names = Vec::new();
        let mut bits = HashMap::new();
        for (bit, declaration) in declarations.iter().enumerate() {
            let scope: Scope = declaration.scope.parse()?;
            match bits.insert(scope.clone(), bit) {
                Some(earlier) if earlier < reserved => return Err(InvalidCatalog::Reserved(scope)),
                Some(_) => return Err(InvalidCatalog::Twice(scope)),
                None => names.push(scope),
            }
        }

        let bit_of = |scope: &str, by: &str| {
            bits.get(scope)
                .copied()
                .ok_or_else(|| InvalidCatalog::Undeclared { scope: scope.to_owned(), by: by.to_owned() })
        };
        let mut implied = Vec::new();
        for declaration in &declarations {
            let direct: Result<Vec<_>, _> =
                declaration.implies.iter().map(|scope| bit_of(scope, &declaration.scope)).collect();
            implied.push(direct?);
        }
        let mut seen = BTreeSet::new();
        for preset in catalog.presets() {
            if !seen.insert(&preset.id) {
                return Err(InvalidCatalog::PresetTwice(preset.id.clone()));
            }
            for scope in &preset.scopes {
                bit_of(scope, &preset.id)?;
            }
        }

        let effective = (0..names.len()).map(|bit| closure(bit, &implied)).collect();
        Ok(CompiledCatalog { catalog, names, bits, effective })
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The scope of this name, if the catalogue has it.
    pub(crate) fn find(&self, name: &str) -> Option<&Scope> {
        self.bits.get(name).map(|bit| &self.names[*bit])
    }

    /// The bit of one scope that a route needs.
    pub(crate) fn needed(&self, name: &str) -> Option<Scopes> {
        let mut set = Scopes::none();
        set.insert(*self.bits.get(name)?);
        Some(set)
    }

    /// What the holder of `names` may do, implications included. A name that the catalogue no
    /// longer has adds nothing.
    pub(crate) fn effective<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Scopes {
        let mut set = Scopes::none();
        for bit in names.into_iter().filter_map(|name| self.bits.get(name)) {
            set.insert_all(&self.effective[*bit]);
        }
        set
    }

    /// The scope with this number.
    pub(crate) fn name(&self, bit: usize) -> Option<&Scope> {
        self.names.get(bit)
    }

    /// The names in a set, in the catalogue's order.
    pub(crate) fn names(&self, set: &Scopes) -> Vec<Scope> {
        self.names
            .iter()
            .enumerate()
            .filter(|(bit, _)| set.contains(*bit))
            .map(|(_, name)| name.clone())
            .collect()
    }
}

fn closure(start: usize, implied: &[Vec<usize>]) -> Scopes {
    let mut reached = Scopes::none();
    let mut open = vec![start];
    while let Some(bit) = open.pop() {
        if !reached.contains(bit) {
            reached.insert(bit);
            open.extend(&implied[bit]);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::super::{Declaration, Preset};
    use super::*;

    fn scopes(names: &[&str]) -> Vec<Scope> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn nothing_implies_anything_unless_the_catalogue_says_so() {
        let catalog = Catalog::new()
            .scope("orders:read", "")
            .scope("orders:write", "")
            .declare(Declaration::new("a:one", "").implies("a:two"))
            .declare(Declaration::new("a:two", "").implies("a:three"))
            .declare(Declaration::new("a:three", "").implies("a:one"));
        let compiled = CompiledCatalog::compile(catalog).unwrap();
        let may = |held: &[&str], needed: &str| {
            compiled.effective(held.iter().copied()).contains_all(&compiled.needed(needed).unwrap())
        };
        assert!(may(&["orders:write"], "orders:write") && !may(&["orders:write"], "orders:read"));
        assert!(may(&["a:two"], "a:one") && may(&["a:one"], "a:three"));
        assert!(may(&["tokens:manage"], "tokens:read") && !may(&["tokens:read"], "tokens:manage"));
        assert!(!may(&["gone:read"], "orders:read") && !may(&[], "orders:read"));
        assert_eq!(compiled.needed("gone:read"), None);
    }

    #[test]
    fn mistakes_are_named() {
        let compile = |catalog| CompiledCatalog::compile(catalog).map(|_| ()).unwrap_err().to_string();
        assert!(compile(Catalog::new().scope("orders", "")).contains("resource:action"));
        assert!(compile(Catalog::new().scope("a:b", "").scope("a:b", "")).contains("twice"));
        assert!(compile(Catalog::new().scope("tokens:read", "")).contains("built in"));
        let implies = Catalog::new().declare(Declaration::new("a:b", "").implies("a:c"));
        assert_eq!(compile(implies), "a:b names \"a:c\", which the catalogue does not declare");
        let preset = || Preset::new("app", "App");
        assert!(compile(Catalog::new().preset(preset().scopes(["x:y"]))).contains("app names"));
        assert!(compile(Catalog::new().preset(preset()).preset(preset())).contains("two presets"));
    }

    #[test]
    fn a_large_catalogue_keeps_its_scopes_apart() {
        let names: Vec<_> = (0..300).map(|number| format!("r{number}:read")).collect();
        let catalog = names.iter().fold(Catalog::new(), |catalog, name| catalog.scope(name, ""));
        let compiled = CompiledCatalog::compile(catalog).unwrap();
        let held = compiled.effective(["r299:read", "r61:read"]);
        for name in &names {
            let expected = name == "r299:read" || name == "r61:read";
            assert_eq!(held.contains_all(&compiled.needed(name).unwrap()), expected, "{name}");
        }
        assert_eq!(compiled.names(&held), scopes(&["r61:read", "r299:read"]));
    }
}
