//! Why a key was not taken.

use std::fmt;

/// Why a key was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key serves several algorithms and nothing says which.
    AlgorithmMissing,
    /// Bytes given as a shared secret that are a key of another kind.
    Disguised,
    /// A member is missing, of the wrong type, or not canonical base64url of the right length; or the same in DER.
    Malformed,
    /// Not PEM text as it should be.
    Pem(PemError),
    /// Private members where a public key was meant.
    Private,
    /// A public key where a private one was meant.
    Public,
    /// The kind of key, its curve or its algorithm is not on the list, or they contradict each other.
    Unsupported,
    /// `use` or `key_ops` allows too little, or more than signatures.
    WrongUse,
    /// RSA below 2048 bits or with an exponent that is even or one, an Ed25519 point of small order or in a second spelling, a secret
    /// shorter than its hash.
    Weak,
}

impl KeyError {
    /// The stable lower-case word for this reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AlgorithmMissing => "algorithm_missing",
            Self::Disguised => "disguised",
            Self::Malformed => "malformed",
            Self::Pem(_) => "pem",
            Self::Private => "private",
            Self::Public => "public",
            Self::Unsupported => "unsupported",
            Self::WrongUse => "wrong_use",
            Self::Weak => "weak",
        }
    }

    /// Returns the sentence for the sender of the key. It contains no value from the key.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AlgorithmMissing => "the key fits several algorithms; alg must name one",
            Self::Disguised => "the secret is the text of a key, which must not be used as an HMAC secret",
            Self::Malformed => "a part of the key is missing or malformed",
            Self::Pem(error) => error.sentence(),
            Self::Private => "the key is private, but must be public",
            Self::Public => "the key is public, but must be private",
            Self::Unsupported => "the kind, curve or algorithm of the key is unsupported, or they do not match",
            Self::WrongUse => "use and key_ops of the key must allow this operation, and signatures only",
            Self::Weak => {
                "the key is weak: RSA must have 2048 to 8192 bits and an odd exponent of at least 3, a secret at least the \
                 bytes of its hash, and an Ed25519 point must not be degenerate"
            }
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for KeyError {}

/// Why a PEM text was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemError {
    /// Not one block of PEM, or something after it.
    NotPem,
    /// More than one block.
    Several,
    /// Line breaks that are written as `\n`, as they come out of some environment variables.
    EscapedLines,
    /// A certificate, or the request for one.
    Certificate,
    /// A private key under a password.
    Encrypted,
    /// RSA in a structure of its own (PKCS#1).
    Pkcs1,
    /// EC in a structure of its own (SEC 1).
    Sec1,
    /// OpenSSH's own format.
    OpenSsh,
    /// A label that names no key of ours.
    OtherLabel,
    /// RSA keys with an identifier that only PSS has, which WebCrypto does not read.
    PssOnly,
}

impl PemError {
    /// Returns the sentence for the sender of the text.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NotPem => "the text must be one PEM block without trailing text",
            Self::Several => "the PEM text has several blocks; pass one",
            Self::EscapedLines => "the PEM text has \\n as two characters instead of line breaks; replace them",
            Self::Certificate => "the PEM text is a certificate; extract its key: openssl x509 -pubkey -noout",
            Self::Encrypted => "the private key is encrypted; decrypt it first: openssl pkcs8",
            Self::Pkcs1 => {
                "the RSA key is in PKCS#1 form; convert it: openssl pkcs8 -topk8 -nocrypt, or openssl rsa -RSAPublicKey_in \
                 -pubout"
            }
            Self::Sec1 => "the EC key is in SEC 1 form; convert it: openssl pkcs8 -topk8 -nocrypt",
            Self::OpenSsh => "the key is in OpenSSH form; export it as PKCS#8",
            Self::OtherLabel => "the PEM label must be PUBLIC KEY or PRIVATE KEY",
            Self::PssOnly => {
                "the algorithm identifier of the key is RSASSA-PSS, which WebCrypto does not read; use rsaEncryption"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PEM_ERRORS: [PemError; 10] = [
        PemError::NotPem,
        PemError::Several,
        PemError::EscapedLines,
        PemError::Certificate,
        PemError::Encrypted,
        PemError::Pkcs1,
        PemError::Sec1,
        PemError::OpenSsh,
        PemError::OtherLabel,
        PemError::PssOnly,
    ];

    #[test]
    fn each_reason_has_its_word_and_each_error_a_sentence_of_its_own() {
        let is_sentence = |text: &str| text.contains(' ') && text.len() > 20 && !text.ends_with('.');
        let mut sentences = BTreeSet::new();
        for (error, word) in [
            (KeyError::AlgorithmMissing, "algorithm_missing"),
            (KeyError::Disguised, "disguised"),
            (KeyError::Malformed, "malformed"),
            (KeyError::Private, "private"),
            (KeyError::Public, "public"),
            (KeyError::Unsupported, "unsupported"),
            (KeyError::WrongUse, "wrong_use"),
            (KeyError::Weak, "weak"),
        ] {
            assert_eq!(error.reason(), word);
            assert_eq!(error.to_string(), error.sentence());
            assert!(is_sentence(error.sentence()) && sentences.insert(error.sentence()), "{error:?}");
        }
        for error in PEM_ERRORS {
            assert_eq!(KeyError::Pem(error).reason(), "pem");
            assert_eq!(KeyError::Pem(error).sentence(), error.sentence());
            assert_eq!(KeyError::Pem(error).to_string(), error.sentence());
            assert!(is_sentence(error.sentence()) && sentences.insert(error.sentence()), "{error:?}");
        }
        assert_eq!(sentences.len(), 18);
    }
}
