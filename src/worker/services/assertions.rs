//! Assertions that are exchanged for access tokens: whose they are, whom they are about, and that each is used once.

use std::rc::Rc;
use std::sync::Arc;

use crate::account::identifier::ReadIdentifier;
use crate::identity::profile::Username;
use crate::oauth::endpoints::jwt_bearer::{
    Accepted, AssertedText, Asserter, AssertionRequest, AssertionUse, FirstUse, Once, Subject, accept,
};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::trusted_issuer::{TrustedIssuer, TrustedIssuerId, may_be_trusted_issuer};
use crate::oauth::{Client, ClientId, Refusal};
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::objects::registry_do::{ConsumeAssertion, ConsumeAssertionText, FirstTextUse, IndexAccount};
use crate::worker::random::random;
use crate::worker::report::{Fault, RequestError};

use super::{clients, remote_keys, trusted_issuers};

/// The issuer of an assertion, with its record.
pub(crate) enum Owner {
    TrustedIssuer(TrustedIssuerId, Rc<TrustedIssuer>),
    ServiceAccount(Rc<Client>),
}

impl Owner {
    pub(crate) fn asserter(&self) -> Asserter<'_> {
        match self {
            Self::TrustedIssuer(_, issuer) => Asserter::TrustedIssuer(issuer),
            Self::ServiceAccount(client) => Asserter::ServiceAccount(client),
        }
    }
}

/// Verifies an assertion. A refused one is verified again with a fresh copy of the issuer's record, whose keys may have been
/// replaced.
///
/// # Errors
/// [`Refusal::Assertion`], also for an unknown issuer, and those of [`accept`].
pub(crate) async fn verify(platform: &Platform, request: &AssertionRequest) -> Result<(Owner, Accepted), RequestError> {
    if let Some(owner) = remembered(platform, &request.issuer) {
        match check(platform, &owner, request).await {
            Err(RequestError::Refused(_)) => {}
            outcome => return Ok((owner, outcome?)),
        }
    }
    let owner = read(platform, &request.issuer).await?.ok_or(Refusal::Assertion)?;
    let accepted = check(platform, &owner, request).await?;
    Ok((owner, accepted))
}

/// Returns the account of a user whom an assertion is about; `None` if there is none of that name. An account that an identifier
/// names may not exist.
pub(crate) async fn account_of(platform: &Platform, subject: &Subject) -> Result<Option<AccountId>, Fault> {
    let username;
    let name = match subject {
        Subject::Client(_) => return Ok(None),
        Subject::Account(account) => return Ok(Some(account.clone())),
        Subject::Username(text) => match Username::parse(text) {
            Ok(parsed) => {
                username = parsed;
                Name::Username(username.as_str())
            }
            Err(_) => return Ok(None),
        },
        Subject::Upstream { issuer, subject } => Name::Upstream { issuer, subject },
    };
    Ok(objects::send(platform, &name, &ReadIdentifier).await?.map(|entry| entry.account))
}

/// Returns what identifies the grant or the token of an assertion, and what tells its tokens apart: random bytes, or those of its text,
/// so that the same text yields the same token.
pub(crate) fn identifiers(platform: &Platform, once: &Once) -> Result<([u8; 16], [u8; 12]), Fault> {
    match once {
        Once::ByText(text) => Ok(text.identifiers(&platform.config.handles)),
        Once::Identified(_) | Once::Repeatable => Ok((random()?, random()?)),
    }
}

/// Consumes an assertion, and notes the account that gets a grant for the client, if there is one: in one call where
/// the client is the issuer.
///
/// # Errors
/// [`Refusal::AssertionReplay`].
pub(crate) async fn consume(
    platform: &Platform,
    owner: &Owner,
    once: &Once,
    client: &ClientId,
    account: Option<&AccountId>,
) -> Result<FirstUse, RequestError> {
    if let Once::ByText(text) = once {
        return consume_text(platform, text, client, account).await;
    }
    let command = |account: Option<&AccountId>| match once {
        Once::Identified(AssertionUse { jti, until }) => {
            Some(ConsumeAssertion { jti: jti.clone(), until: *until, account: account.cloned() })
        }
        Once::ByText(_) | Once::Repeatable => None,
    };
    let (is_new, is_indexed) = match owner {
        Owner::ServiceAccount(_) => match command(account) {
            Some(command) => (objects::send(platform, client, &command).await?, true),
            None => (true, false),
        },
        Owner::TrustedIssuer(id, _) => match command(None) {
            Some(command) => (objects::send(platform, id, &command).await?, false),
            None => (true, false),
        },
    };
    if !is_new {
        return Err(Refusal::AssertionReplay.into());
    }
    if let Some(account) = account.filter(|_| !is_indexed) {
        objects::send(platform, client, &IndexAccount { account: account.clone() }).await?;
    }
    Ok(FirstUse { at: platform.now, repeated: false })
}

/// Consumes an assertion by its text, at the client, which is its issuer.
async fn consume_text(
    platform: &Platform,
    text: &AssertedText,
    client: &ClientId,
    account: Option<&AccountId>,
) -> Result<FirstUse, RequestError> {
    let AssertedText { digest, until } = text.clone();
    let command = ConsumeAssertionText { digest, at: platform.now, until, account: account.cloned() };
    let FirstTextUse { at, is_new } = objects::send(platform, client, &command).await?;
    Ok(FirstUse::of_text(at, is_new, platform.authority().lifetimes(), platform.now)?)
}

async fn check(platform: &Platform, owner: &Owner, request: &AssertionRequest) -> Result<Accepted, RequestError> {
    let asserter = owner.asserter();
    let policy = Arc::new(asserter.policy(platform.authority()));
    let verified = remote_keys::verify(platform, asserter.keys(), &request.assertion, &policy).await?;
    Ok(accept(platform.authority(), asserter, &request.assertion, verified, platform.now)?)
}

fn remembered(platform: &Platform, issuer: &str) -> Option<Owner> {
    if may_be_trusted_issuer(issuer) {
        let id = TrustedIssuerId::of(issuer);
        let issuer = trusted_issuers::remembered(platform, &id)?;
        return Some(trusted(platform, id, issuer));
    }
    clients::claimed(platform, &ClientId::parse(issuer)?).map(Owner::ServiceAccount)
}

/// A client whose identifier has a scheme is found only if there is no trusted issuer of that name.
async fn read(platform: &Platform, issuer: &str) -> Result<Option<Owner>, Fault> {
    if may_be_trusted_issuer(issuer) {
        let id = TrustedIssuerId::of(issuer);
        if let Some(issuer) = trusted_issuers::read(platform, &id).await? {
            return Ok(Some(trusted(platform, id, issuer)));
        }
    }
    match ClientId::parse(issuer) {
        Some(client) => Ok(clients::claimed_afresh(platform, &client).await?.map(Owner::ServiceAccount)),
        None => Ok(None),
    }
}

fn trusted(platform: &Platform, id: TrustedIssuerId, issuer: Rc<TrustedIssuer>) -> Owner {
    platform.audit.trusted_issuer(&id);
    Owner::TrustedIssuer(id, issuer)
}
