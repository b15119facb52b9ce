//! A user as an operator or the person itself describes it: the members of `/admin/users`.

use serde_json::{Map, Value};

use super::scope::Scope;

/// What is wrong with the description of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserError {
    /// `email`.
    Email,
    /// `email_verified`.
    EmailVerified,
    /// `name`.
    Name,
    /// `password` is too short, too long, or holds a control character.
    Password,
    /// `scope`.
    Scope,
    /// `username`.
    Username,
}

impl UserError {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Email, Self::EmailVerified, Self::Name, Self::Password, Self::Scope, Self::Username];

    /// The stable word.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Email => "user_email",
            Self::EmailVerified => "user_email_verified",
            Self::Name => "user_name",
            Self::Password => "user_password",
            Self::Scope => "user_scope",
            Self::Username => "user_username",
        }
    }

    /// What the sender is told.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Email => "email must be an address.",
            Self::EmailVerified => "email_verified must be true or false.",
            Self::Name => "name must be a text of at most 200 characters.",
            Self::Password => "password must be 8 to 128 characters, none of them a control character.",
            Self::Scope => "scope must be a text of scope values separated by spaces.",
            Self::Username => "username holds a character that is not allowed, or is too long.",
        }
    }
}

/// The members of a description, as texts: what they may be is for `identity` to say.
#[derive(Debug, Default)]
pub struct UserDescription {
    /// What the person signs in by.
    pub username: Option<String>,
    /// A new password.
    pub password: Option<String>,
    /// A name for people.
    pub name: Option<String>,
    /// An address.
    pub email: Option<String>,
    /// Is the address known to be the person's?
    pub email_verified: bool,
    /// What the person may allow to clients; everything but to administer the authority if it is not said.
    pub scope: Option<Scope>,
}

impl UserDescription {
    /// Reads the members. Those that we do not know are ignored; a null member is no member.
    ///
    /// # Errors
    /// [`UserError`] names the first member that is of the wrong type.
    pub fn parse(body: &Map<String, Value>) -> Result<Self, UserError> {
        let member = |name: &str| body.get(name).filter(|value| !value.is_null());
        let text =
            |name: &str, error| member(name).map(|value| value.as_str().map(str::to_owned).ok_or(error)).transpose();
        let verified = member("email_verified").map(|value| value.as_bool().ok_or(UserError::EmailVerified));
        let scope = text("scope", UserError::Scope)?;
        Ok(Self {
            username: text("username", UserError::Username)?,
            password: text("password", UserError::Password)?,
            name: text("name", UserError::Name)?,
            email: text("email", UserError::Email)?,
            email_verified: verified.transpose()?.unwrap_or_default(),
            scope: scope.map(|text| Scope::parse(&text).ok_or(UserError::Scope)).transpose()?,
        })
    }
}
