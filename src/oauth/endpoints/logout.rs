//! Sign-out at the request of a client (OpenID Connect RP-Initiated Logout 1.0).

use crate::wire::Form;

use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::client::{Client, ClientId};
use crate::oauth::vocabulary::redirect::RedirectUri;

/// A parsed sign-out request. The hint is not verified yet.
#[derive(Debug, Default)]
pub struct LogoutRequest {
    /// The ID token of the session.
    pub id_token_hint: Option<String>,
    /// The client that the request names.
    pub client_id: Option<ClientId>,
    /// The redirect URI after sign-out.
    pub redirect_uri: Option<String>,
    /// The client's `state`.
    pub state: Option<String>,
}

/// The content of a verified `id_token_hint`. The ID token may have expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The account.
    pub account: AccountId,
    /// The session in which it was issued.
    pub session: Option<SessionId>,
    /// The client that it was issued to.
    pub client: ClientId,
}

impl LogoutRequest {
    /// Parses the form or query (section 2).
    ///
    /// # Errors
    /// [`Refusal::AuthorizeClient`] for a malformed `client_id`.
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

    /// Returns the client: the one that the hint was issued to, or else the one that the request names.
    ///
    /// # Errors
    /// [`Refusal::LogoutClient`] if both are present and differ (section 2).
    pub fn client(&self, hint: Option<&Hint>) -> Result<Option<ClientId>, Refusal> {
        match (&self.client_id, hint) {
            (Some(id), Some(hint)) if *id != hint.client => Err(Refusal::LogoutClient),
            (_, Some(hint)) => Ok(Some(hint.client.clone())),
            (id, None) => Ok(id.clone()),
        }
    }

    /// Returns the redirect URI after sign-out, which the client must have registered (section 3).
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
