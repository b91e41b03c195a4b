//! No secret is ever seen again: not in what any type shows of itself, not in logs, errors, JSON or
//! rows, and none is made without randomness.

#[cfg(all(
    feature = "sqlite",
    feature = "postgres",
    feature = "redis",
    feature = "axum",
    feature = "dashboard",
    feature = "conformance"
))]
mod features;
mod fleet;
mod seen;
mod source;
#[path = "../support/mod.rs"]
mod support;
mod used;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use seen::{Hidden, Shown, log, short};
use source::{Needs, public_types, variants};
use support::{PausedStore, Stage, WatchedUsage, catalog, text_of};
use tokenward::limit::{Limited, QuotaStanding, Standing, Tick, Window};
use tokenward::limiter::{LimiterState, Take, Taken};
use tokenward::{
    Actor, Attention, Catalog, Clock, Declaration, Denied, Error, Expected, Filter, HistoryQuery, Limiter,
    LimiterError, LimiterHealth, MemoryStore, Need, NewToken, Order, Policy, Prefix, Presented, Preset,
    Query, Quota, Randomness, RandomnessFailed, RateLimit, Spawner, Status, StoreError, SystemClock,
    SystemRandomness, TenantFilter, TokenId, TokenStore, Tokens, Update, Verdict, Via, WhenLimiterFails,
    block_on,
};

/// A limiter that never answers.
struct Away;

#[tokenward::async_trait]
impl Limiter for Away {
    async fn take(&self, _request: &Take<'_>) -> Result<Taken, LimiterError> {
        Err(LimiterError::unreachable("nobody is there"))
    }
}

#[test]
fn nothing_that_can_be_shown_shows_a_secret() {
    let log = log();
    let (store, batches) = (PausedStore::new(), Arc::new(WatchedUsage::default()));
    let preset = Preset::new("export", "Export").scopes(["orders:read"]).per_minute(60);
    let catalog = catalog().preset(preset.clone()).group("orders", "Orders");
    let policy =
        Policy::new().tokens_per_tenant(1_000).shared_limit_per_tenant(RateLimit::per_minute(9_000).unwrap());
    let clock = tokenward::ManualClock::new();
    let (tell, told) = std::sync::mpsc::channel();
    let tokens = Tokens::builder(store.clone())
        .usage_store(batches.clone())
        .catalog(catalog.clone())
        .policy(policy.clone())
        .clock(clock.clone())
        .flush_every(Duration::from_millis(10))
        .attention(Attention::default())
        .on_event(move |event| std::future::ready(tell.send(event)))
        .build()
        .unwrap();
    let (mut hidden, mut shown) = (Hidden::default(), Shown::default());
    let acme = Actor::new("maria@acme.example")
        .tenant("acme")
        .via(Via::Api)
        .address("203.0.113.7".parse().unwrap())
        .request_id("req-1");
    let need = Need::scope("orders:read").tenant("acme");

    block_on(async {
        let mut secrets = Vec::new();
        for number in 0..20_u32 {
            let asked = NewToken::named(format!("Export {number}"))
                .tenant("acme")
                .owner("nina")
                .preset(&preset)
                .addresses(["203.0.113.0/24"])
                .metadata("team", "data")
                .expires_in(TimeDelta::days(90));
            shown.debug(&asked);
            let key = format!("order {number}");
            let issued = tokens.issue(asked.clone()).idempotency_key(&key).by(&acme).await.unwrap();
            shown.error(&tokens.issue(asked).idempotency_key(&key).by(&acme).await.unwrap_err());
            hidden.add(&issued.secret);
            shown.debug(&issued);
            let id = issued.record.id;
            let rotate = tokens.rotate(&id).grace(TimeDelta::days(1)).idempotency_key("once");
            let rotated = rotate.by(&acme).await.unwrap();
            hidden.add(&rotated.secret);
            shown.debug(&rotated);
            shown.error(&tokens.rotate(&id).idempotency_key("once").by(&acme).await.unwrap_err());
            let update = Update::new().description("Every night").per_hour(Some(100 + number));
            shown.debug(&update);
            tokens.update(&id, update).by(&acme).await.unwrap();
            let from = need.from_address("203.0.113.9".parse().unwrap());
            for secret in [&issued.secret, &rotated.secret] {
                let text = secret.expose();
                for need in [from, need, from.tenant("globex"), Need::closed().tenant("acme"), Need::live()] {
                    let verdict = tokens.verify(text, &need).await.unwrap();
                    shown.debug(&verdict);
                    match verdict {
                        Verdict::Granted(grant) => {
                            shown.debug(&grant);
                            shown.debug(grant.standing());
                            used::record(&grant, text);
                            shown.debug(&grant.into_caller());
                        }
                        Verdict::Denied(denied) => {
                            shown.debug(&denied);
                            shown.json(&denied.problem());
                        }
                    }
                }
                for wrong in [text[..text.len() - 1].to_owned(), format!("{text}A"), format!("Bearer {text}")]
                {
                    shown.debug(&tokens.verify(&wrong, &from).await.unwrap());
                    shown.debug(&Presented::read(wrong.as_bytes(), tokens.prefix()).unwrap_err());
                }
                shown.debug(&Presented::read(text.as_bytes(), tokens.prefix()).unwrap());
                shown.json(&Presented::read(text.as_bytes(), tokens.prefix()).unwrap().digest());
                let write =
                    Need::scope("orders:write").tenant("acme").from_address("203.0.113.9".parse().unwrap());
                let denied = tokens.verify(text, &write).await.unwrap().denied().unwrap();
                shown.debug(&denied);
                let Denied::InsufficientScope(shortage) = denied else { panic!("it lacks a scope") };
                shown.debug(&*shortage);
                assert!(tokens.find_by_text(text).await.unwrap().is_some());
            }
            secrets.push((id, rotated.secret));
        }

        // Lives that end in each way.
        tokens.pause(&secrets[0].0).by(&acme).await.unwrap();
        tokens.pause(&secrets[1].0).lasting(TimeDelta::days(1)).by(&acme).await.unwrap();
        tokens.revoke(&secrets[2].0).because("found in a log").by(&acme).await.unwrap();
        tokens.revoke(&secrets[3].0).by(&acme).await.unwrap();
        tokens.purge(&secrets[3].0).by(&acme).await.unwrap();
        tokens.revoke_all_of_tenant("globex").by(Actor::new("maria").all_tenants()).await.unwrap();
        batches.lose(1);
        assert!(!tokens.verify(secrets[2].1.expose(), &need).await.unwrap().is_granted());
        _ = tokens.flush().await;
        tokens.flush().await.unwrap();

        // Rows, by every way that leads to them.
        let now = tokens.clock().now().wall();
        let ids: Vec<_> = secrets.iter().map(|(id, _)| *id).collect();
        for token in store.memory().load(&ids).await.unwrap() {
            token.rotation_keys.iter().for_each(|key| shown.json(key));
            shown.json(&token.digest);
            shown.json(&token.record);
            shown.json(&token.record.secret);
            shown.json(token.record.previous_secret.as_ref().unwrap());
            shown.debug(&token.record.life());
            shown.both(&token.record.status(now));
            token.record.scopes.iter().for_each(|scope| shown.both(scope));
            token.record.addresses.iter().for_each(|range| shown.both(range));
            shown.json(&token);
            shown.both(&token.record.id);
            shown.debug(&Actor::holding(&token.record));
        }
        let query = Query::new(TenantFilter::Any, now);
        shown.debug(&query);
        let listing = tokens.list(&query).await.unwrap();
        shown.json(&query.order.position(&listing.records[0]));
        shown.debug(&listing);
        shown.debug(&tokens.list_unused(&query, now).await.unwrap());
        let mut history_query = HistoryQuery::new(TenantFilter::Any);
        history_query.limit = 1_000;
        shown.debug(&history_query);
        let mut history = tokens.history(&history_query).await.unwrap();
        for entry in &history {
            shown.json(entry);
            shown.json(&entry.draft);
            shown.json(&entry.seal);
            shown.json(&entry.draft.action);
            shown.json(&entry.draft.via);
            shown.json(entry.draft.personal.as_ref().unwrap());
            entry.draft.changes.iter().for_each(|change| shown.json(change));
        }
        let flushed = batches.batches.lock().unwrap().clone();
        for slice in batches.inner.slices(&used::everything()).await.unwrap() {
            shown.json(&slice);
        }
        used::show(&mut shown, &tokens, &ids, &flushed).await;
        assert!(batches.fates.lock().unwrap().is_empty());

        // Errors, each of them.
        let id = secrets[4].0;
        shown.error(&tokens.issue(NewToken::named("")).by("maria").await.unwrap_err());
        if let Error::Invalid(invalid) = tokens.issue(NewToken::named("")).by("maria").await.unwrap_err() {
            shown.json(&invalid.errors[0]);
            shown.error(&invalid);
        }
        let builder = || Tokens::builder(PausedStore::new()).without_background();
        let twice = catalog.clone().scope("orders:read", "Again");
        for error in [
            builder().catalog(twice).build().unwrap_err(),
            builder().catalog(Catalog::new().scope("Orders", "")).build().unwrap_err(),
            builder().prefix("Acme").build().unwrap_err(),
            builder().randomness(Generator::new(FAILING)).build().unwrap_err(),
            tokens.update(&id, Update::new().name("Other")).if_version(99).by(&acme).await.unwrap_err(),
            tokens.update(&id, Update::new().name("Other")).by("maria").await.unwrap_err(),
            tokens
                .update(&id, Update::new().name("Other"))
                .by(Actor::new("eve").tenant("globex"))
                .await
                .unwrap_err(),
            tokens.rotate(&secrets[2].0).by(&acme).await.unwrap_err(),
            tokens.purge(&id).by(&acme).await.unwrap_err(),
            tokens.rotate(&id).by(acme.clone().may_grant([""; 0])).await.unwrap_err(),
            tokens
                .verify(secrets[4].1.expose(), &Need::scope("nothing:read").tenant("acme"))
                .await
                .unwrap_err(),
            Error::NoOldSecret,
            Error::TooManyTokens { greatest: 7 },
            Error::Overloaded("too much"),
            Error::Interrupted,
            StoreError::outcome_unknown("the connection was lost").into(),
            LimiterError::failed("it took too long").into(),
        ] {
            match &error {
                Error::InvalidCatalog(error) => shown.error(error),
                Error::InvalidPrefix(error) => shown.error(error),
                Error::Randomness(error) => shown.error(error),
                Error::Store(error) => shown.error(error),
                Error::Limiter(error) => shown.error(error),
                Error::NotGrantable(not) => shown.display(not),
                _ => {}
            }
            shown.error(&error);
        }
        history[5].draft.token_name = "Another".into();
        let own: Vec<_> =
            history.iter().rev().filter(|entry| entry.draft.tenant.as_deref() == Some("acme")).collect();
        let broken = tokenward::verify_chain(own, None).unwrap_err();
        shown.error(&broken);
        shown.error(&Error::BrokenHistory(broken));
        shown.error(&"tok_7".parse::<TokenId>().unwrap_err());
        shown.error(&"asleep".parse::<Status>().unwrap_err());
        shown.error(&"Orders".parse::<tokenward::Scope>().unwrap_err());
        shown.error(&"localhost".parse::<tokenward::AddressRange>().unwrap_err());
        shown.error(&RateLimit::per_minute(0).unwrap_err());

        // Limits and refusals.
        let limited: Limited = {
            let mut window = Window::default();
            let limit = RateLimit::per_minute(1).unwrap();
            let standing: Standing = window.take(&limit, Tick::exact(0)).unwrap();
            shown.debug(&standing);
            shown.debug::<QuotaStanding>(&standing.quotas().next().unwrap());
            shown.debug(&window);
            shown.debug(&Tick::exact(0));
            shown.both(&limit);
            shown.both::<Quota>(&limit.quotas().next().unwrap());
            window.take(&limit, Tick::exact(0)).unwrap_err()
        };
        shown.error(&limited);
        let by_limiter = Tokens::builder(Arc::new(MemoryStore::new()))
            .limiter(Arc::new(Away))
            .when_limiter_fails(WhenLimiterFails::Allow)
            .build()
            .unwrap();
        let issued = by_limiter.issue(NewToken::named("Export").per_minute(60)).by("maria").await.unwrap();
        hidden.add(&issued.secret);
        shown.debug(&by_limiter.verify(issued.secret.expose(), &Need::live()).await.unwrap());
        let health: LimiterHealth = by_limiter.limiter_health().unwrap();
        shown.debug(&health);
        shown.json(&health);
        shown.debug::<LimiterState>(&health.state);
        shown.json(&health.state);
        shown.debug::<WhenLimiterFails>(&health.when_it_fails);
        shown.json(&health.when_it_fails);
        shown.debug(&Take::new(issued.record.id, RateLimit::default()));
        shown.debug(&Taken::Limited(limited));
        fleet::show(&mut shown, &mut hidden).await;
        for denied in [
            Denied::Ambiguous("two"),
            Denied::Missing,
            Denied::Invalid,
            Denied::Revoked(Some(now)),
            Denied::Expired(now),
            Denied::NotYetValid(now),
            Denied::Rotated(now),
            Denied::Paused(None),
            Denied::AddressNotAllowed,
            Denied::NotForTokens,
            Denied::RateLimited(limited),
            Denied::SharedLimit(limited),
        ] {
            shown.debug(&denied);
            shown.json(&denied.problem());
            shown.displayed.entry("details".into()).or_default().push(denied.detail());
        }

        // What is left.
        shown.debug(&tokens);
        shown.json(&tokens.strangers());
        shown.debug(&acme);
        shown.debug(&need);
        shown.debug(&tokens.requirement(["orders:read"]).unwrap());
        shown.debug(&catalog);
        shown.json(&preset);
        shown.debug(&Declaration::new("orders:read", "Look at orders"));
        catalog.groups().for_each(|group| shown.debug(group));
        shown.debug(&policy);
        shown.debug(&clock);
        shown.debug(&clock.now());
        shown.debug(&SystemRandomness);
        shown.debug(&SystemClock::new());
        shown.debug(&Spawner::default());
        shown.debug(&Filter::new());
        shown.debug(&TenantFilter::Any);
        shown.json(&Order::NEWEST_FIRST);
        shown.json(&Order::NEWEST_FIRST.by);
        shown.debug(&Expected::Any);
        shown.debug(&tokenward::Scopes::none());
        shown.display(&Prefix::default());
        shown.debug(&secrets[0].1);
        clock.advance(TimeDelta::days(80));
        tokens.flush().await.unwrap();
        let event = told.recv_timeout(Duration::from_secs(60)).unwrap();
        shown.json(&event);
        shown.json(&event.kind);
        shown.debug(&Attention::default());
        tokens.shutdown().await.unwrap();
    });
    for (name, text) in store.heard() {
        shown.debugged.entry(short(name)).or_default().push(text);
    }

    // Each type was looked at in each way in which it shows itself.
    let types = public_types(Needs::Nothing);
    assert!(types.len() > 80, "the source was read: {}", types.len());
    shown.assert_complete(&types);
    for (file, name) in [("error.rs", "Error"), ("denied.rs", "Denied")] {
        for variant in variants(file, name) {
            let is_shown = shown.debugged[name].iter().any(|text| text.starts_with(&variant));
            assert!(is_shown, "{name}::{variant} is to be looked at here as well");
        }
    }

    shown.assert_hidden(&hidden);
    // The search does find what is there.
    assert!(
        shown.serialized["StoredToken"]
            .iter()
            .any(|text| hidden.digests.iter().any(|part| text.contains(part)))
    );
    let logged = log.text();
    assert!(logged.contains("a token was issued") && logged.contains("TRACE"), "{logged}");
    hidden.assert_absent("the log", &logged);
}

const WORKING: u8 = 0;
const FAILING: u8 = 1;
const REPEATING: u8 = 2;
const NEVER_FITTING: u8 = 3;

/// A generator that can be broken in several ways.
#[derive(Clone)]
struct Generator(Arc<AtomicU8>);

impl Generator {
    fn new(way: u8) -> Generator {
        Generator(Arc::new(AtomicU8::new(way)))
    }

    fn set(&self, way: u8) {
        self.0.store(way, Ordering::SeqCst);
    }
}

impl Randomness for Generator {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessFailed> {
        match self.0.load(Ordering::SeqCst) {
            WORKING => SystemRandomness.fill(bytes),
            // Half of them are filled, as a system might do.
            FAILING => {
                bytes.iter_mut().step_by(2).for_each(|byte| *byte = 7);
                Err(RandomnessFailed)
            }
            REPEATING => {
                bytes.fill(7);
                Ok(())
            }
            _ => {
                let written = bytes.iter_mut().zip([0xfb, 0xef, 0xbe].into_iter().cycle());
                written.for_each(|(byte, dashes)| *byte = dashes);
                Ok(())
            }
        }
    }
}

#[test]
fn without_randomness_nothing_is_issued_and_nothing_changes() {
    for way in [FAILING, NEVER_FITTING] {
        let generator = Generator::new(WORKING);
        let stage = Stage::with(|builder| builder.randomness(generator.clone()));
        let issued = stage.run(stage.tokens.issue(NewToken::named("Export")).by("maria")).unwrap();
        generator.set(way);
        let again = stage.run(stage.tokens.issue(NewToken::named("Export")).by("maria"));
        assert!(matches!(again, Err(Error::Randomness(_))));
        let keyed = stage.tokens.issue(NewToken::named("Export")).idempotency_key("once");
        assert!(matches!(stage.run(keyed.by("maria")), Err(Error::Randomness(_))));
        let rotated = stage.run(stage.tokens.rotate(&issued.record.id).by("maria"));
        assert!(matches!(rotated, Err(Error::Randomness(_))));
        let now = stage.tokens.clock().now().wall();
        let listing = stage.run(stage.tokens.list(&Query::new(TenantFilter::Any, now))).unwrap();
        assert_eq!(listing.records, [issued.record]);
        assert_eq!(stage.code(issued.secret.expose(), &Need::live()), "granted");
    }
}

#[test]
fn a_generator_that_repeats_itself_issues_no_second_token() {
    let generator = Generator::new(WORKING);
    let stage = Stage::with(|builder| builder.randomness(generator.clone()));
    generator.set(REPEATING);
    let issue = || stage.run(stage.tokens.issue(NewToken::named("Export")).by("maria"));
    _ = issue();
    assert!(matches!(issue(), Err(Error::Randomness(_))));
    let now = stage.tokens.clock().now().wall();
    assert!(stage.run(stage.tokens.list(&Query::new(TenantFilter::Any, now))).unwrap().records.len() < 2);
}

#[test]
fn unknown_wrong_and_foreign_are_one_refusal() {
    for is_live in [true, false] {
        let stage = Stage::new();
        let asked = NewToken::named("Export").tenant("acme").scopes(["orders:read"]);
        let issued = stage.run(stage.tokens.issue(asked).by("maria")).unwrap();
        let text = issued.secret.expose();
        let need = Need::scope("orders:read");
        if is_live {
            assert_eq!(stage.code(text, &need.tenant("acme")), "granted");
        }
        let secret = "A".repeat(36);
        let wrong = format!("{}{secret}", &text[..19]);
        let wrong =
            format!("{wrong}{}", URL_SAFE_NO_PAD.encode(crc32fast::hash(wrong.as_bytes()).to_be_bytes()));
        let refusal = |text: &str, tenant| {
            let verdict = stage.run(stage.tokens.verify(text, &need.tenant(tenant))).unwrap();
            verdict.denied().unwrap()
        };
        let refusals = [
            refusal(&text_of(7), "acme"),
            refusal(&wrong, "acme"),
            refusal(text, "globex"),
            refusal(text, "nobody"),
        ];
        for denied in &refusals {
            assert_eq!(denied, &Denied::Invalid);
            assert_eq!(format!("{denied:?}"), format!("{:?}", refusals[0]));
            assert_eq!(denied.problem(), refusals[0].problem());
        }
        let strangers = stage.tokens.strangers();
        assert_eq!((strangers.unknown, strangers.wrong_secret, strangers.foreign_tenant), (1, 1, 2));
    }
}
