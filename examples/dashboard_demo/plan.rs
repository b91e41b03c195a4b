//! The tokens that are made up: what each is, how it is used, and what becomes of it.

use crate::catalog::{CUSTOMERS, FULFIL, ORDER, ORDERS, PRODUCT, PRODUCTS, REFUND, REPORT, Route};

/// One token.
#[derive(Clone)]
pub struct Plan {
    pub tenant: &'static str,
    pub name: String,
    pub description: &'static str,
    pub scopes: Vec<&'static str>,
    pub per_minute: u32,
    /// How many days ago it was made.
    pub made: f64,
    /// In how many days it expires, or how many days ago if less than 0.
    pub expires: Option<f64>,
    pub by: &'static str,
    pub environment: &'static str,
    pub clients: Vec<(&'static str, &'static str)>,
    pub traffic: Vec<Traffic>,
    pub fates: Vec<(f64, Fate)>,
}

/// How a route is called.
#[derive(Clone)]
pub struct Traffic {
    pub route: &'static Route,
    pub per_day: f64,
    /// From so many days ago to so many days ago.
    pub from: f64,
    pub until: f64,
    /// How many of a hundred calls end with 500.
    pub failing: u64,
    /// How many calls come within one second.
    pub together: u32,
}

/// What becomes of a token, at some time.
#[derive(Clone)]
pub enum Fate {
    Pause {
        resumes_in: Option<f64>,
        because: &'static str,
    },
    Revoke(&'static str),
    /// With so many hours of grace.
    Rotate(f64),
    Limit(u32),
    AddScope(&'static str),
}

const SYNC: (&str, &str) = ("203.0.113.7", "wh-sync/2.3");
const CRON: (&str, &str) = ("203.0.113.9", "cron");
const POS: (&str, &str) = ("198.51.100.40", "NordicPOS/5.1 (till 3)");
const FEED: (&str, &str) = ("192.0.2.80", "google-feed-fetcher/1.0");
const APP: (&str, &str) = ("2001:db8:7::21", "AcmeShop/8.2 (iOS 20.1; like Gecko)");

fn token(name: &str, scopes: &[&'static str]) -> Plan {
    Plan {
        tenant: "acme",
        name: name.to_owned(),
        description: "",
        scopes: scopes.to_vec(),
        per_minute: 60,
        made: 40.0,
        expires: None,
        by: "maria@acme.example",
        environment: "live",
        clients: vec![SYNC],
        traffic: Vec::new(),
        fates: Vec::new(),
    }
}

impl Plan {
    fn about(self, description: &'static str) -> Plan {
        Plan { description, ..self }
    }

    fn limit(self, per_minute: u32) -> Plan {
        Plan { per_minute, ..self }
    }

    fn made(self, made: f64) -> Plan {
        Plan { made, ..self }
    }

    fn expires(self, days: f64) -> Plan {
        Plan { expires: Some(days), ..self }
    }

    fn by(self, by: &'static str) -> Plan {
        Plan { by, ..self }
    }

    fn clients(self, clients: &[(&'static str, &'static str)]) -> Plan {
        Plan { clients: clients.to_vec(), ..self }
    }

    /// Called for as long as it is looked at.
    fn calls(self, route: &'static Route, per_day: f64) -> Plan {
        let from = self.made.min(30.0);
        self.calls_between(route, per_day, from, 0.0)
    }

    fn calls_between(mut self, route: &'static Route, per_day: f64, from: f64, until: f64) -> Plan {
        self.traffic.push(Traffic { route, per_day, from, until, failing: 1, together: 1 });
        self
    }

    fn failing(mut self, percent: u64) -> Plan {
        self.traffic.iter_mut().for_each(|traffic| traffic.failing = percent);
        self
    }

    fn together(mut self, calls: u32) -> Plan {
        self.traffic.iter_mut().for_each(|traffic| traffic.together = calls);
        self
    }

    fn then(mut self, days_ago: f64, fate: Fate) -> Plan {
        self.fates.push((days_ago, fate));
        self
    }
}

/// All of them; those at the top are named in `dashboard_demo`'s tests.
pub fn plans() -> Vec<Plan> {
    let mut plans = vec![
        token("Warehouse sync", &["orders:read", "orders:write", "orders:refund", "products:read"])
            .about("Nightly stock export, box wh-2, owner: Maria")
            .expires(69.0)
            .clients(&[SYNC, SYNC, SYNC, CRON])
            .calls(&ORDERS, 640.0)
            .calls(&ORDER, 380.0)
            .calls(&FULFIL, 120.0)
            .calls(&PRODUCTS, 64.0)
            .calls_between(&CUSTOMERS, 3.0, 2.0, 0.0)
            .then(12.0, Fate::Limit(60))
            .then(9.0, Fate::AddScope("orders:refund")),
        token("Google feed", &["products:read"])
            .about("Product feed for shopping ads")
            .limit(30)
            .expires(2.42)
            .clients(&[FEED])
            .calls(&PRODUCTS, 288.0),
        token("Old mobile app", &["orders:read", "customers:read"]).made(200.0).calls_between(&ORDERS, 6.0, 96.0, 94.0),
        token("Nordic POS", &["orders:read", "orders:write", "products:read"])
            .about("Tills in the shops in Oslo and Bergen")
            .limit(120)
            .expires(218.0)
            .clients(&[POS])
            .calls_between(&PRODUCTS, 700.0, 30.0, 0.0)
            .calls_between(&ORDERS, 2400.0, 1.0, 0.0)
            .together(150),
        token("Checkout service", &["orders:read", "orders:write"])
            .about("Places orders for the shop")
            .limit(600)
            .clients(&[("203.0.113.20", "checkout/14"), ("203.0.113.21", "checkout/14")])
            .calls(&ORDER, 160.0)
            .calls_between(&FULFIL, 400.0, 0.3, 0.0)
            .failing(34),
        token("Refund desk", &["orders:read", "orders:refund"])
            .about("Used by the support desk when money goes back")
            .by("olga@acme.example")
            .expires(12.0)
            .calls(&REFUND, 14.0)
            .calls(&ORDER, 30.0),
        token("Reporting", &["analytics:read", "orders:read", "products:read", "customers:read"])
            .about("Numbers for the Monday meeting")
            .limit(30)
            .clients(&[("203.0.113.31", "metabase/0.58")])
            .calls(&REPORT, 22.0),
        token("Catalogue editor", &["products:read", "products:write"])
            .expires(140.0)
            .clients(&[("203.0.113.44", "python-requests/2.33")])
            .calls(&PRODUCT, 45.0)
            .calls(&PRODUCTS, 60.0)
            .then(0.25, Fate::Rotate(24.0)),
        token("Loyalty app", &["customers:read", "orders:read"])
            .limit(120)
            .clients(&[APP])
            .calls(&CUSTOMERS, 90.0)
            .then(0.01, Fate::Pause { resumes_in: Some(0.03), because: "looks odd, watching" }),
        token("Printer in the basement", &["orders:read"])
            .made(70.0)
            .calls_between(&ORDERS, 40.0, 30.0, 6.0)
            .then(6.0, Fate::Pause { resumes_in: None, because: "moved to the new office" }),
        token("Autumn campaign", &["products:read", "customers:read"])
            .expires(-2.0)
            .clients(&[("198.51.100.77", "campaign-bot/3")])
            .calls(&PRODUCTS, 190.0),
        token("Trade fair demo", &["products:read"]).made(60.0).expires(-20.0).calls_between(&PRODUCTS, 30.0, 24.0, 20.0),
        token("Partner Lindqvist", &["orders:read"]).made(16.0).by("olga@acme.example"),
        token("Key left in a repository", &["orders:read", "customers:read"])
            .clients(&[SYNC, ("198.51.100.200", "curl/8.16")])
            .calls_between(&CUSTOMERS, 60.0, 20.0, 3.0)
            .then(3.0, Fate::Revoke("left in a public repository")),
        token("Try-out without scopes", &[]).made(3.0),
        token("<script>window.hacked = 1</script>", &["orders:read"])
            .about("\"><img src=x onerror=\"window.hacked = 2\">")
            .clients(&[("203.0.113.66", "\"><svg onload=window.hacked=3> ${7*7} {{7*7}} <!--")])
            .calls(&ORDERS, 12.0),
        token("\"><img src=x onerror=window.hacked=4>", &["products:read"]).made(9.0).calls(&PRODUCTS, 5.0),
        token("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, Abteilung Süd", &["orders:read"])
            .about("A name as long as they come, and a description that is long as well: it goes on for a while, so that a page has to wrap it somewhere without breaking anything around it.")
            .made(25.0)
            .calls(&ORDERS, 8.0),
        token("仓库同步 – مستودع – Lager №7 🏬", &["products:read"]).made(20.0).calls(&PRODUCTS, 9.0),
        token("Starts next month", &["orders:read"]).made(1.0).expires(120.0),
    ];
    let regular = [
        ("Label printer", 20.0),
        ("Price watch", 33.0),
        ("Newsletter", 5.0),
        ("Stock alarm", 48.0),
        ("Bookkeeping export", 3.0),
        ("Returns portal", 17.0),
        ("Parcel tracking", 60.0),
        ("Search index", 26.0),
        ("Gift cards", 9.0),
        ("Review mails", 11.0),
        ("Wholesale portal", 14.0),
        ("Staging", 2.0),
    ];
    for (number, (name, per_day)) in regular.into_iter().enumerate() {
        let mut plan = token(name, &["orders:read", "products:read"]).made(35.0 + 3.0 * number as f64);
        if number % 3 == 0 {
            plan = plan.expires(40.0 + 25.0 * number as f64);
        }
        if name == "Staging" {
            plan.environment = "test";
        }
        plans.push(plan.calls(&ORDERS, per_day).calls(&PRODUCTS, per_day / 2.0));
    }
    for (number, name) in [
        "CI run",
        "Agency Blom",
        "Intern project",
        "Old warehouse",
        "Pilot Malmö",
        "Load test",
        "Beta app",
        "Fax bridge",
        "Pop-up shop",
        "First token",
    ]
    .into_iter()
    .enumerate()
    {
        let plan = token(name, &["orders:read"]).made(90.0 + 5.0 * number as f64);
        plans.push(plan.then(2.5 * (number + 1) as f64, Fate::Revoke("not needed any more")));
    }
    for (name, per_day) in [("Globex checkout", 30.0), ("Globex feed", 20.0), ("Globex reporting", 2.0)] {
        let mut plan = token(name, &["orders:read"]).by("hank@globex.example").calls(&ORDERS, per_day);
        plan.tenant = "globex";
        plans.push(plan);
    }
    plans
}
