//! The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2): who asks and where the answer
//! goes, then what is asked, then whether somebody has to sign in or to decide.

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;
use crate::wire::{Form, decimal};

use crate::oauth::endpoints::onward::{FRESH_FOR, FreshSignIn};
use crate::oauth::endpoints::token_endpoint::resources;
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{Grant, SignIn, Stage};
use crate::oauth::refusal::Refusal;
use crate::oauth::status::StatusEntry;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::claims::ClaimsRequest;
use crate::oauth::vocabulary::client::{Client, ClientId, GrantType};
use crate::oauth::vocabulary::pkce::{self, Challenge};
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{OFFLINE_ACCESS, OPENID, Scope, permitted_scope};

/// Where the answer goes. Only when this is known and checked may an answer leave for anywhere.
#[derive(Clone, Debug)]
pub struct Target {
    /// The redirect URI of the request, which matches a registered one.
    pub redirect_uri: RedirectUri,
    /// What the client wants back.
    pub state: Option<String>,
    /// How the answer travels.
    pub mode: ResponseMode,
}

/// How the answer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// What is asked.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: ClientId,
    /// Where the code is to go.
    pub redirect_uri: RedirectUri,
    /// For what.
    pub scope: Scope,
    /// Where the tokens are to be used.
    pub resources: Vec<Resource>,
    /// PKCE.
    pub challenge: Challenge,
    /// For the ID token.
    pub nonce: Option<String>,
    /// Nothing may be shown (`prompt=none`).
    pub silent: bool,
    /// The user has to sign in, again if need be (`prompt=login` or `select_account`).
    pub sign_in_again: bool,
    /// The user has to decide, again if need be (`prompt=consent`).
    pub ask_again: bool,
    /// How long ago the sign-in may be, seconds.
    pub max_age: Option<u64>,
    /// The claims that the client asks for one by one.
    #[serde(default)]
    pub claims: ClaimsRequest,
    /// The sign-in that the user has just made for this request.
    #[serde(default)]
    pub signed_in: Option<FreshSignIn>,
    /// Whether an earlier decision of the user counts. Not where any program could have sent the request: a public
    /// client that is answered on the user's own machine (RFC 8252 section 8.6).
    pub remembers: bool,
}

/// The client that a request names.
///
/// # Errors
/// Shown here, for there is nobody to send them to.
pub fn client_id(form: &Form) -> Result<ClientId, Refusal> {
    form.get("client_id").and_then(ClientId::parse).ok_or(Refusal::AuthorizeClient)
}

impl Target {
    /// Finds out where the answer goes.
    ///
    /// 1. `redirect_uri` is there, or the client registered exactly one.
    /// 2. It matches a registered one.
    ///
    /// # Errors
    /// [`Refusal::AuthorizeRedirect`], shown here: a redirect to anywhere else would help an attacker
    /// (RFC 9700 section 4.1).
    pub fn parse(client: &Client, form: &Form) -> Result<Self, Refusal> {
        let registered = client.redirect_uris();
        let redirect_uri = match (form.get("redirect_uri"), registered) {
            (Some(text), _) => RedirectUri::parse(text),
            (None, [only]) => Some(only.clone()),
            (None, _) => None,
        };
        let redirect_uri = redirect_uri.filter(|asked| registered.iter().any(|own| own.matches(asked)));
        let form_post = form.get("response_mode") == Some("form_post");
        Ok(Self {
            redirect_uri: redirect_uri.ok_or(Refusal::AuthorizeRedirect)?,
            state: form.get("state").map(str::to_owned),
            mode: if form_post { ResponseMode::FormPost } else { ResponseMode::Query },
        })
    }

    /// The parameters of the answer with the code (RFC 6749 section 4.1.2, RFC 9207).
    pub fn success<'t>(&'t self, authority: &'t Authority, code: &'t str) -> Vec<(&'static str, &'t str)> {
        self.answer(authority, &[("code", code)])
    }

    /// The parameters of the answer with an error (RFC 6749 section 4.1.2.1, RFC 9207).
    pub fn failure<'t>(&'t self, authority: &'t Authority, refusal: &Refusal) -> Vec<(&'static str, &'t str)> {
        let (error, sentence) = refusal.error();
        self.answer(authority, &[("error", error), ("error_description", sentence)])
    }

    fn answer<'t>(
        &'t self,
        authority: &'t Authority,
        first: &[(&'static str, &'t str)],
    ) -> Vec<(&'static str, &'t str)> {
        let mut parameters = first.to_vec();
        parameters.extend(self.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", authority.issuer()));
        parameters
    }
}

impl AuthorizationRequest {
    /// Reads what is asked.
    ///
    /// 1. No request object (RFC 9101), which we do not read.
    /// 2. `response_type` is `code`, and the client registered the grant.
    /// 3. `response_mode`, if there, is one of ours.
    /// 4. PKCE with S256, from every client (RFC 9700 section 2.1.1).
    /// 5. Of the scope, what the client registered (RFC 6749 section 3.3): something has to be left.
    /// 6. Each resource is one that the client may ask tokens for (RFC 8707 section 2.1).
    /// 7. `prompt`, `max_age` and `claims` make sense (OpenID Connect Core sections 3.1.2.1 and 5.5).
    ///
    /// # Errors
    /// The first of these that does not hold; they travel to the redirect URI.
    pub fn parse(authority: &Authority, client: &Client, target: &Target, form: &Form) -> Result<Self, Refusal> {
        if form.get("request").is_some() {
            return Err(Refusal::RequestObject);
        }
        if form.get("request_uri").is_some() {
            return Err(Refusal::RequestUri);
        }
        match form.get("response_type") {
            None => return Err(Refusal::MissingParameter),
            Some("code") => {}
            Some(_) => return Err(Refusal::ResponseType),
        }
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(Refusal::GrantNotAllowed);
        }
        if form.get("response_mode").is_some_and(|mode| !["query", "form_post"].contains(&mode)) {
            return Err(Refusal::ResponseModeUnsupported);
        }
        let challenge = challenge(form)?;
        let scope = scope(client, form)?;
        let mut asked = resources(authority, client, form)?;
        // The userinfo endpoint is a resource of ours that OpenID Connect implies.
        let own = Resource::parse(authority.issuer()).filter(|own| scope.contains(OPENID) && !asked.contains(own));
        asked.extend(own);
        let prompt: Vec<&str> = form.get("prompt").unwrap_or_default().split(' ').filter(|it| !it.is_empty()).collect();
        let known = ["none", "login", "consent", "select_account"];
        let silent = prompt.contains(&"none");
        if prompt.iter().any(|it| !known.contains(it)) || (silent && prompt.len() > 1) {
            return Err(Refusal::Prompt);
        }
        let max_age = form.get("max_age").map(|text| decimal(text).ok_or(Refusal::MaxAge)).transpose()?;
        let nonce = form.get("nonce").map(str::to_owned);
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > 1000) {
            return Err(Refusal::Nonce);
        }
        let claims = form.get("claims").map(ClaimsRequest::parse).transpose()?.unwrap_or_default();
        let redirect_uri = target.redirect_uri.clone();
        let anybodys = client.is_public() && (redirect_uri.is_loopback() || redirect_uri.is_private_use());
        Ok(Self {
            client: client.id.clone(),
            remembers: !anybodys,
            redirect_uri,
            scope,
            resources: asked,
            challenge,
            nonce,
            silent,
            sign_in_again: prompt.contains(&"login") || prompt.contains(&"select_account"),
            ask_again: prompt.contains(&"consent"),
            max_age,
            claims,
            signed_in: FreshSignIn::of(form),
        })
    }

    /// The grant that a person allows by this request; `status` is where the status of its tokens is to stand.
    pub fn grant(
        &self,
        scope: Scope,
        session: SessionId,
        sign_in: SignIn,
        status: Option<StatusEntry>,
        now: UnixTime,
    ) -> Grant {
        Grant {
            client: self.client.clone(),
            offline: scope.contains(OFFLINE_ACCESS),
            scope,
            resources: self.resources.clone(),
            session,
            sign_in,
            challenge: self.challenge.clone(),
            issued_at: now,
            status,
            id_token_claims: self.claims.id_token.clone(),
            tokens_end: None,
            stage: Stage::Code { redirect_uri: self.redirect_uri.as_str().to_owned(), nonce: self.nonce.clone() },
        }
    }
}

/// What has to happen before the code can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The user has to sign in.
    SignIn,
    /// The user has just signed in for this request, and the sign-in is older than `max_age` allows: an upstream
    /// provider signed the user in earlier. Another sign-in would not help.
    SignInTooOld,
    /// The user has to decide about this.
    Ask(Scope),
    /// Nothing: this much is allowed.
    Allowed(Scope),
    /// Nothing is left that the account may allow.
    Denied,
}

/// Decides what has to happen. `session` is the browser's, if it is active; `permitted` is what the account may
/// allow; `consent` what it has allowed.
pub fn decide(
    request: &AuthorizationRequest,
    session: Option<(&SessionId, &SignIn)>,
    permitted: Option<&Scope>,
    consent: Option<&Consent>,
    now: UnixTime,
) -> Decision {
    let Some((session, sign_in)) = session.filter(|_| !request.sign_in_again) else {
        return Decision::SignIn;
    };
    let fresh = request.signed_in.as_ref().is_some_and(|signed_in| signed_in.is_of(session, now));
    // A sign-in for this very request counts, however long the way back took.
    let age = request.max_age.map(|age| if fresh { age.max(FRESH_FOR) } else { age });
    if age.is_some_and(|age| now > sign_in.at.plus(age)) {
        return if fresh { Decision::SignInTooOld } else { Decision::SignIn };
    }
    let scope = permitted_scope(&request.scope, permitted);
    if scope.is_empty() && !request.scope.is_empty() {
        return Decision::Denied;
    }
    let decided = consent.is_some_and(|consent| consent.covers(&scope, &request.resources));
    if decided && request.remembers && !request.ask_again { Decision::Allowed(scope) } else { Decision::Ask(scope) }
}

impl Decision {
    /// What is left of a decision where nothing may be shown (`prompt=none`, OpenID Connect Core section 3.1.2.6).
    ///
    /// # Errors
    /// [`Refusal::LoginRequired`], [`Refusal::ConsentRequired`]; [`Refusal::AccessDenied`] and [`Refusal::MaxAgePassed`]
    /// in any case.
    pub fn unless_silent(self, request: &AuthorizationRequest) -> Result<Self, Refusal> {
        match self {
            Self::SignIn if request.silent => Err(Refusal::LoginRequired),
            Self::Ask(_) if request.silent => Err(Refusal::ConsentRequired),
            Self::Denied => Err(Refusal::AccessDenied),
            Self::SignInTooOld => Err(Refusal::MaxAgePassed),
            Self::SignIn | Self::Ask(_) | Self::Allowed(_) => Ok(self),
        }
    }
}

fn challenge(form: &Form) -> Result<Challenge, Refusal> {
    let challenge = form.get("code_challenge").ok_or(Refusal::PkceMissing)?;
    // Without a method it would be `plain` (RFC 7636 section 4.3).
    if form.get("code_challenge_method") != Some(pkce::METHOD) {
        return Err(Refusal::PkceMethod);
    }
    Challenge::parse(challenge).ok_or(Refusal::PkceChallenge)
}

fn scope(client: &Client, form: &Form) -> Result<Scope, Refusal> {
    let Some(text) = form.get("scope") else {
        return Ok(client.scope.clone());
    };
    let asked = Scope::parse(text).ok_or(Refusal::ScopeMalformed)?;
    let scope = asked.within(&client.scope);
    if scope.is_empty() && !asked.is_empty() { Err(Refusal::ScopeNotAllowed) } else { Ok(scope) }
}
