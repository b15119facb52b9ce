//! An application that signs users in with the `openidconnect` crate, from the creation of one grant to its revocation.
//!
//! `openidconnect-client ISSUER ADDRESS CLIENT_ID REDIRECT_URI` prints the authorization URL as a line, reads the URL that
//! the browser was redirected to as a line, and prints the result as a line of JSON. A confidential client's secret is in
//! `CLIENT_SECRET`. An unexpected refusal by the crate ends the program with an error.
//!
//! The crate revokes tokens over https only. So the issuer is an https URL, as in production, and ADDRESS is the
//! plain HTTP server behind it.

mod transport;

use std::error::Error;
use std::io::{self, BufRead};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGrantType, CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreRequestTokenError, CoreResponseMode,
    CoreResponseType, CoreRevocableToken, CoreSubjectIdentifierType, CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    HttpRequest, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadata, RedirectUrl, RefreshToken, RequestTokenError, RevocationUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use transport::send;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The crate knows OpenID Connect's metadata; the revocation endpoint is OAuth's (RFC 8414).
#[derive(Clone, Debug, Deserialize, Serialize)]
struct WithRevocation {
    revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for WithRevocation {}

type Provider = ProviderMetadata<
    WithRevocation,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, address, client_id, redirect_uri] = arguments.as_slice() else {
        return Err("usage: openidconnect-client ISSUER ADDRESS CLIENT_ID REDIRECT_URI".into());
    };
    let http = |request: HttpRequest| send(request, issuer, address);

    let provider = Provider::discover(&IssuerUrl::new(issuer.clone())?, &http)?;
    let revocation = provider.additional_metadata().revocation_endpoint.clone();
    let secret = std::env::var("CLIENT_SECRET").ok().map(ClientSecret::new);
    let client = CoreClient::from_provider_metadata(provider, ClientId::new(client_id.clone()), secret)
        .set_redirect_uri(RedirectUrl::new(redirect_uri.clone())?)
        .set_revocation_url(revocation);

    let (challenge, pkce) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email", "offline_access"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    println!("{url}");
    let code = code_of_answer(&read_line()?, issuer, &state)?;

    let redeem = || -> Outcome<_> {
        // The crate ensures that a verifier is used once; this second use is the purpose of the test.
        let pkce = PkceCodeVerifier::new(pkce.secret().clone());
        Ok(client.exchange_code(code.clone())?.set_pkce_verifier(pkce).request(&http))
    };
    let tokens = redeem()??;
    let verifier = client.id_token_verifier();
    let id_token = tokens.id_token().ok_or("no ID token")?;
    let claims = id_token.claims(&verifier, &nonce)?;
    check_hash(id_token, claims, tokens.access_token(), &verifier)?;

    // The crate compares the subjects, as OpenID Connect Core section 5.3.2 requires.
    let userinfo = |token: &AccessToken| -> Outcome<CoreUserInfoClaims> {
        Ok(client.user_info(token.clone(), Some(claims.subject().clone()))?.request(&http)?)
    };
    let person = userinfo(tokens.access_token())?;
    let code_again = refusal(redeem()?)?;

    let refresh_token = tokens.refresh_token().ok_or("no refresh token")?;
    let refreshed = client.exchange_refresh_token(refresh_token)?.request(&http)?;
    let renewed = refreshed.id_token().ok_or("no ID token after refreshing")?;
    // A refreshed ID token may omit the nonce; if present, it must be the same (OpenID Connect Core section 12.2).
    let same_nonce = |found: Option<&Nonce>| match found {
        Some(found) if found.secret() != nonce.secret() => Err("another nonce".to_owned()),
        Some(_) | None => Ok(()),
    };
    let renewed_claims = renewed.claims(&verifier, same_nonce)?;
    check_hash(renewed, renewed_claims, refreshed.access_token(), &verifier)?;
    if renewed_claims.subject() != claims.subject() || renewed_claims.auth_time() != claims.auth_time() {
        return Err("another person, or another sign-in, after refreshing".into());
    }
    userinfo(refreshed.access_token())?;

    let latest: &RefreshToken = refreshed.refresh_token().unwrap_or(refresh_token);
    client.revoke_token(CoreRevocableToken::RefreshToken(latest.clone()))?.request(&http)?;
    let refresh_again = refusal(client.exchange_refresh_token(latest)?.request(&http))?;
    let userinfo_again = userinfo(refreshed.access_token()).is_ok();

    println!(
        "{}",
        json!({
            "algorithm": id_token.signing_alg()?,
            "claims": claims,
            "userinfo": person,
            "scope": tokens.scopes(),
            "expires_in": tokens.expires_in().map(|time| time.as_secs()),
            "rotated": refreshed.refresh_token().is_some_and(|new| new.secret() != refresh_token.secret()),
            "code_again": code_again,
            "refresh_after_revocation": refresh_again,
            "userinfo_after_revocation": userinfo_again,
        })
    );
    Ok(())
}

/// The code of the response, after checking its state (RFC 6749 section 10.12) and issuer (RFC 9207).
fn code_of_answer(url: &str, issuer: &str, state: &CsrfToken) -> Outcome<AuthorizationCode> {
    let url = Url::parse(url)?;
    let parameter = |name: &str| {
        let found = url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
        found.ok_or_else(|| format!("the answer has no {name}"))
    };
    if parameter("state")? != *state.secret() {
        return Err("the answer has another state".into());
    }
    if parameter("iss")? != issuer {
        return Err("the answer is another issuer's".into());
    }
    Ok(AuthorizationCode::new(parameter("code")?))
}

/// Whether the ID token belongs to this access token (OpenID Connect Core section 3.1.3.8).
fn check_hash(
    id_token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    access_token: &AccessToken,
    verifier: &CoreIdTokenVerifier,
) -> Outcome<()> {
    let found = claims.access_token_hash().ok_or("no at_hash")?;
    let key = id_token.signing_key(verifier)?;
    if AccessTokenHash::from_token(access_token, id_token.signing_alg()?, key)? != *found {
        return Err("the ID token goes with another access token".into());
    }
    Ok(())
}

/// The error code of the server's refusal, as the crate parsed it.
fn refusal<T>(answer: Result<T, CoreRequestTokenError<minreq::Error>>) -> Outcome<CoreErrorResponseType> {
    match answer {
        Ok(_) => Err("it was let pass".into()),
        Err(RequestTokenError::ServerResponse(response)) => Ok(response.error().clone()),
        Err(other) => Err(other.into()),
    }
}

fn read_line() -> Outcome<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
