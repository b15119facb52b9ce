//! The admin endpoints for exchange rules. The router has verified an access token with the admin scope.

use serde_json::json;

use crate::oauth::Refusal;
use crate::oauth::admin::exchange_rule::{parse, shown};
use crate::oauth::vocabulary::exchange_rule::{ExchangeRule, ExchangeRuleId};
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::report::RequestError;
use crate::worker::services::{catalogue, exchange_rules};

/// `POST /admin/exchange-rules`.
pub(crate) async fn create(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let rule = rule_of(platform, request).await?;
    let (location, shown) = (format!("/admin/exchange-rules/{}", rule.id()), shown(&rule));
    exchange_rules::create(platform, rule).await?;
    Ok(Reply::json(201, &shown).with("Location", platform.authority().endpoint(&location)))
}

/// `GET /admin/exchange-rules`: all of them.
pub(crate) async fn list(platform: &Platform) -> Result<Reply, RequestError> {
    let catalogue = catalogue::exact(platform).await?;
    let rules: Vec<_> = catalogue.exchange_rules().iter().map(shown).collect();
    Ok(Reply::json(200, &json!({ "exchange_rules": rules })))
}

/// `GET /admin/exchange-rules/ID`.
pub(crate) async fn read(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let rule = exchange_rules::existing(platform, &id_of_segment(id)?).await?;
    Ok(Reply::json(200, &shown(&rule)))
}

/// `PUT /admin/exchange-rules/ID`: replaces all but `client`, `sources` and `targets`.
pub(crate) async fn replace(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, RequestError> {
    let new = rule_of(platform, request).await?;
    let rule = exchange_rules::replace(platform, &id_of_segment(id)?, new).await?;
    Ok(Reply::json(200, &shown(&rule)))
}

/// `DELETE /admin/exchange-rules/ID`. Tokens that were issued by the rule stay active until they expire.
pub(crate) async fn remove(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    exchange_rules::remove(platform, &id_of_segment(id)?).await?;
    Ok(Reply::empty(204))
}

async fn rule_of(platform: &Platform, request: &Incoming) -> Result<ExchangeRule, RequestError> {
    Ok(parse(platform.authority(), &request.json_object().await?, platform.now).map_err(Refusal::ExchangeRule)?)
}

fn id_of_segment(segment: &str) -> Result<ExchangeRuleId, Refusal> {
    ExchangeRuleId::parse(segment).ok_or(Refusal::ExchangeRuleNotFound)
}
