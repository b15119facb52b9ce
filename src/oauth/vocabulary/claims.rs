//! The `claims` parameter of an authorization request (OpenID Connect Core section 5.5).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::token::json;

use crate::oauth::vocabulary::requested_acr::RequestedAcr;

/// The maximum length of the `claims` parameter, bytes.
const MAX_BYTES: usize = 4096;

/// A claim about the user that a scope covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UserClaim {
    /// `email`.
    Email,
    /// `email_verified`.
    EmailVerified,
    /// `groups`.
    Groups,
    /// `name`.
    Name,
    /// `preferred_username`.
    PreferredUsername,
    /// `updated_at`.
    UpdatedAt,
}

impl UserClaim {
    /// All values.
    pub const ALL: [Self; 6] =
        [Self::Email, Self::EmailVerified, Self::Groups, Self::Name, Self::PreferredUsername, Self::UpdatedAt];

    /// Returns the name of the claim.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailVerified => "email_verified",
            Self::Groups => "groups",
            Self::Name => "name",
            Self::PreferredUsername => "preferred_username",
            Self::UpdatedAt => "updated_at",
        }
    }
}

/// The error of a malformed `claims` parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimsError;

/// The individual claims that a client requests.
///
/// A claim is returned only if its scope is granted, since users consent to scopes. So `userinfo` of the request has no
/// effect: userinfo returns all claims of the granted scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClaimsRequest {
    /// The requested claims of the ID token.
    pub id_token: Vec<UserClaim>,
    /// The subjects that the user must be one of (`sub` with `value` or `values`); `None` for any.
    pub subjects: Option<Vec<String>>,
    /// The authentication context classes that `acr` of the ID token is requested with. [`AuthorizationRequest`] combines them
    /// with `acr_values`.
    ///
    /// [`AuthorizationRequest`]: crate::oauth::endpoints::authorize::AuthorizationRequest
    #[serde(skip)]
    pub acr: Option<RequestedAcr>,
}

impl ClaimsRequest {
    /// Parses the parameter. Unknown claims and members are ignored. Essential claims are treated like voluntary ones, which
    /// section 5.5.1 allows; `acr` is the exception (section 5.5.1.1). A requested value of a claim about the user is not compared:
    /// the claim has its actual value.
    ///
    /// # Errors
    /// [`ClaimsError`] if it is not a JSON object as in section 5.5.
    pub fn parse(text: &str) -> Result<Self, ClaimsError> {
        let request =
            Some(text).filter(|text| text.len() <= MAX_BYTES).and_then(|text| json::parse_object(text.as_bytes()));
        let request = request.ok_or(ClaimsError)?;
        let id_token = member(&request, "id_token")?;
        // Its form is checked; it has no effect.
        member(&request, "userinfo")?;
        let Some(id_token) = id_token else {
            return Ok(Self::default());
        };
        let subjects = match id_token.get("sub").and_then(Value::as_object) {
            Some(request) => subjects(request)?,
            None => None,
        };
        let acr = match id_token.get("acr").and_then(Value::as_object) {
            Some(request) => RequestedAcr::of_claim(request).map_err(|_| ClaimsError)?,
            None => None,
        };
        let asked = UserClaim::ALL.into_iter().filter(|claim| id_token.contains_key(claim.name()));
        Ok(Self { id_token: asked.collect(), subjects, acr })
    }
}

/// Parses `id_token` or `userinfo`: each claim in it is `null` or an object.
fn member<'r>(request: &'r Map<String, Value>, name: &str) -> Result<Option<&'r Map<String, Value>>, ClaimsError> {
    let Some(value) = request.get(name) else {
        return Ok(None);
    };
    let claims = value.as_object().ok_or(ClaimsError)?;
    let is_well_formed = |claim: &Value| match claim {
        Value::Null => true,
        Value::Object(claim) => {
            claim.get("essential").is_none_or(Value::is_boolean) && claim.get("values").is_none_or(Value::is_array)
        }
        _ => false,
    };
    if claims.values().all(is_well_formed) { Ok(Some(claims)) } else { Err(ClaimsError) }
}

fn subjects(request: &Map<String, Value>) -> Result<Option<Vec<String>>, ClaimsError> {
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(ClaimsError);
    match (request.get("value"), request.get("values").and_then(Value::as_array)) {
        (Some(value), _) => Ok(Some(vec![text(value)?])),
        (None, Some(values)) => values.iter().map(text).collect::<Result<_, _>>().map(Some),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::sign_in::Acr;
    use UserClaim::{Email, Groups, Name};

    fn asked(text: &str) -> Vec<UserClaim> {
        ClaimsRequest::parse(text).unwrap().id_token
    }

    #[test]
    fn known_claims_are_read_and_unknown_ones_ignored() {
        assert_eq!(asked("{}"), []);
        assert_eq!(asked(r#"{"id_token":{}}"#), []);
        assert_eq!(asked(r#"{"id_token":{"name":null,"email":{"essential":true},"shoe_size":null}}"#), [Email, Name]);
        assert_eq!(asked(r#"{"id_token":{"groups":{"values":["a"]}},"other":1}"#), [Groups]);
        assert_eq!(asked(r#"{"userinfo":{"name":null}}"#), [], "userinfo tells what the scope lets be told");
        assert_eq!(
            asked(r#"{"id_token":{"acr":{"essential":true,"values":["phr"]},"auth_time":{"essential":true}}}"#),
            []
        );
    }

    #[test]
    fn a_subject_may_be_asked_for() {
        let subjects = |text: &str| ClaimsRequest::parse(text).map(|it| it.subjects);
        let list = |texts: &[&str]| Ok(Some(texts.iter().map(|text| (*text).to_owned()).collect()));
        assert_eq!(subjects(r#"{"id_token":{"sub":null}}"#), Ok(None));
        assert_eq!(subjects(r#"{"id_token":{"sub":{"essential":true}}}"#), Ok(None));
        assert_eq!(subjects(r#"{"id_token":{"sub":{"value":"a"}}}"#), list(&["a"]));
        assert_eq!(subjects(r#"{"id_token":{"sub":{"values":["a","b"]}}}"#), list(&["a", "b"]));
        assert_eq!(subjects(r#"{"id_token":{"sub":{"values":[]}}}"#), list(&[]));
        assert_eq!(subjects(r#"{"id_token":{"sub":{"value":1}}}"#), Err(ClaimsError));
    }

    #[test]
    fn the_class_of_the_sign_in_is_read_from_the_id_token_alone() {
        let acr = |text: &str| ClaimsRequest::parse(text).unwrap().acr.and_then(|acr| acr.required());
        assert_eq!(acr(r#"{"id_token":{"acr":{"essential":true,"values":["phr"]}}}"#), Some(Acr::PhishingResistant));
        assert_eq!(acr(r#"{"id_token":{"acr":null}}"#), None);
        assert_eq!(acr(r#"{"id_token":{},"userinfo":{"acr":{"essential":true,"values":["phr"]}}}"#), None);
    }

    #[test]
    fn malformed_claims_requests_are_refused() {
        let long = format!(r#"{{"x":"{}"}}"#, "x".repeat(MAX_BYTES));
        for text in [
            "",
            "null",
            "[]",
            "x",
            "{",
            r#"{"id_token":null}"#,
            r#"{"id_token":[]}"#,
            r#"{"id_token":{"name":true}}"#,
            r#"{"id_token":{"name":{"essential":"yes"}}}"#,
            r#"{"id_token":{"name":{"values":"x"}}}"#,
            r#"{"userinfo":"name"}"#,
            r#"{"id_token":{"acr":"phr"}}"#,
            r#"{"id_token":{"acr":{"value":1}}}"#,
            r#"{"id_token":{"acr":{"essential":1,"value":"phr"}}}"#,
            r#"{"id_token":{"acr":{"values":["phr",["1"]]}}}"#,
            r#"{"id_token":{"acr":{"values":"phr"}}}"#,
            r#"{"id_token":{},"id_token":{}}"#,
            r#"{"id_token":{"name":null,"name":null}}"#,
            &long,
        ] {
            assert_eq!(ClaimsRequest::parse(text), Err(ClaimsError), "{text}");
        }
    }

    #[test]
    fn names_are_stored_as_they_are_told() {
        for claim in UserClaim::ALL {
            assert_eq!(serde_json::to_value(claim).unwrap(), claim.name());
        }
    }
}
