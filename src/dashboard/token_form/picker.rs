//! What a token may do, as a form asks for it: by resource, in the catalogue's own words.

use std::collections::BTreeSet;

use crate::{Actor, Catalog, Declaration, Scope, Tokens};

/// What can be chosen of one resource.
pub(in crate::dashboard) struct Group {
    pub(in crate::dashboard) resource: String,
    pub(in crate::dashboard) title: String,
    /// Nothing, looking, looking and changing: one of them. Empty where the resource is not like that.
    pub(in crate::dashboard) levels: Vec<Choice>,
    /// What is ticked for itself.
    pub(in crate::dashboard) ticks: Vec<Choice>,
    /// What is seldom needed or sensitive: levels and ticks that are shown when asked for.
    pub(in crate::dashboard) more_levels: Vec<Choice>,
    pub(in crate::dashboard) more_ticks: Vec<Choice>,
    /// Whether any of those is chosen: they are shown then.
    pub(in crate::dashboard) is_open: bool,
    /// Whether there are several scopes that only look, to be ticked at once.
    pub(in crate::dashboard) has_all_read: bool,
}

/// One radio button or tick box.
pub(in crate::dashboard) struct Choice {
    /// The scopes, with spaces between; nothing for none.
    pub(in crate::dashboard) value: String,
    pub(in crate::dashboard) id: String,
    pub(in crate::dashboard) sentence: String,
    pub(in crate::dashboard) is_chosen: bool,
    pub(in crate::dashboard) is_sensitive: bool,
    /// Why it cannot be chosen. What was chosen can always be unchosen.
    pub(in crate::dashboard) against: Option<&'static str>,
}

const NOT_HELD: &str = "You do not hold this yourself, so you may not grant it.";
const GONE: &str = "This service no longer knows it: it has no effect.";

/// Everything that can be chosen.
pub(in crate::dashboard) struct Picker {
    pub(in crate::dashboard) groups: Vec<Group>,
    /// Managing tokens themselves.
    pub(in crate::dashboard) built_in: Vec<Choice>,
    pub(in crate::dashboard) is_built_in_open: bool,
    /// Chosen names that the catalogue does not have.
    pub(in crate::dashboard) unknown: Vec<Choice>,
}

/// Whether the holder of such a scope only looks, by what its name says.
pub(in crate::dashboard) fn is_reading(scope: &str) -> bool {
    matches!(action(scope), "read" | "view" | "list" | "look" | "see")
}

fn is_writing(scope: &str) -> bool {
    matches!(action(scope), "write" | "edit" | "change" | "update" | "manage")
}

fn action(scope: &str) -> &str {
    scope.rsplit_once(':').map_or("", |(_, action)| action)
}

fn resource(scope: &str) -> &str {
    scope.rsplit_once(':').map_or("", |(resource, _)| resource)
}

/// What people call a resource.
pub(in crate::dashboard) fn title_of(catalog: &Catalog, resource: &str) -> String {
    match catalog.groups().find(|group| group.resource == resource) {
        Some(group) => group.title.clone(),
        None => {
            let mut characters = resource.chars();
            let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
            first + characters.as_str()
        }
    }
}

/// The resources of a catalogue: named groups in their order, then those that are not named.
pub(in crate::dashboard) fn resources(catalog: &Catalog) -> Vec<&str> {
    let declared = || catalog.declarations().map(|declaration| resource(&declaration.scope));
    let named = catalog.groups().map(|group| group.resource.as_str());
    let mut all: Vec<&str> = Vec::new();
    for resource in named.filter(|named| declared().any(|is| is == *named)).chain(declared()) {
        if !all.contains(&resource) {
            all.push(resource);
        }
    }
    all
}

/// The scopes that only look, of a resource or (`*`) of all of them: those that are not sensitive,
/// and that the actor may grant.
pub(in crate::dashboard) fn all_read(tokens: &Tokens, actor: &Actor, wanted: &str) -> Vec<String> {
    let is_wanted = |declaration: &&Declaration| {
        let scope = &declaration.scope;
        (wanted == "*" || resource(scope) == wanted)
            && is_reading(scope)
            && !declaration.sensitive
            && tokens.may_grant(actor, scope)
    };
    tokens.catalog().declarations().filter(is_wanted).map(|declaration| declaration.scope.clone()).collect()
}

impl Picker {
    pub(super) fn of(tokens: &Tokens, actor: &Actor, chosen: &BTreeSet<String>) -> Picker {
        let choosing = Choosing { tokens, actor, chosen };
        let catalog = tokens.catalog();
        let groups = resources(catalog).into_iter().map(|resource| choosing.group(resource)).collect();
        let built_in: Vec<_> = Catalog::built_in().iter().map(|scope| choosing.tick(scope)).collect();
        let is_known = |name: &String| {
            let built_in = Catalog::built_in();
            catalog.declarations().chain(&built_in).any(|declaration| declaration.scope == *name)
        };
        let unknown = chosen.iter().filter(|name| !is_known(name)).map(|name| Choice {
            value: name.clone(),
            id: format!("scope-{name}"),
            sentence: GONE.to_owned(),
            is_chosen: true,
            is_sensitive: false,
            against: None,
        });
        let is_built_in_open = built_in.iter().any(|choice| choice.is_chosen);
        Picker { groups, built_in, is_built_in_open, unknown: unknown.collect() }
    }
}

struct Choosing<'a> {
    tokens: &'a Tokens,
    actor: &'a Actor,
    chosen: &'a BTreeSet<String>,
}

impl Choosing<'_> {
    fn group(&self, name: &str) -> Group {
        let catalog = self.tokens.catalog();
        let declared = || catalog.declarations().filter(|declaration| resource(&declaration.scope) == name);
        let (levels, more_levels) = match (only(declared(), is_reading), only(declared(), is_writing)) {
            (Some(reading), Some(writing)) => self.levels(name, reading, writing),
            _ => (Vec::new(), Vec::new()),
        };
        let has_levels = !levels.is_empty();
        let is_in_levels = |scope: &str| has_levels && (is_reading(scope) || is_writing(scope));
        let others: Vec<_> = declared().filter(|declaration| !is_in_levels(&declaration.scope)).collect();
        // A resource with one scope shows it, sensitive or not: there is nothing before it.
        let has_main = has_levels || others.iter().any(|declaration| !declaration.sensitive);
        let (more, ticks): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|declaration| declaration.sensitive && has_main);
        let ticks: Vec<_> = ticks.into_iter().map(|declaration| self.tick(declaration)).collect();
        let more_ticks: Vec<_> = more.into_iter().map(|declaration| self.tick(declaration)).collect();
        let is_open = more_levels.iter().chain(&more_ticks).any(|choice| choice.is_chosen);
        Group {
            resource: name.to_owned(),
            title: title_of(catalog, name),
            has_all_read: !has_levels && all_read(self.tokens, self.actor, name).len() > 1,
            levels,
            ticks,
            more_levels,
            more_ticks,
            is_open,
        }
    }

    /// Nothing, looking, looking and changing; and, apart, changing without looking.
    fn levels(&self, name: &str, reading: &Declaration, writing: &Declaration) -> (Vec<Choice>, Vec<Choice>) {
        let (reads, writes) = (self.holds(reading), self.holds(writing));
        let level = |word: &str, sentence: String, of: &[&Declaration], is_chosen: bool| {
            let names: Vec<_> = of.iter().map(|declaration| declaration.scope.as_str()).collect();
            Choice {
                value: names.join(" "),
                id: format!("level-{name}-{word}"),
                sentence,
                is_chosen,
                is_sensitive: of.iter().any(|declaration| declaration.sensitive),
                against: self.against(of).filter(|_| !is_chosen),
            }
        };
        let both = format!("{}, and {}", reading.sentence, lower_first(&writing.sentence));
        let main = vec![
            level("none", "Nothing".to_owned(), &[], !reads && !writes),
            level("read", reading.sentence.clone(), &[reading], reads && !writes),
            level("write", both, &[reading, writing], reads && writes),
        ];
        let alone = format!("{}, without looking", writing.sentence);
        (main, vec![level("only", alone, &[writing], writes && !reads)])
    }

    fn tick(&self, declaration: &Declaration) -> Choice {
        let is_chosen = self.holds(declaration);
        Choice {
            value: declaration.scope.clone(),
            id: format!("scope-{}", declaration.scope),
            sentence: declaration.sentence.clone(),
            is_chosen,
            is_sensitive: declaration.sensitive,
            against: self.against(&[declaration]).filter(|_| !is_chosen),
        }
    }

    fn holds(&self, declaration: &Declaration) -> bool {
        self.chosen.contains(&declaration.scope)
    }

    /// A scope that is held already may stay, whoever looks.
    fn against(&self, declarations: &[&Declaration]) -> Option<&'static str> {
        let may = |declaration: &&Declaration| {
            self.holds(declaration) || self.tokens.may_grant(self.actor, &declaration.scope)
        };
        (!declarations.iter().all(may)).then_some(NOT_HELD)
    }
}

/// The one scope of this kind, if there is one and no other.
fn only<'c>(
    mut declared: impl Iterator<Item = &'c Declaration>,
    kind: impl Fn(&str) -> bool,
) -> Option<&'c Declaration> {
    let first = declared.find(|declaration| kind(&declaration.scope))?;
    declared.all(|declaration| !kind(&declaration.scope)).then_some(first)
}

/// `Look at orders` within a sentence; what begins like `API keys` stays.
pub(in crate::dashboard) fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    let (first, rest) = (characters.next(), characters.as_str());
    if rest.chars().next().is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    first.into_iter().flat_map(char::to_lowercase).chain(rest.chars()).collect()
}

/// The names that read as scopes.
pub(in crate::dashboard) fn readable(names: &BTreeSet<String>) -> Vec<Scope> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}
