//! The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3.1.2): the client and its redirect URI, then
//! the request, then whether the user has to sign in or to consent.

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;
use crate::wire::{Form, decimal};

use crate::oauth::endpoints::onward::{FRESH_FOR, FreshSignIn};
use crate::oauth::endpoints::step_up::{self, Asking, Verdict, Wanted};
use crate::oauth::endpoints::token_endpoint::resources;
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::gate::Rules;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{Grant, SignIn, Stage};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::claims::ClaimsRequest;
use crate::oauth::vocabulary::client::{Client, ClientId, GrantType};
use crate::oauth::vocabulary::compatibility::Item;
use crate::oauth::vocabulary::pkce::{self, Challenge};
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::requested_acr::RequestedAcr;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{OFFLINE_ACCESS, OPENID, Scope, permitted_scope};
use crate::oauth::vocabulary::status_entry::StatusEntry;

/// The target of the response. Nothing is sent to a redirect URI before it has been validated.
#[derive(Clone, Debug)]
pub struct Target {
    /// The redirect URI of the request, which matches a registered one.
    pub redirect_uri: RedirectUri,
    /// The client's `state`.
    pub state: Option<String>,
    /// The response mode.
    pub mode: ResponseMode,
}

/// The response mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// A parsed authorization request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AuthorizationRequest {
    /// The client.
    pub client: ClientId,
    /// The redirect URI.
    pub redirect_uri: RedirectUri,
    /// The requested scope, limited to what the client registered.
    pub scope: Scope,
    /// The requested resources.
    pub resources: Vec<Resource>,
    /// The PKCE challenge.
    pub challenge: Challenge,
    /// The `nonce` of the ID token.
    pub nonce: Option<String>,
    /// No user interaction is allowed (`prompt=none`).
    pub silent: bool,
    /// The user has to sign in again (`prompt=login` or `select_account`).
    pub sign_in_again: bool,
    /// The user has to consent again (`prompt=consent`).
    pub ask_again: bool,
    /// The maximum age of the sign-in, seconds.
    pub max_age: Option<u64>,
    /// The authentication context classes that the client requests.
    #[serde(default)]
    pub acr: RequestedAcr,
    /// The rules of this server and of the client's resources, which may require more; see [`AuthorizationRequest::under`].
    #[serde(default)]
    pub rules: Rules,
    /// The individual claims that the client requests.
    #[serde(default)]
    pub claims: ClaimsRequest,
    /// The sign-in that was just made for this request.
    #[serde(default)]
    pub signed_in: Option<FreshSignIn>,
    /// Whether an earlier consent counts. It does not if any program could have sent the request: a public client whose redirect
    /// URI is on the user's own machine (RFC 8252 section 8.6).
    pub remembers: bool,
}

/// Parses `client_id`.
///
/// # Errors
/// [`Refusal::AuthorizeClient`], rendered locally: no redirect URI has been validated.
pub fn client_id(form: &Form) -> Result<ClientId, Refusal> {
    form.get("client_id").and_then(ClientId::parse).ok_or(Refusal::AuthorizeClient)
}

impl Target {
    /// Validates the redirect URI.
    ///
    /// 1. `redirect_uri` is present, or the client registered exactly one.
    /// 2. It matches a registered one.
    ///
    /// # Errors
    /// [`Refusal::AuthorizeRedirect`], rendered locally: a redirect to an unregistered URI would help an attacker (RFC 9700
    /// section 4.1).
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

    /// Returns the parameters of the response with the code (RFC 6749 section 4.1.2, RFC 9207).
    pub fn success<'t>(&'t self, authority: &'t Authority, code: &'t str) -> Vec<(&'static str, &'t str)> {
        self.answer(authority, &[("code", code)])
    }

    /// Returns the parameters of an error response (RFC 6749 section 4.1.2.1, RFC 9207).
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
    /// Parses the request.
    ///
    /// 1. No request object (RFC 9101): it is not supported.
    /// 2. `response_type` is `code`, and the client registered the grant.
    /// 3. `response_mode`, if present, is supported.
    /// 4. PKCE with S256, from every client (RFC 9700 section 2.1.1) that an operator has not excepted.
    /// 5. The client may request tokens for each resource (RFC 8707 section 2.1).
    /// 6. The scope is limited to what the client registered (RFC 6749 section 3.3) and the resources know, and not empty afterwards.
    /// 7. `prompt`, `max_age` and `claims` are well-formed (OpenID Connect Core sections 3.1.2.1 and 5.5).
    ///
    /// # Errors
    /// The first of these that does not hold. They are sent to the redirect URI.
    pub fn parse(
        authority: &Authority,
        catalogue: &Catalogue,
        client: &Client,
        target: &Target,
        form: &Form,
    ) -> Result<Self, Refusal> {
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
        let challenge = challenge(authority, client, form)?;
        let (scope, asked) = scope_and_resources(authority, catalogue, client, form)?;
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
        let claims =
            form.get("claims").map(ClaimsRequest::parse).transpose().map_err(|_| Refusal::Claims)?.unwrap_or_default();
        let acr = requested_acr(form, &claims)?;
        let redirect_uri = target.redirect_uri.clone();
        let is_spoofable = client.is_public() && (redirect_uri.is_loopback() || redirect_uri.is_private_use());
        Ok(Self {
            client: client.id.clone(),
            remembers: !is_spoofable,
            redirect_uri,
            scope,
            resources: asked,
            challenge,
            nonce,
            silent,
            sign_in_again: prompt.contains(&"login") || prompt.contains(&"select_account"),
            ask_again: prompt.contains(&"consent"),
            max_age,
            acr,
            rules: Rules::default(),
            claims,
            signed_in: FreshSignIn::of(form),
        })
    }

    /// Returns the same request under the rules of this server and of the client's resources.
    #[must_use]
    pub fn under(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    /// Returns the sign-in that the request wants.
    pub fn wanted(&self) -> Wanted {
        Wanted::new(&self.acr, self.max_age, self.rules.required_sign_in(&self.scope, &self.resources))
    }

    /// Judges a sign-in for this scope of the request.
    fn judge(&self, scope: &Scope, sign_in: &SignIn, state: Asking<'_>, now: UnixTime) -> Verdict {
        let rules = self.rules.required_sign_in(scope, &self.resources);
        step_up::judge(&self.acr, rules, sign_in, state, now)
    }

    /// Returns whether a user who signed in so may allow this scope now.
    pub fn is_allowed_after(&self, sign_in: &SignIn, scope: &Scope, now: UnixTime) -> bool {
        self.judge(scope, sign_in, Asking { fresh: None, silent: true }, now) == Verdict::Enough
    }

    /// Returns the grant for this request. Its sign-in has the class that tokens name. `status` is the status list entry of its tokens.
    pub fn grant(
        &self,
        scope: Scope,
        session: SessionId,
        sign_in: SignIn,
        status: Option<StatusEntry>,
        now: UnixTime,
    ) -> Grant {
        let floor = self.rules.required_sign_in(&scope, &self.resources).and_then(|rules| rules.acr);
        let acr = sign_in.acr.map(|reached| self.acr.named(reached, floor));
        Grant {
            client: self.client.clone(),
            offline: scope.contains(OFFLINE_ACCESS),
            scope,
            resources: self.resources.clone(),
            session: Some(session),
            sign_in: Some(SignIn { acr, ..sign_in }),
            challenge: Some(self.challenge.clone()),
            issued_at: now,
            status,
            id_token_claims: self.claims.id_token.clone(),
            tokens_end: None,
            suspension: None,
            lost: Vec::new(),
            stage: Stage::Code { redirect_uri: self.redirect_uri.as_str().to_owned(), nonce: self.nonce.clone() },
        }
    }
}

/// The decision about an authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The user has to sign in.
    SignIn,
    /// The user has just signed in for this request, but the sign-in is older than `max_age` allows: an upstream provider used
    /// an earlier one. Another sign-in would not help.
    SignInTooOld,
    /// The sign-in does not reach the requested or required class, although the user has just signed in for this request; or no
    /// sign-in does.
    AcrUnmet,
    /// The user has to consent to this scope.
    Ask(Scope),
    /// The code can be issued for this scope.
    Allowed(Scope),
    /// The account may allow nothing of the requested scope.
    Denied,
}

/// Decides a request. `session` is the browser's active session; `permitted` is the scope that the account may allow; `consent`
/// is what it has allowed.
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
    let fresh = request.signed_in.as_ref().filter(|signed_in| signed_in.is_of(session, now));
    // A sign-in that was made for this request counts, even if the redirect back was slow.
    let age = request.max_age.map(|age| if fresh.is_some() { age.max(FRESH_FOR) } else { age });
    if age.is_some_and(|age| now > sign_in.at.plus(age)) {
        return if fresh.is_some() { Decision::SignInTooOld } else { Decision::SignIn };
    }
    let scope = permitted_scope(&request.scope, permitted);
    if scope.is_empty() && !request.scope.is_empty() {
        return Decision::Denied;
    }
    match request.judge(&scope, sign_in, Asking { fresh, silent: request.silent }, now) {
        Verdict::Enough => {}
        Verdict::Again => return Decision::SignIn,
        Verdict::TooOld => return Decision::SignInTooOld,
        Verdict::TooWeak => return Decision::AcrUnmet,
    }
    let decided = consent.is_some_and(|consent| consent.covers(&scope, &request.resources));
    if decided && request.remembers && !request.ask_again { Decision::Allowed(scope) } else { Decision::Ask(scope) }
}

impl Decision {
    /// Refuses a decision that needs interaction which `prompt=none` forbids (OpenID Connect Core section 3.1.2.6).
    ///
    /// # Errors
    /// [`Refusal::LoginRequired`], [`Refusal::ConsentRequired`]; [`Refusal::AccessDenied`], [`Refusal::AcrUnmet`] and
    /// [`Refusal::MaxAgePassed`] in any case.
    pub fn unless_silent(self, request: &AuthorizationRequest) -> Result<Self, Refusal> {
        match self {
            Self::SignIn if request.silent => Err(Refusal::LoginRequired),
            Self::Ask(_) if request.silent => Err(Refusal::ConsentRequired),
            Self::Denied => Err(Refusal::AccessDenied),
            Self::AcrUnmet => Err(Refusal::AcrUnmet),
            Self::SignInTooOld => Err(Refusal::MaxAgePassed),
            Self::SignIn | Self::Ask(_) | Self::Allowed(_) => Ok(self),
        }
    }
}

/// Returns the classes that a request asks for: those of the claim `acr`, or else `acr_values`. OpenID Connect Core leaves open which
/// of both counts.
///
/// # Errors
/// [`Refusal::AcrValues`]; [`Refusal::AcrUnmet`] if they are essential, and this server knows none.
fn requested_acr(form: &Form, claims: &ClaimsRequest) -> Result<RequestedAcr, Refusal> {
    let values = form.get("acr_values").map(RequestedAcr::of_values).transpose().map_err(|_| Refusal::AcrValues)?;
    let requested = claims.acr.clone().or(values).unwrap_or_default();
    if requested.is_unreachable(None) { Err(Refusal::AcrUnmet) } else { Ok(requested) }
}

fn challenge(authority: &Authority, client: &Client, form: &Form) -> Result<Challenge, Refusal> {
    let Some(challenge) = form.get("code_challenge") else {
        let may_omit = client.is_permitted(Item::CodeWithoutPkce, authority);
        let is_omitted = form.get("code_challenge_method").is_none();
        return if may_omit && is_omitted { Ok(Challenge::absent()) } else { Err(Refusal::PkceMissing) };
    };
    // An omitted method means `plain` (RFC 7636 section 4.3).
    if form.get("code_challenge_method") != Some(pkce::METHOD) {
        return Err(Refusal::PkceMethod);
    }
    Challenge::parse(challenge).ok_or(Refusal::PkceChallenge)
}

/// Returns the scope that a request names, limited to what the client registered, which is also the default, and to what the
/// resources know; and the resources that it names, or the default one. `openid` implies the userinfo endpoint, a resource of this
/// server, which knows no scope of a registered resource.
///
/// # Errors
/// [`Refusal::ScopeMalformed`], [`Refusal::ResourceMalformed`], [`Refusal::ResourceNotAllowed`]; [`Refusal::ScopeNotAllowed`] if
/// nothing of the scope is left.
pub(super) fn scope_and_resources(
    authority: &Authority,
    catalogue: &Catalogue,
    client: &Client,
    form: &Form,
) -> Result<(Scope, Vec<Resource>), Refusal> {
    let asked = form.get("scope").map(|text| Scope::parse(text).ok_or(Refusal::ScopeMalformed)).transpose()?;
    let of_client = asked.as_ref().map_or_else(|| client.scope.clone(), |asked| asked.within(&client.scope));
    let is_lost = |left: &Scope, asked: &Scope| left.is_empty() && !asked.is_empty();
    if is_lost(&of_client, asked.as_ref().unwrap_or(&client.scope)) {
        return Err(Refusal::ScopeNotAllowed);
    }
    let mut resources = resources(authority, catalogue, client, form)?;
    let scope = Rules::of(authority, catalogue, &resources).known_scope(&of_client, &resources);
    if is_lost(&scope, &of_client) {
        return Err(Refusal::ScopeNotAllowed);
    }
    let own = Resource::parse(authority.issuer()).filter(|own| scope.contains(OPENID) && !resources.contains(own));
    resources.extend(own);
    Ok((scope, resources))
}
