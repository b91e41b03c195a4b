//! Fills a new file with two shops. The same `now` gives the same rows, down to their numbers, so that the
//! printed examples hold on every machine.

use chrono::{DateTime, Duration, Utc};
use rusqlite::{Connection, params};

use crate::database::timestamp;
use crate::orders::OrderStatus;
use crate::products::ProductStatus;
use crate::seed_words::{Endpoint, NOTES, PLANS, Plan};
use crate::webhooks::{DeliveryStatus, Event, stored};

pub const SHOPS: [&str; 2] = [PLANS[0].shop, PLANS[1].shop];

const DAYS: i64 = 90;

/// The newest orders, newest first: whatever the dice say, there is one for every kind of try.
const NEWEST: [OrderStatus; 8] = [
    OrderStatus::Paid,
    OrderStatus::Pending,
    OrderStatus::Paid,
    OrderStatus::Cancelled,
    OrderStatus::Paid,
    OrderStatus::Fulfilled,
    OrderStatus::Paid,
    OrderStatus::Refunded,
];

/// Fills each shop that is not there yet and leaves the others as their owners changed them.
pub fn fill(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    for plan in &PLANS {
        let there = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM shop_settings WHERE shop = ?1)",
            [plan.shop],
            |row| row.get::<_, bool>(0),
        )?;
        if !there {
            // A shop's rows depend on its own dice only, not on which shops were filled before it.
            let mut dice = Dice(u64::try_from(plan.first_order).unwrap_or(1));
            settings(connection, plan, now)?;
            let products = products(connection, plan, now, &mut dice)?;
            customers(connection, plan, now, &mut dice)?;
            let happenings = orders(connection, plan, now, &products, &mut dice)?;
            webhooks(connection, plan, now, &happenings, &mut dice)?;
        }
    }
    Ok(())
}

struct Ware {
    id: i64,
    sku: String,
    name: String,
    price: i64,
}

/// Something that webhooks were told about.
struct Happening {
    time: DateTime<Utc>,
    event: Event,
    order: i64,
}

fn settings(connection: &Connection, plan: &Plan, now: DateTime<Utc>) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO shop_settings (shop, name, support_email, currency, low_stock_threshold, return_days,
             prices_include_tax, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            plan.shop,
            plan.name,
            plan.support_email,
            plan.currency,
            plan.low_stock_threshold,
            plan.return_days,
            plan.prices_include_tax,
            timestamp(now - Duration::days(DAYS)),
        ],
    )?;
    Ok(())
}

fn products(
    connection: &Connection,
    plan: &Plan,
    now: DateTime<Utc>,
    dice: &mut Dice,
) -> rusqlite::Result<Vec<Ware>> {
    let mut statement = connection.prepare(
        "INSERT INTO shop_products (id, shop, sku, name, status, price_minor, stock, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let variants =
        plan.families.iter().flat_map(|family| family.variants.iter().map(move |variant| (family, variant)));
    let mut wares = Vec::new();
    for (id, (family, (variant, code, price))) in (plan.first_product..).zip(variants) {
        let ware = Ware {
            id,
            sku: format!("{}-{code}", family.code),
            name: format!("{}, {variant}", family.name),
            price: *price,
        };
        let stock = if dice.chance(12) { dice.between(0, 9) } else { dice.between(14, 240) };
        let created = now - Duration::minutes(dice.between(100 * 1_440, 700 * 1_440));
        let updated = now - Duration::minutes(dice.between(60, 95 * 1_440));
        statement.execute(params![
            ware.id,
            plan.shop,
            ware.sku,
            ware.name,
            ProductStatus::Active,
            ware.price,
            stock,
            timestamp(created),
            timestamp(updated),
        ])?;
        wares.push(ware);
    }
    // The last one is not on sale yet and in no order, so it is the one that can really be deleted.
    if let Some(draft) = wares.pop() {
        connection.execute(
            "UPDATE shop_products SET status = ?2, stock = 0 WHERE id = ?1",
            params![draft.id, ProductStatus::Draft],
        )?;
    }
    Ok(wares)
}

fn customers(
    connection: &Connection,
    plan: &Plan,
    now: DateTime<Utc>,
    dice: &mut Dice,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "INSERT INTO shop_customers (id, shop, name, email, city, country, accepts_marketing, note,
             created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8, ?8)",
    )?;
    let (firsts, lasts) = (plan.first_names, plan.last_names);
    for (position, id) in (0..plan.customers).zip(plan.first_customer..) {
        // The lists differ in length by one, so stepping through both repeats no pair before the product of
        // their lengths is used up.
        let first = firsts[position % firsts.len()];
        let last = lasts[(position * 5 + 3) % lasts.len()];
        let address = format!("{first}.{last}").to_lowercase().replace(' ', "");
        let domain = ["example.com", "example.net", "example.org"][dice.below(3)];
        let (city, country) = plan.places[dice.below(plan.places.len())];
        // Everybody signed up before the first order that is kept.
        let created = now - Duration::minutes(dice.between((DAYS + 1) * 1_440, 800 * 1_440));
        statement.execute(params![
            id,
            plan.shop,
            format!("{first} {last}"),
            format!("{address}@{domain}"),
            city,
            country,
            dice.chance(45),
            timestamp(created),
        ])?;
    }
    Ok(())
}

fn orders(
    connection: &Connection,
    plan: &Plan,
    now: DateTime<Utc>,
    wares: &[Ware],
    dice: &mut Dice,
) -> rusqlite::Result<Vec<Happening>> {
    let mut insert_order = connection.prepare(
        "INSERT INTO shop_orders (id, shop, customer_id, status, total_minor, currency, note, carrier,
             tracking_number, placed_at, fulfilled_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    let mut insert_line = connection.prepare(
        "INSERT INTO shop_order_lines (order_id, line, product_id, sku, name, quantity, unit_price_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut ages: Vec<i64> = (0..plan.orders)
        .map(|_| {
            let age = dice.between(25, DAYS * 1_440 - 60);
            // Business is growing.
            if dice.chance(35) { age.min(dice.between(25, DAYS * 1_440 - 60)) } else { age }
        })
        .collect();
    ages.sort_unstable_by_key(|age| std::cmp::Reverse(*age));

    let mut happenings = Vec::new();
    for ((position, age), id) in ages.into_iter().enumerate().zip(plan.first_order..) {
        let placed = now - Duration::minutes(age);
        let status = match NEWEST.get(plan.orders - 1 - position) {
            Some(status) => *status,
            None => status_at(age, dice),
        };
        // Some customers come back again and again: the lower of two throws favours the first ones.
        let regular = dice.below(plan.customers).min(dice.below(plan.customers));
        let customer = plan.first_customer + i64::try_from(regular).unwrap_or(0);
        let basket = basket(wares, dice);
        let total: i64 = basket.iter().map(|(ware, quantity)| ware.price * quantity).sum();
        let note = if dice.chance(9) { Some(NOTES[dice.below(NOTES.len())]) } else { None };

        let sent = matches!(status, OrderStatus::Fulfilled | OrderStatus::Refunded);
        let fulfilled = placed + Duration::minutes(dice.between(90, 2_600).min(age * 3 / 4));
        let carrier = plan.carriers[dice.below(plan.carriers.len())];
        let tracking = format!("{:012}", dice.between(100_000_000_000, 999_999_999_999));
        let updated = match status {
            OrderStatus::Pending => placed,
            OrderStatus::Paid => placed + Duration::minutes(2),
            OrderStatus::Fulfilled => fulfilled,
            OrderStatus::Cancelled => placed + Duration::minutes(age / 4),
            OrderStatus::Refunded => fulfilled + Duration::minutes(age / 8),
        };
        insert_order.execute(params![
            id,
            plan.shop,
            customer,
            status,
            total,
            plan.currency,
            note,
            sent.then_some(carrier),
            sent.then_some(tracking),
            timestamp(placed),
            sent.then(|| timestamp(fulfilled)),
            timestamp(updated),
        ])?;
        for ((ware, quantity), line) in basket.into_iter().zip(1_i64..) {
            insert_line.execute(params![id, line, ware.id, ware.sku, ware.name, quantity, ware.price])?;
        }

        let mut happened = |time, event| happenings.push(Happening { time, event, order: id });
        happened(placed, Event::OrderPlaced);
        match status {
            OrderStatus::Pending => {}
            OrderStatus::Cancelled => happened(updated, Event::OrderCancelled),
            OrderStatus::Paid | OrderStatus::Fulfilled | OrderStatus::Refunded => {
                happened(placed + Duration::minutes(2), Event::OrderPaid);
            }
        }
        if sent {
            happened(fulfilled, Event::OrderFulfilled);
        }
        if status == OrderStatus::Refunded {
            happened(updated, Event::OrderRefunded);
        }
    }
    happenings.sort_by_key(|happening| happening.time);
    Ok(happenings)
}

fn status_at(age: i64, dice: &mut Dice) -> OrderStatus {
    let throw = dice.below(100);
    if age < 3 * 1_440 {
        match throw {
            0..55 => OrderStatus::Paid,
            55..70 => OrderStatus::Pending,
            _ => OrderStatus::Fulfilled,
        }
    } else {
        match throw {
            0..84 => OrderStatus::Fulfilled,
            84..92 => OrderStatus::Cancelled,
            92..98 => OrderStatus::Refunded,
            _ => OrderStatus::Paid,
        }
    }
}

fn basket<'a>(wares: &'a [Ware], dice: &mut Dice) -> Vec<(&'a Ware, i64)> {
    let mut basket: Vec<(&Ware, i64)> = Vec::new();
    for _ in 0..dice.between(1, 4) {
        let ware = &wares[dice.below(wares.len())];
        if basket.iter().all(|(other, _)| other.id != ware.id) {
            // Nobody buys four wheelbarrows.
            let quantity = if ware.price > 5_000 { 1 } else { dice.between(1, 3) };
            basket.push((ware, quantity));
        }
    }
    basket
}

fn webhooks(
    connection: &Connection,
    plan: &Plan,
    now: DateTime<Utc>,
    happenings: &[Happening],
    dice: &mut Dice,
) -> rusqlite::Result<()> {
    let mut insert_webhook = connection.prepare(
        "INSERT INTO shop_webhooks (id, shop, url, description, events, enabled, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (endpoint, id) in plan.endpoints.iter().zip(plan.first_webhook..) {
        let created = now - Duration::minutes(dice.between(95 * 1_440, 600 * 1_440));
        let updated = if endpoint.enabled { created } else { now - Duration::days(14) };
        insert_webhook.execute(params![
            id,
            plan.shop,
            endpoint.url,
            endpoint.description,
            stored(endpoint.events),
            endpoint.enabled,
            timestamp(created),
            timestamp(updated),
        ])?;
    }

    let mut insert_delivery = connection.prepare(
        "INSERT INTO shop_webhook_deliveries (id, webhook_id, event, subject, status, attempts,
             response_status, error, created_at, last_attempt_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut id = plan.first_delivery;
    // Older deliveries are not kept; what a paused endpoint failed to take shows why it was paused.
    for happening in happenings.iter().filter(|happening| happening.time > now - Duration::days(30)) {
        for (endpoint, webhook) in plan.endpoints.iter().zip(plan.first_webhook..) {
            let paused = !endpoint.enabled && happening.time > now - Duration::days(14);
            if paused || !endpoint.events.contains(&happening.event) {
                continue;
            }
            let outcome = outcome(endpoint, now - happening.time, dice);
            let last_attempt = (happening.time + outcome.lasted).min(now);
            insert_delivery.execute(params![
                id,
                webhook,
                happening.event,
                format!("/orders/{}", happening.order),
                outcome.status,
                outcome.attempts,
                outcome.response_status,
                outcome.error,
                timestamp(happening.time),
                timestamp(last_attempt),
            ])?;
            id += 1;
        }
    }
    Ok(())
}

struct Outcome {
    status: DeliveryStatus,
    attempts: i64,
    response_status: Option<i64>,
    error: Option<&'static str>,
    lasted: Duration,
}

fn outcome(endpoint: &Endpoint, age: Duration, dice: &mut Dice) -> Outcome {
    if !endpoint.enabled {
        return Outcome {
            status: DeliveryStatus::Failed,
            attempts: 6,
            response_status: Some(410),
            error: Some("answered 410 Gone"),
            lasted: Duration::hours(10),
        };
    }
    if dice.chance(endpoint.arrives) {
        let attempts = if dice.chance(90) { 1 } else { 2 };
        return Outcome {
            status: DeliveryStatus::Delivered,
            attempts,
            response_status: Some(if dice.chance(80) { 200 } else { 204 }),
            error: None,
            lasted: Duration::seconds(1 + (attempts - 1) * 60),
        };
    }
    let (response_status, error) = match dice.below(4) {
        0 => (None, "no answer within 10 seconds"),
        1 => (None, "connection refused"),
        2 => (Some(502), "answered 502 Bad Gateway"),
        _ => (Some(500), "answered 500 Internal Server Error"),
    };
    // It is tried six times over ten hours.
    let (status, attempts, lasted) = if age < Duration::hours(10) {
        (DeliveryStatus::Retrying, dice.between(1, 5), age * 2 / 3)
    } else {
        (DeliveryStatus::Failed, 6, Duration::hours(10))
    };
    Outcome { status, attempts, response_status, error: Some(error), lasted }
}

/// SplitMix64: a few lines that give the same throws everywhere and for ever.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.throw() % end).unwrap_or(0)
    }

    fn between(&mut self, least: i64, most: i64) -> i64 {
        let choices = u64::try_from(most - least + 1).unwrap_or(1).max(1);
        least + i64::try_from(self.throw() % choices).unwrap_or(0)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.throw() % 100 < percent
    }
}
