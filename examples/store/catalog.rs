//! What tokens of this store may do, and what each route needs.

use tokenward::web::Rules;
use tokenward::{Catalog, Declaration, Preset};

/// The eleven scopes, in the words of a shop's owner.
pub const SCOPES: [&str; 11] = [
    "products:read",
    "products:write",
    "orders:read",
    "orders:write",
    "customers:read",
    "customers:write",
    "analytics:read",
    "webhooks:read",
    "webhooks:write",
    "settings:read",
    "settings:write",
];

/// The scopes, their groups and the presets.
pub fn catalog() -> Catalog {
    let scope = |name, title: &str, sentence| Declaration::new(name, sentence).titled(title);
    Catalog::new()
        .group("products", "Products")
        .declare(scope("products:read", "Read products", "Look at products, their stock and their prices"))
        .declare(scope("products:write", "Change products", "Create, change and delete products"))
        .group("orders", "Orders")
        .declare(scope("orders:read", "Read orders", "Look at orders and the customers on them"))
        .declare(scope("orders:write", "Handle orders", "Fulfil orders and change their status"))
        .group("customers", "Customers")
        .declare(
            scope("customers:read", "Read customers", "Look at customers and what they bought").sensitive(),
        )
        .declare(scope("customers:write", "Change customers", "Change the data of customers").sensitive())
        .group("analytics", "Analytics")
        .declare(scope("analytics:read", "Read analytics", "See revenue and sales reports"))
        .group("webhooks", "Webhooks")
        .declare(scope("webhooks:read", "Read webhooks", "Look at webhook endpoints and their deliveries"))
        .declare(scope("webhooks:write", "Change webhooks", "Create, change and delete webhook endpoints"))
        .group("settings", "Settings")
        .declare(scope("settings:read", "Read settings", "Look at the settings of the shop"))
        .declare(scope("settings:write", "Change settings", "Change the settings of the shop").sensitive())
        .preset(mobile_app())
        .preset(
            Preset::new("analytics-dashboard", "Custom analytics dashboard")
                .description("Shows revenue, orders and products on a dashboard of your own")
                .scopes(["analytics:read", "orders:read", "products:read"])
                .per_minute(120),
        )
        .preset(
            Preset::new("order-fulfilment", "Order fulfilment")
                .description("A warehouse that ships orders and says so")
                .scopes(["orders:read", "orders:write"])
                .per_minute(120),
        )
        .preset(
            Preset::new("inventory", "Inventory management")
                .description("Keeps products and stock in step with another system, in bulk")
                .scopes(["products:read", "products:write"])
                .per_minute(300),
        )
        .preset(
            Preset::new("customer-portal", "Customer portal")
                .description("Shows customers their own profile and orders")
                .scopes(["customers:read", "orders:read"])
                .per_minute(120),
        )
        .preset(
            Preset::new("webhooks", "Webhook management")
                .description("Sets up webhook endpoints and looks at their deliveries")
                .scopes(["webhooks:read", "webhooks:write"])
                .per_minute(30),
        )
}

/// The preset of the demo token.
pub fn mobile_app() -> Preset {
    Preset::new("mobile-app", "Mobile app")
        .description("An app that shows products, orders and customers, and changes nothing")
        .scopes(["products:read", "orders:read", "customers:read"])
        .per_minute(60)
}

/// What each route needs: reading with safe methods, writing with the others.
pub fn rules() -> Rules {
    Rules::new()
        .resource("/products", "products")
        .resource("/orders", "orders")
        .resource("/customers", "customers")
        .resource("/analytics", "analytics")
        .resource("/webhooks", "webhooks")
        .resource("/settings", "settings")
        .public("/health")
}
