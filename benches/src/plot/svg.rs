//! Just enough SVG: elements with attributes, and text.

use core::fmt::{Display, Write};

/// An image, written from the outside in.
#[derive(Debug, Default)]
pub(super) struct Svg {
    text: String,
    open: Vec<&'static str>,
}

/// The names and values of an element's attributes.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

impl Svg {
    /// An image of this size.
    pub(super) fn new(width: f64, height: f64) -> Self {
        let mut svg = Self::default();
        svg.open(
            "svg",
            &[
                ("xmlns", &"http://www.w3.org/2000/svg"),
                ("viewBox", &format!("0 0 {width} {height}")),
                ("width", &width),
                ("height", &height),
                ("font-family", &"system-ui, sans-serif"),
                ("font-size", &12),
            ],
        );
        svg
    }

    /// An element without content.
    pub(super) fn element(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.text.push_str("/>\n");
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str, attributes: Attributes<'_>) {
        self.start("text", attributes);
        self.text.push('>');
        self.escaped(text);
        self.text.push_str("</text>\n");
    }

    /// Begins an element that others are in.
    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.text.push_str(">\n");
        self.open.push(name);
    }

    /// Ends the element that was begun last.
    pub(super) fn close(&mut self) {
        let name = self.open.pop().expect("an element is open");
        writeln!(self.text, "</{name}>").expect("a string takes all");
    }

    /// The whole image.
    pub(super) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }

    fn start(&mut self, name: &str, attributes: Attributes<'_>) {
        write!(self.text, "<{name}").expect("a string takes all");
        for (name, value) in attributes {
            write!(self.text, " {name}=\"").expect("a string takes all");
            self.escaped(&value.to_string());
            self.text.push('"');
        }
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                _ => self.text.push(character),
            }
        }
    }
}

/// An element, for tests.
#[cfg(test)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    /// The text that follows its tag.
    pub(super) text: String,
}

#[cfg(test)]
impl Element {
    /// The value of an attribute.
    pub(super) fn value(&self, wanted: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }
}

/// Checks that an image is well formed, and gives back its elements.
#[cfg(test)]
pub(super) fn parsed(mut text: &str) -> Vec<Element> {
    fn plain(text: &str) -> String {
        assert!(!text.contains(['<', '>', '"']), "{text} is not escaped");
        let mut plain = String::new();
        for (number, part) in text.split('&').enumerate() {
            if number == 0 {
                plain.push_str(part);
                continue;
            }
            let (entity, rest) = part.split_once(';').expect("an entity has an end");
            plain.push(match entity {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                _ => panic!("there is no entity {entity}"),
            });
            plain.push_str(rest);
        }
        plain
    }

    let (mut open, mut elements): (Vec<String>, Vec<Element>) = (Vec::new(), Vec::new());
    while let Some(tag) = text.strip_prefix('<') {
        assert!(!open.is_empty() || elements.is_empty(), "more than one element at the top");
        let (tag, rest) = tag.split_once('>').expect("a tag has an end");
        let (content, _) = rest.split_once('<').unwrap_or((rest, ""));
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "elements end in order");
            assert!(content.trim().is_empty());
        } else {
            let is_empty = tag.ends_with('/');
            let tag = tag.trim_end_matches('/');
            let (name, mut inside) = tag.split_once(' ').unwrap_or((tag, ""));
            let mut attributes: Vec<(String, String)> = Vec::new();
            while let Some((key, value)) = inside.trim_start().split_once("=\"") {
                let (value, after) = value.split_once('"').expect("a value has an end");
                assert!(attributes.iter().all(|(known, _)| known != key), "{key} is there twice");
                attributes.push((key.to_owned(), plain(value)));
                inside = after;
            }
            assert!(inside.trim().is_empty(), "{inside} is no attribute");
            let text = plain(content).trim().to_owned();
            elements.push(Element { name: name.to_owned(), attributes, text });
            if !is_empty {
                open.push(name.to_owned());
            }
        }
        text = &rest[content.len()..];
    }
    assert!(text.is_empty() && open.is_empty(), "all elements end: {open:?} {text}");
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_text_is_escaped() {
        let mut svg = Svg::new(10.0, 20.0);
        svg.open("g", &[("fill", &"a\"b")]);
        svg.text("1 < 2 & \"so\" > on", &[("x", &1.5)]);
        svg.close();
        svg.element("rect", &[]);
        let elements = parsed(&svg.finish());
        let names: Vec<_> = elements.iter().map(|element| element.name.as_str()).collect();
        assert_eq!(names, ["svg", "g", "text", "rect"]);
        assert_eq!(elements[1].value("fill"), Some("a\"b"));
        assert_eq!(elements[2].value("x"), Some("1.5"));
        assert_eq!(elements[2].text, "1 < 2 & \"so\" > on");
    }

    #[test]
    #[should_panic(expected = "elements end in order")]
    fn what_is_not_well_formed_is_noticed() {
        let _ = parsed("<a><b></a></b>");
    }
}
