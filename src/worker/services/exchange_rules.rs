//! Exchange rules: a list of the catalogue.

use std::rc::Rc;

use crate::oauth::Refusal;
use crate::oauth::refusal::ExchangeRuleError;
use crate::oauth::vocabulary::catalogue::{Catalogue, Edit, EditError};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::exchange_rule::{ExchangeRule, ExchangeRuleId};
use crate::worker::env::Platform;
use crate::worker::report::RequestError;

use super::catalogue;

/// Creates a rule.
///
/// # Errors
/// [`Refusal::ExchangeRuleExists`], [`Refusal::CatalogueFull`], [`Refusal::ExchangeRuleTarget`].
pub(crate) async fn create(platform: &Platform, rule: ExchangeRule) -> Result<(), RequestError> {
    let id = rule.id();
    edit(platform, Edit::Create(rule)).await?;
    platform.audit.exchange_rule(&id).note(EventKind::ExchangeRuleCreated);
    Ok(())
}

/// Returns a rule.
///
/// # Errors
/// [`Refusal::ExchangeRuleNotFound`].
pub(crate) async fn existing(platform: &Platform, id: &ExchangeRuleId) -> Result<ExchangeRule, RequestError> {
    let catalogue = catalogue::exact(platform).await?;
    Ok(catalogue.find::<ExchangeRule>(id).cloned().ok_or(Refusal::ExchangeRuleNotFound)?)
}

/// Replaces all but the client, the sources and the targets of a rule, and returns it.
///
/// # Errors
/// [`Refusal::ExchangeRuleNotFound`], [`ExchangeRuleError::Differs`], [`Refusal::CatalogueFull`].
pub(crate) async fn replace(
    platform: &Platform,
    id: &ExchangeRuleId,
    rule: ExchangeRule,
) -> Result<ExchangeRule, RequestError> {
    let is_the_same = rule.id() == *id;
    if !is_the_same {
        existing(platform, id).await?;
        return Err(Refusal::ExchangeRule(ExchangeRuleError::Differs).into());
    }
    let catalogue = edit(platform, Edit::Replace(rule)).await?;
    platform.audit.exchange_rule(id).note(EventKind::ExchangeRuleReplaced);
    Ok(catalogue.find::<ExchangeRule>(id).cloned().ok_or(Refusal::ExchangeRuleNotFound)?)
}

/// Removes a rule. Tokens that were issued by it stay active until they expire.
///
/// # Errors
/// [`Refusal::ExchangeRuleNotFound`].
pub(crate) async fn remove(platform: &Platform, id: &ExchangeRuleId) -> Result<(), RequestError> {
    edit(platform, Edit::Remove(id.clone())).await?;
    platform.audit.exchange_rule(id).note(EventKind::ExchangeRuleRemoved);
    Ok(())
}

async fn edit(platform: &Platform, edit: Edit<ExchangeRule>) -> Result<Rc<Catalogue>, RequestError> {
    let refused = |error| match error {
        EditError::Exists => Refusal::ExchangeRuleExists,
        EditError::Missing => Refusal::ExchangeRuleNotFound,
        EditError::Full => Refusal::CatalogueFull,
        EditError::Removing => Refusal::ExchangeRuleTarget,
    };
    Ok(catalogue::edit(platform, edit).await?.map_err(refused)?)
}
