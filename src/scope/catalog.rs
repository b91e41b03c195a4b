//! What a service lets its tokens do.

use super::{InvalidScope, Preset, Scope, TOKENS_MANAGE, TOKENS_READ};

/// What a service lets its tokens do: its scopes in the words of its users, and presets.
///
/// A scope that is not declared here cannot be granted. Nothing implies anything unless the
/// catalogue says so: writing does not include reading. [`TOKENS_READ`] and [`TOKENS_MANAGE`] are
/// built in and need no declaration.
///
/// What is wrong with a catalogue (a name that is no scope, a scope declared twice, an implication
/// or a preset that names an unknown scope) is told when the [`Tokens`](crate::Tokens) are built.
///
/// ```
/// use tokenward::{Catalog, Declaration, Preset};
/// let catalog = Catalog::new()
///     .group("customers", "Customers")
///     .scope("orders:read", "Look at orders and the customers on them")
///     .declare(Declaration::new("customers:read", "Look at profiles and purchases").sensitive())
///     .declare(Declaration::new("customers:write", "Change customer data").sensitive().implies("customers:read"))
///     .preset(Preset::new("portal", "Customer portal").scopes(["customers:read", "orders:read"]));
/// assert_eq!(catalog.declarations().count(), 3);
/// ```
#[derive(Clone, Default, Debug)]
pub struct Catalog {
    declarations: Vec<Declaration>,
    groups: Vec<Group>,
    presets: Vec<Preset>,
}

/// One scope of a [`Catalog`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Declaration {
    /// The scope's name, `resource:action`.
    pub scope: String,
    /// A short title. The name unless set.
    pub title: String,
    /// One plain sentence: what the holder may do.
    pub sentence: String,
    /// Whether it moves money, shows personal data or the like, so that people think twice.
    pub sensitive: bool,
    /// Scopes that whoever holds this one holds too.
    pub implies: Vec<String>,
}

/// How people call a resource of a [`Catalog`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Group {
    /// The resource: what stands before the colon of its scopes.
    pub resource: String,
    /// What people call it.
    pub title: String,
}

/// What is wrong with a [`Catalog`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCatalog {
    /// A declared name is no scope.
    #[error(transparent)]
    Name(#[from] InvalidScope),
    /// A scope is declared twice.
    #[error("the catalogue declares {0} twice")]
    Twice(Scope),
    /// A declared scope is built in.
    #[error("{0} is built in: a catalogue does not declare it")]
    Reserved(Scope),
    /// An implication or a preset names a scope that is not declared.
    #[error("{by} names {scope:?}, which the catalogue does not declare")]
    Undeclared {
        /// The name that is not declared.
        scope: String,
        /// The scope or preset that names it.
        by: String,
    },
    /// Two presets have one id.
    #[error("the catalogue has two presets called {0:?}")]
    PresetTwice(String),
}

impl Catalog {
    /// A catalogue without scopes of its own.
    pub fn new() -> Catalog {
        Catalog::default()
    }

    /// Declares a scope and says in one plain sentence what its holder may do.
    pub fn scope(self, scope: impl Into<String>, sentence: impl Into<String>) -> Catalog {
        self.declare(Declaration::new(scope, sentence))
    }

    /// Declares a scope with more to say than a sentence.
    pub fn declare(mut self, declaration: Declaration) -> Catalog {
        self.declarations.push(declaration);
        self
    }

    /// Says how people call a resource. Groups keep the order in which they are named.
    pub fn group(mut self, resource: impl Into<String>, title: impl Into<String>) -> Catalog {
        self.groups.push(Group { resource: resource.into(), title: title.into() });
        self
    }

    /// Adds a preset.
    pub fn preset(mut self, preset: Preset) -> Catalog {
        self.presets.push(preset);
        self
    }

    /// The declared scopes, in their order, without the built-in ones.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.declarations.iter()
    }

    /// The groups, in their order.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// The presets, in their order.
    pub fn presets(&self) -> impl Iterator<Item = &Preset> {
        self.presets.iter()
    }

    /// The two scopes that every catalogue has: reading and managing tokens. Both are sensitive.
    pub fn built_in() -> [Declaration; 2] {
        [
            Declaration::new(TOKENS_READ, "See the tokens of this account, their use and their history")
                .titled("Read tokens")
                .sensitive(),
            Declaration::new(TOKENS_MANAGE, "Create, change, rotate and revoke the tokens of this account")
                .titled("Manage tokens")
                .sensitive()
                .implies(TOKENS_READ),
        ]
    }
}

impl Declaration {
    /// A scope that is not sensitive and implies nothing, with its name as the title.
    pub fn new(scope: impl Into<String>, sentence: impl Into<String>) -> Declaration {
        let scope = scope.into();
        Declaration {
            title: scope.clone(),
            scope,
            sentence: sentence.into(),
            sensitive: false,
            implies: Vec::new(),
        }
    }

    /// Gives it a short title.
    pub fn titled(mut self, title: impl Into<String>) -> Declaration {
        self.title = title.into();
        self
    }

    /// Marks it as one that people should think twice about.
    pub fn sensitive(mut self) -> Declaration {
        self.sensitive = true;
        self
    }

    /// Whoever holds this scope holds `scope` too. May be said several times.
    pub fn implies(mut self, scope: impl Into<String>) -> Declaration {
        self.implies.push(scope.into());
        self
    }
}
