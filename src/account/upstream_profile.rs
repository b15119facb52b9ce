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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::Authority;
    use crate::oauth::vocabulary::authority::Settings;
    use crate::oauth::vocabulary::sign_in::Acr;

    const ISSUER: &str = "https://idp.example";
    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn told(usernames: &[&str]) -> Told {
        Told {
            usernames: usernames.iter().map(|name| (*name).to_owned()).collect(),
            name: Some("Alice".to_owned()),
            email: Some("alice@idp.example".to_owned()),
            email_verified: true,
            complete: true,
        }
    }

    /// What the provider tells if its userinfo endpoint does not answer.
    fn little() -> Told {
        Told { name: None, email: None, email_verified: false, complete: false, ..told(&[]) }
    }

    fn after(told: &Told, old: Option<&Profile>) -> Profile {
        let settings = Settings {
            issuer: "https://as.example",
            upstream_issuer: ISSUER,
            upstream_client_id: "em",
            ..Settings::default()
        };
        let authority = Authority::parse(settings).unwrap();
        let subject = Subject { subject: "s-1".to_owned(), at: NOW, amr: Vec::new(), acr: Acr::SignedIn };
        updated(NOW, authority.upstream().unwrap(), &subject, told, old)
    }

    fn foreign() -> Option<Namespace> {
        Some(Namespace::Upstream(ISSUER.to_owned()))
    }

    /// A profile as an earlier sign-in stored it.
    fn stored(username: &str, namespace: Option<Namespace>) -> Profile {
        Profile {
            username: username.to_owned(),
            namespace,
            upstream: None,
            name: Some("Old".to_owned()),
            email: Some("old@idp.example".to_owned()),
            email_verified: true,
            groups: vec!["staff".to_owned()],
            updated_at: UnixTime(1),
        }
    }

    #[test]
    fn the_first_sign_in_makes_a_profile_of_what_the_provider_tells() {
        let profile = after(&told(&["not a name", "Alice", "bob"]), None);
        let expected = Profile {
            username: "alice".to_owned(),
            namespace: foreign(),
            upstream: Some(UpstreamUser { issuer: ISSUER.to_owned(), sub: "s-1".to_owned() }),
            name: Some("Alice".to_owned()),
            email: Some("alice@idp.example".to_owned()),
            email_verified: true,
            groups: Vec::new(),
            updated_at: NOW,
        };
        assert_eq!(profile, expected);
        let bare = after(&little(), None);
        assert_eq!((bare.name, bare.email, bare.email_verified), (None, None, false));
    }

    #[test]
    fn without_a_valid_user_name_one_is_derived_from_the_subject() {
        let (one, other) = (username(["", "two words"], "s-1"), username([], "s-2"));
        assert_eq!(after(&little(), None).username, one);
        assert!(one != other && one.len() == "user-".len() + 12, "{one} {other}");
        assert!(one.starts_with("user-") && Username::parse(&one).is_ok_and(|name| name.as_str() == one), "{one}");
    }

    #[test]
    fn a_user_name_follows_the_provider_unless_it_is_local_or_nothing_is_known() {
        let local = Some(Namespace::Local);
        let elsewhere = Some(Namespace::Upstream("https://other.example".to_owned()));
        let made = username([], "s-1");
        for (namespace, told, username, after_it) in [
            (local.clone(), told(&["alice"]), "old", local.clone()),
            (local.clone(), little(), "old", local),
            (foreign(), told(&["alice"]), "alice", foreign()),
            (foreign(), little(), "old", foreign()),
            (elsewhere.clone(), told(&["alice"]), "alice", foreign()),
            (elsewhere, little(), &made, foreign()),
            (None, told(&["alice"]), "alice", foreign()),
        ] {
            let profile = after(&told, Some(&stored("old", namespace.clone())));
            assert_eq!((profile.username.as_str(), profile.namespace), (username, after_it), "{namespace:?} {told:?}");
            assert_eq!((profile.groups, profile.updated_at), (vec!["staff".to_owned()], NOW), "{namespace:?}");
        }
    }

    #[test]
    fn stored_values_stay_only_where_the_provider_was_not_heard() {
        let old = stored("old", foreign());
        let values = |told: &Told| {
            let profile = after(told, Some(&old));
            (profile.name, profile.email, profile.email_verified)
        };
        let (name, email) = (Some("Alice".to_owned()), Some("alice@idp.example".to_owned()));
        assert_eq!(values(&told(&[])), (name, email.clone(), true));
        assert_eq!(values(&Told { complete: true, ..little() }), (None, None, false));
        assert_eq!(values(&little()), (old.name.clone(), old.email.clone(), true));
        // An address that is told is as verified as the provider says, and one that is none is omitted.
        let unverified = Told { email: email.clone(), ..little() };
        assert_eq!(values(&unverified), (old.name.clone(), email, false));
        let malformed = Told { email: Some("none".to_owned()), name: Some("\u{202e}".to_owned()), ..told(&[]) };
        assert_eq!(values(&malformed), (None, None, false));
    }
}
