//! A user as an operator or the user describes it, validated.

use crate::identity::password::Password;
use crate::identity::profile::{Email, PersonName, Username};
use crate::oauth::Refusal;
use crate::oauth::admin::user::{Change, UserDescription};
use crate::oauth::endpoints::id_token::{Namespace, Profile, UpstreamUser};
use crate::oauth::refusal::UserError;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;

/// A user to create, or the replacement of one.
pub struct NewUser {
    /// The name to sign in with; `None` for a user who has only a name at the upstream provider.
    pub username: Option<Username>,
    /// The new password.
    pub password: Option<Password>,
    /// The rest of the profile, with the user name.
    pub profile: Profile,
    /// The groups.
    pub groups: Change<Vec<String>>,
    /// The scope that the user may allow to clients.
    pub scope: Change<Scope>,
    /// The user of the upstream provider who may sign in to the account.
    pub upstream: Change<UpstreamUser>,
    /// Whether the user is enabled; `None` for the default, or to keep that.
    pub enabled: Option<bool>,
}

impl NewUser {
    /// Validates an operator's description. `current` is the profile that it replaces, if there is one: a user name that an
    /// upstream provider assigned may be repeated or omitted.
    ///
    /// # Errors
    /// [`Refusal::User`] with the first member that an account cannot have.
    pub fn described(description: UserDescription, current: Option<&Profile>, now: UnixTime) -> Result<Self, Refusal> {
        let foreign = current.filter(|profile| matches!(profile.namespace, Some(Namespace::Upstream(_))));
        let links = matches!(description.upstream, Change::Set(_));
        let username = match description.username.as_deref() {
            None if foreign.is_some() || (current.is_none() && links) => None,
            Some(text) if foreign.is_some_and(|profile| profile.shown_username() == text) => None,
            text => Some(text.and_then(|text| Username::parse(text).ok()).ok_or(Refusal::User(UserError::Username))?),
        };
        let password = description.password.as_deref().map(Password::given);
        let password = password.transpose().map_err(|_| Refusal::User(UserError::Password))?;
        if password.is_some() && username.is_none() {
            // A password is only asked for together with a local user name.
            return Err(Refusal::User(UserError::Username));
        }
        let name = description.name.as_deref().filter(|name| !name.is_empty()).map(PersonName::parse);
        let name = name.transpose().map_err(|_| Refusal::User(UserError::Name))?;
        let email = description.email.as_deref().filter(|email| !email.is_empty()).map(Email::parse);
        let email = email.transpose().map_err(|_| Refusal::User(UserError::Email))?;
        let profile = Profile {
            username: username.as_ref().map(ToString::to_string).unwrap_or_default(),
            namespace: Some(Namespace::Local),
            upstream: None,
            name: name.map(|name| name.as_str().to_owned()),
            email_verified: email.is_some() && description.email_verified,
            email: email.map(|email| email.as_str().to_owned()),
            groups: Vec::new(),
            updated_at: now,
        };
        let UserDescription { groups, scope, upstream, enabled, .. } = description;
        Ok(Self { username, password, profile, groups, scope, upstream, enabled })
    }

    /// Returns the profile with which this replaces the profile `old`, and the local user name that the account is renamed
    /// to, if it is.
    ///
    /// # Errors
    /// [`Refusal::User`] for a local user without a user name.
    pub fn replacing(&self, old: &Profile) -> Result<(Profile, Option<&Username>), Refusal> {
        let mut profile = Profile {
            upstream: self.upstream.clone().of(old.upstream.clone()),
            groups: self.groups.clone().of(Some(old.groups.clone())).unwrap_or_default(),
            ..self.profile.clone()
        };
        match &self.username {
            None if old.is_local() => Err(Refusal::User(UserError::Username)),
            None => {
                (profile.username, profile.namespace) = (old.username.clone(), old.namespace.clone());
                Ok((profile, None))
            }
            Some(username) if old.is_local() && username.as_str() == old.username => Ok((profile, None)),
            Some(username) => Ok((profile, Some(username))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: UnixTime = UnixTime(1_800_000_000);
    const PROVIDER: &str = "https://idp.example";

    fn described(body: &Value, current: Option<&Profile>) -> Result<NewUser, UserError> {
        let description = UserDescription::parse(body.as_object().unwrap())?;
        NewUser::described(description, current, NOW).map_err(|refusal| match refusal {
            Refusal::User(error) => error,
            other => panic!("{other:?}"),
        })
    }

    fn local(username: &str) -> Profile {
        described(&json!({ "username": username }), None).unwrap().profile
    }

    /// A user to whom the upstream provider assigned the name `alice`.
    fn upstream() -> Profile {
        let upstream = Some(UpstreamUser { issuer: PROVIDER.to_owned(), sub: "s".to_owned() });
        let namespace = Some(Namespace::Upstream(PROVIDER.to_owned()));
        Profile { upstream, namespace, groups: vec!["staff".to_owned()], ..local("alice") }
    }

    #[test]
    fn a_local_user_needs_a_username() {
        let link = json!({ "issuer": PROVIDER, "sub": "s" });
        for (body, current, expected) in [
            (json!({ "username": "Bob" }), None, Ok(Some("bob"))),
            (json!({ "username": "Bob" }), Some(upstream()), Ok(Some("bob"))),
            (json!({ "username": "idp.example:alice" }), Some(upstream()), Ok(None)),
            (json!({}), Some(upstream()), Ok(None)),
            (json!({ "upstream": link }), None, Ok(None)),
            (json!({ "upstream": link }), Some(local("carol")), Err(UserError::Username)),
            (json!({}), None, Err(UserError::Username)),
            (json!({}), Some(local("carol")), Err(UserError::Username)),
            (json!({ "username": "idp.example:alice" }), Some(local("carol")), Err(UserError::Username)),
            (json!({ "password": "correct horse battery" }), Some(upstream()), Err(UserError::Username)),
        ] {
            let username = described(&body, current.as_ref()).map(|user| user.username.map(|name| name.to_string()));
            assert_eq!(username, expected.map(|name| name.map(str::to_owned)), "{body}");
        }
    }

    #[test]
    fn each_member_is_validated() {
        for (member, value, error) in [
            ("password", "short", UserError::Password),
            ("name", "a\nb", UserError::Name),
            ("email", "nowhere", UserError::Email),
        ] {
            let body = json!({ "username": "bob", member: value });
            assert_eq!(described(&body, None).err(), Some(error), "{body}");
        }
        let user = described(&json!({ "username": "bob", "name": "", "email": "", "email_verified": true }), None);
        let profile = user.unwrap().profile;
        assert_eq!((profile.name, profile.email, profile.email_verified), (None, None, false));
        let user = described(&json!({ "username": "bob", "email": "b@x.example", "email_verified": true }), None);
        assert!(user.unwrap().profile.email_verified);
    }

    #[test]
    fn replacing_keeps_what_the_description_omits() {
        let user = described(&json!({ "name": "Alice" }), Some(&upstream())).unwrap();
        let (profile, new_name) = user.replacing(&upstream()).unwrap();
        assert_eq!(new_name, None);
        assert_eq!(profile, Profile { name: Some("Alice".to_owned()), ..upstream() });

        let user = described(&json!({ "username": "bob", "upstream": null, "groups": null }), None).unwrap();
        let renamed = |old: &Profile| user.replacing(old).unwrap().1.map(|name| name.as_str().to_owned());
        assert_eq!((renamed(&local("bob")), renamed(&local("carol"))), (None, Some("bob".to_owned())));
        // The provider's `bob` is another name than the local one.
        let foreign = Profile { username: "bob".to_owned(), ..upstream() };
        assert_eq!(renamed(&foreign).as_deref(), Some("bob"));
        let (profile, _) = user.replacing(&foreign).unwrap();
        assert!(profile.is_local() && profile.upstream.is_none() && profile.groups.is_empty());
    }

    #[test]
    fn a_local_user_cannot_lose_the_username() {
        // Validated against an upstream user who has become a local one since.
        let user = described(&json!({}), Some(&upstream())).unwrap();
        assert_eq!(user.replacing(&local("carol")).err(), Some(Refusal::User(UserError::Username)));
    }
}
