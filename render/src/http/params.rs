//! The parameters of a request: the query string first, then the form in the body.

use super::fault::{Fault, shortened};
use crate::percent::decode;

/// Names and values in the order they came. Where one value is wanted the last one counts, so a form field beats the
/// query string; names that nobody asks for are ignored, as graphite-web does.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// # Errors
    /// A percent sign without two hexadecimal digits, or bytes that are no UTF-8.
    pub(super) fn parse(query: &str, form: &str) -> Result<Params, Fault> {
        let pairs = query.split('&').chain(form.split('&')).filter(|pair| !pair.is_empty());
        pairs.map(pair).collect::<Result<_, _>>().map(Params)
    }

    /// These, and `fields` after them.
    pub(super) fn and(mut self, fields: Vec<(String, String)>) -> Params {
        self.0.extend(fields);
        self
    }

    /// The value that counts.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the parameter is there at all; a switch needs no value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Every parameter, in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// A whole number, 0 when absent.
    ///
    /// # Errors
    /// The value is something else.
    pub(super) fn whole(&self, name: &str) -> Result<i64, Fault> {
        let Some(text) = self.last(name) else { return Ok(0) };
        text.trim()
            .parse()
            .map_err(|_| Fault::parameter(name, format!("`{name}` must be a whole number, not `{}`", shortened(text))))
    }

    /// The callback of a JSONP request. An empty one is none.
    ///
    /// # Errors
    /// A name that could carry more than a name into a script.
    pub(super) fn callback(&self) -> Result<Option<&str>, Fault> {
        let Some(name) = self.last("jsonp").filter(|name| !name.is_empty()) else { return Ok(None) };
        if name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.') {
            return Ok(Some(name));
        }
        Err(Fault::parameter("jsonp", "`jsonp` must be a name of 1 to 64 letters, digits, `_` and `.`"))
    }
}

fn pair(text: &str) -> Result<(String, String), Fault> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let name =
        decode(name, true).map_err(|why| Fault::bad(format!("the parameter name `{}` {why}", shortened(name))))?;
    let value = decode(value, true).and_then(|value| match value.contains(is_odd) {
        true => Err("holds a control character"),
        false => Ok(value),
    });
    let value = value.map_err(|why| Fault::parameter(&name, format!("the value of `{}` {why}", shortened(&name))))?;
    Ok((name, value))
}

/// Control characters, but for those that lay a text out.
fn is_odd(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_comes_after_the_query_string_and_its_last_value_counts() {
        let params = Params::parse("target=a&from=1", "from=2&target=b").unwrap();
        assert_eq!(params.all("target").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(params.last("from"), Some("2"));
    }

    #[test]
    fn a_switch_needs_no_value() {
        let params = Params::parse("rawData&noCache=", "").unwrap();
        assert!(params.has("rawData") && params.has("noCache") && !params.has("pickle"));
    }

    #[test]
    fn plus_and_percent_are_decoded_once() {
        let params = Params::parse("a=x+y%2Bz%2525&%C3%A9=%C3%A9", "").unwrap();
        assert_eq!(params.last("a"), Some("x y+z%25"));
        assert_eq!(params.last("é"), Some("é"));
    }

    #[test]
    fn broken_encoding_names_the_parameter() {
        for query in ["target=%", "target=%4", "target=%zz", "target=%+1"] {
            let fault = Params::parse(query, "").unwrap_err();
            assert!(fault.json().contains(r#""parameter":"target""#), "{}", fault.json());
        }
        assert!(Params::parse("target=%ff", "").unwrap_err().message.contains("not UTF-8"));
        assert!(Params::parse("target=a%00b", "").unwrap_err().message.contains("control character"));
        assert!(Params::parse("target=a%0A%09b", "").is_ok());
        assert!(Params::parse("%ff=1", "").is_err());
    }

    #[test]
    fn a_callback_is_a_plain_name() {
        let callback = |text: &str| Params::parse(&format!("jsonp={text}"), "").unwrap().callback().map(|_| ());
        assert!(callback("cb_1").is_ok() && callback("a.b").is_ok() && callback("").is_ok());
        assert!(callback("alert(1)//").is_err());
        assert!(callback("a%0Ab").is_err());
        assert!(callback(&"x".repeat(65)).is_err());
    }
}
