//! The strict reader of JSON. The oracle is serde_json, with a visitor that refuses what we refuse, without knowing positions
//! in the text.

use std::fmt;

use edgemint::token::json::{Kind, MAX_DEPTH, Outline, Span, parse_object};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

pub(crate) fn check(data: &[u8]) {
    let expected = oracle(data);
    let read = parse_object(data);
    if read.is_some() != expected.is_some() {
        // The one intended difference.
        assert!(is_huge(data), "{read:?} instead of {expected:?}");
        return;
    }
    assert_eq!(read, expected);
    let mut outline = Outline::default();
    // Earlier input must not affect the result.
    let _ = outline.read(br#"{"a":{"b":[1,{"c":2}]},"d":"e"}"#);
    let text = outline.read(data);
    assert_eq!(text.is_some(), expected.is_some());
    let (Some(text), Some(expected)) = (text, expected) else { return };
    assert_eq!(outline.members().len(), expected.len());
    for member in outline.members() {
        let name = member.name.read(text);
        assert!(member.name.is(text, &name));
        same(member.value, text, &expected[&*name]);
    }
    for (name, value) in &expected {
        same(outline.find(text, name).unwrap(), text, value);
        let longer = format!("{name}x");
        assert_eq!(outline.find(text, &longer).is_some(), expected.contains_key(&longer));
    }
}

fn same(span: Span, text: &str, value: &Value) {
    assert_eq!(serde_json::from_str::<Value>(span.source(text)).unwrap(), *value);
    match value {
        Value::Null => assert_eq!(span.kind(), Kind::Null),
        Value::Bool(_) => assert_eq!(span.kind(), Kind::Bool),
        Value::Number(number) => {
            assert_eq!(span.kind(), Kind::Number);
            // Rust's own reader is exact; a few parts in 2^52 are allowed, and none if the number is plain.
            let exact: f64 = span.source(text).parse().unwrap();
            let found = span.number(text).unwrap();
            let close = (found - exact).abs() <= exact.abs() * 1e-14 || exact.abs() < 1e-290;
            assert!(close, "{found:e} instead of {exact:e}");
            assert!(!number.is_u64() || exact > 9e15 || found == exact, "{found} instead of {exact}");
        }
        Value::String(string) => {
            assert!(matches!(span.kind(), Kind::String { .. }));
            assert_eq!(span.text(text).unwrap(), *string);
        }
        Value::Array(items) => {
            assert_eq!(span.kind(), Kind::Array);
            let spans: Vec<_> = span.items(text).collect();
            assert_eq!(spans.len(), items.len());
            spans.into_iter().zip(items).for_each(|(span, item)| same(span, text, item));
        }
        Value::Object(_) => assert_eq!(span.kind(), Kind::Object),
    }
    assert_eq!(span.text(text).is_some(), value.is_string());
    assert_eq!(span.number(text).is_some(), value.is_number());
    assert_eq!(span.items(text).count(), value.as_array().map_or(0, Vec::len));
}

/// Whether a number is near the limits of a double, or has very many digits. There serde_json rounds before
/// it compares, and fails for some that are long.
pub(crate) fn is_huge(data: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    data.split(|byte| !digit(byte)).any(|number| {
        let value = std::str::from_utf8(number).unwrap().parse::<f64>();
        number.len() > 300 || value.is_ok_and(|value| value.abs() >= 1e307)
    })
}

/// One JSON object, no repeated member, no deeper than allowed.
pub(crate) fn oracle(data: &[u8]) -> Option<Map<String, Value>> {
    let mut input = serde_json::Deserializer::from_slice(data);
    let value = Strict(MAX_DEPTH).deserialize(&mut input).ok()?;
    input.end().ok()?;
    if let Value::Object(object) = value { Some(object) } else { None }
}

#[derive(Clone, Copy)]
struct Strict(usize);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strict JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).filter(|_| value.abs() < 1e308);
        number.map(Value::Number).ok_or_else(|| E::custom("not finite, or almost"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = Self(self.0.checked_sub(1).ok_or_else(|| A::Error::custom("too deep"))?);
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = Self(self.0.checked_sub(1).ok_or_else(|| A::Error::custom("too deep"))?);
        let mut map = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if map.insert(name, access.next_value_seed(inner)?).is_some() {
                return Err(A::Error::custom("a member twice"));
            }
        }
        Ok(map.into())
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "{}",
        r#"{"iss":"https://as.example","aud":["a","b"],"exp":1800000540,"iat":1.5,"x":null,"y":true,"z":false}"#,
        r#" { "a" : [ 1 , -0 , -2.5e-3 , 1E+2 , 0.1 ] , "b" : { "a" : { } , "c" : [ ] } } "#,
        r#"{"\u0061\ud83d\ude00\n\"\\\/":"\b\f\r\t\u00e9","é😀":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":[{"a":1,"a":2}]}"#,
        r#"{"big":9007199254740993,"bigger":18446744073709551616,"e":1e307,"small":1e-320,"zero":0e999}"#,
        r#"{"a":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}"#,
        r#"{"long":123456789012345678901234567890.123456789012345678901234567890e-20}"#,
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}
