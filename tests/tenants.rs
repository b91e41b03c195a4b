//! Who may see, use, make and change which token.

mod support;

use chrono::TimeDelta;
use support::Stage;
use tokenward::{
    Actor, Catalog, Declaration, Error, Issued, Need, NewToken, NotGrantable, Policy, RateLimit,
    TOKENS_MANAGE, TOKENS_READ, TokenRecord, Tokens, Update, block_on,
};

const LIVE: Need<'static> = Need::live();

fn named() -> NewToken {
    NewToken::named("Nightly export")
}

fn acme() -> Actor {
    Actor::new("maria").tenant("acme")
}

impl Stage {
    fn issue(&self, asked: NewToken) -> Issued {
        self.try_issue(asked, "maria").unwrap()
    }

    fn try_issue(&self, asked: NewToken, actor: impl Into<Actor>) -> Result<Issued, Error> {
        let actor: Actor = actor.into();
        self.run(self.tokens.issue(asked).by(actor))
    }

    fn update(&self, issued: &Issued, update: Update, actor: &Actor) -> Result<TokenRecord, Error> {
        self.run(self.tokens.update(&issued.record.id, update).by(actor))
    }
}

fn exceeds<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Vec<&'static str> {
    match outcome {
        Err(Error::NotGrantable(NotGrantable { exceeds, .. })) => exceeds,
        other => panic!("it was to be refused: {other:?}"),
    }
}

fn pointers<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(invalid)) => invalid.errors.into_iter().map(|error| error.pointer).collect(),
        other => panic!("it was to be refused: {other:?}"),
    }
}

#[test]
fn a_token_works_in_its_own_tenant_alone() {
    let stage = Stage::new();
    let without = stage.issue(named());
    let of_acme = stage.issue(named().tenant("acme"));
    let of_globex = stage.issue(named().tenant("globex"));
    for _ in 0..2 {
        for (issued, need, expected) in [
            (&without, LIVE, "granted"),
            (&without, LIVE.tenant("acme"), "token-invalid"),
            (&without, LIVE.any_tenant(), "granted"),
            (&of_acme, LIVE, "token-invalid"),
            (&of_acme, LIVE.tenant("acme"), "granted"),
            (&of_acme, LIVE.tenant("ACME"), "token-invalid"),
            (&of_acme, LIVE.tenant(""), "token-invalid"),
            (&of_acme, LIVE.tenant("globex"), "token-invalid"),
            (&of_acme, LIVE.tenant("nobody"), "token-invalid"),
            (&of_acme, LIVE.any_tenant(), "granted"),
            (&of_globex, LIVE.tenant("globex"), "granted"),
        ] {
            assert_eq!(stage.code(issued.secret.expose(), &need), expected, "{need:?}");
        }
    }
}

#[test]
fn a_foreign_tenant_learns_nothing_of_a_token_that_is_dead() {
    let stage = Stage::new();
    let issued = stage.issue(named().tenant("acme").expires_in(TimeDelta::days(1)));
    let id = issued.record.id;
    let text = issued.secret.expose();
    stage.run(stage.tokens.pause(&id).by(acme())).unwrap();
    assert_eq!(stage.code(text, &LIVE.tenant("globex")), "token-invalid");
    let rotated = stage.run(stage.tokens.rotate(&id).by(acme())).unwrap();
    assert_eq!(stage.code(text, &LIVE.tenant("globex")), "token-invalid");
    assert_eq!(stage.code(text, &LIVE.tenant("acme")), "token-rotated");
    stage.clock.advance(TimeDelta::days(1));
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE.tenant("globex")), "token-invalid");
    stage.run(stage.tokens.revoke(&id).by(acme())).unwrap();
    assert_eq!(stage.code(rotated.secret.expose(), &LIVE.tenant("globex")), "token-invalid");
    stage.run(stage.tokens.flush()).unwrap();
    assert_eq!(stage.run(stage.tokens.usage(&id)).unwrap().total(), 1, "only the try in its own tenant");
}

/// What every change of one token answers to an actor.
fn changes(stage: &Stage, issued: &Issued, actor: &Actor) -> [Result<(), Error>; 6] {
    let (tokens, id) = (&stage.tokens, &issued.record.id);
    [
        stage.run(tokens.rotate(id).by(actor)).map(|_| ()),
        stage.run(tokens.update(id, Update::new().name("Mine")).by(actor)).map(|_| ()),
        stage.run(tokens.pause(id).by(actor)).map(|_| ()),
        stage.run(tokens.resume(id).by(actor)).map(|_| ()),
        stage.run(tokens.revoke(id).by(actor)).map(|_| ()),
        stage.run(tokens.purge(id).by(actor)).map(|_| ()),
    ]
}

#[test]
fn an_actor_who_names_no_tenant_is_told_to() {
    let stage = Stage::new();
    let issued = stage.issue(named().tenant("acme"));
    for outcome in changes(&stage, &issued, &Actor::new("maria")) {
        assert!(matches!(outcome, Err(Error::TenantNotSaid)), "{outcome:?}");
    }
    assert_eq!(stage.code(issued.secret.expose(), &LIVE.tenant("acme")), "granted");
}

#[test]
fn tokens_of_other_tenants_do_not_exist() {
    let stage = Stage::new();
    let (of_acme, without) = (stage.issue(named().tenant("acme")), stage.issue(named()));
    let gone = stage.issue(named());
    stage.run(stage.tokens.revoke(&gone.record.id).by("maria")).unwrap();
    stage.run(stage.tokens.purge(&gone.record.id).by("maria")).unwrap();
    let eve = Actor::new("eve").tenant("globex");
    for issued in [&of_acme, &without, &gone] {
        for outcome in changes(&stage, issued, &eve) {
            assert!(matches!(outcome, Err(Error::NotFound)), "{outcome:?}");
        }
        // Nor does a version that is named tell anything.
        let update = stage.tokens.update(&issued.record.id, Update::new().name("Mine")).if_version(7);
        assert!(matches!(stage.run(update.by(&eve)), Err(Error::NotFound)));
        let preview = stage.tokens.revoke(&issued.record.id).preview(&eve);
        assert!(matches!(stage.run(preview), Err(Error::NotFound)));
    }
    let issued = stage.try_issue(named().tenant("acme"), eve.clone());
    assert!(matches!(issued, Err(Error::NotFound)));
    let revoked = stage.run(stage.tokens.revoke_all_of_tenant("acme").by(&eve));
    assert!(matches!(revoked, Err(Error::NotFound)));
    assert!(stage.run(stage.tokens.revoke_all_of_owner("nina").by(&eve)).unwrap().is_empty());
    assert_eq!(stage.code(of_acme.secret.expose(), &LIVE.tenant("acme")), "granted");
}

#[test]
fn who_acts_in_its_tenant_or_in_all_may_change_a_token() {
    let stage = Stage::new();
    for actor in [acme(), Actor::new("maria").all_tenants()] {
        let issued = stage.issue(named().tenant("acme"));
        for outcome in changes(&stage, &issued, &actor) {
            outcome.unwrap();
        }
    }
}

#[test]
fn revoking_all_of_an_owner_stays_within_the_actors_tenant() {
    let stage = Stage::new();
    let of = |tenant: &str| stage.issue(named().tenant(tenant).owner("nina"));
    let (in_acme, in_globex, without) = (of("acme"), of("globex"), stage.issue(named().owner("nina")));
    let revoke = |actor: Actor| stage.run(stage.tokens.revoke_all_of_owner("nina").by(actor)).unwrap().len();
    // Whoever names no tenant is told, instead of revoking only what is in none.
    let unsaid = stage.run(stage.tokens.revoke_all_of_owner("nina").by("maria"));
    assert!(matches!(unsaid, Err(Error::TenantNotSaid)), "{unsaid:?}");
    assert_eq!(stage.code(without.secret.expose(), &LIVE), "granted");
    assert_eq!(revoke(acme()), 1);
    assert_eq!(stage.code(in_acme.secret.expose(), &LIVE.tenant("acme")), "token-revoked");
    assert_eq!(stage.code(in_globex.secret.expose(), &LIVE.tenant("globex")), "granted");
    assert_eq!(revoke(Actor::new("maria").all_tenants()), 2);
    assert_eq!(stage.code(without.secret.expose(), &LIVE), "token-revoked");
    assert_eq!(stage.code(in_globex.secret.expose(), &LIVE.tenant("globex")), "token-revoked");
    assert_eq!(revoke(Actor::new("maria").all_tenants()), 0);
}

/// A manager with little, and a token of its tenant that may do more in each respect.
fn weak_and_strong(stage: &Stage) -> (Actor, Issued) {
    let weak = named()
        .tenant("acme")
        .scopes([TOKENS_MANAGE, "orders:read"])
        .per_minute(60)
        .expires_in(TimeDelta::days(30))
        .addresses(["203.0.113.0/24"]);
    let strong = named()
        .tenant("acme")
        .scopes(["orders:read", "orders:write"])
        .per_minute(600)
        .expires_in(TimeDelta::days(300));
    (Actor::holding(&stage.issue(weak).record), stage.issue(strong))
}

#[test]
fn a_child_stays_within_its_parent_in_every_respect() {
    let stage = Stage::new();
    let (parent, _) = weak_and_strong(&stage);
    let within = || {
        named()
            .tenant("acme")
            .scopes(["orders:read"])
            .per_minute(60)
            .expires_in(TimeDelta::days(30))
            .addresses(["203.0.113.7"])
    };
    let child = stage.try_issue(within(), parent.clone()).unwrap().record;
    assert!(child.parent.is_some());
    let grandchild = stage.try_issue(within().addresses(["203.0.113.8"]), Actor::holding(&child));
    assert_eq!(exceeds(grandchild), ["ip_allow"]);
    for (asked, field) in [
        (within().scopes(["orders:write"]), "scopes"),
        (within().per_minute(61), "rate_limit"),
        (within().expires_in(TimeDelta::days(30) + TimeDelta::milliseconds(1)), "expires_at"),
        (within().without_expiry(), "expires_at"),
        (within().addresses(["203.0.112.0/23"]), "ip_allow"),
        (within().addresses([""; 0]), "ip_allow"),
    ] {
        assert_eq!(exceeds(stage.try_issue(asked, parent.clone())), [field]);
    }
    for asked in [within().tenant("globex"), NewToken::named("Of no tenant")] {
        assert!(matches!(stage.try_issue(asked, parent.clone()), Err(Error::NotFound)));
    }
}

#[test]
fn what_exceeds_is_named_all_at_once() {
    let stage = Stage::new();
    let (parent, _) = weak_and_strong(&stage);
    let asked = named().tenant("acme").scopes(["orders:read", "orders:write"]).per_minute(600);
    match stage.try_issue(asked, parent) {
        Err(Error::NotGrantable(not)) => {
            assert_eq!(not.exceeds, ["scopes", "rate_limit", "expires_at", "ip_allow"]);
            assert_eq!(not.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(), ["orders:write"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_weak_manager_neither_rotates_nor_widens_a_strong_token() {
    let stage = Stage::new();
    let (weak, strong) = weak_and_strong(&stage);
    let rotated = stage.run(stage.tokens.rotate(&strong.record.id).by(&weak));
    assert_eq!(exceeds(rotated), ["scopes", "rate_limit", "expires_at", "ip_allow"]);
    let widened = Update::new().per_minute(601);
    assert!(!exceeds(stage.update(&strong, widened, &weak)).is_empty());
    let widened = Update::new().add_scope(TOKENS_READ);
    assert!(!exceeds(stage.update(&strong, widened, &weak)).is_empty());
    let widened = Update::new().without_expiry();
    assert!(!exceeds(stage.update(&strong, widened, &weak)).is_empty());
    // Narrower in one respect and wider in another is wider.
    let both = Update::new().remove_scope("orders:write").per_minute(601);
    assert!(!exceeds(stage.update(&strong, both, &weak)).is_empty());
    assert_eq!(stage.code(strong.secret.expose(), &LIVE.tenant("acme")), "granted");
}

#[test]
fn a_weak_manager_narrows_pauses_and_revokes_a_strong_token() {
    let stage = Stage::new();
    let (weak, strong) = weak_and_strong(&stage);
    let need = Need::scope("orders:write").tenant("acme");
    for update in [
        Update::new().name("Weekly export"),
        Update::new().per_minute(599),
        Update::new().remove_scope("orders:write"),
        Update::new().expires_in(TimeDelta::days(299)),
        Update::new().addresses(["198.51.100.0/24"]),
    ] {
        stage.update(&strong, update, &weak).unwrap();
    }
    assert_eq!(stage.code(strong.secret.expose(), &need), "address-not-allowed");
    stage.run(stage.tokens.pause(&strong.record.id).by(&weak)).unwrap();
    assert_eq!(stage.code(strong.secret.expose(), &need), "token-paused");
    stage.run(stage.tokens.revoke(&strong.record.id).by(&weak)).unwrap();
    assert_eq!(stage.code(strong.secret.expose(), &need), "token-revoked");
}

#[test]
fn who_narrows_a_token_to_what_it_holds_may_then_rotate_it() {
    let stage = Stage::new();
    let (weak, strong) = weak_and_strong(&stage);
    let narrow = Update::new()
        .scopes(["orders:read"])
        .per_minute(60)
        .expires_in(TimeDelta::days(30))
        .addresses(["203.0.113.9"]);
    stage.update(&strong, narrow, &weak).unwrap();
    stage.run(stage.tokens.rotate(&strong.record.id).by(&weak)).unwrap();
}

#[test]
fn whoever_may_manage_may_let_others_read() {
    let stage = Stage::new();
    let manager = stage.issue(named().scopes([TOKENS_MANAGE])).record;
    let reader = stage.try_issue(named().scopes([TOKENS_READ]), Actor::holding(&manager)).unwrap();
    assert_eq!(stage.code(reader.secret.expose(), &Need::scope(TOKENS_READ)), "granted");
    assert_eq!(stage.code(reader.secret.expose(), &Need::scope(TOKENS_MANAGE)), "insufficient-scope");
    let back = stage.try_issue(named().scopes([TOKENS_MANAGE]), Actor::holding(&reader.record));
    assert_eq!(exceeds(back), ["scopes"]);
}

#[test]
fn an_actor_of_the_service_is_bound_by_what_it_may_grant() {
    let stage = Stage::new();
    let support = Actor::new("support").tenant("acme").may_grant(["orders:read"]);
    let asked = |scope: &str| named().tenant("acme").scopes([scope]);
    stage.try_issue(asked("orders:read"), support.clone()).unwrap();
    assert_eq!(exceeds(stage.try_issue(asked("orders:write"), support.clone())), ["scopes"]);
    let nothing = Actor::new("nobody").may_grant([""; 0]);
    stage.try_issue(named(), nothing).unwrap();
}

#[test]
fn the_policy_bounds_the_limit() {
    let policy = Policy::new().greatest_limit(RateLimit::per_minute(100).unwrap());
    let stage = Stage::with(|builder| builder.policy(policy));
    let issued = stage.issue(named().per_minute(100));
    let pointer = ["/rate_limit/per_minute"];
    assert_eq!(pointers(stage.try_issue(named().per_minute(101), "maria")), pointer);
    let maria = Actor::new("maria");
    assert_eq!(pointers(stage.update(&issued, Update::new().per_minute(101), &maria)), pointer);
    let unlimited = named().rate_limit(RateLimit::unlimited());
    assert_eq!(pointers(stage.try_issue(unlimited, "maria")), ["/rate_limit"]);
    let unlimited = Update::new().rate_limit(RateLimit::unlimited());
    assert_eq!(pointers(stage.update(&issued, unlimited, &maria)), ["/rate_limit"]);
    // A longer window does not get around it.
    let hourly = tokenward::Quota::new(6_000, std::time::Duration::from_secs(3_600)).unwrap();
    let hourly = named().rate_limit(RateLimit::of(hourly));
    assert_eq!(pointers(stage.try_issue(hourly, "maria")), ["/rate_limit"]);
    assert_eq!(pointers(stage.try_issue(named().per_minute(0), "maria")), ["/rate_limit"]);
}

#[test]
fn an_unlimited_token_is_never_refused_for_its_limit() {
    let stage = Stage::with(|builder| builder.policy(Policy::new().allow_unlimited()));
    let issued = stage.issue(named().rate_limit(RateLimit::unlimited()));
    assert!((0..1_000).all(|_| stage.code(issued.secret.expose(), &LIVE) == "granted"));
    // Its requests were not counted: whoever gets a limit begins with all of it.
    stage
        .update(&issued, Update::new().rate_limit(RateLimit::per_minute(1).unwrap()), &"maria".into())
        .unwrap();
    assert_eq!(stage.code(issued.secret.expose(), &LIVE), "granted");
    assert_eq!(stage.code(issued.secret.expose(), &LIVE), "rate-limited");
}

#[test]
fn the_policy_bounds_the_lifetime() {
    let policy = Policy::new().greatest_lifetime(TimeDelta::days(365));
    let stage = Stage::with(|builder| builder.policy(policy));
    let pointer = ["/expires_at"];
    assert_eq!(pointers(stage.try_issue(named(), "maria")), pointer);
    assert_eq!(pointers(stage.try_issue(named().expires_in(TimeDelta::days(366)), "maria")), pointer);
    let issued = stage.issue(named().expires_in(TimeDelta::days(365)));
    assert_eq!(pointers(stage.update(&issued, Update::new().without_expiry(), &"maria".into())), pointer);
    let stage = Stage::with(|builder| builder.policy(Policy::new().require_expiry()));
    assert_eq!(pointers(stage.try_issue(named(), "maria")), pointer);
    stage.issue(named().expires_in(TimeDelta::days(3_653)));
}

#[test]
fn a_policy_that_became_stricter_leaves_other_changes_alone() {
    let stage = Stage::new();
    let issued = stage.issue(named().per_minute(1_000));
    let strict = Policy::new().greatest_limit(RateLimit::per_minute(10).unwrap()).require_expiry();
    let stage = Stage::over(stage.store, |builder| builder.policy(strict));
    stage.update(&issued, Update::new().name("Weekly export"), &"maria".into()).unwrap();
    let limit = Update::new().per_minute(10);
    assert_eq!(pointers(stage.update(&issued, limit, &"maria".into())), ["/expires_at"]);
}

#[test]
fn a_tenant_has_as_many_living_tokens_as_it_may() {
    let stage = Stage::with(|builder| builder.policy(Policy::new().tokens_per_tenant(2)));
    let asked = || named().tenant("acme");
    let first = stage.issue(asked());
    stage.issue(asked().expires_in(TimeDelta::days(1)));
    let too_many = |outcome| matches!(outcome, Err(Error::TooManyTokens { greatest: 2 }));
    assert!(too_many(stage.try_issue(asked(), "maria")));
    stage.issue(named().tenant("globex"));
    stage.issue(named());
    stage.run(stage.tokens.revoke(&first.record.id).by(acme())).unwrap();
    stage.issue(asked());
    assert!(too_many(stage.try_issue(asked(), "maria")));
    stage.clock.advance(TimeDelta::days(1));
    stage.issue(asked());
    assert!(too_many(stage.try_issue(asked(), "maria")));
}

#[test]
fn each_tenant_has_its_own_shared_limit() {
    let policy = Policy::new().shared_limit_per_tenant(RateLimit::per_minute(3).unwrap());
    let stage = Stage::with(|builder| builder.policy(policy));
    let (one, two) = (stage.issue(named().tenant("acme")), stage.issue(named().tenant("acme").per_minute(1)));
    let other = stage.issue(named().tenant("globex"));
    let of = |issued: &Issued, tenant| stage.code(issued.secret.expose(), &LIVE.tenant(tenant));
    assert_eq!(
        [of(&two, "acme"), of(&two, "acme"), of(&two, "acme")],
        ["granted", "rate-limited", "rate-limited"]
    );
    // What the token's own limit refused took nothing from the shared one.
    assert_eq!(
        [of(&one, "acme"), of(&one, "acme"), of(&one, "acme")],
        ["granted", "granted", "rate-limited"]
    );
    assert_eq!(of(&other, "globex"), "granted");
    // What the shared limit refused took nothing from the token's own.
    stage.clock.advance(TimeDelta::seconds(60));
    assert_eq!([of(&one, "acme"), of(&one, "acme"), of(&one, "acme")], ["granted"; 3]);
    assert_eq!([of(&one, "acme"), of(&two, "acme")], ["rate-limited"; 2]);
    stage.clock.advance(TimeDelta::seconds(60));
    assert_eq!(of(&two, "acme"), "granted");
}

#[test]
fn the_scopes_of_a_large_catalogue_are_told_apart() {
    let names: Vec<_> = (0..200).map(|number| format!("things{number}:read")).collect();
    let catalog = names.iter().fold(Catalog::new(), |catalog, name| catalog.scope(name, "Look at things"));
    let stage = Stage::with(|builder| builder.catalog(catalog));
    for held in [0, 61, 62, 63, 64, 125, 126, 127, 128, 199] {
        let issued = stage.issue(named().scopes([&names[held]]));
        for (needed, name) in names.iter().enumerate() {
            let expected = if needed == held { "granted" } else { "insufficient-scope" };
            assert_eq!(stage.code(issued.secret.expose(), &Need::scope(name)), expected);
        }
        let both = [names[held].as_str(), names[(held + 64) % 200].as_str()];
        assert_eq!(stage.code(issued.secret.expose(), &Need::scopes(&both)), "insufficient-scope");
    }
}

#[test]
fn what_a_scope_implies_may_be_granted_by_its_holder() {
    let catalog = Catalog::new()
        .scope("orders:read", "")
        .declare(Declaration::new("orders:write", "").implies("orders:read"))
        .scope("orders:refund", "");
    let (tokens, _clock) = Tokens::for_tests_with(catalog);
    let parent = block_on(tokens.issue(named().scopes(["orders:write"])).by("maria")).unwrap();
    let actor = Actor::holding(&parent.record);
    assert!(tokens.may_grant(&actor, "orders:read") && !tokens.may_grant(&actor, "orders:refund"));
    let child = |scope: &str| block_on(tokens.issue(named().scopes([scope])).by(&actor));
    assert!(child("orders:read").is_ok());
    let refused = child("orders:refund");
    assert!(
        matches!(&refused, Err(Error::NotGrantable(beyond)) if beyond.exceeds == ["scopes"]),
        "{refused:?}"
    );
}

#[test]
fn what_no_store_can_keep_of_an_actor_is_refused_and_named() {
    let stage = Stage::new();
    let issued = stage.issue(named());
    for (actor, pointer) in
        [(Actor::new("ma\0ria"), "/actor"), (Actor::new("maria").request_id("req\0"), "/request_id")]
    {
        assert_eq!(pointers(stage.try_issue(named(), actor.clone())), [pointer]);
        assert_eq!(pointers(stage.update(&issued, Update::new().name("Other"), &actor)), [pointer]);
    }
}
