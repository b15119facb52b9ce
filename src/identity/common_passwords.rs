//! Detects common passwords.
//!
//! Most common passwords are short, and the minimum length refuses them already. The rest are made long by repetition:
//! the same word again, digits, the next row of keys. So this is not a list of whole passwords: a password is common if
//! it consists of common pieces only.

/// Pieces that the best known passwords are made of, in lower case.
const PIECES: [&str; 72] = [
    "abc",
    "access",
    "admin",
    "administrator",
    "asdf",
    "asdfgh",
    "asdfghjkl",
    "baseball",
    "batman",
    "battery",
    "changeme",
    "charlie",
    "computer",
    "correct",
    "daniel",
    "default",
    "dragon",
    "edgemint",
    "email",
    "football",
    "freedom",
    "guest",
    "hello",
    "hockey",
    "horse",
    "internet",
    "iloveyou",
    "jesus",
    "killer",
    "letmein",
    "login",
    "love",
    "lovely",
    "master",
    "michael",
    "monkey",
    "mustang",
    "my",
    "ninja",
    "pass",
    "passw0rd",
    "password",
    "passwort",
    "please",
    "princess",
    "p@ssw0rd",
    "p@ssword",
    "qaz",
    "qwe",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "root",
    "secret",
    "secure",
    "shadow",
    "soccer",
    "staple",
    "summer",
    "sunshine",
    "superman",
    "system",
    "temp",
    "test",
    "trustno1",
    "user",
    "welcome",
    "winter",
    "wsx",
    "youaremy",
    "zxcvbn",
    "zxcvbnm",
];

/// Is nothing in it but common pieces, runs such as `1234`, `aaaa` or `edcba`, a few characters between them, and a few
/// digits at the end? Or fewer than five different characters?
///
/// The work grows with the square of the length: the caller bounds it.
pub(super) fn is_common(password: &str) -> bool {
    let text: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
    let mut different = text.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < 5 {
        return true;
    }
    // `reached` holds how much of the text can be made of pieces: all of it where its end is among them.
    let mut reached = vec![0];
    let mut next = 0;
    while let Some(from) = reached.get(next).copied() {
        let rest = text.get(from..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
        for piece in pieces_at_start(rest) {
            let end = from.saturating_add(piece);
            if !reached.contains(&end) {
                reached.push(end);
            }
        }
        next = next.saturating_add(1);
    }
    false
}

/// The lengths of the pieces that a text begins with.
fn pieces_at_start(text: &[char]) -> impl Iterator<Item = usize> {
    let words =
        PIECES.iter().filter(|word| text.iter().copied().take(word.len()).eq(word.chars())).map(|word| word.len());
    let runs = [-1, 0, 1].into_iter().flat_map(|step| 3..=run(text, step));
    let is_between = |character: &char| " !.-_?*#@$".contains(*character);
    let between = text.first().filter(|first| is_between(first)).map(|_| 1);
    // What people add where a digit is asked for: `1`, `99`, a year, with a mark behind it.
    let ends = text.len() <= 5 && text.iter().all(|character| character.is_ascii_digit() || is_between(character));
    words.chain(runs).chain(between).chain(ends.then_some(text.len()))
}

/// How long the run with this step is that the text begins with. After 9 comes 0.
fn run(text: &[char], step: i32) -> usize {
    let follows = |a: char, b: char| {
        let (a, b) = (a as i32, b as i32);
        b - a == step
            || (step == 1 && (a, b) == ('9' as i32, '0' as i32))
            || (step == -1 && (a, b) == ('0' as i32, '9' as i32))
    };
    let pairs = text.iter().zip(text.iter().skip(1)).take_while(|(a, b)| follows(**a, **b)).count();
    pairs.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_common() {
        for password in [
            "passwordpassword",
            "Password1",
            "dragon99",
            "Summer-2027!",
            "Password12345678",
            "P@ssw0rd-2345!!",
            "123456789012345",
            "098765432109876",
            "890123456789012",
            "109876543210987",
            "aaaaaaaaaaaaaaa",
            "121212121212121",
            "abcdefghijklmnop",
            "qwertyuiopasdfghjkl",
            "Welcome Welcome!",
            "iloveyouiloveyou",
            "correct horse battery staple",
            "letmeinletmein111",
            "EdgemintEdgemint",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn a_word_of_ones_own_makes_the_difference() {
        for password in [
            "",
            "839204756193847",
            "20270412",
            "lantern1",
            "my horse eats paper",
            "passwordpassworx",
            "lantern welcome 1234",
            "\u{674e}\u{5b50}\u{6a39}\u{4e0b}\u{7121}",
        ] {
            assert_eq!(is_common(password), password.is_empty(), "{password}");
        }
    }
}
