//! JSON laid out as Python's `json.dumps` with an indent, so that the text is the same too.

use std::fmt::Write;

use super::number;

/// A JSON value; keys keep their order.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(&'static str, Json)>),
}

impl Json {
    pub(super) fn optional(value: Option<f64>) -> Json {
        value.map_or(Json::Null, Json::Number)
    }

    /// The text; two blanks per level, `colon` between key and value.
    pub(super) fn to_text(&self, colon: &str) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, colon);
        text
    }

    fn write(&self, text: &mut String, depth: usize, colon: &str) {
        match self {
            Json::Null => text.push_str("null"),
            Json::Whole(number) => text.push_str(&number.to_string()),
            // Infinities and NaN have no JSON; the reference's `Infinity` would be refused by most readers.
            Json::Number(number) if !number.is_finite() => text.push_str("null"),
            Json::Number(number) => text.push_str(&number::repr(*number)),
            Json::Text(content) => write_text(text, content),
            Json::List(items) => write_items(text, depth, ['[', ']'], items, |text, item| {
                item.write(text, depth + 1, colon);
            }),
            Json::Map(entries) => write_items(text, depth, ['{', '}'], entries, |text, (key, value)| {
                write_text(text, key);
                text.push_str(colon);
                value.write(text, depth + 1, colon);
            }),
        }
    }
}

fn write_items<T>(
    text: &mut String,
    depth: usize,
    brackets: [char; 2],
    items: &[T],
    mut write: impl FnMut(&mut String, &T),
) {
    let [open, close] = brackets;
    text.push(open);
    for (index, item) in items.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&"  ".repeat(depth + 1));
        write(text, item);
    }
    if !items.is_empty() {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    }
    text.push(close);
}

fn write_text(text: &mut String, content: &str) {
    text.push('"');
    for letter in content.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='~' => text.push(letter),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
    text.push('"');
}
