//! A strict reader of the HTML that the pages write: every tag closed, every attribute quoted and named once.

pub(super) const VOID: [&str; 5] = ["meta", "link", "input", "img", "br"];

#[derive(Default)]
pub(super) struct Document {
    pub(super) elements: Vec<Element>,
    /// The text between the tags.
    pub(super) text: String,
}

pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// How many elements follow that are inside.
    size: usize,
    pub(super) text: String,
}

impl Element {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl Document {
    pub(super) fn parse(html: &str) -> Self {
        let mut document = Self::default();
        let mut open: Vec<usize> = Vec::new();
        let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a doctype");
        while !rest.is_empty() {
            let (text, after) = rest.split_once('<').expect("nothing after the last tag");
            assert!(!text.contains('>'), "a stray > in {text}");
            let text = unescape(text);
            document.text.push_str(&text);
            open.iter().for_each(|&index| document.elements[index].text.push_str(&text));
            let (tag, after) = after.split_once('>').expect("a tag that ends");
            rest = after;
            if let Some(name) = tag.strip_prefix('/') {
                let index = open.pop().expect("something open");
                assert_eq!(document.elements[index].name, name, "closed in another order");
                document.elements[index].size = document.elements.len() - index - 1;
            } else {
                let element = element(tag);
                if !VOID.contains(&element.name.as_str()) {
                    open.push(document.elements.len());
                }
                document.elements.push(element);
            }
        }
        assert!(open.is_empty(), "left open");
        document
    }

    pub(super) fn inside(&self, index: usize) -> impl Iterator<Item = &Element> {
        self.elements[index + 1..][..self.elements[index].size].iter()
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.get("id") == Some(id))
    }

    pub(super) fn title(&self) -> &str {
        &self.elements.iter().find(|element| element.name == "title").unwrap().text
    }

    pub(super) fn scripts(&self) -> Vec<&str> {
        self.elements.iter().filter(|element| element.name == "script").map(|own| own.get("src").unwrap()).collect()
    }

    /// Identifiers are unique, and references have a target.
    pub(super) fn references(&self) {
        let ids: Vec<&str> = self.elements.iter().filter_map(|element| element.get("id")).collect();
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id), "{id} is not unique");
        }
        for element in &self.elements {
            for name in ["for", "aria-describedby", "aria-labelledby"] {
                for id in element.get(name).unwrap_or_default().split(' ').filter(|id| !id.is_empty()) {
                    assert!(self.by_id(id).is_some(), "{name}={id} leads nowhere");
                }
            }
        }
    }

    /// Inputs have a label; buttons, links and headings have a text.
    pub(super) fn labels(&self) {
        for element in &self.elements {
            let hidden = element.get("type") == Some("hidden") || element.get("hidden").is_some();
            if element.name == "input" && !hidden {
                let label = self.elements.iter().find(|own| own.name == "label" && own.get("for") == element.get("id"));
                assert!(label.is_some_and(|label| !label.text.trim().is_empty()), "{:?}", element.attributes);
                assert!(element.get("autocomplete").is_some(), "{:?}", element.attributes);
            }
            if ["button", "a", "h1", "h2", "h3", "summary"].contains(&element.name.as_str()) {
                assert!(!element.text.trim().is_empty(), "{}", element.name);
            }
        }
    }

    /// No script, style or handler in the page, and nothing from elsewhere.
    pub(super) fn nothing_inline(&self) {
        for element in &self.elements {
            assert_ne!(element.name, "style");
            assert!(element.name != "script" || element.text.is_empty());
            for (name, value) in &element.attributes {
                assert!(!name.starts_with("on") && name != "style", "{name}");
                if ["src", "href"].contains(&name.as_str()) && element.name != "a" {
                    assert!(value.starts_with('/') && !value.starts_with("//"), "{value}");
                }
            }
        }
    }
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "<{tag}>");
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.is_empty() {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(after) => after.split_once('"').expect("a closing quote"),
            None => ("", after),
        };
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "<{tag}>");
        assert!(attributes.iter().all(|(own, _)| own != name), "{name} twice in <{tag}>");
        attributes.push((name.to_owned(), unescape(value)));
        rest = after.strip_prefix(' ').unwrap_or_else(|| {
            assert_eq!(after, "", "<{tag}>");
            after
        });
    }
    Element { name: name.to_owned(), attributes, size: 0, text: String::new() }
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').expect("an entity that ends");
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            other => panic!("&{other};"),
        });
        plain.push_str(rest);
    }
    plain
}
