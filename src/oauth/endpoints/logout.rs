//! Signing out on a client's word (OpenID Connect RP-Initiated Logout 1.0).

use crate::wire::Form;

use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::client::{Client, ClientId};
use crate::oauth::vocabulary::redirect::RedirectUri;

/// A request to sign out, as far as it can be read without a signature check.
#[derive(Debug, Default)]
pub struct LogoutRequest {
    /// The ID token that says who is to be signed out.
    pub id_token_hint: Option<String>,
    /// The client that says it asks.
    pub client_id: Option<ClientId>,
    /// Where the browser is to go afterwards.
    pub redirect_uri: Option<String>,
    /// What the client wants back there.
    pub state: Option<String>,
}

/// Whom a hint names: taken from an ID token of ours, which may have expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Whom the token is about.
    pub account: AccountId,
    /// The session that it was issued in.
    pub session: Option<SessionId>,
    /// The client that it was issued to.
    pub client: ClientId,
}

impl LogoutRequest {
    /// Reads the form or query (section 2).
    ///
    /// # Errors
    /// [`Refusal::AuthorizeClient`] for a `client_id` that is none.
    pub fn parse(form: &Form) -> Result<Self, Refusal> {
        let text = |name| form.get(name).map(str::to_owned);
        let client_id = form.get("client_id").map(|id| ClientId::parse(id).ok_or(Refusal::AuthorizeClient));
        Ok(Self {
            id_token_hint: text("id_token_hint"),
            client_id: client_id.transpose()?,
            redirect_uri: text("post_logout_redirect_uri"),
            state: text("state"),
        })
    }

    /// The client that asks: the one that the hint was issued to, or else the one that says so.
    ///
    /// # Errors
    /// [`Refusal::LogoutClient`] if both are there and differ (section 2).
    pub fn client(&self, hint: Option<&Hint>) -> Result<Option<ClientId>, Refusal> {
        match (&self.client_id, hint) {
            (Some(id), Some(hint)) if *id != hint.client => Err(Refusal::LogoutClient),
            (_, Some(hint)) => Ok(Some(hint.client.clone())),
            (id, None) => Ok(id.clone()),
        }
    }

    /// Where the browser goes afterwards: only to an address that the client registered for this (section 3).
    ///
    /// # Errors
    /// [`Refusal::LogoutRedirect`].
    pub fn target(&self, client: Option<&Client>) -> Result<Option<RedirectUri>, Refusal> {
        let Some(asked) = &self.redirect_uri else {
            return Ok(None);
        };
        let registered = client.map(Client::post_logout_redirect_uris).unwrap_or_default();
        let asked = RedirectUri::parse(asked).filter(|asked| registered.iter().any(|own| own.matches(asked)));
        asked.map(Some).ok_or(Refusal::LogoutRedirect)
    }
}
