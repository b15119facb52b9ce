//! Every reason to say no, and its one public answer.
//!
//! The log gets the reason's word, the client gets a fixed sentence. Reasons that an attacker could probe share one
//! sentence and one status. There is no wildcard in the map: a new reason does not compile without an answer.

use serde_json::json;

use crate::keyring::ImportError;
use crate::wire::{FormError, Reply};

use crate::oauth::admin::bulk::BulkError;
use crate::oauth::admin::event_query::EventQueryError;
use crate::oauth::admin::user::UserError;
use crate::oauth::endpoints::register::MetadataError;
use crate::oauth::grant::GrantRefusal;

/// A reason to refuse a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The user, or the rules for the user's account, did not allow it (RFC 6749 section 4.1.2.1).
    AccessDenied,
    /// The request names no client.
    AuthorizeClient,
    /// The redirect URI is none that the client registered.
    AuthorizeRedirect,
    /// `claims` is malformed.
    Claims,
    /// `prompt=none`, but the user would have to decide.
    ConsentRequired,
    /// A form that was not made for this browser, this session or what it says.
    FormForeign,
    /// A form that is too old.
    FormStale,
    /// An operator or a person asked for a grant that is not there.
    GrantNotFound,
    /// `id_token_hint` is no ID token of this server.
    HintUnreadable,
    /// The user signed in with another account than the client asked for.
    HintOther,
    /// A code or refresh token that this authority did not write.
    HandleForged,
    /// `prompt=none`, but the user would have to sign in.
    LoginRequired,
    /// The client that asks for a sign-out is not the one of its hint.
    LogoutClient,
    /// The address after a sign-out is none that the client registered.
    LogoutRedirect,
    /// `max_age` is no number.
    MaxAge,
    /// `nonce` is longer than we keep.
    Nonce,
    /// An operator asked for a passkey that the account does not have.
    PasskeyNotFound,
    /// The challenge is none.
    PkceChallenge,
    /// Another method than S256, or none named.
    PkceMethod,
    /// No PKCE (RFC 7636).
    PkceMissing,
    /// The verifier is none (RFC 7636 section 4.1).
    PkceVerifier,
    /// `prompt` is unknown, or `none` with others.
    Prompt,
    /// A request object (RFC 9101).
    RequestObject,
    /// A reference to a request object.
    RequestUri,
    /// Another response mode.
    ResponseModeUnsupported,
    /// Another response type than `code`.
    ResponseType,
    /// A page or form that needs a session, without one.
    SessionMissing,
    /// Wrong user name, wrong password, a passkey that does not verify: nobody is told which.
    SignIn,
    /// The user has just signed in for the request, and the sign-in is older than `max_age` allows.
    MaxAgePassed,
    /// Too many attempts to sign in.
    SignInThrottled {
        /// How long to wait.
        seconds: u64,
    },
    /// A sensitive change of the account, but the sign-in of the session is not recent.
    SignInTooOld,
    /// The upstream provider refused, or its answer did not verify.
    Upstream,
    /// A user of the upstream provider without an account here, and the settings give none.
    UpstreamAccount,
    /// The ID token of the upstream provider owes the time of the sign-in and does not say it, or the sign-in is too old.
    UpstreamAuthTime,
    /// The user name is taken.
    UserExists,
    /// An operator asked for a user that is not there.
    UserNotFound,
    /// The user name is held by an account that is being created, or whose creation broke off a moment ago.
    UserPending {
        /// How long until the name is free, unless the account is there by then.
        seconds: u64,
    },
    /// A code or refresh token that cannot be exchanged.
    Grant(GrantRefusal),
    /// A user name, password, name or address that an account cannot have.
    User(UserError),
    /// A description of grants to end that cannot be meant.
    Bulk(BulkError),
    /// An operator asked for a revocation that is not there.
    RevocationNotFound,
    /// `Authorization` is longer than any credential of ours.
    AuthorizationTooLong,
    /// A protected resource was asked for with a token that `verify` refused, or that was revoked.
    BearerInvalid,
    /// A protected resource was asked for without a token.
    BearerMissing,
    /// The token lacks the scope of the resource.
    BearerScope {
        /// The scope that is needed.
        needed: &'static str,
    },
    /// The token lacks the scope that the operator asks for at the sample resource.
    BearerSampleScope,
    /// A token in the query (RFC 6750 section 2.3, which RFC 9700 section 4.3.2 forbids).
    BearerInQuery,
    /// The body is longer than we read.
    BodyTooLarge,
    /// A client with this identifier is there already.
    ClientExists,
    /// No proof of who the client is.
    ClientAuthMissing,
    /// More than one proof at a time (RFC 6749 section 2.3).
    ClientAuthSeveral,
    /// The proof is not of the kind that the client registered.
    ClientAuthMethod,
    /// The credentials cannot be read.
    ClientAuthMalformed,
    /// The client's assertion does not verify.
    ClientAssertion,
    /// The client's assertion has been used before.
    ClientAssertionReplay,
    /// The secret is wrong.
    ClientSecret,
    /// There is no such client.
    ClientUnknown,
    /// An operator asked for a client that is not there.
    ClientNotFound,
    /// The root client is configured, not registered.
    ClientRoot,
    /// The cursor of a list is not one that a page gave.
    CursorMalformed,
    /// A parameter stands twice.
    DuplicateParameter,
    /// An operator's question about events is not one.
    EventQuery(EventQueryError),
    /// An operator asked for events where none are kept.
    EventsNotKept,
    /// The client did not register this grant.
    GrantNotAllowed,
    /// No such grant.
    GrantUnsupported,
    /// A key that cannot be imported.
    Import(ImportError),
    /// An operator asked for a signing key that is not there.
    KeyNotFound,
    /// The metadata breaks RFC 7591.
    Metadata(MetadataError),
    /// The path is there, the method is not.
    MethodNotAllowed {
        /// The methods that are.
        allow: &'static str,
    },
    /// A parameter is missing.
    MissingParameter,
    /// The body is not UTF-8, or broke off.
    MalformedBody,
    /// The form does not decode.
    MalformedForm,
    /// The body is no form.
    NotAForm,
    /// The body is no JSON.
    NotJson,
    /// No such path.
    NotFound,
    /// Parameters in the address of an endpoint that takes them in the body alone.
    ParametersInQuery,
    /// `resource` is no absolute URI without fragment.
    ResourceMalformed,
    /// `resource` is none of the client's.
    ResourceNotAllowed,
    /// `scope` has a character that no scope has.
    ScopeMalformed,
    /// `scope` asks for more than the client may have.
    ScopeNotAllowed,
    /// What a status list said at another time is not kept (draft-ietf-oauth-status-list section 8.4).
    StatusTime,
    /// A client tried to revoke another one's token.
    TokenOfAnother,
    /// Too many parameters.
    TooManyParameters,
}

/// The public side of a refusal.
struct Answer {
    status: u16,
    error: &'static str,
    sentence: &'static str,
}

const GRANT_REFUSED: &str = "The code or refresh token is expired, used, revoked or not this client's. Start again.";
const CLIENT_REFUSED: &str = "Client authentication failed.";
const TOKEN_REFUSED: &str =
    "The access token is malformed, expired, revoked or not meant for this resource. Get a new one.";

impl Refusal {
    /// One of each, for whoever wants to list them.
    pub fn samples() -> Vec<Self> {
        let all = [
            Self::AccessDenied,
            Self::AuthorizeClient,
            Self::AuthorizeRedirect,
            Self::Claims,
            Self::ConsentRequired,
            Self::FormForeign,
            Self::FormStale,
            Self::GrantNotFound,
            Self::HintUnreadable,
            Self::HintOther,
            Self::HandleForged,
            Self::LoginRequired,
            Self::LogoutClient,
            Self::LogoutRedirect,
            Self::MaxAge,
            Self::Nonce,
            Self::PasskeyNotFound,
            Self::PkceChallenge,
            Self::PkceMethod,
            Self::PkceMissing,
            Self::PkceVerifier,
            Self::Prompt,
            Self::RequestObject,
            Self::RequestUri,
            Self::ResponseModeUnsupported,
            Self::ResponseType,
            Self::SessionMissing,
            Self::SignIn,
            Self::MaxAgePassed,
            Self::SignInThrottled { seconds: 0 },
            Self::SignInTooOld,
            Self::Upstream,
            Self::UpstreamAccount,
            Self::UpstreamAuthTime,
            Self::UserExists,
            Self::UserPending { seconds: 0 },
            Self::UserNotFound,
            Self::AuthorizationTooLong,
            Self::BearerInvalid,
            Self::BearerMissing,
            Self::BearerScope { needed: "" },
            Self::BearerSampleScope,
            Self::BearerInQuery,
            Self::BodyTooLarge,
            Self::ClientExists,
            Self::ClientAuthMissing,
            Self::ClientAuthSeveral,
            Self::ClientAuthMethod,
            Self::ClientAuthMalformed,
            Self::ClientAssertion,
            Self::ClientAssertionReplay,
            Self::ClientSecret,
            Self::ClientUnknown,
            Self::ClientNotFound,
            Self::ClientRoot,
            Self::CursorMalformed,
            Self::DuplicateParameter,
            Self::EventQuery(EventQueryError::Unknown),
            Self::EventsNotKept,
            Self::GrantNotAllowed,
            Self::GrantUnsupported,
            Self::KeyNotFound,
            Self::Metadata(MetadataError::Scope),
            Self::MethodNotAllowed { allow: "" },
            Self::MissingParameter,
            Self::MalformedBody,
            Self::MalformedForm,
            Self::NotAForm,
            Self::NotJson,
            Self::NotFound,
            Self::ParametersInQuery,
            Self::ResourceMalformed,
            Self::ResourceNotAllowed,
            Self::ScopeMalformed,
            Self::RevocationNotFound,
            Self::ScopeNotAllowed,
            Self::StatusTime,
            Self::TokenOfAnother,
            Self::TooManyParameters,
        ];
        let grants = GrantRefusal::ALL.map(Self::Grant);
        let users = UserError::ALL.map(Self::User);
        let bulk = BulkError::ALL.map(Self::Bulk);
        let imports = ImportError::ALL.map(Self::Import);
        all.into_iter().chain(grants).chain(users).chain(bulk).chain(imports).collect()
    }

    /// The stable word for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::AuthorizeClient => "authorize_client",
            Self::AuthorizeRedirect => "authorize_redirect",
            Self::Claims => "claims",
            Self::ConsentRequired => "consent_required",
            Self::FormForeign => "form_foreign",
            Self::FormStale => "form_stale",
            Self::GrantNotFound => "grant_not_found",
            Self::HintUnreadable => "hint_unreadable",
            Self::HintOther => "hint_other",
            Self::HandleForged => "handle_forged",
            Self::LoginRequired => "login_required",
            Self::LogoutClient => "logout_client",
            Self::LogoutRedirect => "logout_redirect",
            Self::MaxAge => "max_age",
            Self::Nonce => "nonce",
            Self::PasskeyNotFound => "passkey_not_found",
            Self::PkceChallenge => "pkce_challenge",
            Self::PkceMethod => "pkce_method",
            Self::PkceMissing => "pkce_missing",
            Self::PkceVerifier => "pkce_verifier",
            Self::Prompt => "prompt",
            Self::RequestObject => "request_object",
            Self::RequestUri => "request_uri",
            Self::ResponseModeUnsupported => "response_mode",
            Self::ResponseType => "response_type",
            Self::SessionMissing => "session_missing",
            Self::SignIn => "sign_in",
            Self::MaxAgePassed => "max_age_passed",
            Self::SignInThrottled { .. } => "sign_in_throttled",
            Self::SignInTooOld => "sign_in_too_old",
            Self::Upstream => "upstream",
            Self::UpstreamAccount => "upstream_account",
            Self::UpstreamAuthTime => "upstream_auth_time",
            Self::UserExists => "user_exists",
            Self::UserPending { .. } => "user_pending",
            Self::UserNotFound => "user_not_found",
            Self::Grant(refusal) => refusal.kind(),
            Self::User(error) => error.kind(),
            Self::Bulk(error) => error.kind(),
            Self::RevocationNotFound => "revocation_not_found",
            Self::AuthorizationTooLong => "authorization_too_long",
            Self::BearerInvalid => "bearer_invalid",
            Self::BearerMissing => "bearer_missing",
            Self::BearerScope { .. } | Self::BearerSampleScope => "bearer_scope",
            Self::BearerInQuery => "bearer_in_query",
            Self::BodyTooLarge => "body_too_large",
            Self::ClientExists => "client_exists",
            Self::ClientAuthMissing => "client_auth_missing",
            Self::ClientAuthSeveral => "client_auth_several",
            Self::ClientAuthMethod => "client_auth_method",
            Self::ClientAuthMalformed => "client_auth_malformed",
            Self::ClientAssertion => "client_assertion",
            Self::ClientAssertionReplay => "client_assertion_replay",
            Self::ClientSecret => "client_secret",
            Self::ClientUnknown => "client_unknown",
            Self::ClientNotFound => "client_not_found",
            Self::ClientRoot => "client_root",
            Self::CursorMalformed => "cursor_malformed",
            Self::DuplicateParameter => "duplicate_parameter",
            Self::EventQuery(_) => "event_query",
            Self::EventsNotKept => "events_not_kept",
            Self::GrantNotAllowed => "grant_not_allowed",
            Self::GrantUnsupported => "grant_unsupported",
            Self::Import(error) => error.kind(),
            Self::KeyNotFound => "key_not_found",
            Self::Metadata(_) => "metadata",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::MissingParameter => "missing_parameter",
            Self::MalformedBody => "malformed_body",
            Self::MalformedForm => "malformed_form",
            Self::NotAForm => "not_a_form",
            Self::NotJson => "not_json",
            Self::NotFound => "not_found",
            Self::ParametersInQuery => "parameters_in_query",
            Self::ResourceMalformed => "resource_malformed",
            Self::ResourceNotAllowed => "resource_not_allowed",
            Self::ScopeMalformed => "scope_malformed",
            Self::ScopeNotAllowed => "scope_not_allowed",
            Self::StatusTime => "status_time",
            Self::TokenOfAnother => "token_of_another",
            Self::TooManyParameters => "too_many_parameters",
        }
    }

    /// The reply: status, OAuth error code, fixed sentence (RFC 6749 section 5.2, RFC 6750 section 3.1).
    pub fn reply(&self) -> Reply {
        let Answer { status, error, sentence } = self.answer();
        let reply = Reply::json(status, &json!({ "error": error, "error_description": sentence }));
        match self {
            // RFC 6749 section 5.2: 401 names the scheme, whichever way the client tried.
            _ if error == "invalid_client" => reply.with("WWW-Authenticate", r#"Basic realm="edgemint""#),
            Self::MethodNotAllowed { allow } => reply.with("Allow", *allow),
            Self::UserPending { seconds } => reply.with("Retry-After", seconds.to_string()),
            _ => reply,
        }
    }

    /// The error code and the sentence, for an answer that travels in a redirect (RFC 6749 section 4.1.2.1).
    pub const fn error(&self) -> (&'static str, &'static str) {
        let Answer { error, sentence, .. } = self.answer();
        (error, sentence)
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.answer().status
    }

    /// The error code and sentence of a refusal at a protected resource, for its challenge (RFC 6750 section 3);
    /// nothing where the request carried no token at all.
    pub fn bearer_error(&self) -> Option<(&'static str, &'static str)> {
        let Answer { error, sentence, .. } = self.answer();
        (*self != Self::BearerMissing).then_some((error, sentence))
    }

    const fn answer(&self) -> Answer {
        let (status, error, sentence) = match self {
            Self::AccessDenied => (400, "access_denied", "The user did not allow the request."),
            Self::AuthorizeClient => (400, "invalid_request", "client_id names no client of this server."),
            Self::AuthorizeRedirect => (400, "invalid_request", "redirect_uri is not one that the client registered."),
            Self::Claims => (400, "invalid_request", "claims must be a JSON object as OpenID Connect Core 5.5 has it."),
            Self::ConsentRequired => (400, "consent_required", "The user has to decide, and nothing may be shown."),
            Self::FormForeign => {
                (403, "access_denied", "The form is not one that this browser was shown. Open the page again.")
            }
            Self::FormStale => (403, "access_denied", "The page is out of date. Open it again."),
            Self::GrantNotFound => (404, "not_found", "There is no such grant."),
            Self::HintUnreadable => {
                (400, "login_required", "id_token_hint is not an ID token of this server. Leave it out.")
            }
            Self::HintOther => (400, "login_required", "The user signed in with another account than was asked for."),
            Self::HandleForged => (400, "invalid_grant", GRANT_REFUSED),
            Self::LoginRequired => (400, "login_required", "The user has to sign in, and nothing may be shown."),
            Self::LogoutClient => (400, "invalid_request", "client_id and id_token_hint name two clients."),
            Self::LogoutRedirect => {
                (400, "invalid_request", "post_logout_redirect_uri is not one that the client registered.")
            }
            Self::MaxAge => (400, "invalid_request", "max_age must be a whole number of seconds."),
            Self::Nonce => (400, "invalid_request", "nonce is too long."),
            Self::PasskeyNotFound => (404, "not_found", "There is no such passkey."),
            Self::PkceChallenge => (400, "invalid_request", "code_challenge must be 43 characters of base64url."),
            Self::PkceMethod => (400, "invalid_request", "code_challenge_method must be S256."),
            Self::PkceMissing => {
                (400, "invalid_request", "PKCE is required: send code_challenge and code_challenge_method=S256.")
            }
            Self::PkceVerifier => (400, "invalid_request", "code_verifier must be 43 to 128 unreserved characters."),
            Self::Prompt => {
                (400, "invalid_request", "prompt must be none alone, or any of login, consent and select_account.")
            }
            Self::RequestObject => (400, "request_not_supported", "Request objects are not supported."),
            Self::RequestUri => (400, "request_uri_not_supported", "request_uri is not supported."),
            Self::ResponseModeUnsupported => (400, "invalid_request", "response_mode must be query or form_post."),
            Self::ResponseType => (400, "unsupported_response_type", "response_type must be code."),
            Self::SessionMissing => (401, "login_required", "Sign in first."),
            Self::SignIn => (401, "access_denied", "The user name or the password is wrong."),
            Self::MaxAgePassed => (400, "login_required", "The sign-in is older than max_age allows."),
            Self::SignInThrottled { .. } => (429, "slow_down", "Too many attempts. Try again later."),
            Self::SignInTooOld => (403, "login_required", "The last sign-in is too old. Sign in again."),
            Self::Upstream => (502, "temporarily_unavailable", "The upstream sign-in did not succeed."),
            Self::UpstreamAccount => (403, "access_denied", "The user of the upstream provider has no account here."),
            Self::UpstreamAuthTime => {
                (502, "login_required", "The upstream provider did not confirm a sign-in as recent as requested.")
            }
            Self::UserPending { .. } => {
                (503, "temporarily_unavailable", "An account of this name is being created. Try again later.")
            }
            Self::UserExists => (409, "invalid_request", "There is a user of this name already."),
            Self::UserNotFound => (404, "not_found", "There is no such user."),
            Self::Grant(GrantRefusal::Scope) => {
                (400, "invalid_scope", "scope asks for more than was granted, or for nothing that is left of it.")
            }
            Self::Grant(GrantRefusal::Resource) => (
                400,
                "invalid_target",
                "The grant is not for this resource, or the client may not ask for it any more.",
            ),
            Self::Grant(
                GrantRefusal::GrantUnknown
                | GrantRefusal::GrantOfAnother
                | GrantRefusal::GrantExpired
                | GrantRefusal::CodeRedirect
                | GrantRefusal::CodeVerifier
                | GrantRefusal::CodeSpent
                | GrantRefusal::CodeReused
                | GrantRefusal::RefreshReused
                | GrantRefusal::RightsLost,
            ) => (400, "invalid_grant", GRANT_REFUSED),
            Self::User(error) => (400, "invalid_request", error.sentence()),
            Self::Bulk(error) => (400, "invalid_request", error.sentence()),
            Self::RevocationNotFound => (404, "not_found", "There is no such revocation."),
            Self::AuthorizationTooLong => (431, "invalid_request", "The Authorization header is too long."),
            Self::BearerInvalid => (401, "invalid_token", TOKEN_REFUSED),
            Self::BearerMissing => (401, "unauthorized", "Send an access token: Authorization: Bearer TOKEN."),
            Self::BearerScope { .. } | Self::BearerSampleScope => {
                (403, "insufficient_scope", "The access token lacks a scope that this resource asks for.")
            }
            Self::BearerInQuery => {
                (400, "invalid_request", "Access tokens are not taken from the query. Use the Authorization header.")
            }
            Self::BodyTooLarge => (413, "invalid_request", "The request body is too large."),
            Self::ClientExists => (400, "invalid_client_metadata", "A client with this client_id exists already."),
            Self::ClientAuthMissing
            | Self::ClientAuthMethod
            | Self::ClientAuthMalformed
            | Self::ClientAssertion
            | Self::ClientAssertionReplay
            | Self::ClientSecret
            | Self::ClientUnknown => (401, "invalid_client", CLIENT_REFUSED),
            Self::ClientAuthSeveral => (400, "invalid_request", "Authenticate the client in one way, not in several."),
            Self::ClientNotFound => (404, "not_found", "There is no client with this client_id."),
            Self::ClientRoot => {
                (400, "invalid_client_metadata", "The client root comes with the server and is not registered.")
            }
            Self::CursorMalformed => (400, "invalid_request", "cursor must be one that a page of this list gave."),
            Self::DuplicateParameter => (400, "invalid_request", "A parameter stands more than once."),
            Self::EventQuery(error) => (400, "invalid_request", error.sentence()),
            Self::EventsNotKept => (404, "not_found", "This authority keeps no events: EVENT_RETENTION_DAYS is 0."),
            Self::GrantNotAllowed => (400, "unauthorized_client", "The client did not register this grant_type."),
            Self::GrantUnsupported => (400, "unsupported_grant_type", "This grant_type is not supported."),
            Self::Import(error) if error.is_conflict() => (409, "invalid_request", error.sentence()),
            Self::Import(error) => (400, "invalid_request", error.sentence()),
            Self::KeyNotFound => (404, "not_found", "There is no key with this kid."),
            Self::Metadata(error) => (400, "invalid_client_metadata", error.sentence()),
            Self::MethodNotAllowed { .. } => (405, "method_not_allowed", "This path has no such method; see Allow."),
            Self::MissingParameter => (400, "invalid_request", "A required parameter is missing."),
            Self::MalformedBody => (400, "invalid_request", "The body is not UTF-8 text, or broke off."),
            Self::MalformedForm => (400, "invalid_request", "The form does not decode."),
            Self::NotAForm => (400, "invalid_request", "Send a form: application/x-www-form-urlencoded."),
            Self::NotJson => (400, "invalid_request", "Send a JSON object: application/json."),
            Self::NotFound => (404, "not_found", "There is nothing at this path."),
            Self::ParametersInQuery => (400, "invalid_request", "Send parameters in the body, not in the address."),
            Self::ResourceMalformed => (400, "invalid_target", "resource must be an absolute URI without fragment."),
            Self::ResourceNotAllowed => (400, "invalid_target", "The client may not ask for this resource."),
            Self::ScopeMalformed => (400, "invalid_scope", "scope holds a character that is not allowed."),
            Self::ScopeNotAllowed => (400, "invalid_scope", "scope asks for more than the client may have."),
            Self::StatusTime => (501, "invalid_request", "Only the present state of a status list is kept."),
            Self::TokenOfAnother => (400, "unauthorized_client", "The token was issued to another client."),
            Self::TooManyParameters => (400, "invalid_request", "The form has too many parameters."),
        };
        Answer { status, error, sentence }
    }
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

impl From<ImportError> for Refusal {
    fn from(error: ImportError) -> Self {
        Self::Import(error)
    }
}

impl From<MetadataError> for Refusal {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_probed_sounds_the_same() {
        let probes = [
            Refusal::ClientUnknown,
            Refusal::ClientSecret,
            Refusal::ClientAuthMethod,
            Refusal::ClientAuthMalformed,
            Refusal::ClientAssertion,
            Refusal::ClientAssertionReplay,
        ];
        for probe in probes {
            assert_eq!(probe.reply(), Refusal::ClientUnknown.reply(), "{probe:?}");
        }
    }

    #[test]
    fn refusals_are_never_cached_and_name_the_scheme() {
        let reply = Refusal::ClientSecret.reply();
        assert_eq!(reply.status, 401);
        assert!(reply.headers.contains(&("Cache-Control", "no-store".to_owned())));
        assert!(reply.headers.contains(&("WWW-Authenticate", r#"Basic realm="edgemint""#.to_owned())));
    }
}
