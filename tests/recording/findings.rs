//! What deserves attention, as a page tells it.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use tokenward::usage::Call;
use tokenward::{Clock, FindingKind, Issued, Need, NewToken, TenantFilter, TokenRecord, Update, block_on};

use super::Watched;

impl Watched {
    fn kinds(&self, issued: &Issued) -> Vec<FindingKind> {
        self.findings(issued).into_iter().map(|(kind, _)| kind).collect()
    }

    /// With all that is recorded; what a page of them tells is the same but for what it leaves out.
    fn findings(&self, issued: &Issued) -> Vec<(FindingKind, String)> {
        self.flush();
        let record = self.record(issued);
        let found = block_on(self.tokens.findings_of_one(&record)).unwrap();
        let usage = block_on(self.tokens.usage_of(&[record.id])).unwrap();
        let of_page = self.tokens.findings_of(std::slice::from_ref(&record), &usage);
        let is_of_page = |kind| !matches!(kind, FindingKind::NewAddress | FindingKind::ScopesUnused);
        let expected: Vec<_> = found.iter().filter(|finding| is_of_page(finding.kind)).cloned().collect();
        assert_eq!(of_page, expected);
        assert!(found.iter().all(|finding| finding.token == record.id && !finding.remedy.is_empty()));
        found.into_iter().map(|finding| (finding.kind, finding.text)).collect()
    }

    fn record(&self, issued: &Issued) -> TokenRecord {
        block_on(self.tokens.find(&issued.record.id)).unwrap().unwrap()
    }

    fn called_from(&self, issued: &Issued, host: u8) {
        let call = Call::new("GET /orders", 200, Duration::from_millis(5));
        self.grant(issued).record_call(&call.address(IpAddr::from([203, 0, 113, host])));
    }

    fn refused(&self, issued: &Issued) {
        let verdict =
            block_on(self.tokens.verify(issued.secret.expose(), &Need::live().any_tenant())).unwrap();
        assert!(verdict.denied().is_some());
    }

    fn issue_as(&self, asked: NewToken) -> Issued {
        block_on(self.tokens.issue(asked).by("maria")).unwrap()
    }
}

fn named() -> NewToken {
    NewToken::named("Export").scopes(["orders:read"])
}

#[test]
fn a_token_that_is_used_well_deserves_no_attention() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    (0..60).for_each(|_| watched.call(&issued, "GET /orders", 200));
    assert_eq!(watched.kinds(&issued), []);
    assert_eq!(block_on(watched.tokens.findings(&TenantFilter::Any, 10)).unwrap().tokens, []);
}

#[test]
fn an_expiry_within_14_days_is_told_and_no_expiry_is_not() {
    let watched = Watched::new();
    let long = watched.issue_as(named().expires_in(TimeDelta::days(20)));
    let short = watched.issue_as(named().expires_in(TimeDelta::hours(12)));
    watched.call(&long, "GET /orders", 200);
    watched.call(&short, "GET /orders", 200);
    assert_eq!((watched.kinds(&long), watched.kinds(&short)), (vec![], vec![]));
    watched.clock.advance(TimeDelta::days(6) - TimeDelta::milliseconds(1));
    assert_eq!(watched.kinds(&long), []);
    watched.advance(1);
    let (kind, text) = watched.findings(&long).remove(0);
    assert_eq!(kind, FindingKind::ExpiresSoon);
    assert!(text.starts_with("It expires in 14 days, on "), "{text}");
}

#[test]
fn an_expired_token_deserves_attention_while_it_is_called() {
    let watched = Watched::new();
    let issued = watched.issue_as(named().expires_in(TimeDelta::hours(1)));
    watched.clock.advance(TimeDelta::hours(3));
    assert_eq!(watched.kinds(&issued), []);
    watched.refused(&issued);
    watched.refused(&issued);
    let said = "It expired 2 hours ago, and is still called: 2 calls failed in the last 24 hours.".to_owned();
    assert_eq!(watched.findings(&issued), [(FindingKind::ExpiredInUse, said)]);
    let found = block_on(watched.tokens.findings(&TenantFilter::Only(None), 10)).unwrap();
    assert_eq!(found.tokens[0].1[0].kind, FindingKind::ExpiredInUse);
    watched.clock.advance(TimeDelta::days(2));
    assert_eq!(watched.kinds(&issued), []);
}

#[test]
fn a_limit_that_refuses_is_told_for_five_minutes() {
    let watched = Watched::new();
    let issued = watched.issue_as(named().per_minute(1));
    watched.call(&issued, "GET /orders", 200);
    (0..3).for_each(|_| watched.refused(&issued));
    let said = "The limit refused 3 calls in the last 5 minutes.".to_owned();
    assert_eq!(watched.findings(&issued), [(FindingKind::Limited, said)]);
    watched.clock.advance(TimeDelta::minutes(4));
    assert_eq!(watched.kinds(&issued), [FindingKind::Limited]);
    watched.clock.advance(TimeDelta::minutes(1));
    assert_eq!(watched.kinds(&issued), []);
}

#[test]
fn too_few_successes_are_told_from_fifty_calls_on() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    (0..44).for_each(|_| watched.call(&issued, "GET /orders", 200));
    (0..5).for_each(|_| watched.call(&issued, "GET /orders", 500));
    assert_eq!(watched.kinds(&issued), []);
    watched.call(&issued, "GET /orders", 500);
    let said = "Only 88.0 % of 50 calls in the last 24 hours succeeded.".to_owned();
    assert_eq!(watched.findings(&issued), [(FindingKind::Failing, said)]);
    // That its calls fail while it is paused is no wonder.
    block_on(watched.tokens.pause(&issued.record.id).by("maria")).unwrap();
    assert_eq!(watched.kinds(&issued), []);
}

#[test]
fn what_was_not_used_is_told_after_a_week_or_after_ninety_days() {
    let watched = Watched::new();
    let (never, once) = (watched.issue(None), watched.issue(None));
    watched.call(&once, "GET /orders", 200);
    watched.clock.advance(TimeDelta::days(7));
    let (kind, text) = watched.findings(&never).remove(0);
    assert_eq!((kind, &*text), (FindingKind::NeverUsed, "Never used, 7 days after it was created."));
    assert_eq!(watched.kinds(&once), []);
    watched.clock.advance(TimeDelta::days(83));
    assert_eq!(watched.kinds(&once)[0], FindingKind::Unused);
    let found = block_on(watched.tokens.findings(&TenantFilter::Any, 10)).unwrap();
    assert_eq!(found.tokens.len(), 2);
    block_on(watched.tokens.revoke(&once.record.id).by("maria")).unwrap();
    assert_eq!(watched.kinds(&once), []);
    let found = block_on(watched.tokens.findings(&TenantFilter::Any, 10)).unwrap();
    assert_eq!(found.tokens.iter().map(|(record, _)| record.id).collect::<Vec<_>>(), [never.record.id]);
}

#[test]
fn an_old_secret_is_told_until_its_grace_period_ends() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    watched.call(&issued, "GET /orders", 200);
    let id = issued.record.id;
    block_on(watched.tokens.rotate(&id).grace(TimeDelta::days(2)).by("maria")).unwrap();
    assert_eq!(watched.kinds(&issued), [FindingKind::OldSecretLives]);
    block_on(watched.tokens.end_grace(&id).by("maria")).unwrap();
    assert_eq!(watched.kinds(&issued), []);
}

#[test]
fn scopes_are_told_when_most_of_them_were_not_used_for_thirty_days() {
    let watched = Watched::new();
    let issued = watched.issue_as(named().scopes(["orders:read", "orders:write"]));
    watched.clock.advance(TimeDelta::days(30) - TimeDelta::minutes(1));
    watched.called_from(&issued, 7);
    assert_eq!(watched.kinds(&issued), []);
    watched.clock.advance(TimeDelta::minutes(1));
    // Half of them is not most of them.
    assert_eq!(watched.kinds(&issued), []);
    let update = Update::new().scopes(["orders:write"]);
    block_on(watched.tokens.update(&issued.record.id, update).by("maria")).unwrap();
    let said = "1 of 1 scope not used for 30 days: orders:write.".to_owned();
    assert_eq!(watched.findings(&issued), [(FindingKind::ScopesUnused, said)]);
}

#[test]
fn an_address_is_new_for_a_day_if_there_was_another_before() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    watched.called_from(&issued, 7);
    assert_eq!(watched.kinds(&issued), []);
    watched.clock.advance(TimeDelta::hours(30));
    watched.called_from(&issued, 9);
    let said = "It was called from 203.0.113.9, which is new in the last 24 hours.".to_owned();
    assert_eq!(watched.findings(&issued), [(FindingKind::NewAddress, said)]);
    let found = block_on(watched.tokens.findings_of_one(&watched.record(&issued))).unwrap();
    assert!(!found[0].clone().without_address().text.contains("203"));
    watched.clock.advance(TimeDelta::hours(24));
    assert_eq!(watched.kinds(&issued), []);
}

#[test]
fn what_is_most_pressing_comes_first_and_costs_a_bounded_number_of_questions() {
    let watched = Watched::new();
    let unused: Vec<_> = (0..400).map(|_| watched.issue(Some("acme"))).collect();
    watched.clock.advance(TimeDelta::days(8));
    let limited = watched.issue_as(named().per_minute(1).tenant("acme"));
    let other = watched.issue_as(named().per_minute(1).tenant("other"));
    for issued in [&limited, &other] {
        watched.call(issued, "GET /orders", 200);
        watched.refused(issued);
    }
    watched.flush();
    let before = watched.usage.questions.load(Ordering::SeqCst);
    let acme = TenantFilter::Only(Some("acme".into()));
    let found = block_on(watched.tokens.findings(&acme, 50)).unwrap();
    let questions = watched.usage.questions.load(Ordering::SeqCst) - before;
    assert!(questions <= 10, "{questions}");
    assert_eq!(found.tokens[0].0.id, limited.record.id);
    assert_eq!((found.tokens.len(), found.more), (50, true));
    assert!(found.tokens.iter().all(|(record, _)| record.tenant.as_deref() == Some("acme")));
    assert!(found.tokens[1..].iter().all(|(_, found)| found[0].kind == FindingKind::NeverUsed));
    assert_eq!(found.as_of, watched.clock.now().wall());
    assert_eq!(unused.len(), 400);
}
