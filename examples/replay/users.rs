//! A token for each user of the log.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokenward::{
    Error, NewToken, Position, Query, RateLimit, Status, TenantFilter, Token, TokenId, TokenRecord, Tokens,
    Update, block_on,
};

/// The tokens of replays belong to a tenant of their own: no others are touched in a service's database.
pub const TENANT: &str = "replay";
/// Who issues and rotates them.
const ACTOR: &str = "replay";
pub const READ: &str = "log:read";
pub const WRITE: &str = "log:write";
/// Of a user's name not more than so many characters are kept: as a token's owner it may have 200.
const LONGEST_USER: usize = 200;
const LONGEST_NAME: usize = 100;
/// Whose token those share who came after the last one to have a token.
const OTHERS: &str = "(other users)";

/// The users of the log, by their names.
pub struct Users<'a> {
    tokens: &'a Tokens,
    numbers: HashMap<Box<str>, User>,
    /// What the database had before.
    known: HashMap<Box<str>, Known>,
    most: usize,
    limit: RateLimit,
    /// How many secrets were made, and how long that took.
    pub secrets: (u32, Duration),
}

/// A user.
struct User {
    /// The number of its token, once that has a secret here: counted in the order in which they get one.
    number: Option<u32>,
    /// How many of the next calls the database has already.
    left_out: u64,
}

struct Known {
    record: TokenRecord,
    calls: u64,
}

/// What becomes of a call.
pub enum Place {
    /// The database has it already.
    LeftOut,
    /// It is made with the token of this number, which is new where its secret is here.
    Token(u32, Option<Token>),
}

impl<'a> Users<'a> {
    /// At most `most` users with tokens of their own, which the database may know already. With
    /// `resume` their calls are left out that it has.
    pub fn new(tokens: &'a Tokens, most: usize, limit: RateLimit, resume: bool) -> Result<Users<'a>, Error> {
        let mut known = HashMap::new();
        let now = tokens.clock().now().wall();
        for_each_page(tokens, |records| {
            let ids: Vec<TokenId> = records.iter().map(|record| record.id).collect();
            let usage = if resume { block_on(tokens.usage_of(&ids))? } else { HashMap::new() };
            for record in records.into_iter().filter(|record| record.status(now) != Status::Revoked) {
                let calls = usage.get(&record.id).map_or(0, |usage| usage.total());
                if let Some(owner) = record.owner.as_deref().map(Box::from) {
                    known.insert(owner, Known { record, calls });
                }
            }
            Ok(())
        })?;
        let numbers = HashMap::new();
        Ok(Users { tokens, numbers, known, most, limit, secrets: (0, Duration::ZERO) })
    }

    /// How many calls the database has of them, as far as they are to be left out.
    pub fn recorded(&self) -> u64 {
        self.known.values().map(|known| known.calls).sum()
    }

    /// What becomes of a call by this user.
    pub fn place(&mut self, user: &str) -> Result<Place, Error> {
        let user = key(user);
        let has_room = self.numbers.len() < self.most || self.numbers.contains_key(&*user);
        let user = if has_room { &*user } else { OTHERS };
        let place = match self.numbers.get_mut(user) {
            Some(place) => place,
            None => {
                let left_out = self.known.get(user).map_or(0, |known| known.calls);
                self.numbers.entry(user.into()).or_insert(User { number: None, left_out })
            }
        };
        if place.left_out > 0 {
            place.left_out -= 1;
            return Ok(Place::LeftOut);
        }
        if let Some(number) = place.number {
            return Ok(Place::Token(number, None));
        }
        let number = self.secrets.0;
        place.number = Some(number);
        let start = Instant::now();
        let token = block_on(self.token(user))?;
        self.secrets.0 += 1;
        self.secrets.1 += start.elapsed();
        Ok(Place::Token(number, Some(token)))
    }

    /// A token with a secret that nobody has seen: the one of an earlier replay is rotated.
    async fn token(&self, user: &str) -> Result<Token, Error> {
        let actor = tokenward::Actor::new(ACTOR).tenant(TENANT);
        if let Some(Known { record, .. }) = self.known.get(user) {
            if record.rate_limit != self.limit {
                let update = Update::new().rate_limit(self.limit);
                self.tokens.update(&record.id, update).by(&actor).await?;
            }
            return Ok(self.tokens.rotate(&record.id).by(&actor).await?.secret);
        }
        let name: String = user.chars().take(LONGEST_NAME).collect();
        let asked =
            NewToken::named(name).tenant(TENANT).owner(user).scopes([READ, WRITE]).rate_limit(self.limit);
        Ok(self.tokens.issue(asked).by(&actor).await?.secret)
    }
}

/// Tokens of replays, a page at a time.
pub fn for_each_page(
    tokens: &Tokens,
    mut each: impl FnMut(Vec<TokenRecord>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut query = Query::new(TenantFilter::Only(Some(TENANT.to_owned())), tokens.clock().now().wall());
    query.limit = 500;
    loop {
        let page = block_on(tokens.list(&query))?;
        let last: Option<Position> = page.records.last().map(|record| query.order.position(record));
        each(page.records)?;
        if last.is_none() || !page.more {
            return Ok(());
        }
        query.after = last;
    }
}

/// What a user is known by: not all of a name that is very long, and without characters that no token's
/// name may have.
fn key(user: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_alphanumeric() || matches!(character, ' '..='~');
    let user = user.trim();
    let user = if user.is_empty() { "(unnamed)" } else { user };
    if user.len() <= LONGEST_USER && user.chars().all(is_plain) {
        return user.into();
    }
    let shown = |character| if is_plain(character) { character } else { char::REPLACEMENT_CHARACTER };
    Cow::Owned(user.chars().take(LONGEST_USER).map(shown).collect())
}
