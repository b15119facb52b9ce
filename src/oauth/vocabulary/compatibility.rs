//! What the setting `COMPATIBILITY` permits: named items for client software that cannot change, each a row of one table.
//!
//! Without the setting nothing here is permitted. An item that weakens the protection of a client's own users also needs a flag of that
//! client, which only an operator sets.

/// Declares the items and the flags of clients from their tables.
macro_rules! table {
    (
        $(#[$doc:meta])* $name:ident {
            $( $(#[$row_doc:meta])+ $row:ident: $word:literal $(needs $flag:ident)? $(at $value:literal)?; )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $( $(#[$row_doc])+ $row, )+ }

        impl $name {
            /// All values.
            pub const ALL: [Self; [$($word),+].len()] = [$( Self::$row ),+];

            /// Returns the name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$row => $word, )+ }
            }
        }

        table!(@methods $name { $( $row $(needs $flag)? $(at $value)?; )+ });
    };
    (@methods Item { $( $row:ident $(needs $flag:ident)?; )+ }) => {
        impl Item {
            /// Returns the flag without which a client does not have the item.
            pub const fn flag(self) -> Option<ClientFlag> {
                match self { $( Self::$row => table!(@flag $($flag)?), )+ }
            }
        }
    };
    (@methods ClientFlag { $( $row:ident at $value:literal; )+ }) => {
        impl ClientFlag {
            /// Returns the value of the member that sets the flag; the other one is the default.
            pub const fn value(self) -> bool {
                match self { $( Self::$row => $value, )+ }
            }
        }
    };
    (@flag) => { None };
    (@flag $flag:ident) => { Some(ClientFlag::$flag) };
}

table! {
    /// An item of `COMPATIBILITY`.
    Item {
        /// The assertion of a service account may go without `jti` and `sub`: signed with RS256, at most an hour long, used once by
        /// its text.
        AssertionWithoutJti: "assertion_without_jti" needs AssertionWithoutJti;
        /// `GET /oauth/certs` returns the RS256 keys as X.509 certificates.
        Certificates: "certificates";
        /// A confidential client may request and redeem a code without PKCE.
        CodeWithoutPkce: "code_without_pkce" needs WithoutPkce;
        /// A confidential client may request a device code without authentication. It authenticates when it polls.
        DeviceWithoutSecret: "device_without_secret" needs DeviceWithoutSecret;
        /// The grant type and the parameters of the device flow in draft-ietf-oauth-v2-05 work beside those of RFC 8628.
        DraftDeviceGrant: "draft_device_grant";
        /// `client_secret=None` of a public client is no secret: Python's text for a missing value.
        NoneSecret: "none_secret";
        /// `POST /oauth/revoke?token=` without client authentication revokes the token that its body repeats.
        RevocationByPossession: "revocation_by_possession";
        /// `GET /oauth/tokeninfo?access_token=` describes an access token to its holder.
        TokenInfo: "tokeninfo";
    }
}

table! {
    /// A flag of a client: a member of its metadata (extension) that permits an item to this client alone.
    ClientFlag {
        /// It may send assertions without `jti` and `sub`.
        AssertionWithoutJti: "assertion_without_jti" at true;
        /// It may request device codes without authentication.
        DeviceWithoutSecret: "device_without_secret" at true;
        /// It may use codes without PKCE.
        WithoutPkce: "require_pkce" at false;
    }
}

/// The names of several items: all that one library needs.
const LIBRARIES: [(&str, &[Item]); 1] = [("oauth2client", &Item::ALL)];

impl Item {
    /// Finds an item by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|item| item.name() == name)
    }
}

/// The permitted items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compatibility(Vec<Item>);

impl Compatibility {
    /// Parses the setting: names of items and libraries, separated by spaces or commas. `None` for an unknown name.
    pub fn parse(text: &str) -> Option<Self> {
        let mut items = Vec::new();
        for name in text.split([' ', ',']).filter(|name| !name.is_empty()) {
            let library = LIBRARIES.into_iter().find(|(library, _)| *library == name).map(|(_, items)| items.to_vec());
            for item in library.or_else(|| Some(vec![Item::from_name(name)?]))? {
                if !items.contains(&item) {
                    items.push(item);
                }
            }
        }
        Some(Self(items))
    }

    /// Returns whether an item is permitted to every client. One that needs a flag of the client never is.
    pub fn permits(&self, item: Item) -> bool {
        item.flag().is_none() && self.0.contains(&item)
    }

    /// Returns whether an item is permitted to a client with these flags.
    pub fn permits_to(&self, item: Item, flags: &[ClientFlag]) -> bool {
        self.0.contains(&item) && item.flag().is_none_or(|flag| flags.contains(&flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_permitted_by_default() {
        let none = Compatibility::parse("").unwrap();
        assert_eq!(none, Compatibility::default());
        for item in Item::ALL {
            assert!(!none.permits(item) && !none.permits_to(item, &ClientFlag::ALL), "{item:?}");
        }
    }

    #[test]
    fn a_name_permits_its_item_and_no_other() {
        for item in Item::ALL {
            let only = Compatibility::parse(item.name()).unwrap();
            for other in Item::ALL {
                assert_eq!(only.permits_to(other, &ClientFlag::ALL), other == item, "{item:?} {other:?}");
            }
        }
        let two = Compatibility::parse(" tokeninfo,, certificates tokeninfo").unwrap();
        assert_eq!(two, Compatibility(vec![Item::TokenInfo, Item::Certificates]));
        for unknown in ["tokeninfo2", "Tokeninfo", "oauth2client,all", "*"] {
            assert_eq!(Compatibility::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn an_item_that_needs_a_flag_is_permitted_to_clients_with_that_flag_alone() {
        let all = Compatibility::parse("oauth2client").unwrap();
        for item in Item::ALL {
            assert_eq!(all.permits(item), item.flag().is_none(), "{item:?}");
            let others: Vec<_> = ClientFlag::ALL.into_iter().filter(|flag| Some(*flag) != item.flag()).collect();
            assert_eq!(all.permits_to(item, &others), item.flag().is_none(), "{item:?}");
            assert!(all.permits_to(item, &ClientFlag::ALL), "{item:?}");
        }
    }
}
