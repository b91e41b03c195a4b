//! What single steps take, for people: `cargo bench --bench verify`. Ratios to others, which do not
//! move with the machine, are what `cargo run --release -p compare` prints.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tokenward::{Actor, Catalog, Issued, Need, NewToken, Policy, RateLimit, Tokens, block_on};

const MARIA: &str = "maria@acme.example";

fn tokens() -> Tokens {
    let catalog =
        Catalog::new().scope("orders:read", "Look at orders").scope("orders:write", "Change orders");
    let store = std::sync::Arc::new(tokenward::MemoryStore::new());
    let policy = Policy::new().allow_unlimited();
    Tokens::builder(store.clone())
        .usage_store(store)
        .catalog(catalog)
        .prefix("acme_live")
        .policy(policy)
        .build()
        .expect("the catalogue and the prefix are right")
}

/// A token that has been verified once, so that it is in memory. Without a limit: asked as often
/// as here, one with a limit would be refused most of the time.
fn issue(tokens: &Tokens, limit: RateLimit) -> Issued {
    let asked = NewToken::named("Nightly export").tenant("acme").scopes(["orders:read"]).rate_limit(limit);
    let issued = block_on(tokens.issue(asked).by(MARIA)).expect("all of it is right");
    let verdict = block_on(tokens.verify(issued.secret.expose(), &Need::live().tenant("acme")));
    assert!(verdict.expect("the store is in memory").is_granted());
    issued
}

/// The text with another character at this place.
fn misspelt(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("one letter for another")
}

/// The text of another token with the id of this one: a checksum that fits, and a wrong secret.
fn with_wrong_secret(text: &str) -> String {
    let body = misspelt(&text[..text.len() - 6], text.len() - 10);
    let checksum = checksum(body.as_bytes());
    body + &checksum
}

/// The checksum as the format says: the CRC-32 (IEEE), big end first, as six characters of base64.
fn checksum(text: &[u8]) -> String {
    let sum = text.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    });
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = u64::from(!sum) << 4;
    (0..6).rev().map(|place| char::from(alphabet[(bits >> (6 * place) & 63) as usize])).collect()
}

fn verify(criterion: &mut Criterion) {
    let tokens = tokens();
    let requirement = tokens.requirement(["orders:read"]).expect("it is declared");
    let more = tokens.requirement(["orders:write"]).expect("it is declared");
    let need = Need::of(&requirement).tenant("acme");
    let free = issue(&tokens, RateLimit::unlimited());
    let text = free.secret.expose();
    let unknown = {
        let stranger = Tokens::builder(std::sync::Arc::new(tokenward::MemoryStore::new()));
        let stranger = stranger.prefix("acme_live").build().expect("the prefix is right");
        block_on(stranger.issue(NewToken::named("Stranger")).by(MARIA)).expect("all of it is right").secret
    };
    let limited = issue(&tokens, RateLimit::per_minute(1).expect("more than none"));
    let mut group = criterion.benchmark_group("verify");
    let mut bench = |name: &str, text: &str, need: &Need<'_>, code: Option<&str>| {
        let verdict = block_on(tokens.verify(text, need)).expect("the store is in memory");
        assert_eq!(verdict.denied().map(|denied| denied.code()), code, "{name}");
        group.bench_function(name, |bencher| {
            bencher
                .iter(|| block_on(tokens.verify(black_box(text), need)).map(|verdict| verdict.is_granted()))
        });
    };
    bench("hit", text, &need, None);
    bench("refusal by checksum", &misspelt(text, text.len() - 2), &need, Some("token-invalid"));
    bench("unknown id", unknown.expose(), &need, Some("token-invalid"));
    bench("wrong secret", &with_wrong_secret(text), &need, Some("token-invalid"));
    bench("missing scope", text, &Need::of(&more).tenant("acme"), Some("insufficient-scope"));
    bench("rate limited", limited.secret.expose(), &need, Some("rate-limited"));
    group.bench_function("hit without waiting", |bencher| {
        bencher.iter(|| tokens.try_verify(black_box(text), &need).map(|verdict| verdict.is_some()))
    });
}

fn change(criterion: &mut Criterion) {
    let tokens = tokens();
    let acme = || Actor::new(MARIA).tenant("acme");
    let asked = || NewToken::named("Nightly export").tenant("acme").scopes(["orders:read"]);
    let mut group = criterion.benchmark_group("memory store");
    group.bench_function("issue", |bencher| {
        let by = |asked: NewToken| block_on(tokens.issue(asked).by(MARIA)).expect("all of it is right");
        bencher.iter_batched(asked, by, BatchSize::SmallInput)
    });
    let id = block_on(tokens.issue(asked()).by(MARIA)).expect("all of it is right").record.id;
    group.bench_function("rotate", |bencher| {
        bencher.iter(|| block_on(tokens.rotate(&id).by(acme())).expect("it is alive").record.version)
    });
}

criterion_group!(benches, verify, change);
criterion_main!(benches);
