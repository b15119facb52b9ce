//! The profile of a user who signs in at the upstream provider.

use sha2::{Digest as _, Sha256};

use crate::identity::profile::{Email, PersonName, Username};
use crate::oauth::endpoints::id_token::{Namespace, Profile, UpstreamUser};
use crate::oauth::endpoints::upstream::{Subject, Told};
use crate::oauth::vocabulary::authority::Upstream;
use crate::token::{UnixTime, base64url};

/// Returns the profile of an account after a sign-in at the provider. The provider's values follow the same rules as local ones:
/// a name is cleaned and truncated, any other value that does not fit is omitted. A local user name stays.
pub fn updated(now: UnixTime, upstream: &Upstream, subject: &Subject, told: &Told, old: Option<&Profile>) -> Profile {
    let issuer = &upstream.issuer;
    let foreign = Namespace::Upstream(issuer.clone());
    // Without userinfo, the stored values stay.
    let kept = old.filter(|_| !told.complete);
    let (username, namespace) = match old {
        Some(old) if old.namespace == Some(Namespace::Local) => (old.username.clone(), Namespace::Local),
        Some(old) if !told.complete && old.namespace.as_ref() == Some(&foreign) => (old.username.clone(), foreign),
        Some(_) | None => (username(told.usernames.iter().map(String::as_str), &subject.subject), foreign),
    };
    let name = told.name.as_deref().and_then(PersonName::cleaned).map(|name| name.as_str().to_owned());
    let email = told.email.as_deref().and_then(|email| Email::parse(email).ok()).map(|email| email.as_str().to_owned());
    let (email, email_verified) = match (email, kept) {
        (Some(email), _) => (Some(email), told.email_verified),
        (None, Some(old)) => (old.email.clone(), old.email_verified),
        (None, None) => (None, false),
    };
    Profile {
        username,
        namespace: Some(namespace),
        upstream: Some(UpstreamUser { issuer: issuer.clone(), sub: subject.subject.clone() }),
        name: name.or_else(|| kept.and_then(|old| old.name.clone())),
        email,
        email_verified,
        // Only operators assign groups.
        groups: old.map(|old| old.groups.clone()).unwrap_or_default(),
        updated_at: now,
    }
}

/// Returns the first text that is a valid user name, or one derived from the subject.
pub fn username<'t>(texts: impl IntoIterator<Item = &'t str>, subject: &str) -> String {
    let fits = texts.into_iter().find_map(|text| Username::parse(text).ok());
    let made = || {
        let digest = base64url::encode(&Sha256::digest(subject)).to_ascii_lowercase();
        format!("user-{}", digest.chars().take(12).collect::<String>())
    };
    fits.map_or_else(made, |name| name.as_str().to_owned())
}
