//! A new secret in the place of the old one.

use askama::Template;
use chrono::TimeDelta;

use super::consequences::Consequences;
use super::dialog::{self, Changed, Mistakes, Target};
use super::reveal::{self, Revealed, What};
use super::revoked;
use crate::admin::fault::Fault;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::Time;
use crate::dashboard::visit::Visit;
use crate::tokens::Intent;
use crate::web::Reply;
use crate::{Error, Status, TokenRecord};

#[derive(Template)]
#[template(path = "rotate.html")]
struct RotatePage<'a> {
    frame: Frame<'a>,
    target: Target,
    consequences: Option<Consequences>,
    /// Tells this form from any other: of two that are sent with one key, one rotates.
    key: String,
    graces: [Choice; 4],
    grace: String,
    /// The secret before the present one, where it still works: its end, and its last letters.
    previous: Option<(Time, String)>,
    mistakes: Mistakes,
    changed: Option<Changed>,
}

/// For how long the old secret goes on working, in seconds.
struct Choice {
    seconds: &'static str,
    text: &'static str,
}

const GRACES: [Choice; 4] = [
    Choice { seconds: "0", text: "Not at all" },
    Choice { seconds: "3600", text: "1 hour" },
    Choice { seconds: "86400", text: "24 hours" },
    Choice { seconds: "604800", text: "7 days" },
];

#[derive(Template)]
#[template(path = "rotated_before.html")]
struct RotatedBeforePage<'a> {
    frame: Frame<'a>,
    id: String,
    name: &'a str,
    at: Time,
}

pub(in crate::dashboard) async fn form(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 200, &record).await);
    }
    Ok(visit.page(200, &page(visit, &record).await?))
}

pub(in crate::dashboard) async fn rotate(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let record = visit.context.record().await?;
    let form = visit.form()?;
    let version = dialog::version(&form)?;
    let key = form.some("key").filter(|key| key.len() <= 200);
    let key = key.ok_or_else(|| Fault::malformed("The form is not whole. Open it again."))?;
    if record.revoked_at.is_some() {
        return Ok(revoked::page(visit, 409, &record).await);
    }
    let grace = form.text("grace");
    let seconds = GRACES.iter().find(|choice| choice.seconds == grace).and_then(|_| grace.parse().ok());
    let Some(seconds) = seconds else {
        let mut page = page(visit, &record).await?;
        page.mistakes.add("rotate-grace-0", "Choose for how long the old secret keeps working.");
        return Ok(visit.page(422, &page));
    };
    let rotation = || {
        let rotation = visit.context.tokens.rotate(&record.id).grace(TimeDelta::seconds(seconds));
        rotation.idempotency_key(key).if_version(version).by(&visit.context.actor)
    };
    let mut rotated = rotation().await;
    if matches!(rotated, Err(Error::Conflict)) {
        // The other half of a double click may have been under way. By now it tells what it did.
        rotated = rotation().await;
    }
    match rotated {
        Ok(rotated) => {
            let grace_until = rotated.record.previous_secret.as_ref().map(|previous| previous.ends_at);
            let what = What::Rotated;
            let revealed = Revealed { record: &rotated.record, secret: &rotated.secret, what, grace_until };
            Ok(reveal::page(visit, &revealed))
        }
        Err(Error::AlreadyDone { .. }) => {
            let record = visit.context.record().await?;
            let page = RotatedBeforePage {
                frame: visit.frame("This was done before", Place::Tokens),
                id: record.id.to_string(),
                name: &record.name,
                at: Time::of(record.secret.created_at, visit.context.now()),
            };
            Ok(visit.page(409, &page))
        }
        Err(Error::Conflict) => {
            let record = visit.context.record().await?;
            let mut page = page(visit, &record).await?;
            page.grace = grace.to_owned();
            page.changed = Some(dialog::changed(visit, &record).await);
            Ok(visit.page(409, &page))
        }
        Err(Error::Revoked) => {
            let record = visit.context.record().await?;
            Ok(revoked::page(visit, 409, &record).await)
        }
        Err(error) => Err(error.into()),
    }
}

async fn page<'v>(visit: &'v Visit<'_>, record: &TokenRecord) -> Result<RotatePage<'v>, Fault> {
    let now = visit.context.now();
    let previous = record.previous_secret.as_ref().filter(|previous| now < previous.ends_at);
    Ok(RotatePage {
        frame: visit.frame(format!("Rotate “{}”?", record.name), Place::Tokens),
        target: Target::of(record, now),
        consequences: Consequences::of(visit, record, &Intent::Rotate).await,
        key: visit.context.tokens.fresh_key()?,
        graces: GRACES,
        grace: "0".to_owned(),
        previous: previous.map(|previous| (Time::of(previous.ends_at, now), previous.last4.clone())),
        mistakes: Mistakes::default(),
        changed: None,
    })
}
