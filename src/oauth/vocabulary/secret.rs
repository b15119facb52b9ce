//! The minimum strength of a secret that an operator chooses.

/// The minimum number of characters.
pub const MIN_SECRET: usize = 16;
/// The minimum number of different characters.
const MIN_DISTINCT: usize = 6;

/// Returns whether a text can be a secret: at least 16 characters, at least 6 of them different, and not a repeated shorter
/// text. This refuses placeholders and mistakes; it does not measure entropy.
pub fn is_strong(secret: &str) -> bool {
    let characters: Vec<char> = secret.chars().collect();
    let mut distinct = characters.clone();
    distinct.sort_unstable();
    distinct.dedup();
    characters.len() >= MIN_SECRET && distinct.len() >= MIN_DISTINCT && !is_repetition(&characters)
}

/// Returns whether the text repeats one that is at most half as long; the last repetition may be incomplete.
fn is_repetition(characters: &[char]) -> bool {
    (1..=characters.len() / 2).any(|period| {
        let shifted = characters.iter().skip(period);
        characters.iter().zip(shifted).all(|(character, later)| character == later)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_short_uniform_and_repeated_texts() {
        for weak in [
            "",
            "x",
            "fifteen-letters",
            "aaaaaaaaaaaaaaaa",
            "abababababababab",
            "12345123451234512345",
            "passwordpassword",
            "secret-secret-secret-",
            "abcdefghabcdefghabc",
            &"x".repeat(500),
        ] {
            assert!(!is_strong(weak), "{weak}");
        }
    }

    #[test]
    fn accepts_what_generators_and_migrations_bring() {
        for strong in [
            "VYXxsDNMsbEAnBvGOTnkKYfRwBZ6f8b4k2z6OUTxMS8",
            "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            "colon:in:the:secret",
            "correct horse battery staple",
            "sixteen-letters!",
        ] {
            assert!(is_strong(strong), "{strong}");
        }
    }
}
