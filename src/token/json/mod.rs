//! Strict JSON, as tokens may contain it: without the ambiguities that common parsers accept.
//!
//! With a duplicate member, two readers can see two tokens in one text (RFC 7519 section 4 lets a parser refuse it; RFC 8725
//! section 2.4 says why). Unbounded depth lets a sender exhaust the stack.
//!
//! [`Outline`] walks the text once, builds nothing, and remembers where the members of the object are. Callers that need
//! values of any type parse the same text with serde_json, once it was found to be strict.

mod text;

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::decimal;
pub use text::{Text, quote};

/// How deep objects and arrays may nest.
pub const MAX_DEPTH: usize = 64;

/// The most names of one object that are compared each with each; more are sorted first.
const FEW_NAMES: usize = 24;

/// Parses one JSON object from UTF-8 bytes, with nothing before or after it.
///
/// `None` where the bytes are not UTF-8, not JSON, not an object, name a member twice at any level,
/// nest deeper than [`MAX_DEPTH`], or hold a number of 1e308 or more.
pub fn parse_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    Outline::default().read(bytes)?;
    serde_json::from_slice(bytes).ok()
}

/// The places of the members of an object. It can be reused: reading another text allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    members: Vec<Member>,
    /// The names in the objects that are not closed yet, one after another.
    names: Vec<Text>,
}

/// One member of the object. Its places count for the text that was read.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: Text,
    /// Its value.
    pub value: Span,
}

/// A value in a text that is strict JSON.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    kind: Kind,
    start: usize,
    end: usize,
}

/// The kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In brackets.
    Array,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
    /// Below 1e308 in size.
    Number,
    /// In braces.
    Object,
    /// With or without escapes.
    String {
        /// Whether it contains a backslash.
        escaped: bool,
    },
}

impl Outline {
    /// Reads one JSON object as [`parse_object`] does, and returns its text.
    pub fn read<'t>(&mut self, bytes: &'t [u8]) -> Option<&'t str> {
        self.members.clear();
        self.names.clear();
        let text = std::str::from_utf8(bytes).ok()?;
        let mut walk = Walk { text, at: 0, depth: 0, outline: self };
        walk.space();
        walk.object()?;
        walk.space();
        (walk.at == bytes.len()).then_some(text)
    }

    /// Returns the members, in their order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the value of the member of that name in the text that was read.
    pub fn find(&self, text: &str, name: &str) -> Option<Span> {
        self.members.iter().find(|member| member.name.is(text, name)).map(|member| member.value)
    }
}

impl Span {
    /// Returns its kind.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// Returns the text that it was read from.
    pub fn source(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the text, if it is a string.
    pub fn text(self, text: &str) -> Option<Cow<'_, str>> {
        let Kind::String { escaped } = self.kind else {
            return None;
        };
        Some(Text::between(self.start + 1, self.end.saturating_sub(1), escaped).read(text))
    }

    /// Returns the number, if it is one: exact for up to 15 digits and a small exponent, within a few parts in 2^52 beyond.
    pub fn number(self, text: &str) -> Option<f64> {
        (self.kind == Kind::Number).then(|| decimal::number(self.source(text).as_bytes()))
    }

    /// Returns the items, if it is an array.
    pub fn items(self, text: &str) -> impl Iterator<Item = Span> {
        let end = if self.kind == Kind::Array { self.end.saturating_sub(1) } else { 0 };
        // The text was found to be strict before: this walk only finds the places.
        let mut outline = Outline::default();
        let mut at = self.start + 1;
        std::iter::from_fn(move || {
            let mut walk = Walk { text: text.get(..end)?, at, depth: 0, outline: &mut outline };
            walk.space();
            walk.eat(b',');
            walk.space();
            let item = walk.value()?;
            at = walk.at;
            Some(item)
        })
    }
}

struct Walk<'w> {
    text: &'w str,
    at: usize,
    depth: usize,
    outline: &'w mut Outline,
}

impl<'w> Walk<'w> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> Option<&'w [u8]> {
        self.text.as_bytes().get(self.at..)
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Span> {
        let start = self.at;
        let kind = match self.peek()? {
            b'"' => Kind::String { escaped: self.string()?.is_escaped() },
            b'{' => {
                self.object()?;
                Kind::Object
            }
            b'[' => {
                self.array()?;
                Kind::Array
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Kind::Number
            }
            b't' => self.word(b"true", Kind::Bool)?,
            b'f' => self.word(b"false", Kind::Bool)?,
            b'n' => self.word(b"null", Kind::Null)?,
            _ => return None,
        };
        Some(Span { kind, start, end: self.at })
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Option<Kind> {
        let found = self.rest()?.starts_with(word);
        self.at += word.len();
        found.then_some(kind)
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn array(&mut self) -> Option<()> {
        self.deeper()?;
        self.eat(b'[')?;
        self.space();
        if self.eat(b']').is_none() {
            loop {
                self.value()?;
                self.space();
                if self.eat(b',').is_none() {
                    break;
                }
                self.space();
            }
            self.eat(b']')?;
        }
        self.depth -= 1;
        Some(())
    }

    fn object(&mut self) -> Option<()> {
        self.deeper()?;
        let outermost = self.depth == 1;
        let first_name = self.outline.names.len();
        self.eat(b'{')?;
        self.space();
        if self.eat(b'}').is_none() {
            loop {
                let name = self.string()?;
                self.space();
                self.eat(b':')?;
                self.space();
                self.outline.names.push(name);
                let value = self.value()?;
                if outermost {
                    self.outline.members.push(Member { name, value });
                }
                self.space();
                if self.eat(b',').is_none() {
                    break;
                }
                self.space();
            }
            self.eat(b'}')?;
        }
        self.depth -= 1;
        let unique = self.names_are_unique(first_name);
        self.outline.names.truncate(first_name);
        unique.then_some(())
    }

    fn names_are_unique(&mut self, first: usize) -> bool {
        let Some(names) = self.outline.names.get_mut(first..) else {
            return false;
        };
        if names.len() <= FEW_NAMES {
            // Most names differ in a bit of a small set already.
            let mut seen = 0_u64;
            return names.iter().enumerate().all(|(place, name)| {
                let bit = name.bit();
                let is_new = seen & bit == 0 || names.iter().take(place).all(|other| !name.same(*other, self.text));
                seen |= bit;
                is_new
            });
        }
        // In order, so that very many names cost little more than many.
        names.sort_unstable_by(|a, b| a.order(*b, self.text));
        names.is_sorted_by(|a, b| a.order(*b, self.text).is_lt())
    }

    fn string(&mut self) -> Option<Text> {
        let string = Text::scan(self.text, self.at)?;
        self.at = string.end() + 1;
        Some(string)
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let written = self.text.as_bytes().get(start..self.at)?;
        decimal::is_within_bounds(written).then_some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.rest()?;
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        (count > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_objects_pass() {
        let map = parse_object(br#" {"a":1,"b":[true,null,-2.5],"c":{"a":"x"}} "#).unwrap();
        assert_eq!(Value::Object(map).to_string(), r#"{"a":1,"b":[true,null,-2.5],"c":{"a":"x"}}"#);
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_does_not() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"\ud83d\ude00":1,"😀":2}"#,
            r#"{"a":1e400}"#,
            r#"{"a":-1e308}"#,
            r#"{"a":0.001e999999999999999999}"#,
            r#"{"a":1} x"#,
            r#"{"a":1}{"#,
            "[1]",
            "\"a\"",
            "1",
            "",
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00"}"#,
            r#"{"a":"\ud800\u0041"}"#,
            r#"{"a":"\u00g0"}"#,
            r#"{"a":"\u+041"}"#,
            r#"{"a":"\x41"}"#,
            "{\"a\":\"\t\"}",
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":.1}"#,
            r#"{"a":+1}"#,
            r#"{"a":1e}"#,
            r#"{"a":-}"#,
            r#"{"a":NaN}"#,
            r#"{'a':1}"#,
            r#"{"a":1,}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":tru}"#,
            r#"{"a"}"#,
            r#"{"a":1"#,
            r#"{"a":"b"#,
        ] {
            assert!(parse_object(text.as_bytes()).is_none(), "{text}");
        }
        assert!(parse_object(b"{\"a\":\"\xff\"}").is_none());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n: usize| format!("{{\"a\":{}1{}}}", "[".repeat(n), "]".repeat(n));
        assert!(parse_object(nested(MAX_DEPTH - 1).as_bytes()).is_some());
        assert!(parse_object(nested(MAX_DEPTH).as_bytes()).is_none());
        assert!(parse_object(nested(100_000).as_bytes()).is_none());
    }

    #[test]
    fn very_many_names_are_compared_in_reasonable_time() {
        let many = |last: &str| {
            let members: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":0")).collect();
            format!("{{{},\"{last}\":0}}", members.join(","))
        };
        assert!(parse_object(many("x").as_bytes()).is_some());
        assert!(parse_object(many("77").as_bytes()).is_none());
    }

    #[test]
    fn members_are_found_with_their_escapes_resolved() {
        let text = r#"{"\u0061\"\n\/":"\ud83d\ude00\t", "b" : [ "x" ,"\u0079", 3,[4] ] ,"c":{}}"#;
        let mut outline = Outline::default();
        assert_eq!(outline.read(text.as_bytes()), Some(text));
        assert_eq!(outline.find(text, "a\"\n/").unwrap().text(text).unwrap(), "😀\t");
        let items: Vec<_> = outline.find(text, "b").unwrap().items(text).collect();
        let texts: Vec<_> = items.iter().map(|item| item.text(text)).collect();
        assert_eq!(texts, [Some("x".into()), Some("y".into()), None, None]);
        assert_eq!(items[3].source(text), "[4]");
        assert_eq!(outline.find(text, "c").unwrap().items(text).count(), 0);
        assert!(outline.find(text, "x").is_none());
    }
}
