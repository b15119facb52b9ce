//! Reasons to refuse a request, each with one public response.
//!
//! The log gets the reason's word, the client a fixed sentence. Reasons that an attacker could probe share one sentence and one
//! status. [`Refusal`] is written as a table (`table.rs`), and so are the causes inside of it (`causes.rs`): a variant without a row does not compile.

mod causes;
mod table;

use serde_json::json;

use crate::keyring::ImportError;
use crate::oauth::grant::gate::Check;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::wire::Reply;

pub use causes::{
    BulkError, EventQueryError, ExchangeRuleError, MetadataError, ResourceError, TrustedIssuerError, UserError,
};
pub use table::Refusal;

/// One row of the table.
#[derive(Clone, Copy)]
struct Row {
    /// The stable word for logs and metrics.
    word: &'static str,
    /// The HTTP status.
    status: u16,
    /// The OAuth error code.
    error: &'static str,
    /// The sentence for the developer of the client (`error_description`).
    sentence: &'static str,
    /// The audit event.
    event: Noted,
}

impl Row {
    /// Returns the row of a malformed request.
    const fn malformed(word: &'static str, sentence: &'static str) -> Self {
        Self { word, status: 400, error: "invalid_request", sentence, event: Noted::Never }
    }
}

/// Whether a refusal is an audit event.
#[derive(Clone, Copy)]
enum Noted {
    /// At any endpoint.
    Always(EventKind),
    /// Only at the endpoints of the admin API.
    AtAdminEndpoints(EventKind),
    /// Never: the log has it.
    Never,
}

impl Refusal {
    /// Returns the stable word for logs and metrics.
    pub const fn kind(&self) -> &'static str {
        self.row().word
    }

    /// Returns the HTTP status.
    pub const fn status(&self) -> u16 {
        self.row().status
    }

    /// Returns the error code and the sentence, for a response that travels in a redirect (RFC 6749 section 4.1.2.1).
    pub const fn error(&self) -> (&'static str, &'static str) {
        let Row { error, sentence, .. } = self.row();
        (error, sentence)
    }

    /// Returns the error code and the sentence for the challenge of a protected resource (RFC 6750 section 3); `None` if the
    /// request carried no token.
    pub fn bearer_error(&self) -> Option<(&'static str, &'static str)> {
        (*self != Self::BearerMissing).then_some(self.error())
    }

    /// Returns the audit event of this refusal, if it is one. `by_operator`: whether an endpoint of the admin API refused.
    pub const fn event(&self, by_operator: bool) -> Option<EventKind> {
        match self.row().event {
            Noted::Always(kind) => Some(kind),
            Noted::AtAdminEndpoints(kind) if by_operator => Some(kind),
            Noted::AtAdminEndpoints(_) | Noted::Never => None,
        }
    }

    /// Returns the response: status, error code and sentence (RFC 6749 section 5.2, RFC 6750 section 3.1).
    pub fn reply(&self) -> Reply {
        let Row { status, error, sentence, .. } = self.row();
        let reply = Reply::json(status, &json!({ "error": error, "error_description": sentence }));
        match self {
            // RFC 6749 section 5.2: 401 names the scheme, whichever way the client tried.
            _ if error == "invalid_client" => reply.with("WWW-Authenticate", r#"Basic realm="edgemint""#),
            Self::MethodNotAllowed { allow } => reply.with("Allow", *allow),
            Self::DeviceThrottled { seconds } | Self::KeysUnavailable { seconds } | Self::UserPending { seconds } => {
                reply.with("Retry-After", seconds.to_string())
            }
            _ => reply,
        }
    }
}

impl From<Check> for Refusal {
    /// Returns the refusal of a request that does not pass the gate before an account is asked.
    fn from(failed: Check) -> Self {
        match failed {
            Check::ClientEnabled => Self::ClientDisabled,
            Check::Authentication => Self::ClientAuthMethod,
            Check::GrantType => Self::GrantNotAllowed,
            Check::Rights | Check::Scope => Self::ScopeNotAllowed,
            Check::Resource => Self::ResourceNotAllowed,
            Check::Owner | Check::UserEnabled | Check::Consent | Check::Session | Check::Audience | Check::StepUp => {
                Self::Grant(failed.into())
            }
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
    use crate::oauth::grant::GrantRefusal;
    use crate::oauth::vocabulary::event_kind::Severity;

    #[test]
    fn reasons_that_could_be_probed_have_one_response() {
        for error in ["invalid_client", "invalid_grant", "invalid_token"] {
            let probes: Vec<_> = Refusal::samples().into_iter().filter(|refusal| refusal.error().0 == error).collect();
            assert!(!probes.is_empty());
            for probe in &probes {
                assert_eq!(probe.reply(), probes[0].reply(), "{probe:?}");
            }
        }
    }

    #[test]
    fn responses_are_never_cached_and_name_the_scheme() {
        let reply = Refusal::ClientSecret.reply();
        assert_eq!(reply.status, 401);
        assert!(reply.headers.contains(&("Cache-Control", "no-store".to_owned())));
        assert!(reply.headers.contains(&("WWW-Authenticate", r#"Basic realm="edgemint""#.to_owned())));
    }

    #[test]
    fn headers_carry_the_values_of_a_refusal() {
        let headers = |refusal: Refusal| refusal.reply().headers;
        assert!(headers(Refusal::MethodNotAllowed { allow: "GET" }).contains(&("Allow", "GET".to_owned())));
        assert!(headers(Refusal::UserPending { seconds: 7 }).contains(&("Retry-After", "7".to_owned())));
        assert!(
            !headers(Refusal::NotFound)
                .iter()
                .any(|(name, _)| ["Allow", "Retry-After", "WWW-Authenticate"].contains(name))
        );
    }

    #[test]
    fn only_a_request_without_a_token_gets_a_challenge_without_an_error() {
        assert_eq!(Refusal::BearerMissing.bearer_error(), None);
        assert_eq!(Refusal::BearerInvalid.bearer_error().unwrap().0, "invalid_token");
    }

    /// Two variants with one word are one reason in the log, so they must respond alike.
    #[test]
    fn a_word_names_one_response() {
        let samples = Refusal::samples();
        for one in &samples {
            assert!(!one.kind().is_empty() && (400..600).contains(&one.status()), "{one:?}");
            for other in samples.iter().filter(|other| other.kind() == one.kind()) {
                assert_eq!((one.status(), one.error().0), (other.status(), other.error().0), "{one:?} and {other:?}");
            }
        }
    }
    #[test]
    fn a_replay_is_never_taken_for_a_theft() {
        let event = |refusal| Refusal::Grant(refusal).event(false).unwrap();
        for refusal in GrantRefusal::ALL {
            let is_theft = matches!(refusal, GrantRefusal::CodeReused | GrantRefusal::RefreshReused);
            assert_eq!(event(refusal).severity() == Severity::Alert, is_theft, "{refusal:?}");
        }
        assert_ne!(event(GrantRefusal::CodeSpent), event(GrantRefusal::CodeReused));
        assert_eq!(EventKind::RefreshRepeated.severity(), Severity::Notice);
    }

    #[test]
    fn a_refusal_that_is_an_event_is_a_notice_at_least_or_the_decision_of_a_user_or_operator() {
        for refusal in Refusal::samples() {
            for by_operator in [false, true] {
                let is_info = refusal.event(by_operator).is_some_and(|event| event.severity() == Severity::Info);
                let is_a_decision =
                    [Refusal::AccessDenied, Refusal::Grant(GrantRefusal::RightsLost)].contains(&refusal);
                assert!(!is_info || is_a_decision, "{refusal:?}");
            }
        }
        assert_eq!(Refusal::BearerInvalid.event(false), None);
        assert_eq!(Refusal::BearerInvalid.event(true), Some(EventKind::AdminRefused));
    }

    #[test]
    fn every_failed_client_authentication_is_an_event() {
        for refusal in Refusal::samples() {
            let is_event = refusal.event(false) == Some(EventKind::ClientAuthenticationFailed);
            assert_eq!(is_event, refusal.error().0 == "invalid_client", "{refusal:?}");
        }
    }
}
