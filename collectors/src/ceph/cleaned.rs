//! Texts of others as parts of a name of ours.

/// `text` with every run of characters that a name of ours does not have as one `_`.
pub(super) fn cleaned(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut dirty = false;
    for c in text.chars() {
        let fine = c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if fine {
            name.push(c);
        } else if !dirty {
            name.push('_');
        }
        dirty = !fine;
    }
    if name.is_empty() {
        name.push('_');
    }
    name
}
