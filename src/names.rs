//! The names of Durable Objects, of records in KV and of sealed texts.
//!
//! They locate stored data: a changed name loses it. Each contains the issuer, which cannot contain `|`, so names of two issuers
//! never collide.

use std::fmt::Display;

/// The object that exists once for each issuer: the keyring, the catalogue, the directory of status lists, long work.
pub fn issuer_object(issuer: &str) -> &str {
    issuer
}

/// The object of an account.
pub fn account_object(issuer: &str, account: &impl Display) -> String {
    format!("{issuer}|{account}")
}

/// The object of a client's registry.
pub fn registry_object(issuer: &str, client: &impl Display) -> String {
    format!("{issuer}|{client}")
}

/// The object of the record of a trusted issuer.
pub fn trusted_issuer_object(issuer: &str, id: &impl Display) -> String {
    format!("trusted_issuer|{issuer}|{id}")
}

/// The object of a status list.
pub fn status_list_object(issuer: &str, list: &impl Display) -> String {
    format!("{issuer}|{list}")
}

/// The object of a device code. `device` is a MAC of its user code, in base64url.
pub fn device_object(issuer: &str, device: &impl Display) -> String {
    format!("{issuer}|{device}")
}

/// The object of the events of an hour, counted since 1970.
pub fn events_object(issuer: &str, hour: u64) -> String {
    format!("{issuer}|{hour}")
}

/// The object of a user name that people sign in by.
pub fn username_object(issuer: &str, username: &str) -> String {
    format!("username|{issuer}|{username}")
}

/// The object of a subject of an upstream provider. `digest` is that of provider and subject, in base64url.
pub fn upstream_object(issuer: &str, digest: &str) -> String {
    format!("upstream|{issuer}|{digest}")
}

/// The object that counts the attempts from a block of network addresses.
pub fn address_object(issuer: &str, block: &str) -> String {
    format!("address|{issuer}|{block}")
}

/// The object that counts the attempts of unknown browsers on a user name in one day, counted since 1970.
pub fn attempts_object(issuer: &str, day: u64, username: &str) -> String {
    format!("attempts|{issuer}|{day}|{username}")
}

/// A record in KV, and its sealed text: the kind of record, and its id.
pub fn record(kind: &str, issuer: &str, id: &str) -> String {
    format!("{kind}|{issuer}|{id}")
}

/// The sealed profile of an account.
pub fn profile(issuer: &str, account: &impl Display) -> String {
    format!("profile|{issuer}|{account}")
}

/// The sealed password of an account.
pub fn password(issuer: &str, account: &impl Display) -> String {
    format!("password|{issuer}|{account}")
}

/// The sealed state of an upstream sign-in, in a cookie.
pub fn journey(issuer: &str, state: &str) -> String {
    format!("journey|{issuer}|{state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names under which data is stored. A failure here means that an update would lose it.
    #[test]
    fn stored_names_never_change() {
        let issuer = "https://as.example";
        assert_eq!(issuer_object(issuer), "https://as.example");
        assert_eq!(account_object(issuer, &"A"), "https://as.example|A");
        assert_eq!(registry_object(issuer, &"app"), "https://as.example|app");
        assert_eq!(trusted_issuer_object(issuer, &"T"), "trusted_issuer|https://as.example|T");
        assert_eq!(status_list_object(issuer, &7), "https://as.example|7");
        assert_eq!(device_object(issuer, &"D"), "https://as.example|D");
        assert_eq!(events_object(issuer, 500_000), "https://as.example|500000");
        assert_eq!(username_object(issuer, "alice"), "username|https://as.example|alice");
        assert_eq!(upstream_object(issuer, "d1"), "upstream|https://as.example|d1");
        assert_eq!(address_object(issuer, "192.0.2.1"), "address|https://as.example|192.0.2.1");
        assert_eq!(attempts_object(issuer, 20_000, "alice"), "attempts|https://as.example|20000|alice");
        assert_eq!(record("client", issuer, "app"), "client|https://as.example|app");
        assert_eq!(profile(issuer, &"A"), "profile|https://as.example|A");
        assert_eq!(password(issuer, &"A"), "password|https://as.example|A");
        assert_eq!(journey(issuer, "s"), "journey|https://as.example|s");
    }
}
