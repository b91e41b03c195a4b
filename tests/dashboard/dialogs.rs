//! Rotating, pausing, revoking and deleting, each in its dialog.

use chrono::TimeDelta;
use tokenward::admin::{Access, Permissions};
use tokenward::{Actor, NewToken, Status, TokenRecord, Update};

use super::kit::{Page, Shop, shop};

const ALL: [&str; 4] = ["rotate", "pause", "revoke", "purge"];

impl Shop {
    async fn used_token(&self, name: &str) -> (String, TokenRecord) {
        let (text, record) = self.token(name, &["orders:read"]).await;
        assert_eq!(self.call(&text, "orders:read", "GET /orders", 200).await, None);
        (text, record)
    }

    async fn now(&self, record: &TokenRecord) -> TokenRecord {
        self.tokens.find(&record.id).await.unwrap().unwrap()
    }

    async fn status(&self, record: &TokenRecord) -> Status {
        let now = self.now(record).await;
        now.status(self.tokens.clock().now().wall())
    }

    async fn actions(&self, record: &TokenRecord) -> Vec<&'static str> {
        let query = tokenward::HistoryQuery::new(tokenward::TenantFilter::Any).token(record.id);
        let entries = self.tokens.history(&query).await.unwrap();
        entries.iter().rev().map(|entry| entry.draft.action.as_str()).collect()
    }

    async fn rename(&self, record: &TokenRecord, name: &str) {
        let bruno = Actor::new("bruno@acme.example").tenant("acme");
        self.tokens.update(&record.id, Update::new().name(name)).by(bruno).await.unwrap();
    }
}

fn path(record: &TokenRecord, dialog: &str) -> String {
    format!("/t/{}/{dialog}", record.id)
}

fn with(right: impl FnOnce(&mut Permissions)) -> Access {
    let mut permissions = Permissions::read_only();
    right(&mut permissions);
    Access::Custom(Actor::new("support@acme.example").tenant("acme"), permissions)
}

fn secret_on(page: &Page) -> Option<String> {
    let start = page.html.find("tw_")?;
    let text: String = page.html[start..]
        .chars()
        .take_while(|sign| sign.is_ascii_alphanumeric() || "-_".contains(*sign))
        .collect();
    (text.len() > 50).then_some(text)
}

#[tokio::test]
async fn rotating_shows_the_new_secret_once_and_kills_the_old_one() {
    let shop = shop();
    let (old, record) = shop.used_token("Warehouse sync").await;
    let form = shop.get(&path(&record, "rotate")).await;
    assert_eq!(form.status, 200);
    form.shows("Rotate “ Warehouse sync ”?").shows("sync/2.3 (203.0.113.7)").shows("Not at all");
    let (version, key) = (form.value("version"), form.value("key"));
    let sent = format!("version={version}&key={key}&grace=0");
    let page = shop.post(&path(&record, "rotate"), &sent).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let new = secret_on(&page).expect("the new secret is on the page");
    assert_ne!(new, old);
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, Some(401));
    assert_eq!(shop.call(&new, "orders:read", "GET /orders", 200).await, None);

    // The same form once more, by a double click or by a reload.
    let again = shop.post(&path(&record, "rotate"), &sent).await;
    assert_eq!(again.status, 409);
    again.shows("was rotated with this form already").shows("rotate again");
    assert_eq!(secret_on(&again), None);
    assert_eq!(shop.call(&new, "orders:read", "GET /orders", 200).await, None);
    assert_eq!(shop.actions(&record).await, ["issued", "rotated"]);
}

#[tokio::test]
async fn two_halves_of_a_double_click_rotate_once() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let form = shop.get(&path(&record, "rotate")).await;
    let sent = format!("version={}&key={}&grace=0", form.value("version"), form.value("key"));
    let at = path(&record, "rotate");
    let (first, second) = tokio::join!(shop.post(&at, &sent), shop.post(&at, &sent));
    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [200, 409]);
    assert_eq!([&first, &second].into_iter().filter_map(secret_on).count(), 1);
    assert_eq!(shop.actions(&record).await, ["issued", "rotated"]);
}

#[tokio::test]
async fn with_a_grace_period_the_old_secret_works_until_it_is_over() {
    let shop = shop();
    let (old, record) = shop.used_token("Warehouse sync").await;
    let form = shop.get(&path(&record, "rotate")).await;
    let sent = format!("version={}&key={}&grace=3600", form.value("version"), form.value("key"));
    let page = shop.post(&path(&record, "rotate"), &sent).await;
    assert_eq!(page.status, 200);
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, None);
    shop.get(&path(&record, "rotate")).await.shows("It dies at once if you rotate now");
    shop.clock.advance(TimeDelta::hours(1));
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, Some(401));
    shop.get(&path(&record, "rotate")).await.does_not_show("It dies at once if you rotate now");
}

#[tokio::test]
async fn a_form_that_is_outdated_rotates_nothing_and_names_who_came_first() {
    let shop = shop();
    let (old, record) = shop.used_token("Warehouse sync").await;
    let form = shop.get(&path(&record, "rotate")).await;
    let sent = format!("version={}&key={}&grace=86400", form.value("version"), form.value("key"));
    shop.rename(&record, "Warehouse sync 2").await;
    let page = shop.post(&path(&record, "rotate"), &sent).await;
    assert_eq!(page.status, 409);
    page.shows("bruno@acme.example changed it just now , while this form was open");
    assert_eq!(secret_on(&page), None);
    assert!(page.html.contains("value=\"86400\" checked"), "{}", page.html);
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, None);
    // The form that is shown instead works.
    let sent = format!("version={}&key={}&grace=86400", page.value("version"), page.value("key"));
    assert_eq!(shop.post(&path(&record, "rotate"), &sent).await.status, 200);
}

#[tokio::test]
async fn a_form_that_is_not_whole_rotates_nothing() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let key = "k".repeat(201);
    for (sent, status) in [
        (String::new(), 400),
        ("version=1&grace=0".to_owned(), 400),
        ("key=abc&grace=0".to_owned(), 400),
        (format!("version=1&key={key}&grace=0"), 400),
        ("version=-1&key=abc&grace=0".to_owned(), 400),
        ("version=1&key=abc".to_owned(), 422),
        ("version=1&key=abc&grace=5".to_owned(), 422),
        ("version=1&key=abc&grace=99999999999999999999".to_owned(), 422),
    ] {
        let page = shop.post(&path(&record, "rotate"), &sent).await;
        assert_eq!(page.status, status, "{sent}: {}", page.text());
        assert_eq!(secret_on(&page), None, "{sent}");
    }
    assert_eq!(shop.actions(&record).await, ["issued"]);
}

#[tokio::test]
async fn whoever_may_grant_less_than_a_token_holds_does_not_rotate_it() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let weak = || Access::manage(Actor::new("weak").tenant("acme").may_grant(["customers:read"]));
    let form = shop.get_as(weak(), &path(&record, "rotate")).await;
    let sent = format!("version={}&key={}&grace=0", form.value("version"), form.value("key"));
    let page = shop.post_as(weak(), &path(&record, "rotate"), &sent).await;
    assert_eq!(page.status, 403);
    page.shows("scopes (orders:read)");
    assert_eq!(shop.actions(&record).await, ["issued"]);
}

#[tokio::test]
async fn revoking_what_is_used_asks_for_its_name() {
    let shop = shop();
    let (text, record) = shop.used_token("Warehouse sync").await;
    let form = shop.get(&path(&record, "revoke")).await;
    assert_eq!(form.status, 200);
    form.shows("Revoke “ Warehouse sync ”?")
        .shows("GET /orders")
        .shows("sync/2.3 (203.0.113.7)")
        .shows("1 call in the last 24 hours")
        .shows("cannot be undone")
        .shows("Not sure?")
        .shows("Type the name to confirm");
    let version = form.value("version");
    for (name, says) in [
        ("", "Type the name of the token"),
        ("warehouse+sync", "capitals count"),
        ("Warehouse", "not the name"),
    ] {
        let sent = format!("version={version}&name={name}&reason=No+longer+needed");
        let page = shop.post(&path(&record, "revoke"), &sent).await;
        assert_eq!(page.status, 422, "{name:?}");
        page.shows(says).shows("Nothing was changed");
        // What was typed stands there again.
        assert_eq!(page.value("name"), name.replace('+', " "));
        assert_eq!(page.value("reason"), "No longer needed");
        assert!(page.html.contains("role=\"alert\"") && page.html.contains("href=\"#revoke-name\""));
        assert!(page.html.contains("revoke-name-error"));
    }
    assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, None);

    let sent = format!("version={version}&name=++Warehouse+sync+&reason=No+longer+needed");
    let page = shop.post(&path(&record, "revoke"), &sent).await;
    assert_eq!(page.leads_to(), (&*format!("t/{}", record.id), Some("revoked")));
    assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, Some(401));
    assert_eq!(shop.now(&record).await.revoked_because.as_deref(), Some("No longer needed"));

    // The same form once more changes nothing and is no fault.
    let page = shop.post(&path(&record, "revoke"), &sent).await;
    assert_eq!(page.leads_to(), (&*format!("t/{}", record.id), Some("revoked")));
    assert_eq!(shop.actions(&record).await, ["issued", "revoked"]);
}

#[tokio::test]
async fn revoking_what_is_unused_asks_for_nothing() {
    let shop = shop();
    let (text, never) = shop.token("Never used", &["orders:read"]).await;
    let (_, old) = shop.used_token("Old app").await;
    shop.clock.advance(TimeDelta::days(30));
    shop.get(&path(&never, "revoke")).await.shows("Never used").does_not_show("Type the name");
    let form = shop.get(&path(&old, "revoke")).await;
    form.shows("nothing should break").does_not_show("Type the name");
    for record in [&never, &old] {
        let page = shop.post(&path(record, "revoke"), "version=1").await;
        assert_eq!(page.leads_to().1, Some("revoked"));
    }
    assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, Some(401));
    assert_eq!(shop.now(&old).await.revoked_because, None);
}

#[tokio::test]
async fn a_day_short_of_unused_a_token_still_counts_as_used() {
    let shop = shop();
    let (_, record) = shop.used_token("Old app").await;
    shop.clock.advance(TimeDelta::days(30) - TimeDelta::minutes(1));
    shop.get(&path(&record, "revoke")).await.shows("Type the name");
    assert_eq!(shop.post(&path(&record, "revoke"), "version=1").await.status, 422);
    assert_eq!(shop.status(&record).await, Status::Active);
}

#[tokio::test]
async fn what_was_leaked_is_revoked_without_its_name_whatever_else_has_changed() {
    let shop = shop();
    let (text, record) = shop.used_token("Warehouse sync").await;
    shop.rename(&record, "Warehouse sync 2").await;
    let sent = "version=1&name=&leaked=yes&reason=seen+in+a+public+log";
    let page = shop.post(&path(&record, "revoke"), sent).await;
    assert_eq!(page.leads_to().1, Some("revoked"));
    assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, Some(401));
    let because = shop.now(&record).await.revoked_because;
    assert_eq!(because.as_deref(), Some("compromised: seen in a public log"));

    let (_, other) = shop.used_token("Other").await;
    shop.post(&path(&other, "revoke"), "version=1&leaked=yes").await;
    assert_eq!(shop.now(&other).await.revoked_because.as_deref(), Some("compromised"));
}

#[tokio::test]
async fn a_reason_that_is_too_long_is_told_beside_the_name() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let reason = "x".repeat(501);
    let page = shop.post(&path(&record, "revoke"), &format!("version=1&reason={reason}")).await;
    assert_eq!(page.status, 422);
    page.shows("2 things need attention").shows("at most 500 characters");
    assert_eq!(page.value("reason"), reason);
}

#[tokio::test]
async fn a_form_for_another_version_revokes_nothing() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    shop.rename(&record, "Till 7").await;
    let sent = "version=1&name=Till+7&reason=over";
    let page = shop.post(&path(&record, "revoke"), sent).await;
    assert_eq!(page.status, 409);
    page.shows("bruno@acme.example changed it just now").shows("Revoke “ Till 7 ”?");
    assert_eq!((page.value("version"), page.value("reason")), ("2".to_owned(), "over".to_owned()));
    assert_eq!(shop.status(&record).await, Status::Active);
    // Who it was is history, and not for everybody.
    let access = with(|rights| (rights.revoke, rights.view_history) = (true, false));
    let page = shop.post_as(access, &path(&record, "revoke"), sent).await;
    assert_eq!(page.status, 409);
    page.shows("Somebody changed the token").does_not_show("bruno");
}

#[tokio::test]
async fn a_revoked_token_says_when_why_and_by_whom() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let sent = "version=1&name=Warehouse+sync&reason=left+the+building";
    shop.post(&path(&record, "revoke"), sent).await;
    for dialog in ["revoke", "rotate", "pause"] {
        let page = shop.get(&path(&record, dialog)).await;
        assert_eq!(page.status, 200, "{dialog}");
        page.shows("“ Warehouse sync ” is revoked")
            .shows("24 Nov 2026, 14:00 UTC")
            .shows("by maria@acme.example")
            .shows("left the building")
            .shows("Create one like it");
        assert!(page.html.contains(&format!("new?like={}", record.id)));
    }
    let unable = with(|rights| (rights.pause, rights.view_history) = (true, false));
    let page = shop.get_as(unable, &path(&record, "pause")).await;
    page.shows("is revoked").does_not_show("maria@").does_not_show("Create one like it");
    for (dialog, sent) in [("rotate", "version=2&key=abc&grace=0"), ("pause", "version=2&for=600")] {
        let page = shop.post(&path(&record, dialog), sent).await;
        assert_eq!(page.status, 409, "{dialog}");
        page.shows("is revoked");
    }
    assert_eq!(shop.post(&path(&record, "resume"), "").await.status, 409);
}

#[tokio::test]
async fn a_pause_ends_by_itself_or_when_somebody_resumes() {
    let shop = shop();
    let (text, record) = shop.used_token("Warehouse sync").await;
    let form = shop.get(&path(&record, "pause")).await;
    form.shows("10 minutes, then it resumes by itself").shows("403 while it is paused");
    let sent = format!("version={}&for=600&reason=looking+into+it", form.value("version"));
    let page = shop.post(&path(&record, "pause"), &sent).await;
    assert_eq!(page.leads_to(), (&*format!("t/{}", record.id), Some("paused")));
    assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, Some(403));
    // Sent twice, it is paused once.
    assert_eq!(shop.post(&path(&record, "pause"), &sent).await.leads_to().1, Some("paused"));
    assert_eq!(shop.actions(&record).await, ["issued", "paused"]);
    shop.get(&path(&record, "pause")).await.shows("It is paused already, until 24 Nov 2026, 14:10 UTC");
    shop.clock.advance(TimeDelta::minutes(10));
    assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, None);

    let sent = format!("version={}&for=", shop.now(&record).await.version);
    shop.post(&path(&record, "pause"), &sent).await;
    shop.clock.advance(TimeDelta::days(9));
    assert_eq!(shop.status(&record).await, Status::Paused);
    let page = shop.post(&path(&record, "resume"), "").await;
    assert_eq!(page.leads_to(), (&*format!("t/{}", record.id), Some("resumed")));
    assert_eq!(shop.status(&record).await, Status::Active);
    assert_eq!(shop.post(&path(&record, "resume"), "").await.leads_to().1, Some("resumed"));
}

#[tokio::test]
async fn a_pause_without_a_length_is_asked_for_one() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    for sent in ["version=1", "version=1&for=17", "version=1&for=ever"] {
        let page = shop.post(&path(&record, "pause"), &format!("{sent}&reason=why+not")).await;
        assert_eq!(page.status, 422, "{sent}");
        page.shows("Choose for how long");
        assert_eq!(page.value("reason"), "why not");
    }
    assert_eq!(shop.status(&record).await, Status::Active);
}

#[tokio::test]
async fn the_button_to_pause_and_watch_pauses_for_ten_minutes() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let form = shop.get(&path(&record, "revoke")).await;
    assert!(form.html.contains(&format!("action=\"../../t/{}/pause\"", record.id)));
    let sent = format!("version={}&for={}", form.value("version"), form.value("for"));
    shop.post(&path(&record, "pause"), &sent).await;
    let until = shop.now(&record).await.paused_until.unwrap();
    assert_eq!(until, shop.tokens.clock().now().wall() + TimeDelta::minutes(10));
    shop.get(&path(&record, "revoke")).await.does_not_show("Not sure?").shows("It is paused");
}

#[tokio::test]
async fn a_pause_that_somebody_else_made_anew_is_not_resumed_unseen() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let bruno = || Actor::new("bruno@acme.example").tenant("acme");
    shop.tokens.pause(&record.id).lasting(TimeDelta::minutes(10)).by(bruno()).await.unwrap();
    let seen = shop.now(&record).await.version;
    shop.tokens.pause(&record.id).because("leaked").by(bruno()).await.unwrap();
    let page = shop.post(&path(&record, "resume"), &format!("version={seen}")).await;
    assert_eq!(page.status, 409);
    page.shows("bruno@acme.example paused it");
    assert_eq!(shop.status(&record).await, Status::Paused);
}

#[tokio::test]
async fn only_what_is_dead_can_be_deleted() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    shop.get(&path(&record, "purge")).await.shows("cannot be deleted yet").shows("Revoke it first");
    let page = shop.post(&path(&record, "purge"), "version=1").await;
    assert_eq!(page.status, 409);
    page.shows("cannot be deleted yet");

    shop.post(&path(&record, "revoke"), "version=1&leaked=yes").await;
    let form = shop.get(&path(&record, "purge")).await;
    form.shows("What goes").shows("What stays").shows("its history").shows("1 in all");
    let outdated = shop.post(&path(&record, "purge"), "version=1").await;
    assert_eq!(outdated.status, 409);
    outdated.shows("maria@acme.example revoked it");
    let sent = format!("version={}", form.value("version"));
    assert_eq!(shop.post(&path(&record, "purge"), &sent).await.leads_to(), ("", Some("purged")));
    assert!(shop.tokens.find(&record.id).await.unwrap().is_none());
    // Once more: it is as was wished. What was never there is not.
    assert_eq!(shop.post(&path(&record, "purge"), &sent).await.leads_to(), ("", Some("purged")));
    assert_eq!(shop.post("/t/tok_AAAAAAAAAAAAAAAA/purge", &sent).await.status, 404);
    assert_eq!(shop.actions(&record).await, ["issued", "revoked", "purged"]);
}

#[tokio::test]
async fn an_expired_token_is_told_so_in_every_dialog() {
    let shop = shop();
    let asked = NewToken::named("Fair").tenant("acme").scopes(["orders:read"]).expires_in(TimeDelta::days(2));
    let record = shop.tokens.issue(asked).by(Actor::new("maria").tenant("acme")).await.unwrap().record;
    shop.get(&path(&record, "rotate")).await.shows("which expires 26 Nov 2026, 14:00 UTC");
    shop.clock.advance(TimeDelta::days(2));
    for (dialog, says) in [
        ("rotate", "does not work until its expiry is moved"),
        ("pause", "It has expired"),
        ("revoke", "it cannot be extended again"),
        ("purge", "extended, an expired token works again"),
    ] {
        let page = shop.get(&path(&record, dialog)).await;
        assert_eq!(page.status, 200);
        page.shows(says);
    }
    let page = shop.post(&path(&record, "purge"), "version=1").await;
    assert_eq!(page.leads_to(), ("", Some("purged")));
}

#[tokio::test]
async fn each_dialog_needs_its_own_right() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    let support = || with(|rights| rights.pause = true);
    for dialog in ALL {
        let page = shop.get_as(support(), &path(&record, dialog)).await;
        let expected = if dialog == "pause" { 200 } else { 403 };
        assert_eq!(page.status, expected, "{dialog}");
        let sent = "version=1&key=abc&grace=0&for=600&leaked=yes";
        let page = shop.post_as(with(|_| ()), &path(&record, dialog), sent).await;
        assert_eq!(page.status, 403, "{dialog}");
    }
    assert_eq!(shop.status(&record).await, Status::Active);
    let page = shop.post_as(support(), &path(&record, "pause"), "version=1&for=600").await;
    assert_eq!(page.leads_to().1, Some("paused"));
    let page = shop.post_as(support(), &path(&record, "resume"), "").await;
    assert_eq!(page.leads_to().1, Some("resumed"));
    // Whoever may revoke and not pause is not offered a pause.
    let revoking = with(|rights| rights.revoke = true);
    shop.get_as(revoking, &path(&record, "revoke")).await.does_not_show("Not sure?");
}

#[tokio::test]
async fn no_dialog_shows_addresses_to_whoever_may_not_see_them() {
    let shop = shop();
    let (_, record) = shop.used_token("Warehouse sync").await;
    for dialog in ALL {
        let access = with(|rights| {
            *rights = Permissions::all();
            rights.view_addresses = false;
        });
        let page = shop.get_as(access, &path(&record, dialog)).await;
        assert_eq!(page.status, 200, "{dialog}");
        assert!(!page.html.contains("203.0.113.7"), "{dialog}: {}", page.text());
    }
    // What stands in the calls is for whoever may look at calls.
    let access = with(|rights| (rights.revoke, rights.view_calls) = (true, false));
    shop.get_as(access, &path(&record, "revoke")).await.does_not_show("Last used just now by");
}

#[tokio::test]
async fn the_tokens_of_other_tenants_have_no_dialogs() {
    let shop = shop();
    let asked = NewToken::named("Theirs").tenant("other").scopes(["orders:read"]);
    let record = shop.tokens.issue(asked).by(Actor::new("eve").tenant("other")).await.unwrap().record;
    for dialog in ALL {
        assert_eq!(shop.get(&path(&record, dialog)).await.status, 404, "{dialog}");
        let sent = "version=1&key=abc&grace=0&for=600&leaked=yes";
        assert_eq!(shop.post(&path(&record, dialog), sent).await.status, 404, "{dialog}");
    }
    for action in ["resume", "grace/end", "grace/extend"] {
        assert_eq!(shop.post(&path(&record, action), "version=1&hours=24").await.status, 404, "{action}");
    }
    assert_eq!(shop.now(&record).await, record);
}

#[tokio::test]
async fn names_and_reasons_are_text_and_nothing_else() {
    let shop = shop();
    let (_, record) = shop.used_token("<img src=x onerror=alert(1)>").await;
    for dialog in ALL {
        let page = shop.get(&path(&record, dialog)).await;
        assert!(!page.html.contains("<img"), "{dialog}");
        assert!(!page.html.contains("href=\"/") && !page.html.contains("action=\"/"), "{dialog}");
        assert!(!page.html.contains("style=\"") && !page.html.contains("<style"), "{dialog}");
        assert!(page.html.contains("<section class=\"dialog-body\">"), "{dialog}");
    }
    let sent = "version=1&name=%22%3E%3Cscript%3E&reason=%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let page = shop.post(&path(&record, "revoke"), sent).await;
    assert_eq!(page.status, 422);
    assert!(!page.html.contains("<script>"));
    let sent = format!("{sent}&leaked=yes");
    shop.post(&path(&record, "revoke"), &sent).await;
    let page = shop.get(&path(&record, "revoke")).await;
    assert!(!page.html.contains("<script>"));
    page.shows("compromised: \"><script>");
}

#[tokio::test]
async fn the_old_secret_is_prolonged_to_the_end_of_its_token_and_no_further() {
    let shop = shop();
    let asked =
        NewToken::named("Fair").tenant("acme").scopes(["orders:read"]).expires_in(TimeDelta::hours(9));
    let record = shop.tokens.issue(asked).by(Actor::new("maria").tenant("acme")).await.unwrap().record;
    let rotation = shop.tokens.rotate(&record.id).grace(TimeDelta::hours(1));
    rotation.by(Actor::new("maria").tenant("acme")).await.unwrap();
    let page = shop.get(&format!("/t/{}", record.id)).await;
    assert_eq!(page.value("until"), "2026-11-24T23:00:00.000Z");
    let page = shop.post(&path(&record, "grace/extend"), "hours=24").await;
    assert_eq!(page.leads_to().1, Some("grace-extended"));
    assert_eq!(shop.now(&record).await.previous_secret.unwrap().ends_at, record.expires_at.unwrap());
}

#[tokio::test]
async fn the_grace_period_is_prolonged_and_ended() {
    let shop = shop();
    let (old, record) = shop.used_token("Warehouse sync").await;
    let ends = async |shop: &Shop| shop.now(&record).await.previous_secret.unwrap().ends_at;
    // Before any rotation there is nothing to prolong or to end.
    for (action, sent) in [("grace/extend", "hours=24"), ("grace/end", "")] {
        let page = shop.post(&path(&record, action), sent).await;
        assert_eq!(page.status, 409, "{action}: {}", page.text());
        page.shows("Nothing was changed");
    }
    let form = shop.get(&path(&record, "rotate")).await;
    let sent = format!("version={}&key={}&grace=3600", form.value("version"), form.value("key"));
    shop.post(&path(&record, "rotate"), &sent).await;
    let now = shop.tokens.clock().now().wall();

    let page = shop.post(&path(&record, "grace/extend"), "version=2&hours=24").await;
    assert_eq!(page.leads_to(), (&*format!("t/{}", record.id), Some("grace-extended")));
    assert_eq!(ends(&shop).await, now + TimeDelta::hours(25));
    // The same button once more, by a double click, adds nothing.
    let page = shop.post(&path(&record, "grace/extend"), "version=2&hours=24").await;
    assert_eq!(page.status, 409);
    assert_eq!(ends(&shop).await, now + TimeDelta::hours(25));
    let sent = "version=2&until=2026-11-25T15:00:00Z";
    assert_eq!(shop.post(&path(&record, "grace/extend"), sent).await.leads_to().1, Some("grace-extended"));

    // The page of the token sends the moment: twice is as good as once.
    let page = shop.get(&format!("/t/{}", record.id)).await;
    let sent = format!("until={}", page.value("until"));
    for _ in 0..2 {
        let page = shop.post(&path(&record, "grace/extend"), &sent).await;
        assert_eq!(page.leads_to().1, Some("grace-extended"));
        assert_eq!(ends(&shop).await, now + TimeDelta::hours(49));
    }

    for sent in
        ["hours=721", "hours=-1", "hours=a+day", "until=tomorrow", "until=2027-11-25T15:00:00Z", "hours=720"]
    {
        let page = shop.post(&path(&record, "grace/extend"), sent).await;
        assert_eq!(page.status, 422, "{sent}");
        page.shows("Nothing was changed");
    }
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, None);
    let page = shop.post(&path(&record, "grace/end"), "version=4").await;
    assert_eq!(page.leads_to().1, Some("grace-ended"));
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, Some(401));
    let page = shop.post(&path(&record, "grace/end"), "version=4").await;
    assert_eq!(page.leads_to().1, Some("grace-ended"));
    // What is dead stays dead.
    assert_eq!(shop.post(&path(&record, "grace/extend"), "hours=24").await.status, 409);
    assert_eq!(shop.call(&old, "orders:read", "GET /orders", 200).await, Some(401));
}
