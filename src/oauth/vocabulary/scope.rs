//! Scope: case-sensitive values without order (RFC 6749 section 3.3).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The scope that the admin endpoints require.
pub const ADMIN_SCOPE: &str = "edgemint:admin";
/// The prefix of the scope values that administer this server.
const ADMIN_PREFIX: &str = "edgemint:";
/// The scope that makes a request an OpenID Connect request.
pub const OPENID: &str = "openid";
/// The scope that lets a grant outlive its session (OpenID Connect Core section 11).
pub const OFFLINE_ACCESS: &str = "offline_access";
/// The scope values that concern the user alone (OpenID Connect Core sections 5.4 and 11): every user may allow them.
pub const OPENID_SCOPES: [&str; 4] = [OPENID, "profile", "email", OFFLINE_ACCESS];

/// The scope for the user's groups (extension).
pub const GROUPS: &str = "groups";

/// Returns [`OPENID_SCOPES`] as a scope.
pub fn openid_scopes() -> Scope {
    Scope { values: OPENID_SCOPES.map(str::to_owned).to_vec() }
}

/// Returns whether a scope value administers this server.
pub fn is_administrative(value: &str) -> bool {
    value.starts_with(ADMIN_PREFIX)
}

/// A set of scope values in the order of their first occurrence. It may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    values: Vec<String>,
}

impl Scope {
    /// Parses values separated by spaces; duplicates count once.
    /// `None` if a character is not allowed (`NQCHAR` of RFC 6749 appendix A.4).
    pub fn parse(text: &str) -> Option<Self> {
        let mut scope = Self::default();
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            if !value.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return None;
            }
            if !scope.contains(value) {
                scope.values.push(value.to_owned());
            }
        }
        Some(scope)
    }

    /// Returns the scope of these values, which [`Scope::parse`] accepts.
    pub fn of<'v>(values: impl Iterator<Item = &'v str>) -> Self {
        Self { values: values.map(str::to_owned).collect() }
    }

    /// Returns whether it contains this value.
    pub fn contains(&self, value: &str) -> bool {
        self.values.iter().any(|own| own == value)
    }

    /// Returns whether it contains each value of the other.
    pub fn covers(&self, other: &Self) -> bool {
        other.values.iter().all(|value| self.contains(value))
    }

    /// Returns the values that are in both.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        self.filter(|value| other.contains(value))
    }

    /// Returns the values for which `passes` is true.
    #[must_use]
    pub fn filter(&self, passes: impl Fn(&str) -> bool) -> Self {
        Self { values: self.values.iter().filter(|value| passes(value)).cloned().collect() }
    }

    /// Returns the values of both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut values = self.values.clone();
        values.extend(other.values.iter().filter(|value| !self.contains(value)).cloned());
        Self { values }
    }

    /// Returns whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the values.
    pub fn values(&self) -> &[String] {
        &self.values
    }
}

/// Returns whether a scope value is one of [`OPENID_SCOPES`] or [`GROUPS`], which concern the user alone and no resource.
pub fn concerns_user_alone(value: &str) -> bool {
    OPENID_SCOPES.contains(&value) || value == GROUPS
}

/// Returns the part of a scope that an account may allow: the scope that the operator permits it, or else everything but the
/// administration of this server. What concerns the user alone may always be allowed.
pub fn permitted_scope(asked: &Scope, permitted: Option<&Scope>) -> Scope {
    asked.filter(|value| match permitted {
        Some(permitted) => permitted.contains(value) || concerns_user_alone(value),
        None => value != ADMIN_SCOPE,
    })
}

impl TryFrom<String> for Scope {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a scope")
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.values.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_and_cover() {
        let scope = Scope::parse("read write  read edgemint:admin").unwrap();
        assert_eq!(scope.to_string(), "read write edgemint:admin");
        assert!(scope.covers(&Scope::parse("write").unwrap()));
        assert!(!scope.covers(&Scope::parse("Write").unwrap()));
        assert!(Scope::parse("").unwrap().is_empty());
        for bad in ["a\"b", "a\\b", "a\tb", "a\nb", "caf\u{e9}", "\u{7f}"] {
            assert_eq!(Scope::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn filter_within_and_with() {
        let scope = |text: &str| Scope::parse(text).unwrap();
        let own = scope("read write admin");
        assert_eq!(own.filter(|value| value != "write").to_string(), "read admin");
        assert_eq!(own.within(&scope("admin other read")).to_string(), "read admin");
        assert_eq!(own.within(&scope("other")).to_string(), "");
        assert_eq!(own.with(&scope("other read")).to_string(), "read write admin other");
        assert_eq!(own.values(), ["read", "write", "admin"]);
        assert!(!own.is_empty() && own.covers(&scope("")) && !scope("read").covers(&own));
    }

    #[test]
    fn an_account_may_always_allow_what_is_about_the_user_alone() {
        let scope = |text: &str| Scope::parse(text).unwrap();
        let requested = scope("openid profile email offline_access groups read edgemint:admin");
        let permitted = |limit: Option<&str>| permitted_scope(&requested, limit.map(scope).as_ref()).to_string();
        assert_eq!(permitted(None), "openid profile email offline_access groups read");
        assert_eq!(permitted(Some("")), "openid profile email offline_access groups");
        assert_eq!(permitted(Some("read")), "openid profile email offline_access groups read");
        assert_eq!(permitted(Some("edgemint:admin")), "openid profile email offline_access groups edgemint:admin");
        assert_eq!(openid_scopes().to_string(), "openid profile email offline_access");
    }
}
