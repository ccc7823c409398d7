//! Recursive descent over the bytes of an expression, one function a rule. Source: graphite-web's grammar, 1.1.10.
//!
//! ```text
//! expression = (template | call | path) { "|" call }
//! call       = name "(" [ arg { "," arg } ] { "," name "=" arg } ")"
//! arg        = boolean | number | none | text | inf | expression
//! path       = element { "." element }          element = plain and {a,b} in any mixture
//! ```
//!
//! Which rule applies is told by the first bytes, except that a name is a path until a bracket follows it.

use std::sync::Arc;

use super::tree::Literal;
use super::{Call, DEEPEST, Expression, LONGEST, Node, Number, Place, TargetFault, Template};

/// Bytes with a meaning of their own; a path may hold them after a backslash only.
const SYMBOLS: &[u8] = b"(){},.'\"\\|";

pub(super) fn parse(text: &Arc<str>) -> Result<(Node, usize), TargetFault> {
    let mut parser = Parser { text, at: 0, depth: 0, nodes: 0 };
    let parsed = parser.whole();
    let fault = |fault: Fault| TargetFault {
        reason: fault.reason,
        place: Place { target: text.clone(), position: fault.position },
    };
    parsed.map(|node| (node, parser.nodes)).map_err(fault)
}

/// The longest part at the front of `text` that is an expression.
pub(super) fn parse_prefix(text: &str) -> Option<Node> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parser = Parser { text, at: 0, depth: 0, nodes: 0 };
    if let Ok(node) = parser.expression() {
        return Some(node);
    }
    // A call with a fault inside is still a path up to its bracket.
    let mut parser = Parser { text, at: 0, depth: 0, nodes: 0 };
    parser.blanks();
    parser.path().ok()
}

struct Fault {
    reason: String,
    position: usize,
}

type Parse<T> = Result<T, Fault>;

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    nodes: usize,
}

impl Parser<'_> {
    fn whole(&mut self) -> Parse<Node> {
        if self.text.len() > LONGEST {
            return Err(self.fault(format!("a target may have {LONGEST} bytes, this one has {}", self.text.len())));
        }
        let node = self.expression()?;
        self.blanks();
        if self.at < self.text.len() {
            let found = self.found();
            return Err(self.fault(format!("the expression ends here, but {found} follows")));
        }
        Ok(node)
    }

    fn expression(&mut self) -> Parse<Node> {
        self.blanks();
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.fault(format!("calls may be nested {DEEPEST} deep")));
        }
        let mut node = if self.peek_call() { self.call()? } else { self.path()? };
        let mut pipes = 0;
        while self.eat_after_blanks(b'|') {
            self.blanks();
            pipes += 1;
            if self.depth + pipes > DEEPEST {
                return Err(self.fault(format!("calls may be nested {DEEPEST} deep")));
            }
            if !self.peek_call() {
                return Err(self.fault(format!("expected a function call after `|`, found {}", self.found())));
            }
            let mut piped = self.call()?;
            if let Expression::Call(call) = &mut piped.expression {
                call.args.insert(0, node);
                call.piped = true;
            } else {
                return Err(self.fault("template() cannot stand after `|`".to_owned()));
            }
            node = piped;
        }
        self.depth -= 1;
        Ok(node)
    }

    /// Whether a name and an opening bracket stand here.
    fn peek_call(&self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let name = name_length(rest);
        name > 0 && rest[name..].iter().find(|b| !is_blank(**b)) == Some(&b'(')
    }

    fn call(&mut self) -> Parse<Node> {
        let position = self.at;
        let name = self.name();
        self.blanks();
        self.at += 1;
        if name == "template" {
            return self.template(position);
        }
        let (mut args, mut keywords) = (Vec::new(), Vec::<(String, Node)>::new());
        if !self.eat_after_blanks(b')') {
            loop {
                if let Some(key) = self.keyword() {
                    if keywords.iter().any(|(known, _)| *known == key) {
                        return Err(self.fault(format!("`{key}` is given twice")));
                    }
                    let value = self.arg()?;
                    keywords.push((key, value));
                } else if keywords.is_empty() {
                    args.push(self.arg()?);
                } else {
                    return Err(self.fault("arguments by position come before those by name".to_owned()));
                }
                if !self.next_argument(&name)? {
                    break;
                }
            }
        }
        self.node(position, Expression::Call(Call { name, piped: false, args, keywords }))
    }

    fn template(&mut self, position: usize) -> Parse<Node> {
        let body = Box::new(self.expression()?);
        match &body.expression {
            Expression::Call(call) if call.piped => {
                return Err(Fault {
                    reason: "template() holds no pipes; write them behind it, or as calls".to_owned(),
                    position: body.position,
                });
            }
            Expression::Template(_) => {
                let reason = "template() stands in another one only as an argument of a function".to_owned();
                return Err(Fault { reason, position: body.position });
            }
            _ => {}
        }
        let mut values = Vec::new();
        let mut by_name = None;
        while self.next_argument("template")? {
            self.blanks();
            let before = self.at;
            let keyword = self.keyword();
            if by_name.replace(keyword.is_some()).is_some_and(|before| before != keyword.is_some()) {
                let reason = "template() takes its values either all by name or all by place".to_owned();
                return Err(Fault { reason, position: before });
            }
            let key = keyword.unwrap_or_else(|| (values.len() + 1).to_string());
            let value = self.arg()?;
            let literal = match value.expression {
                Expression::Number(number) => Literal::Number(number),
                Expression::Text(text) => Literal::Text(text),
                _ => {
                    let reason = "template() takes numbers and texts in quotes only".to_owned();
                    return Err(Fault { reason, position: value.position });
                }
            };
            values.push((key, literal));
        }
        self.node(position, Expression::Template(Template { body, values }))
    }

    /// Eats a comma (true) or the closing bracket (false).
    fn next_argument(&mut self, function: &str) -> Parse<bool> {
        if self.eat_after_blanks(b',') {
            return Ok(true);
        }
        if self.eat_after_blanks(b')') {
            return Ok(false);
        }
        let found = self.found();
        Err(self.fault(format!("expected `,` or `)` in the arguments of {function}(), found {found}")))
    }

    /// Eats `name=` if it stands here.
    fn keyword(&mut self) -> Option<String> {
        let before = self.at;
        self.blanks();
        let name = self.name();
        if !name.is_empty() && self.eat_after_blanks(b'=') {
            return Some(name);
        }
        self.at = before;
        None
    }

    fn arg(&mut self) -> Parse<Node> {
        self.blanks();
        let position = self.at;
        let expression = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => Expression::Text(self.quoted(quote)?),
            Some(b'-' | b'0'..=b'9') => match self.number() {
                Some(number) => Expression::Number(number),
                None => return self.expression(),
            },
            _ => match self.word() {
                Some(expression) => expression,
                None => return self.expression(),
            },
        };
        self.node(position, expression)
    }

    /// `true`, `none` and their like, when nothing of a path follows.
    fn word(&mut self) -> Option<Expression> {
        let rest = &self.text[self.at..];
        let length = name_length(rest.as_bytes());
        let expression = match rest[..length].to_ascii_lowercase().as_str() {
            "true" => Expression::Boolean(true),
            "false" => Expression::Boolean(false),
            "none" => Expression::None,
            "inf" => Expression::Number(Number::Float(f64::INFINITY)),
            _ => return None,
        };
        self.literal_ends(self.at + length).then(|| self.at += length).map(|()| expression)
    }

    /// A number, when nothing of a path follows: `10` is one, `10min` and `1.2.3` are paths.
    fn number(&mut self) -> Option<Number> {
        let bytes = self.text.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let signed = |from: usize| from + usize::from(bytes.get(from) == Some(&b'-'));
        let mut end = signed(self.at);
        let whole = digits(end);
        end += whole;
        if whole == 0 {
            return None;
        }
        let mut is_float = false;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
            is_float = true;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) && digits(signed(end + 1)) > 0 {
            end = signed(end + 1);
            end += digits(end);
            is_float = true;
        }
        if !self.literal_ends(end) {
            return None;
        }
        let text = &self.text[self.at..end];
        self.at = end;
        let float = || text.parse().ok().map(Number::Float);
        if is_float { float() } else { text.parse().ok().map(Number::Integer).or_else(float) }
    }

    fn literal_ends(&self, at: usize) -> bool {
        matches!(self.text.as_bytes()[at..].iter().find(|b| !is_blank(**b)), None | Some(b',' | b')'))
    }

    /// A text between quotes. A backslash keeps the byte after it from ending the text, and both stay in it; so does a
    /// doubled quote.
    fn quoted(&mut self, quote: u8) -> Parse<String> {
        let (opened, bytes) = (self.at, self.text.as_bytes());
        let mut end = opened + 1;
        loop {
            match bytes.get(end) {
                Some(b'\\') if bytes.len() > end + 1 => end += 2,
                Some(b) if *b == quote && bytes.get(end + 1) == Some(&quote) => end += 2,
                Some(b) if *b == quote => break,
                None | Some(b'\n' | b'\r' | b'\\') => {
                    return Err(Fault { reason: "the text that begins here has no end".to_owned(), position: opened });
                }
                Some(_) => end += 1,
            }
        }
        self.at = end + 1;
        Ok(self.text[opened + 1..end].to_owned())
    }

    fn path(&mut self) -> Parse<Node> {
        let position = self.at;
        let mut path = String::new();
        loop {
            let before = path.len();
            self.element(&mut path)?;
            if path.len() == before {
                let found = self.found();
                let expected = if before == 0 { "a path or a function call" } else { "a name after the dot" };
                return Err(self.fault(format!("expected {expected}, found {found}")));
            }
            if self.peek() != Some(b'.') || !self.element_follows() {
                break;
            }
            path.push('.');
            self.at += 1;
        }
        self.node(position, Expression::Path(path))
    }

    fn element_follows(&self) -> bool {
        let rest = &self.text.as_bytes()[self.at + 1..];
        rest.first().is_some_and(|b| *b == b'{' || *b == b'\\' || is_plain(*b))
    }

    /// Plain bytes and lists in braces, up to the next dot.
    fn element(&mut self, path: &mut String) -> Parse<()> {
        loop {
            match self.peek() {
                Some(b'{') => self.list(path)?,
                Some(b'\\') => self.escaped(path)?,
                Some(b) if is_plain(b) => self.plain(path),
                _ => return Ok(()),
            }
        }
    }

    fn list(&mut self, path: &mut String) -> Parse<()> {
        let opened = self.at;
        loop {
            path.push(self.text.as_bytes()[self.at] as char);
            self.at += 1;
            let before = path.len();
            loop {
                match self.peek() {
                    Some(b'\\') => self.escaped(path)?,
                    Some(b) if is_plain(b) => self.plain(path),
                    _ => break,
                }
            }
            if path.len() == before {
                return Err(self.fault(format!("expected a name in the list in braces, found {}", self.found())));
            }
            match self.peek() {
                Some(b',') => {}
                Some(b'}') => {
                    path.push('}');
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return Err(self.fault(format!("expected `,` or `}}` in the list, found {}", self.found()))),
                None => {
                    return Err(Fault {
                        reason: "the brace that opens here is not closed".to_owned(),
                        position: opened,
                    });
                }
            }
        }
    }

    fn escaped(&mut self, path: &mut String) -> Parse<()> {
        match self.text.as_bytes().get(self.at + 1) {
            Some(b) if SYMBOLS.contains(b) || *b == b'=' => {
                path.push(*b as char);
                self.at += 2;
                Ok(())
            }
            _ => Err(self.fault("a backslash stands before one of (){},.'\"\\|= only".to_owned())),
        }
    }

    fn plain(&mut self, path: &mut String) {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|b| is_plain(*b)).count();
        path.push_str(&rest[..length]);
        self.at += length;
    }

    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        let length = name_length(rest.as_bytes());
        self.at += length;
        rest[..length].to_owned()
    }

    fn node(&mut self, position: usize, expression: Expression) -> Parse<Node> {
        self.nodes += 1;
        Ok(Node { position, end: self.at, expression })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        self.at += self.text.as_bytes()[self.at..].iter().take_while(|b| is_blank(**b)).count();
    }

    fn eat_after_blanks(&mut self, byte: u8) -> bool {
        let before = self.at;
        self.blanks();
        let eaten = self.peek() == Some(byte);
        self.at = if eaten { self.at + 1 } else { before };
        eaten
    }

    fn found(&self) -> String {
        match self.text[self.at..].trim_start().chars().next() {
            None => "the end".to_owned(),
            // Quotes stand as the user wrote them; only what cannot be seen is spelled out.
            Some(c @ ('"' | '\'' | '\\')) => format!("`{c}`"),
            Some(c) => format!("`{}`", c.escape_debug()),
        }
    }

    fn fault(&self, reason: String) -> Fault {
        let blanks = self.text.as_bytes()[self.at..].iter().take_while(|b| is_blank(**b)).count();
        Fault { reason, position: self.at + blanks }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Printable ASCII but for the symbols, and every byte of a longer UTF-8 character.
fn is_plain(byte: u8) -> bool {
    byte >= 0x80 || (byte.is_ascii_graphic() && !SYMBOLS.contains(&byte))
}

/// Length of the name of a function or keyword at the front.
fn name_length(bytes: &[u8]) -> usize {
    if !bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') {
        return 0;
    }
    bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count()
}
