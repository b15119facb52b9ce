//! JSON as tokens may carry it: what common parsers let pass and a security decision must not.
//!
//! A duplicate member means that two readers can see two tokens in one text (RFC 7519 section 4 lets a
//! parser refuse; RFC 8725 section 2.4 says why), and unbounded depth is a stack for the asking.
//!
//! [`Outline`] walks the text once, builds nothing, and remembers where the members of the object are. Whoever needs
//! values of any type goes on with serde_json on the text that was found to be strict.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::decimal;

/// How deep objects and arrays may nest.
pub const MAX_DEPTH: usize = 64;

/// So many names of one object are compared each with each.
const FEW_NAMES: usize = 24;
/// An odd number without a pattern, by which small differences become large ones.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Parses one JSON object from UTF-8 bytes, with nothing before or after it.
///
/// `None` where the bytes are not UTF-8, not JSON, not an object, name a member twice at any level,
/// nest deeper than [`MAX_DEPTH`], or hold a number of 1e308 or more.
pub fn parse_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    Outline::default().read(bytes)?;
    serde_json::from_slice(bytes).ok()
}

/// The text as a JSON string, quotes and all.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\u{1f}' => {
                quoted.push_str("\\u00");
                let digit = |bits: u32| char::from_digit(bits & 15, 16).unwrap_or('0');
                quoted.extend([digit(u32::from(character) >> 4), digit(u32::from(character))]);
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// Where the members of an object are. Made to be used again: reading another text allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    members: Vec<Member>,
    /// The names of the objects that are open at the moment, one after another.
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

/// What JSON knows.
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
        /// Is there a backslash in it?
        escaped: bool,
    },
}

/// The inside of a string.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    escaped: bool,
    start: usize,
    end: usize,
    /// Its length and its first bytes: texts without escapes that differ here are different.
    tag: u64,
}

impl Outline {
    /// Reads one JSON object as [`parse_object`] does and gives its text.
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

    /// The members, in their order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The value of the member of that name in the text that was read.
    pub fn find(&self, text: &str, name: &str) -> Option<Span> {
        self.members.iter().find(|member| member.name.is(text, name)).map(|member| member.value)
    }
}

impl Span {
    /// What it is.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// As it is written.
    pub fn source(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The text, if it is a string.
    pub fn text(self, text: &str) -> Option<Cow<'_, str>> {
        let Kind::String { escaped } = self.kind else {
            return None;
        };
        Some(Text { escaped, start: self.start + 1, end: self.end.saturating_sub(1), tag: 0 }.read(text))
    }

    /// The number, if it is one: exact for up to 15 digits and a small exponent, within a few parts in 2^52 beyond.
    pub fn number(self, text: &str) -> Option<f64> {
        (self.kind == Kind::Number).then(|| decimal::number(self.source(text).as_bytes()))
    }

    /// The items, if it is an array.
    pub fn items(self, text: &str) -> impl Iterator<Item = Span> {
        let end = if self.kind == Kind::Array { self.end.saturating_sub(1) } else { 0 };
        // Found to be strict before: the walk is for the places alone.
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

impl Text {
    /// The text with its escapes resolved.
    pub fn read(self, text: &str) -> Cow<'_, str> {
        let raw = self.raw(text);
        if self.escaped { Cow::Owned(self.chars(text).collect()) } else { Cow::Borrowed(raw) }
    }

    /// Is it this?
    pub fn is(self, text: &str, other: &str) -> bool {
        if self.escaped { self.chars(text).eq(other.chars()) } else { self.raw(text) == other }
    }

    fn raw(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Only for a text that was found to be strict.
    fn chars(self, text: &str) -> impl Iterator<Item = char> {
        let mut rest = self.raw(text);
        std::iter::from_fn(move || {
            let mut chars = rest.chars();
            let mut next = chars.next()?;
            if next == '\\' {
                next = match chars.next()? {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'u' => {
                        let (unit, after) = code_unit(chars.as_str())?;
                        chars = after.chars();
                        match unit {
                            0xd800..=0xdbff => {
                                let (low, after) = code_unit(chars.as_str().strip_prefix("\\u")?)?;
                                chars = after.chars();
                                char::from_u32(0x10000 + ((unit - 0xd800) << 10 | low.checked_sub(0xdc00)?))?
                            }
                            unit => char::from_u32(unit)?,
                        }
                    }
                    itself => itself,
                };
            }
            rest = chars.as_str();
            Some(next)
        })
    }

    fn same(self, other: Self, text: &str) -> bool {
        let plain = !self.escaped && !other.escaped;
        !(plain && self.tag != other.tag) && self.order(other, text).is_eq()
    }

    fn order(self, other: Self, text: &str) -> Ordering {
        // UTF-8 orders as the characters do.
        if self.escaped || other.escaped {
            self.chars(text).cmp(other.chars(text))
        } else {
            self.raw(text).cmp(other.raw(text))
        }
    }
}

/// Is it a byte that does not simply stand for itself in a string? By table: of all that a token has to go through, most is here.
#[allow(clippy::indexing_slicing)] // A byte into 256 places.
fn ends_plain(byte: u8) -> bool {
    const ENDS: [bool; 256] = {
        let mut ends = [false; 256];
        let mut control = 0;
        while control < 0x20 {
            ends[control] = true;
            control += 1;
        }
        ends[b'"' as usize] = true;
        ends[b'\\' as usize] = true;
        ends
    };
    ENDS[usize::from(byte)]
}

/// Four hexadecimal digits at the start of a text, and what follows them.
fn code_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, after) = text.split_at_checked(4)?;
    let value = digits.bytes().try_fold(0, |value, digit| Some(value << 4 | char::from(digit).to_digit(16)?));
    Some((value?, after))
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
            b'"' => Kind::String { escaped: self.string()?.escaped },
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
                let bit = if name.escaped { u64::MAX } else { 1 << (name.tag.wrapping_mul(SPREAD) >> 58) };
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
        self.eat(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.rest()?;
            self.at += rest.iter().position(|byte| ends_plain(*byte))?;
            match self.peek()? {
                b'"' => break,
                b'\\' => self.escape()?,
                _ => return None,
            }
            escaped = true;
        }
        let end = self.at;
        self.at += 1;
        let bytes = self.text.as_bytes().get(start..end)?;
        let tag = bytes.iter().take(7).fold(bytes.len() as u64, |tag, byte| tag << 8 | u64::from(*byte));
        Some(Text { escaped, start, end, tag })
    }

    fn escape(&mut self) -> Option<()> {
        self.eat(b'\\')?;
        let letter = self.peek()?;
        self.at += 1;
        match letter {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => match self.code_unit()? {
                // Half a character alone is none (RFC 8259 section 8.2).
                0xd800..=0xdbff => {
                    self.eat(b'\\')?;
                    self.eat(b'u')?;
                    (0xdc00..=0xdfff).contains(&self.code_unit()?).then_some(())
                }
                0xdc00..=0xdfff => None,
                _ => Some(()),
            },
            _ => None,
        }
    }

    fn code_unit(&mut self) -> Option<u32> {
        let (unit, _) = code_unit(self.text.get(self.at..)?)?;
        self.at += 4;
        Some(unit)
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
    fn what_is_quoted_is_read_again() {
        for text in ["", "plain", "\"\\/\u{8}\n\t\u{1f}\u{7f}", "é😀", "\0"] {
            assert_eq!(serde_json::from_str::<String>(&quote(text)).unwrap(), text);
        }
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
