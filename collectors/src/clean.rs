//! From what a source calls a thing to a part of a metric name.

/// Appends `part` as one part of a metric name: what would end the part, the line or the field, or leave a directory
/// (dots, slashes, spaces, control characters), becomes `_`. An empty part becomes `_`, too.
pub fn clean(part: &str, name: &mut String) {
    if part.is_empty() {
        name.push('_');
    }
    name.extend(part.chars().map(|c| {
        // Nearly all are.
        let plain = c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let bad = || matches!(c, '.' | '/' | '\\' | ';') || c.is_whitespace() || c.is_control();
        if plain || !bad() { c } else { '_' }
    }));
}

/// Appends `part` to the name that begins at `start`, as the series was called that Diamond's points went to: dots and
/// slashes part it further, because a slash led carbon into a folder. What no series could be made of becomes `_`.
pub fn clean_as_diamond(part: &str, start: usize, name: &mut String) {
    for piece in part.split(['.', '/']).filter(|piece| !piece.is_empty()) {
        if name.len() > start {
            name.push('.');
        }
        name.extend(piece.chars().map(|c| if c == ';' || c.is_whitespace() || c.is_control() { '_' } else { c }));
    }
}
