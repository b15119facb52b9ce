//! Client authentication (RFC 6749 section 2.3, RFC 7523 section 2.2).

use crate::token::{Algorithm, DEFAULT_MAX_BYTES, Policy, Token, UnixTime, VerifyError, decode_unverified};
use crate::wire::{Form, UserPass, basic_credentials, credentials};

use crate::oauth::endpoints::assertion;
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::{AssertionAudience, AuthMethod, Client, ClientId, SecretDigest};
use crate::oauth::vocabulary::compatibility::Item;

pub use crate::oauth::endpoints::assertion::AssertionUse;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The types of client assertions, and the generic one.
const ASSERTION_TYPES: [&str; 2] = ["client-authentication+jwt", "JWT"];

/// The credentials of a request, not verified yet.
pub enum Presented {
    /// A client secret.
    Secret {
        /// The method by which it was sent.
        method: AuthMethod,
        /// The possible readings, the likeliest first.
        readings: Vec<(ClientId, String)>,
    },
    /// Only an identifier, from a public client (RFC 6749 section 3.2.1).
    Nothing(ClientId),
    /// A client assertion.
    Assertion {
        /// The client that its `sub` names.
        client_id: ClientId,
        /// The JWT.
        jwt: String,
    },
}

impl Presented {
    /// Finds the credentials in a request.
    ///
    /// # Errors
    /// There are none, more than one, or they are malformed.
    pub fn parse(authorization: Option<&str>, form: &Form) -> Result<Self, Refusal> {
        let (id, secret, jwt) = (form.get("client_id"), form.get("client_secret"), form.get("client_assertion"));
        match (authorization, secret, jwt) {
            (Some(header), None, None) => Self::basic(header, id),
            (None, Some(secret), None) => {
                let id = id.and_then(ClientId::parse).ok_or(Refusal::ClientAuthMalformed)?;
                Ok(Self::Secret { method: AuthMethod::ClientSecretPost, readings: vec![(id, secret.to_owned())] })
            }
            (None, None, Some(jwt)) => Self::assertion(jwt, form.get("client_assertion_type"), id),
            (None, None, None) => id.and_then(ClientId::parse).map(Self::Nothing).ok_or(Refusal::ClientAuthMissing),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => Err(Refusal::ClientAuthSeveral),
        }
    }

    fn basic(header: &str, id_in_body: Option<&str>) -> Result<Self, Refusal> {
        let encoded = credentials(header, "Basic").ok_or(Refusal::ClientAuthMalformed)?;
        let (first, second) = basic_credentials(encoded).ok_or(Refusal::ClientAuthMalformed)?;
        let reading = |(id, secret): UserPass| Some((ClientId::parse(&id)?, secret));
        let agrees = |(id, _): &(ClientId, String)| id_in_body.is_none_or(|in_body| in_body == id.as_str());
        let readings: Vec<_> = [Some(first), second].into_iter().flatten().filter_map(reading).filter(agrees).collect();
        if readings.is_empty() {
            return Err(Refusal::ClientAuthMalformed);
        }
        Ok(Self::Secret { method: AuthMethod::ClientSecretBasic, readings })
    }

    fn assertion(jwt: &str, assertion_type: Option<&str>, id: Option<&str>) -> Result<Self, Refusal> {
        if assertion_type != Some(ASSERTION_TYPE) {
            return Err(Refusal::ClientAuthMalformed);
        }
        let (_, claims) = decode_unverified(jwt, DEFAULT_MAX_BYTES).map_err(|_| Refusal::ClientAssertion)?;
        let subject = claims.text("sub").and_then(ClientId::parse).ok_or(Refusal::ClientAssertion)?;
        if id.is_some_and(|id| id != subject.as_str()) {
            return Err(Refusal::ClientAssertion);
        }
        Ok(Self::Assertion { client_id: subject, jwt: jwt.to_owned() })
    }
}

/// Accepts a public client, which does not authenticate.
///
/// # Errors
/// [`Refusal::ClientAuthMissing`], with the same public error as a wrong secret: a confidential client must authenticate.
/// [`Refusal::ClientDisabled`].
pub fn check_public(client: &Client) -> Result<(), Refusal> {
    if client.may_authenticate_by(AuthMethod::None) { check_enabled(client) } else { Err(Refusal::ClientAuthMissing) }
}

/// Checks that an authenticated client is enabled.
fn check_enabled(client: &Client) -> Result<(), Refusal> {
    if client.enabled { Ok(()) } else { Err(Refusal::ClientDisabled) }
}

/// The text that Python makes of a missing secret, and libraries send.
const NONE_SECRET: &str = "None";

/// Authenticates a client by a secret. Returns the method by which it has authenticated: `client_secret=None` of a public client is no
/// secret, where an operator permits that.
///
/// # Errors
/// Refusals with the same public error.
pub fn by_secret(
    authority: &Authority,
    client: Option<&Client>,
    method: AuthMethod,
    secret: &str,
) -> Result<AuthMethod, Refusal> {
    let is_none_secret = method == AuthMethod::ClientSecretPost && secret == NONE_SECRET;
    match client {
        Some(client) if is_none_secret && client.is_public() && client.is_permitted(Item::NoneSecret, authority) => {
            check_public(client).map(|()| AuthMethod::None)
        }
        client => check_secret(client, method, secret).map(|()| method),
    }
}

/// Checks a secret. An unknown client, a client without a secret and a wrong secret take the same time.
///
/// # Errors
/// Refusals with the same public error.
pub(super) fn check_secret(client: Option<&Client>, method: AuthMethod, secret: &str) -> Result<(), Refusal> {
    let presented = SecretDigest::of(secret);
    let matches = client.and_then(Client::secret).unwrap_or(&SecretDigest::none()).equals(&presented);
    match client {
        None => Err(Refusal::ClientUnknown),
        Some(client) if !client.may_authenticate_by(method) => Err(Refusal::ClientAuthMethod),
        Some(client) if matches => check_enabled(client),
        Some(_) => Err(Refusal::ClientSecret),
    }
}

/// Returns the policy for a client's assertion. [`accept_assertion`] checks what a policy cannot express.
///
/// # Errors
/// [`Refusal::ClientAuthMethod`].
pub fn assertion_policy(authority: &Authority, client: &Client) -> Result<Policy, Refusal> {
    if !client.may_authenticate_by(AuthMethod::PrivateKeyJwt) {
        return Err(Refusal::ClientAuthMethod);
    }
    let algorithms = client.assertion_algorithm().map_or(Algorithm::ASYMMETRIC.to_vec(), |algorithm| vec![algorithm]);
    let audiences = assertion::audiences(authority, client.assertion_audience());
    Ok(assertion::policy(client.id.as_str(), audiences, algorithms, &["sub", "exp", "jti"]))
}

/// Checks the rest of an assertion whose signature and policy have been checked.
///
/// By RFC 10070 section 4, `aud` is the issuer, as a string; older libraries send a list, some of them with the issuer and the
/// token endpoint.
///
/// # Errors
/// [`Refusal::ClientAssertion`], [`Refusal::ClientDisabled`].
pub fn accept_assertion(
    authority: &Authority,
    client: &Client,
    assertion: Result<Token, VerifyError>,
    now: UnixTime,
) -> Result<AssertionUse, Refusal> {
    let assertion = assertion.map_err(|_| Refusal::ClientAssertion)?;
    let claims = assertion.claims();
    let audiences = assertion::audiences(authority, client.assertion_audience());
    let max_list = match client.assertion_audience() {
        AssertionAudience::Issuer => 0,
        AssertionAudience::TokenEndpoint => audiences.len(),
    };
    let is_accepted = claims.text("sub") == Some(client.id.as_str())
        && assertion::expires_soon_enough(claims, now)
        && assertion::has_type(assertion.header(), &ASSERTION_TYPES)
        && assertion::names_only(claims.members().get("aud"), &audiences, max_list);
    let used = assertion::used(claims, now).filter(|_| is_accepted).ok_or(Refusal::ClientAssertion)?;
    check_enabled(client)?;
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    fn form(body: &str) -> Form {
        Form::parse(body).unwrap()
    }

    fn refusal(authorization: Option<&str>, body: &str) -> Refusal {
        Presented::parse(authorization, &form(body)).err().unwrap()
    }

    #[test]
    fn one_proof_and_only_one() {
        let basic = format!("Basic {}", BASE64.encode(b"app:s3cret"));
        assert!(Presented::parse(Some(&basic), &form("")).is_ok());
        assert!(Presented::parse(Some(&basic), &form("client_id=app")).is_ok());
        assert!(Presented::parse(None, &form("client_id=app&client_secret=s3cret")).is_ok());
        assert_eq!(refusal(None, ""), Refusal::ClientAuthMissing);
        assert!(matches!(Presented::parse(None, &form("client_id=app")), Ok(Presented::Nothing(_))));
        assert_eq!(refusal(Some(&basic), "client_id=app&client_secret=s3cret"), Refusal::ClientAuthSeveral);
        assert_eq!(refusal(Some(&basic), "client_assertion=x"), Refusal::ClientAuthSeveral);
        assert_eq!(refusal(None, "client_id=app&client_secret=s&client_assertion=x"), Refusal::ClientAuthSeveral);
        assert_eq!(refusal(Some(&basic), "client_id=other"), Refusal::ClientAuthMalformed);
        assert_eq!(refusal(Some("Bearer x"), ""), Refusal::ClientAuthMalformed);
        assert_eq!(refusal(Some("Basic ***"), ""), Refusal::ClientAuthMalformed);
        assert_eq!(refusal(None, "client_secret=s3cret"), Refusal::ClientAuthMalformed);
        assert_eq!(refusal(None, "client_assertion=x"), Refusal::ClientAuthMalformed);
        let typed = format!("client_assertion=x&client_assertion_type={ASSERTION_TYPE}");
        assert_eq!(refusal(None, &typed), Refusal::ClientAssertion);
    }

    #[test]
    fn only_public_clients_need_no_proof() {
        assert_eq!(check_public(&Client::root("right")), Err(Refusal::ClientAuthMissing));
    }

    #[test]
    fn secrets() {
        let root = Client::root("right");
        let basic = AuthMethod::ClientSecretBasic;
        assert_eq!(check_secret(Some(&root), basic, "right"), Ok(()));
        assert_eq!(check_secret(Some(&root), AuthMethod::ClientSecretPost, "right"), Ok(()));
        assert_eq!(check_secret(Some(&root), basic, "wrong"), Err(Refusal::ClientSecret));
        assert_eq!(check_secret(Some(&root), basic, ""), Err(Refusal::ClientSecret));
        assert_eq!(check_secret(None, basic, "right"), Err(Refusal::ClientUnknown));
    }
}
