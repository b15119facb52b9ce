//! The current rights of a client and a user. A grant stores what was allowed; each token is limited to what its client and
//! its user may have when it is issued.

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::Client;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{OFFLINE_ACCESS, Scope, permitted_scope};

/// What a client may request tokens for, by its record.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClientRights {
    /// The scope that the client registered.
    pub scope: Scope,
    /// The resources that the client may request tokens for: its own, the issuer and the default resource.
    pub resources: Vec<Resource>,
    /// Whether the record comes from the client's registry and not from a copy, which may be two minutes old. Only then is a
    /// grant revoked for lack of rights: a copy may lack rights that the client has just been given.
    pub exact: bool,
}

impl ClientRights {
    /// Returns the rights of a client whose record is a copy.
    pub fn of(authority: &Authority, client: &Client) -> Self {
        let mut resources = client.resources.clone();
        let issuer = Resource::parse(authority.issuer());
        for own in issuer.into_iter().chain([authority.default_resource().clone()]) {
            if !resources.contains(&own) {
                resources.push(own);
            }
        }
        Self { scope: client.scope.clone(), resources, exact: false }
    }
}

/// The rights of a client and a user.
#[derive(Clone, Copy, Debug)]
pub struct Rights<'r> {
    /// The client's rights.
    pub client: &'r ClientRights,
    /// The scope that the user may allow; `None` for everything but the administration of this server.
    pub user: Option<&'r Scope>,
}

impl Rights<'_> {
    /// Returns the part of a granted scope that tokens may still have.
    pub fn scope(&self, granted: &Scope) -> Scope {
        permitted_scope(&granted.within(&self.client.scope), self.user)
    }

    /// Returns whether grants may outlive their sessions.
    pub fn allows_offline_access(&self) -> bool {
        !self.scope(&self.client.scope.filter(|value| value == OFFLINE_ACCESS)).is_empty()
    }

    /// Returns the granted resources for which tokens may still be issued.
    pub fn resources(&self, granted: &[Resource]) -> Vec<Resource> {
        granted.iter().filter(|resource| self.client.resources.contains(resource)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::endpoints::register::Registration;
    use crate::oauth::vocabulary::authority::Settings;
    use crate::oauth::vocabulary::client::ClientId;
    use crate::token::UnixTime;
    use serde_json::json;

    fn texts(resources: &[Resource]) -> Vec<&str> {
        resources.iter().map(Resource::as_str).collect()
    }

    #[test]
    fn the_issuer_and_the_default_resource_belong_to_every_client() {
        let metadata =
            json!({ "scope": "read write edgemint:admin", "resources": ["https://api.example", "https://as.example"] });
        let registration = Registration::parse(metadata.as_object().unwrap()).unwrap();
        let record = registration.into_record(ClientId::parse("app").unwrap(), None, UnixTime(0));
        let client = Client::from_record(&record);
        for (default_resource, expected) in [
            ("", vec!["https://api.example", "https://as.example"]),
            ("urn:default", vec!["https://api.example", "https://as.example", "urn:default"]),
        ] {
            let settings = Settings { issuer: "https://as.example", default_resource, ..Settings::default() };
            let rights = ClientRights::of(&Authority::parse(settings).unwrap(), &client);
            assert_eq!(texts(&rights.resources), expected);
            assert!(!rights.exact);
        }
    }

    #[test]
    fn client_and_user_both_limit_a_grant() {
        let scope = |text: &str| Scope::parse(text).unwrap();
        let resources = |all: &[&str]| all.iter().map(|text| Resource::parse(text).unwrap()).collect::<Vec<_>>();
        let client = ClientRights {
            scope: scope("openid read edgemint:admin"),
            resources: resources(&["https://api.example"]),
            exact: true,
        };
        let (limited, writer, operator) = (scope("read write"), scope("write"), scope("edgemint:admin"));
        let of_user = |user| Rights { client: &client, user };
        let granted = scope("openid read write edgemint:admin");
        assert_eq!(of_user(None).scope(&granted).to_string(), "openid read");
        assert_eq!(of_user(Some(&limited)).scope(&granted).to_string(), "openid read");
        assert_eq!(of_user(Some(&writer)).scope(&granted).to_string(), "openid");
        assert_eq!(of_user(Some(&operator)).scope(&granted).to_string(), "openid edgemint:admin");
        assert!(!of_user(None).allows_offline_access());
        let offline = ClientRights { scope: scope("read offline_access"), ..client.clone() };
        assert!(Rights { client: &offline, user: Some(&writer) }.allows_offline_access());
        let both = resources(&["https://files.example", "https://api.example"]);
        assert_eq!(texts(&of_user(None).resources(&both)), ["https://api.example"]);
    }
}
