//! The policy for the upstream provider: which of its users may sign in, and which of its statements are accepted.

use crate::oauth::vocabulary::sign_in::Acr;

/// The users of the upstream provider who may sign in here (`UPSTREAM_ACCOUNTS`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UpstreamAccounts {
    /// Users who have an account.
    #[default]
    Known,
    /// All users: the first sign-in creates the account.
    All,
    /// Users who have an account, and users with a verified e-mail address in one of these domains.
    Domains(Vec<String>),
}

impl UpstreamAccounts {
    /// Parses `known`, `all`, or domains separated by spaces or commas. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "" | "known" => return Some(Self::Known),
            "all" => return Some(Self::All),
            _ => {}
        }
        let domains: Vec<_> = text.split([' ', ',']).filter(|domain| !domain.is_empty()).collect();
        let is_domain = |domain: &&str| {
            // A single word is probably a misspelt `known` or `all`.
            domain.contains('.')
                && domain.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                })
        };
        let all_fit = !domains.is_empty() && domains.iter().all(is_domain);
        all_fit.then(|| Self::Domains(domains.into_iter().map(str::to_ascii_lowercase).collect()))
    }

    /// Returns whether a user without an account gets one. Subdomains of a domain are other domains.
    pub fn admits(&self, email: Option<&str>, email_verified: bool) -> bool {
        match self {
            Self::Known => false,
            Self::All => true,
            Self::Domains(domains) => {
                let domain = email.filter(|_| email_verified).and_then(|email| email.rsplit_once('@'));
                domain.is_some_and(|(_, domain)| domains.iter().any(|own| own.eq_ignore_ascii_case(domain)))
            }
        }
    }
}

/// The `acr` and `amr` values of the upstream provider that count as an authentication context class here (`UPSTREAM_ACR`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AcrMapping {
    entries: Vec<(Statement, Acr)>,
}

/// A statement of an ID token about a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Statement {
    Acr(String),
    Amr(String),
}

impl AcrMapping {
    /// Parses `acr:VALUE=phr` and `amr:VALUE=phr`, separated by spaces. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let entry = |entry: &str| {
            let (statement, own) = entry.rsplit_once('=')?;
            let (claim, value) = statement.split_once(':').filter(|(_, value)| !value.is_empty())?;
            let statement = match claim {
                "acr" => Statement::Acr(value.to_owned()),
                "amr" => Statement::Amr(value.to_owned()),
                _ => return None,
            };
            Some((statement, Acr::parse(own)?))
        };
        let entries = text.split(' ').filter(|entry| !entry.is_empty()).map(entry);
        entries.collect::<Option<Vec<_>>>().map(|entries| Self { entries })
    }

    /// Returns the authentication context class of a sign-in with these statements: the highest of the matching entries, or the
    /// lowest class.
    pub fn of(&self, acr: Option<&str>, amr: &[String]) -> Acr {
        let says = |statement: &Statement| match statement {
            Statement::Acr(value) => acr == Some(value.as_str()),
            Statement::Amr(value) => amr.contains(value),
        };
        let matching = self.entries.iter().filter(|(statement, _)| says(statement)).map(|(_, own)| *own);
        matching.max().unwrap_or(Acr::SignedIn)
    }
}

impl AcrMapping {
    /// Returns whether a sign-in at the provider can have at least this class here.
    pub fn reaches(&self, class: Acr) -> bool {
        class == Acr::SignedIn || self.entries.iter().any(|(_, own)| *own >= class)
    }

    /// Returns the `acr` values of the provider that stand for at least this class, in the order of the setting.
    pub fn values(&self, class: Acr) -> Vec<&str> {
        let mapped = self.entries.iter().filter(|(_, own)| *own >= class);
        mapped
            .filter_map(
                |(statement, _)| if let Statement::Acr(value) = statement { Some(value.as_str()) } else { None },
            )
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_match_verified_addresses_exactly() {
        let accounts = UpstreamAccounts::parse("corp.example, Other.example").unwrap();
        for email in ["a@corp.example", "a@CORP.example", "a@other.example", "\"x@y\"@corp.example"] {
            assert!(accounts.admits(Some(email), true), "{email}");
            assert!(!accounts.admits(Some(email), false), "{email}");
        }
        for email in ["a@sub.corp.example", "a@evilcorp.example", "a@corp.example.evil.example", "corp.example", "a@"] {
            assert!(!accounts.admits(Some(email), true), "{email}");
        }
        assert!(!accounts.admits(None, true));
        assert!(UpstreamAccounts::All.admits(None, false) && !UpstreamAccounts::Known.admits(Some("a@b.c"), true));
    }

    #[test]
    fn anything_else_is_no_setting() {
        for (text, accounts) in
            [("", UpstreamAccounts::Known), ("known", UpstreamAccounts::Known), ("all", UpstreamAccounts::All)]
        {
            assert_eq!(UpstreamAccounts::parse(text), Some(accounts), "{text}");
        }
        for (len, is_domain) in [(1, true), (63, true), (64, false)] {
            assert_eq!(UpstreamAccounts::parse(&format!("{}.example", "a".repeat(len))).is_some(), is_domain, "{len}");
        }
        for bad in ["any", "ALL", "known all", "corp", "@corp.example", "a..b", "corp.example; x", ","] {
            assert_eq!(UpstreamAccounts::parse(bad), None, "{bad}");
        }
        for bad in ["phr", "acr:=phr", "acr:x", "amr:pop=high", "loa:3=phr", "acr:x = phr"] {
            assert_eq!(AcrMapping::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_mapped_values_count() {
        let pop = ["pop".to_owned(), "mfa".to_owned()];
        assert_eq!(AcrMapping::default().of(Some("phr"), &pop), Acr::SignedIn);
        let mapping = AcrMapping::parse("acr:urn:x:level=3=phr  amr:hwk=phr amr:pop=1").unwrap();
        assert_eq!(mapping.of(Some("urn:x:level=3"), &[]), Acr::PhishingResistant);
        assert_eq!(mapping.of(Some("hwk"), &pop), Acr::SignedIn);
        assert_eq!(mapping.values(Acr::PhishingResistant), ["urn:x:level=3"]);
        assert!(mapping.reaches(Acr::PhishingResistant) && !AcrMapping::default().reaches(Acr::PhishingResistant));
        assert!(AcrMapping::default().reaches(Acr::SignedIn));
        assert_eq!(mapping.of(None, &["pop".to_owned(), "hwk".to_owned()]), Acr::PhishingResistant);
    }
}
