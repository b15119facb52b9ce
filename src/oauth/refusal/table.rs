//! The table of refusals: one row each, grouped by who is refused.
//!
//! A row is `Variant: "word" status "OAuth error code" "sentence" => event`. The event is `none`, the kind of the audit event, or
//! `operator` and the kind where only a refusal at an admin endpoint is an event. An event is recorded for what may be an
//! attack, or for a client that misuses something of value; malformed requests go to the log alone.

use crate::keyring::ImportError;
use crate::oauth::grant::GrantRefusal;
use crate::oauth::grant::device::DeviceRefusal;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::wire::FormError;

use super::{
    BulkError, EventQueryError, ExchangeRuleError, MetadataError, Noted, ResourceError, Row, TrustedIssuerError,
    UserError,
};

/// Writes the enum, its rows and its samples from the table.
macro_rules! refusals {
    (
        rows { $(
            $(#[$doc:meta])*
            $variant:ident $({ $(#[$field_doc:meta])* $field:ident: $type:ty = $sample:expr })?
                : $word:literal $status:literal $error:literal $sentence:tt => $($event:ident)+;
        )+ }
        nested { $(
            $(#[$nested_doc:meta])*
            $nested:ident($inner:ty): $row:path;
        )+ }
    ) => {
        /// A reason to refuse a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $( $(#[$doc])* $variant $({ $(#[$field_doc])* $field: $type })?, )+
            $( $(#[$nested_doc])* $nested($inner), )+
        }

        impl Refusal {
            /// The row of the table.
            pub(super) const fn row(&self) -> Row {
                match self {
                    $( Self::$variant { .. } => Row {
                        word: $word, status: $status, error: $error, sentence: refusals!(@sentence $sentence),
                        event: refusals!(@event $($event)+),
                    }, )+
                    $( Self::$nested(inner) => $row(*inner), )+
                }
            }

            /// Returns one value of each variant, and of each variant of the errors inside. Tests hold the manual against them.
            pub fn samples() -> Vec<Self> {
                let mut samples = vec![$( Self::$variant $({ $field: $sample })? ),+];
                $( samples.extend(<$inner>::ALL.map(Self::$nested)); )+
                samples
            }
        }
    };
    (@sentence $sentence:tt) => { $sentence };
    (@event none) => { Noted::Never };
    (@event operator $kind:ident) => { Noted::AtAdminEndpoints(EventKind::$kind) };
    (@event $kind:ident) => { Noted::Always(EventKind::$kind) };
}

/// One sentence for everything that a stolen or guessed code or refresh token could probe.
const GRANT_REFUSED: &str =
    "The code, refresh token or assertion is invalid, expired, used, revoked or issued to another client. Start again.";
/// One sentence for everything that a guess at a client's credentials could probe.
const CLIENT_REFUSED: &str = "Client authentication failed.";
/// One sentence for everything that a stolen or forged token could probe by an exchange.
const SUBJECT_REFUSED: &str =
    "The subject_token or actor_token is malformed, expired, revoked or not acceptable for this exchange.";
/// One sentence for everything that a stolen or forged access token could probe.
const TOKEN_REFUSED: &str =
    "The access token is malformed, expired, revoked or not meant for this resource. Get a new one.";

refusals! {
    rows {
        // Authorization requests (RFC 6749 section 4.1.2.1).

        /// The user or the rules for the user's account denied the request.
        AccessDenied: "access_denied" 400 "access_denied" "The user denied the request." => ConsentDenied;
        /// The sign-in does not reach the class that the client or a rule requires (RFC 9470 section 5).
        AcrUnmet: "acr_unmet" 400 "unmet_authentication_requirements" "The sign-in does not reach the acr that the request requires." => none;
        /// `acr_values` is too long.
        AcrValues: "acr_values" 400 "invalid_request" "acr_values must be at most 1000 bytes." => none;
        /// The request names no registered client.
        AuthorizeClient: "authorize_client" 400 "invalid_request" "Unknown client_id." => none;
        /// The client is disabled.
        AuthorizeDisabled: "authorize_disabled" 403 "unauthorized_client" "The client is disabled." => Refused;
        /// The redirect URI is not registered for the client.
        AuthorizeRedirect: "authorize_redirect" 400 "invalid_request" "redirect_uri is not registered for this client." => Refused;
        /// `claims` is malformed.
        Claims: "claims" 400 "invalid_request" "claims must be a JSON object as defined in OpenID Connect Core 5.5." => none;
        /// `prompt=none`, but the user must give consent.
        ConsentRequired: "consent_required" 400 "consent_required" "User interaction is required, but prompt=none forbids it." => none;
        /// The user signed in with another account than the client asked for.
        HintOther: "hint_other" 400 "login_required" "The user signed in with another account than requested." => none;
        /// `id_token_hint` is not an ID token of this server.
        HintUnreadable: "hint_unreadable" 400 "login_required" "id_token_hint is not an ID token of this server. Omit it." => none;
        /// `prompt=none`, but the user must sign in.
        LoginRequired: "login_required" 400 "login_required" "The user must sign in, but prompt=none forbids it." => none;
        /// `max_age` is not a number.
        MaxAge: "max_age" 400 "invalid_request" "max_age must be a whole number of seconds." => none;
        /// The user has just signed in for the request, and the sign-in is older than `max_age` allows.
        MaxAgePassed: "max_age_passed" 400 "login_required" "The sign-in is older than max_age allows." => none;
        /// `nonce` is longer than the server stores.
        Nonce: "nonce" 400 "invalid_request" "nonce is too long." => none;
        /// `code_challenge` is malformed (RFC 7636 section 4.2).
        PkceChallenge: "pkce_challenge" 400 "invalid_request" "code_challenge must be 43 characters of base64url." => none;
        /// `code_challenge_method` is missing or not S256.
        PkceMethod: "pkce_method" 400 "invalid_request" "code_challenge_method must be S256." => none;
        /// The request lacks PKCE (RFC 7636).
        PkceMissing: "pkce_missing" 400 "invalid_request" "PKCE is required: send code_challenge and code_challenge_method=S256." => none;
        /// `prompt` is unknown, or combines `none` with another value.
        Prompt: "prompt" 400 "invalid_request" "prompt must be none alone, or any of login, consent and select_account." => none;
        /// The request carries a request object (RFC 9101).
        RequestObject: "request_object" 400 "request_not_supported" "Request objects are not supported." => none;
        /// The request refers to a request object (RFC 9101).
        RequestUri: "request_uri" 400 "request_uri_not_supported" "request_uri is not supported." => none;
        /// The response mode is not supported.
        ResponseModeUnsupported: "response_mode" 400 "invalid_request" "response_mode must be query or form_post." => none;
        /// The response type is not `code`.
        ResponseType: "response_type" 400 "unsupported_response_type" "response_type must be code." => none;
        /// The upstream provider refused, or its response did not verify.
        Upstream: "upstream" 502 "temporarily_unavailable" "The upstream sign-in failed." => Refused;
        /// The upstream provider's user has no account here, and the settings admit no new one.
        UpstreamAccount: "upstream_account" 403 "access_denied" "The user of the upstream provider has no account here." => Refused;
        /// The upstream provider's ID token lacks `auth_time` although it was required, or the sign-in is too old.
        UpstreamAuthTime: "upstream_auth_time" 502 "login_required" "The upstream provider did not confirm a sign-in as recent as requested." => Refused;

        // Client authentication (RFC 6749 section 2.3).

        /// The client assertion does not verify.
        ClientAssertion: "client_assertion" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;
        /// The client assertion was used before.
        ClientAssertionReplay: "client_assertion_replay" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;
        /// The client credentials are malformed.
        ClientAuthMalformed: "client_auth_malformed" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;
        /// The authentication method is not the one that the client registered.
        ClientAuthMethod: "client_auth_method" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;
        /// The request carries no client credentials.
        ClientAuthMissing: "client_auth_missing" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;
        /// The request uses several authentication methods (RFC 6749 section 2.3).
        ClientAuthSeveral: "client_auth_several" 400 "invalid_request" "Use a single client authentication method." => none;
        /// The client is disabled.
        ClientDisabled: "client_disabled" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;
        /// The client secret is wrong.
        ClientSecret: "client_secret" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;
        /// The client is unknown.
        ClientUnknown: "client_unknown" 401 "invalid_client" CLIENT_REFUSED => ClientAuthenticationFailed;

        /// The keys at the client's `jwks_uri` cannot be fetched now, or may not be fetched again yet.
        KeysUnavailable {
            /// Seconds until the next fetch.
            seconds: u64 = 0
        }: "keys_unavailable" 503 "temporarily_unavailable" "The keys at jwks_uri cannot be fetched now. Try again later." => Refused;

        // Token, device, revocation and status requests of clients (RFC 6749 section 5.2, RFC 7009, RFC 8628, RFC 8707).

        /// The assertion does not verify, or its issuer is unknown (RFC 7523 section 3.1).
        Assertion: "assertion" 400 "invalid_grant" GRANT_REFUSED => Refused;
        /// The client may not use the assertion.
        AssertionClient: "assertion_client" 400 "invalid_grant" GRANT_REFUSED => Refused;
        /// The assertion was used before.
        AssertionReplay: "assertion_replay" 400 "invalid_grant" GRANT_REFUSED => Refused;
        /// The scope in an assertion that is used once by its text exceeds what an operator allowed.
        AssertionScope: "assertion_scope" 400 "invalid_grant" GRANT_REFUSED => Refused;
        /// The assertion is about a user whom its issuer may not name, or who does not exist.
        AssertionSubject: "assertion_subject" 400 "invalid_grant" GRANT_REFUSED => Refused;
        /// Too many device codes were issued to one client at one network address, or to one address.
        DeviceThrottled {
            /// Seconds to wait.
            seconds: u64 = 0
        }: "device_throttled" 429 "temporarily_unavailable" "Too many device codes were requested from this address. Try again later." => Refused;
        /// `actor_token` does not verify, is not active, or was issued to another client (RFC 8693 section 2.2.2).
        ExchangeActor: "exchange_actor" 400 "invalid_request" SUBJECT_REFUSED => Refused;
        /// `actor_token` without `actor_token_type`, or the other way round (RFC 8693 section 2.1).
        ExchangeActorIncomplete: "exchange_actor_incomplete" 400 "invalid_request" "Send actor_token and actor_token_type together, or neither." => none;
        /// The new token would name more actors than a token may (RFC 8693 section 4.1).
        ExchangeActors: "exchange_actors" 400 "invalid_request" "The subject token names as many actors as a token may." => Refused;
        /// `may_act` of the subject token names another party (RFC 8693 section 4.4).
        ExchangeMayAct: "exchange_may_act" 400 "invalid_request" SUBJECT_REFUSED => Refused;
        /// An actor token, where the rule allows impersonation only.
        ExchangeModeActor: "exchange_mode_actor" 400 "invalid_request" "The rule for this exchange allows no actor_token." => Refused;
        /// No rule of an operator is about the client.
        ExchangeNotAllowed: "exchange_not_allowed" 400 "unauthorized_client" "No rule allows this client to exchange tokens." => Refused;
        /// No rule allows the client to exchange tokens for the audience of the subject token.
        ExchangeSource: "exchange_source" 400 "invalid_request" SUBJECT_REFUSED => Refused;
        /// `subject_token` does not verify, is not active, or is not exchanged here (RFC 8693 section 2.2.2).
        ExchangeSubject: "exchange_subject" 400 "invalid_request" SUBJECT_REFUSED => Refused;
        /// A target requires a stronger or more recent sign-in of the user. The client that exchanges tells its own caller (RFC 9470).
        ExchangeStepUp: "exchange_step_up" 400 "insufficient_user_authentication" "A target requires a stronger or more recent sign-in of the user." => Refused;
        /// No rule allows the exchange for the requested target, or none is requested and several are allowed.
        ExchangeTarget: "exchange_target" 400 "invalid_target" "No rule allows this exchange for the requested resource or audience. Name one that a rule allows." => Refused;
        /// A token type that is not supported here (RFC 8693 section 3).
        ExchangeTokenType: "exchange_token_type" 400 "invalid_request" "This combination of token types is not supported; see the manual." => none;
        /// The client did not register this grant type.
        GrantNotAllowed: "grant_not_allowed" 400 "unauthorized_client" "The client did not register this grant_type." => Refused;
        /// The grant type is not supported.
        GrantUnsupported: "grant_unsupported" 400 "unsupported_grant_type" "This grant_type is not supported." => none;
        /// The code or refresh token was not issued by this server.
        HandleForged: "handle_forged" 400 "invalid_grant" GRANT_REFUSED => Refused;
        /// `code_verifier` is malformed (RFC 7636 section 4.1).
        PkceVerifier: "pkce_verifier" 400 "invalid_request" "code_verifier must be 43 to 128 unreserved characters." => none;
        /// `resource` is not an absolute URI without a fragment (RFC 8707 section 2).
        ResourceMalformed: "resource_malformed" 400 "invalid_target" "resource must be an absolute URI without a fragment." => none;
        /// `resource` is not registered for the client.
        ResourceNotAllowed: "resource_not_allowed" 400 "invalid_target" "The client may not request this resource." => Refused;
        /// `scope` has a character outside of RFC 6749 section 3.3.
        ScopeMalformed: "scope_malformed" 400 "invalid_scope" "scope contains a character that is not allowed." => none;
        /// `scope` exceeds what the client may request.
        ScopeNotAllowed: "scope_not_allowed" 400 "invalid_scope" "scope exceeds what the client may request." => Refused;
        /// The request asks for a past state of a status list (draft-ietf-oauth-status-list section 8.4).
        StatusTime: "status_time" 501 "invalid_request" "Only the current state of a status list is available." => none;
        /// The client tried to revoke a token of another client.
        TokenOfAnother: "token_of_another" 400 "unauthorized_client" "The token was issued to another client." => Refused;

        // Bearers of access tokens at protected resources (RFC 6750 section 3.1).

        /// The access token is in the query, which RFC 9700 section 4.3.2 forbids.
        BearerInQuery: "bearer_in_query" 400 "invalid_request" "Send the access token in the Authorization header, not in the query." => Refused;
        /// The access token did not verify, or was revoked.
        BearerInvalid: "bearer_invalid" 401 "invalid_token" TOKEN_REFUSED => operator AdminRefused;
        /// The request carries no access token.
        BearerMissing: "bearer_missing" 401 "unauthorized" "Send an access token: Authorization: Bearer TOKEN." => none;
        /// The access token lacks the scope that the sample resource is configured to require.
        BearerSampleScope: "bearer_scope" 403 "insufficient_scope" "The access token lacks a scope that this resource requires." => none;
        /// The access token lacks the scope of the resource.
        BearerScope {
            /// The required scope.
            needed: &'static str = ""
        }: "bearer_scope" 403 "insufficient_scope" "The access token lacks a scope that this resource requires." => operator AdminRefused;

        // Administration.

        /// The list or the whole catalogue is full.
        CatalogueFull: "catalogue_full" 409 "invalid_request" "The catalogue is full: remove or shorten an entry first." => none;
        /// A client with this identifier exists.
        ClientExists: "client_exists" 400 "invalid_client_metadata" "A client with this client_id already exists." => none;
        /// The client does not exist.
        ClientNotFound: "client_not_found" 404 "not_found" "There is no client with this client_id." => none;
        /// The root client is configured, not registered.
        ClientRoot: "client_root" 400 "invalid_client_metadata" "The client root is configured by the server's settings and cannot be registered or changed." => none;
        /// The cursor does not come from a page of the list.
        CursorMalformed: "cursor_malformed" 400 "invalid_request" "cursor must come from the previous page of this list." => none;
        /// An exchange rule for the same client, sources and targets exists.
        ExchangeRuleExists: "exchange_rule_exists" 409 "invalid_request" "A rule for this client, these sources and targets exists. Replace it." => none;
        /// A target of the exchange rule is a resource that is being removed.
        ExchangeRuleTarget: "exchange_rule_target" 409 "invalid_request" "A target is a resource that is being removed. Try again when the removal is complete." => none;
        /// The exchange rule does not exist.
        ExchangeRuleNotFound: "exchange_rule_not_found" 404 "not_found" "There is no exchange rule with this id." => none;
        /// Events are not stored.
        EventsNotKept: "events_not_kept" 404 "not_found" "This server stores no events: EVENT_RETENTION_DAYS is 0." => none;
        /// The grant does not exist.
        GrantNotFound: "grant_not_found" 404 "not_found" "There is no such grant." => none;
        /// The signing key does not exist.
        KeyNotFound: "key_not_found" 404 "not_found" "There is no key with this kid." => none;
        /// The account has no such passkey.
        PasskeyNotFound: "passkey_not_found" 404 "not_found" "There is no such passkey." => none;
        /// The resource is being taken from clients and grants after its removal.
        ResourceBeingRemoved: "resource_being_removed" 409 "invalid_request" "The resource is being taken from clients and grants after its removal. Register it again when that is complete." => none;
        /// A resource with this identifier is registered.
        ResourceExists: "resource_exists" 409 "invalid_request" "A resource with this identifier is already registered." => none;
        /// The resource is not registered.
        ResourceNotFound: "resource_not_found" 404 "not_found" "There is no such resource." => none;
        /// The bulk revocation does not exist.
        RevocationNotFound: "revocation_not_found" 404 "not_found" "There is no such revocation." => none;
        /// A trusted issuer with this issuer identifier exists.
        TrustedIssuerExists: "trusted_issuer_exists" 409 "invalid_request" "A trusted issuer with this issuer already exists." => none;
        /// The trusted issuer does not exist.
        TrustedIssuerNotFound: "trusted_issuer_not_found" 404 "not_found" "There is no such trusted issuer." => none;
        /// The user name is taken.
        UserExists: "user_exists" 409 "invalid_request" "A user with this name already exists." => none;
        /// The user does not exist.
        UserNotFound: "user_not_found" 404 "not_found" "There is no such user." => none;
        /// The user name is reserved by an account that is being created, or whose creation was interrupted.
        UserPending {
            /// Seconds until the name is free, unless the account exists by then.
            seconds: u64 = 0
        }: "user_pending" 503 "temporarily_unavailable" "An account with this name is being created. Try again later." => none;

        // People at the pages of the server.

        /// Another user, or the same one, has decided about the device before.
        DeviceDecided: "device_decided" 400 "invalid_request" "Another decision about this device was made before." => none;
        /// The form was not issued to this browser and session, or was altered.
        FormForeign: "form_foreign" 403 "access_denied" "The form was not issued to this browser. Open the page again." => Refused;
        /// The form has expired.
        FormStale: "form_stale" 403 "access_denied" "The page has expired. Open it again." => none;
        /// `client_id` and `id_token_hint` of a logout request disagree.
        LogoutClient: "logout_client" 400 "invalid_request" "client_id and id_token_hint name different clients." => none;
        /// The post-logout redirect URI is not registered for the client.
        LogoutRedirect: "logout_redirect" 400 "invalid_request" "post_logout_redirect_uri is not registered for this client." => Refused;
        /// The page needs a session.
        SessionMissing: "session_missing" 401 "login_required" "Sign in first." => none;
        /// The user name, password or passkey is wrong; the response does not say which.
        SignIn: "sign_in" 401 "access_denied" "The user name or the password is wrong." => SignInFailed;
        /// The credentials are right, but the account is disabled.
        SignInDisabled: "sign_in_disabled" 403 "access_denied" "The account is disabled." => SignInFailed;
        /// Too many sign-in attempts.
        SignInThrottled {
            /// Seconds to wait.
            seconds: u64 = 0
        }: "sign_in_throttled" 429 "slow_down" "Too many attempts. Try again later." => SignInThrottled;
        /// The change is sensitive, and the sign-in of the session is not recent.
        SignInTooOld: "sign_in_too_old" 403 "login_required" "The last sign-in is too old. Sign in again." => Refused;

        /// The account has tried too many user codes of devices.
        UserCodeThrottled {
            /// Seconds to wait.
            seconds: u64 = 0
        }: "user_code_throttled" 429 "temporarily_unavailable" "Too many codes. Try again later." => Refused;
        /// No device waits with this user code, or no longer.
        UserCodeUnknown: "user_code_unknown" 400 "invalid_request" "The code is unknown or has expired." => Refused;

        // Requests that no endpoint reads.

        /// The `Authorization` header is longer than any supported credential.
        AuthorizationTooLong: "authorization_too_long" 431 "invalid_request" "The Authorization header is too long." => none;
        /// The body is longer than the server reads.
        BodyTooLarge: "body_too_large" 413 "invalid_request" "The request body is too large." => none;
        /// A parameter is repeated (RFC 6749 section 3.1).
        DuplicateParameter: "duplicate_parameter" 400 "invalid_request" "Parameter repeated." => none;
        /// The body is truncated or not UTF-8.
        MalformedBody: "malformed_body" 400 "invalid_request" "The body is truncated or not valid UTF-8." => none;
        /// The form encoding is malformed.
        MalformedForm: "malformed_form" 400 "invalid_request" "The form encoding is malformed." => none;
        /// The path does not support the method.
        MethodNotAllowed {
            /// The methods that it supports.
            allow: &'static str = ""
        }: "method_not_allowed" 405 "method_not_allowed" "This path does not support the method; see Allow." => none;
        /// A required parameter is missing.
        MissingParameter: "missing_parameter" 400 "invalid_request" "A required parameter is missing." => none;
        /// The body is not a form.
        NotAForm: "not_a_form" 400 "invalid_request" "Send a form: application/x-www-form-urlencoded." => none;
        /// The path does not exist.
        NotFound: "not_found" 404 "not_found" "There is nothing at this path." => none;
        /// The body is not JSON.
        NotJson: "not_json" 400 "invalid_request" "Send a JSON object: application/json." => none;
        /// The query has parameters, but the endpoint reads them from the body alone (RFC 6749 section 3.2).
        ParametersInQuery: "parameters_in_query" 400 "invalid_request" "Send parameters in the body, not in the URL." => none;
        /// The form has too many parameters.
        TooManyParameters: "too_many_parameters" 400 "invalid_request" "The form has too many parameters." => none;
    }
    nested {
        /// A device code that yields no tokens, or not yet.
        Device(DeviceRefusal): device_row;
        /// A code or refresh token that cannot be redeemed.
        Grant(GrantRefusal): grant_row;
        /// A user name, password, name or address that an account cannot have.
        User(UserError): UserError::row;
        /// A bulk revocation that describes no grants.
        Bulk(BulkError): BulkError::row;
        /// A malformed query for events.
        EventQuery(EventQueryError): EventQueryError::row;
        /// A description of an exchange rule that is wrong.
        ExchangeRule(ExchangeRuleError): ExchangeRuleError::row;
        /// A key that cannot be imported.
        Import(ImportError): import_row;
        /// A description of a resource that is wrong.
        Resource(ResourceError): ResourceError::row;
        /// A description of a trusted issuer that is wrong.
        TrustedIssuer(TrustedIssuerError): TrustedIssuerError::row;
        /// Client metadata that breaks RFC 7591.
        Metadata(MetadataError): metadata_row;
    }
}

const fn grant_row(refusal: GrantRefusal) -> Row {
    let (error, sentence, event) = match refusal {
        // The same refusals as before the account is asked.
        GrantRefusal::ClientDisabled => return Refusal::ClientDisabled.row(),
        GrantRefusal::ClientAuthentication => return Refusal::ClientAuthMethod.row(),
        GrantRefusal::GrantType => return Refusal::GrantNotAllowed.row(),
        GrantRefusal::Scope => {
            ("invalid_scope", "scope exceeds what was granted, or none of it is left.", EventKind::Refused)
        }
        GrantRefusal::Resource => (
            "invalid_target",
            "The grant does not cover this resource, or the client lost access to it.",
            EventKind::Refused,
        ),
        GrantRefusal::Audience => (
            "invalid_target",
            "These resources cannot share a token: one admits no other, or they demand different algorithms. Name one.",
            EventKind::Refused,
        ),
        GrantRefusal::CodeReused => ("invalid_grant", GRANT_REFUSED, EventKind::CodeReused),
        GrantRefusal::CodeSpent => ("invalid_grant", GRANT_REFUSED, EventKind::CodeSpent),
        GrantRefusal::RefreshReused => ("invalid_grant", GRANT_REFUSED, EventKind::RefreshReused),
        GrantRefusal::RightsLost => ("invalid_grant", GRANT_REFUSED, EventKind::GrantEnded),
        GrantRefusal::CodeRedirect
        | GrantRefusal::CodeVerifier
        | GrantRefusal::ConsentMissing
        | GrantRefusal::GrantExpired
        | GrantRefusal::GrantOfAnother
        | GrantRefusal::GrantUnknown
        | GrantRefusal::StepUp
        | GrantRefusal::UserDisabled => ("invalid_grant", GRANT_REFUSED, EventKind::Refused),
    };
    Row { word: refusal.kind(), status: 400, error, sentence, event: Noted::Always(event) }
}

/// RFC 8628 section 3.5. Clients poll, so only a foreign client is an event.
const fn device_row(refusal: DeviceRefusal) -> Row {
    let (error, sentence, event) = match refusal {
        DeviceRefusal::Denied => ("access_denied", "The user denied the request.", Noted::Never),
        DeviceRefusal::Expired => ("expired_token", "The device code has expired. Start again.", Noted::Never),
        DeviceRefusal::OfAnother => ("invalid_grant", GRANT_REFUSED, Noted::Always(EventKind::Refused)),
        DeviceRefusal::Pending => ("authorization_pending", "The user has not decided yet. Poll again.", Noted::Never),
        DeviceRefusal::SlowDown => {
            ("slow_down", "The user has not decided yet. Wait 5 seconds longer between polls.", Noted::Never)
        }
    };
    Row { word: refusal.kind(), status: 400, error, sentence, event }
}

const fn import_row(error: ImportError) -> Row {
    let row = Row::malformed(error.kind(), error.sentence());
    if error.is_conflict() { Row { status: 409, ..row } } else { row }
}

const fn metadata_row(error: MetadataError) -> Row {
    Row { error: "invalid_client_metadata", ..error.row() }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Self {
        match error {
            FormError::Duplicate => Self::DuplicateParameter,
            FormError::Malformed => Self::MalformedForm,
            FormError::TooMany => Self::TooManyParameters,
        }
    }
}
