//! Network addresses as attempts are counted by them: one block an IPv4 address, two blocks an IPv6 address.

use std::net::{IpAddr, Ipv6Addr};

/// The blocks that an address belongs to.
///
/// A single host commonly controls a whole IPv6 /64, and a single site a /48 (RFC 6177), so both are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBlocks {
    /// The IPv4 address, or the /64 of an IPv6 address.
    host: String,
    /// The /48 of an IPv6 address.
    site: Option<String>,
}

/// The block of everything that is not one address.
const UNKNOWN: &str = "unknown";

impl AddressBlocks {
    /// Reads what a header or the platform says. Only one address, spelled as addresses are, counts as one; everything
    /// else, a list among it, shares the block `unknown`.
    pub fn of(address: &str) -> Self {
        match address.trim().parse() {
            Ok(IpAddr::V4(address)) => Self { host: address.to_string(), site: None },
            Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => Self { host: address.to_string(), site: None },
                None => Self { host: network(address, 64), site: Some(network(address, 48)) },
            },
            Err(_) => Self { host: UNKNOWN.to_owned(), site: None },
        }
    }

    /// Whether the text was an address.
    pub fn is_known(&self) -> bool {
        self.host != UNKNOWN
    }

    /// The smallest block.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The block that counts all of them.
    pub fn widest(&self) -> &str {
        self.site.as_deref().unwrap_or(&self.host)
    }

    /// The smallest block, where it is a part of a wider one.
    pub fn part(&self) -> Option<&str> {
        self.site.as_ref().map(|_| self.host.as_str())
    }
}

fn network(address: Ipv6Addr, length: u32) -> String {
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    format!("{}/{length}", Ipv6Addr::from(u128::from(address) & mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_a_block_and_an_ipv6_address_is_in_two() {
        for (address, host, widest) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1 ", "192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("::ffff:c000:201", "192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("2001:DB8:1:2::1", "2001:db8:1:2::/64", "2001:db8:1::/48"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64", "2001:db8:1::/48"),
            ("2001:db8:2:3::1", "2001:db8:2:3::/64", "2001:db8:2::/48"),
            ("::1", "::/64", "::/48"),
        ] {
            let blocks = AddressBlocks::of(address);
            assert_eq!((blocks.host(), blocks.widest()), (host, widest), "{address}");
            assert_eq!(blocks.part(), (host != widest).then_some(host), "{address}");
        }
    }

    #[test]
    fn whatever_is_not_one_address_is_unknown() {
        for bad in [
            "",
            "192.0.2.1, 192.0.2.2",
            "192.0.2.1,192.0.2.2",
            "192.0.2.01",
            "192.0.2.1:443",
            "192.0.2.0/24",
            "[2001:db8::1]",
            "[2001:db8::1]:443",
            "fe80::1%eth0",
            "for=192.0.2.1",
            "a.example",
            "1",
            "::g",
        ] {
            let blocks = AddressBlocks::of(bad);
            assert_eq!((blocks.host(), blocks.widest(), blocks.part()), ("unknown", "unknown", None), "{bad}");
            assert!(!blocks.is_known() && AddressBlocks::of("::1").is_known());
        }
    }
}
