//! What the made-up service lets its tokens do, and the routes that are called.

use chrono::TimeDelta;
use tokenward::web::Rules;
use tokenward::{Catalog, Declaration, Preset};

/// A route of the made-up service, and the scope that it needs.
pub struct Route {
    pub template: &'static str,
    pub scope: &'static str,
    /// What a call usually takes, in milliseconds.
    pub usual_ms: u64,
}

const fn route(template: &'static str, scope: &'static str, usual_ms: u64) -> Route {
    Route { template, scope, usual_ms }
}

pub const ORDERS: Route = route("GET /v1/orders", "orders:read", 28);
pub const ORDER: Route = route("GET /v1/orders/{id}", "orders:read", 12);
pub const FULFIL: Route = route("POST /v1/orders/{id}/fulfil", "orders:write", 74);
pub const REFUND: Route = route("POST /v1/orders/{id}/refund", "orders:refund", 190);
pub const PRODUCTS: Route = route("GET /v1/products", "products:read", 21);
pub const PRODUCT: Route = route("PUT /v1/products/{sku}", "products:write", 55);
pub const CUSTOMERS: Route = route("GET /v1/customers", "customers:read", 40);
pub const REPORT: Route = route("GET /v1/analytics/sales", "analytics:read", 420);

pub fn catalog() -> Catalog {
    let scope = |name, title: &str, sentence| Declaration::new(name, sentence).titled(title);
    Catalog::new()
        .group("orders", "Orders")
        .declare(scope("orders:read", "Read orders", "Look at orders and what was bought"))
        .declare(scope("orders:write", "Handle orders", "Fulfil orders and change their status"))
        .declare(scope("orders:refund", "Refund orders", "Give money back").sensitive())
        .group("products", "Products")
        .declare(scope("products:read", "Read products", "Look at products, their stock and their prices"))
        .declare(scope("products:write", "Change products", "Create, change and delete products"))
        .group("customers", "Customers")
        .declare(
            scope("customers:read", "Read customers", "Look at customers and what they bought").sensitive(),
        )
        .declare(scope("customers:write", "Change customers", "Change the data of customers").sensitive())
        .group("analytics", "Analytics")
        .declare(scope("analytics:read", "Read analytics", "See revenue and sales reports"))
        .preset(
            Preset::new("reporting", "Read-only reporting")
                .description("Shows orders, products and revenue, and changes nothing")
                .scopes(["orders:read", "products:read", "analytics:read"])
                .per_minute(30)
                .expires_in(TimeDelta::days(90)),
        )
        .preset(
            Preset::new("warehouse", "Warehouse sync")
                .description("A warehouse that ships orders and says so")
                .scopes(["orders:read", "orders:write", "products:read"])
                .per_minute(60)
                .expires_in(TimeDelta::days(365)),
        )
        .preset(
            Preset::new("feed", "Product feed")
                .description("Reads products for a catalogue elsewhere")
                .scopes(["products:read"])
                .per_minute(30),
        )
}

/// What each route of the made-up service needs.
pub fn rules() -> Rules {
    Rules::new().resource("/v1/orders", "orders").resource("/v1/products", "products")
}
