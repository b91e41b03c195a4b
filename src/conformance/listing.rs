//! Promises of `list`: it agrees with [`Query::matches`] and [`Order::compare`].

use super::fixture::{at, opened};
use super::population::{NUMBER, populated};
use crate::store::{Filter, Order, Query, SortKey, TenantFilter, TokenStore};
use crate::{Scope, Status, TokenId, TokenRecord};

const ORDERS: [Order; 6] = {
    const fn order(by: SortKey, descending: bool) -> Order {
        Order { by, descending }
    }
    [
        Order::NEWEST_FIRST,
        order(SortKey::CreatedAt, false),
        order(SortKey::Name, false),
        order(SortKey::Name, true),
        order(SortKey::ExpiresAt, false),
        order(SortKey::ExpiresAt, true),
    ]
};

fn tenants() -> [TenantFilter; 5] {
    let only = |tenant: Option<&str>| TenantFilter::Only(tenant.map(str::to_owned));
    [TenantFilter::Any, only(Some("acme")), only(Some("globex")), only(None), only(Some("nobody"))]
}

fn filters() -> Vec<Filter> {
    let scope = |name: &str| name.parse::<Scope>().expect("a scope");
    let new = Filter::new;
    let mut filters = vec![
        new(),
        new().scope(scope("orders:read")),
        new().scope(scope("Orders:read")),
        new().scope(scope("nobody:has")),
        new().owner("7"),
        new().owner("7").scope(scope("orders:write")).status(Status::Active),
        new().created_by("maria"),
        new().created_by(""),
        new().environment("live"),
        new().metadata("plan", "gold"),
        new().metadata("pl\"an", "go\\ld").metadata("région", "1"),
        new().metadata("plan", ""),
        new().status(Status::Revoked).scope(scope("orders:read")),
        new().status(Status::Revoked).owner("8").environment("test"),
    ];
    for ms in [-1, 0, 1, 2] {
        filters.push(new().expires_before(at(ms)));
        filters.push(new().created_before(at(ms)));
        filters.push(new().created_before(at(ms)).scope(scope("products:read")));
    }
    for text in [
        "",
        "export",
        "EXPORT",
        "100%",
        "%",
        "_",
        "Ä",
        "ä",
        "apfel",
        "\\",
        "'",
        "🦀",
        "orders:",
        "READ",
        "tw_ab",
        "9XYZ",
        "[",
        "of it",
        "nobody has it",
    ] {
        filters.push(new().text(text));
    }
    filters
}

fn expected<'a>(records: &'a [TokenRecord], query: &Query) -> Vec<&'a TokenRecord> {
    let mut expected: Vec<_> = records.iter().filter(|record| query.matches(record)).collect();
    expected.sort_by(|left, right| {
        query.order.compare(&query.order.position(left), &query.order.position(right))
    });
    expected
}

async fn check(store: &impl TokenStore, records: &[TokenRecord], query: &Query) {
    let expected = expected(records, query);
    let found = store.list(query).await.unwrap();
    let ids = |records: &[&TokenRecord]| records.iter().map(|record| record.id).collect::<Vec<TokenId>>();
    let found_ids: Vec<_> = found.records.iter().map(|record| record.id).collect();
    assert_eq!(found_ids, ids(&expected), "a listing shows what matches, in its order: {query:?}");
    assert!(found.records.iter().eq(expected), "a listing shows records whole");
    assert!(!found.more, "there is nothing behind the last page");
}

fn whole(tenant: TenantFilter, filter: Filter, order: Order) -> Query {
    let mut query = Query::new(tenant, at(0));
    query.limit = NUMBER;
    Query { filter, order, ..query }
}

/// Each filter, in each order, of each tenant, shows what matches it and nothing else.
pub async fn a_listing_keeps_to_its_filter<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let records = populated(&store).await;
    for filter in filters() {
        for tenant in tenants() {
            for order in ORDERS {
                check(&store, &records, &whole(tenant.clone(), filter.clone(), order)).await;
            }
        }
    }
}

/// Each status, and each two, at moments up to the millisecond at which it changes.
pub async fn a_listing_knows_each_status_at_each_moment<S: TokenStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = opened(fresh).await;
    let records = populated(&store).await;
    for now in [-1_001, -1_000, -2, -1, 0, 1, 2, 999, 1_000, 100_000] {
        for first in Status::ALL {
            for second in Status::ALL {
                let filter = Filter::new().status(first).status(second);
                for tenant in [TenantFilter::Any, TenantFilter::Only(Some("acme".into()))] {
                    let query = Query { now: at(now), ..whole(tenant, filter.clone(), Order::NEWEST_FIRST) };
                    check(&store, &records, &query).await;
                }
            }
            let filter = Filter::new().status(first);
            let tenant = TenantFilter::Only(Some("acme".into()));
            check(&store, &records, &Query { now: at(now), ..whole(tenant, filter, Order::NEWEST_FIRST) })
                .await;
        }
    }
}

/// Pages that go on behind the last position of the page before give each token once, in order,
/// and say whether there are more.
pub async fn a_listing_comes_in_pages<S: TokenStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = opened(fresh).await;
    let records = populated(&store).await;
    let scope = "orders:read".parse::<Scope>().expect("a scope");
    let narrow = [
        Filter::new(),
        Filter::new().status(Status::Revoked),
        Filter::new().scope(scope),
        Filter::new().owner("7"),
    ];
    for filter in narrow {
        for tenant in [TenantFilter::Any, TenantFilter::Only(Some("acme".into())), TenantFilter::Only(None)] {
            for order in ORDERS {
                let mut query = whole(tenant.clone(), filter.clone(), order);
                let expected = expected(&records, &query);
                query.limit = 7;
                let mut found: Vec<TokenRecord> = Vec::new();
                loop {
                    let page = store.list(&query).await.unwrap();
                    assert!(page.records.len() <= 7, "a page is no longer than asked for");
                    found.extend(page.records);
                    let more = found.len() < expected.len();
                    assert_eq!(page.more, more, "a page says whether there are more behind it: {query:?}");
                    if !more {
                        break;
                    }
                    let last = found.last().expect("a page that has more behind it is not empty");
                    query.after = Some(order.position(last));
                }
                assert!(found.iter().eq(expected), "the pages give each token once, in order: {query:?}");
            }
        }
    }
    // A place that no token has is as good as one that a token has.
    let mut query = whole(TenantFilter::Any, Filter::new(), ORDERS[2]);
    query.after = Some(crate::Position { number: 0, text: "F".into(), id: TokenId::placeholder() });
    let behind = store.list(&query).await.unwrap().records;
    let expected = expected(&records, &query);
    assert!(behind.iter().eq(expected.into_iter().filter(|record| record.name.as_str() >= "F")));
    query.limit = 0;
    let none = store.list(&query).await.unwrap();
    assert!(none.records.is_empty() && none.more, "a page of none has more behind it, if anything is");
}

/// All that match are counted, whatever page they are on, up to the number that was asked for.
pub async fn a_listing_counts_no_further_than_asked<S: TokenStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = opened(fresh).await;
    let records = populated(&store).await;
    for filter in filters() {
        for tenant in [TenantFilter::Any, TenantFilter::Only(Some("acme".into()))] {
            let mut query = whole(tenant, filter.clone(), Order::NEWEST_FIRST);
            query.limit = 3;
            let expected = expected(&records, &query);
            query.after = expected.get(1).map(|record| query.order.position(record));
            for count_up_to in [0, 1, 5, 1_000] {
                query.count_up_to = count_up_to;
                let counted = store.list(&query).await.unwrap().counted;
                assert_eq!(
                    counted,
                    count_up_to.min(expected.len() as u32),
                    "counted up to {count_up_to}: {query:?}"
                );
            }
        }
    }
}
