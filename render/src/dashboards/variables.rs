//! `$name` and `${name}` in targets, queries, titles and links.

/// Replaces each variable by what `value` gives for its name; one it knows nothing of stays as it is.
pub(crate) fn substitute(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (written, name) = reference(&rest[1..]);
        match name.and_then(&mut value) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&rest[..1 + written]),
        }
        rest = &rest[1 + written..];
    }
    out.push_str(rest);
    out
}

/// What follows a dollar sign: how many bytes belong to it, and the name if there is one.
fn reference(text: &str) -> (usize, Option<&str>) {
    let plain = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if let Some(inner) = text.strip_prefix('{') {
        let end = plain(inner);
        return if end > 0 && inner[end..].starts_with('}') { (end + 2, Some(&inner[..end])) } else { (0, None) };
    }
    match plain(text) {
        0 => (0, None),
        end => (end, Some(&text[..end])),
    }
}

/// Whether a text can be a variable's name.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_wherever_they_stand() {
        let value = |name: &str| (name == "host").then(|| "web01".to_owned());
        for (text, made) in [
            ("servers.$host.cpu", "servers.web01.cpu"),
            ("servers.${host}x.cpu", "servers.web01x.cpu"),
            ("$hosts ${other} $ ${ $", "$hosts ${other} $ ${ $"),
            ("$host$host", "web01web01"),
            ("ü$host€", "üweb01€"),
        ] {
            assert_eq!(substitute(text, value), made);
        }
    }
}
