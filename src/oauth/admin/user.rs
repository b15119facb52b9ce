//! The description of a user by an operator or the user: the members of `/admin/users`.

use crate::oauth::refusal::UserError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::oauth::endpoints::id_token::UpstreamUser;
use crate::oauth::vocabulary::scope::Scope;

/// A change of a member that can be kept, set or cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    /// The member is absent: the stored value stays.
    #[default]
    Keep,
    /// The member is `null`: the stored value is removed.
    Clear,
    /// The member has a value.
    Set(T),
}

impl<T> Change<T> {
    /// Returns the value to store.
    pub fn of(self, stored: Option<T>) -> Option<T> {
        match self {
            Self::Keep => stored,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// The members of a description, as texts. `identity` validates them.
#[derive(Debug, Default)]
pub struct UserDescription {
    /// The user name.
    pub username: Option<String>,
    /// A new password.
    pub password: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the e-mail address is verified.
    pub email_verified: bool,
    /// Whether replacing the user revokes all of the user's grants.
    pub end_grants: bool,
    /// Whether the user is enabled. A new user is; one that is replaced stays as it was.
    pub enabled: Option<bool>,
    /// The groups of the user.
    pub groups: Change<Vec<String>>,
    /// The scope that the user may allow to clients. By default it is everything but the administration of this server.
    pub scope: Change<Scope>,
    /// The user of the upstream provider who may sign in to the account.
    pub upstream: Change<UpstreamUser>,
}

impl UserDescription {
    /// Parses the members. Unknown members are ignored. A null member counts as omitted, except that it clears `groups`, `scope`
    /// and `upstream`.
    ///
    /// # Errors
    /// [`UserError`] names the first member that is of the wrong type.
    pub fn parse(body: &Map<String, Value>) -> Result<Self, UserError> {
        let member = |name: &str| body.get(name).filter(|value| !value.is_null());
        let text =
            |name: &str, error| member(name).map(|value| value.as_str().map(str::to_owned).ok_or(error)).transpose();
        let flag = |name: &str, error| member(name).map_or(Ok(false), |value| value.as_bool().ok_or(error));
        Ok(Self {
            username: text("username", UserError::Username)?,
            password: text("password", UserError::Password)?,
            name: text("name", UserError::Name)?,
            email: text("email", UserError::Email)?,
            email_verified: flag("email_verified", UserError::EmailVerified)?,
            end_grants: flag("end_grants", UserError::EndGrants)?,
            enabled: member("enabled").map(|value| value.as_bool().ok_or(UserError::Enabled)).transpose()?,
            groups: change(body.get("groups"), |value| groups(value).ok_or(UserError::Groups))?,
            scope: change(body.get("scope"), |value| value.as_str().and_then(Scope::parse).ok_or(UserError::Scope))?,
            upstream: change(body.get("upstream"), |value| upstream(value).ok_or(UserError::Upstream))?,
        })
    }
}

fn change<T>(
    member: Option<&Value>,
    read: impl FnOnce(&Value) -> Result<T, UserError>,
) -> Result<Change<T>, UserError> {
    match member {
        None => Ok(Change::Keep),
        Some(Value::Null) => Ok(Change::Clear),
        Some(value) => read(value).map(Change::Set),
    }
}

/// The maximum number of groups of a user.
const MOST_GROUPS: usize = 100;
/// The maximum length of a group name, characters.
const LONGEST_GROUP: usize = 100;

/// Parses the names of groups, each once.
fn groups(value: &Value) -> Option<Vec<String>> {
    let mut groups: Vec<String> = Vec::new();
    for name in value.as_array().filter(|names| names.len() <= MOST_GROUPS)? {
        let name = name.as_str().filter(|name| !name.is_empty() && !name.chars().any(char::is_control))?;
        if name.chars().count() > LONGEST_GROUP {
            return None;
        }
        if !groups.iter().any(|known| known == name) {
            groups.push(name.to_owned());
        }
    }
    Some(groups)
}

fn upstream(value: &Value) -> Option<UpstreamUser> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| (1..=255).contains(&text.len()));
    Some(UpstreamUser { issuer: text("issuer")?.to_owned(), sub: text("sub")?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(body: &Value) -> Result<UserDescription, UserError> {
        UserDescription::parse(body.as_object().unwrap())
    }

    #[test]
    fn an_absent_member_keeps_and_null_clears() {
        let absent = parse(&json!({ "username": "a" })).unwrap();
        assert_eq!((absent.scope, absent.upstream, absent.enabled), (Change::Keep, Change::Keep, None));
        for (enabled, expected) in
            [(json!(null), Ok(None)), (json!(false), Ok(Some(false))), (json!(true), Ok(Some(true)))]
        {
            assert_eq!(parse(&json!({ "enabled": enabled })).map(|it| it.enabled), expected);
        }
        assert_eq!(parse(&json!({ "enabled": "false" })).unwrap_err(), UserError::Enabled);
        let cleared = parse(&json!({ "scope": null, "upstream": null, "name": null })).unwrap();
        assert_eq!((cleared.scope, cleared.upstream, cleared.name), (Change::Clear, Change::Clear, None));
        let set = parse(&json!({ "scope": "", "upstream": { "issuer": "https://idp.example", "sub": "s" } })).unwrap();
        assert_eq!(set.scope, Change::Set(Scope::default()));
        assert_eq!(set.upstream.of(None).unwrap().sub, "s");
        assert_eq!(
            (Change::Keep.of(Some(1)), Change::Clear.of(Some(1)), Change::Set(2).of(Some(1))),
            (Some(1), None, Some(2))
        );
    }

    fn groups_of(body: &Value) -> Result<Change<Vec<String>>, UserError> {
        parse(body).map(|it| it.groups)
    }

    #[test]
    fn groups_are_kept_cleared_or_replaced() {
        assert_eq!(groups_of(&json!({})), Ok(Change::Keep));
        assert_eq!(groups_of(&json!({ "groups": null })), Ok(Change::Clear));
        assert_eq!(groups_of(&json!({ "groups": [] })), Ok(Change::Set(Vec::new())));
        let names = ["system:masters", "\u{7fa4}\u{7ec4}", "on call"];
        let expected = Ok(Change::Set(names.map(str::to_owned).to_vec()));
        assert_eq!(groups_of(&json!({ "groups": [names[0], names[1], names[0], names[2]] })), expected);
        let most: Vec<_> = (0..MOST_GROUPS).map(|number| format!("{number:0>100}")).collect();
        assert_eq!(groups_of(&json!({ "groups": most })), Ok(Change::Set(most)));
    }

    #[test]
    fn malformed_groups_are_refused() {
        let many: Vec<_> = (0..=MOST_GROUPS).map(|number| number.to_string()).collect();
        let long = "x".repeat(LONGEST_GROUP + 1);
        for bad in [json!("staff"), json!({}), json!([1]), json!([""]), json!(["a\nb"]), json!([long]), json!(many)] {
            assert_eq!(groups_of(&json!({ "groups": bad })), Err(UserError::Groups), "{bad}");
        }
    }

    #[test]
    fn a_subject_needs_its_issuer() {
        for upstream in [json!("s"), json!({}), json!({ "sub": "s" }), json!({ "issuer": "i", "sub": "" }), json!([])] {
            assert_eq!(parse(&json!({ "upstream": upstream })).unwrap_err(), UserError::Upstream);
        }
    }
}
