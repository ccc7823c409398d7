//! Where a metric comes from, by the table `names.txt` of its collector: a pattern, the source, the field, parted by `|`.
//!
//! ```text
//! cpu.total.* | /proc/stat | line `cpu`, column $1
//! ```
//!
//! In a pattern `*` stands for letters of one part and `**` for any; `{a,b}` stands for one of some words.
//! `$1` is what the first of them stood for.

/// What a metric is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A file, a socket, a call.
    pub source: String,
    /// What of it.
    pub field: String,
}

/// The origin of `name` in `table`; the first pattern that fits counts.
pub(crate) fn find(table: &str, name: &str) -> Option<Origin> {
    rows(table).find_map(|[pattern, source, field]| {
        let mut found = Vec::new();
        fits(pattern, name, &mut found).then(|| Origin { source: filled(source, &found), field: filled(field, &found) })
    })
}

fn rows(table: &str) -> impl Iterator<Item = [&str; 3]> {
    table.lines().filter_map(|line| {
        let mut columns = line.splitn(3, '|').map(str::trim);
        Some([columns.next()?, columns.next()?, columns.next()?])
    })
}

fn filled(text: &str, found: &[&str]) -> String {
    let mut text = text.to_owned();
    for (at, found) in found.iter().enumerate() {
        text = text.replace(&format!("${}", at + 1), found);
    }
    text
}

/// Whether all of `name` fits `pattern`; appends what its marks stand for.
fn fits<'a>(pattern: &str, name: &'a str, found: &mut Vec<&'a str>) -> bool {
    let Some(mark) = pattern.find(['*', '{']) else { return pattern == name };
    let Some(rest) = name.strip_prefix(&pattern[..mark]) else { return false };
    let pattern = &pattern[mark..];
    if let Some(after) = pattern.strip_prefix("**") {
        let mut ends = (1..=rest.len()).rev().filter(|end| rest.is_char_boundary(*end));
        return ends.any(|end| attempt(after, rest, end, found));
    }
    if let Some(after) = pattern.strip_prefix('*') {
        // The longest first: a name of its own may hold what follows.
        let part = rest.find('.').unwrap_or(rest.len());
        return (1..=part).rev().filter(|end| rest.is_char_boundary(*end)).any(|end| attempt(after, rest, end, found));
    }
    let Some((words, after)) = pattern[1..].split_once('}') else { return false };
    words.split(',').any(|word| rest.starts_with(word) && attempt(after, rest, word.len(), found))
}

fn attempt<'a>(after: &str, rest: &'a str, end: usize, found: &mut Vec<&'a str>) -> bool {
    let before = found.len();
    found.push(&rest[..end]);
    if fits(after, &rest[end..], found) {
        return true;
    }
    found.truncate(before);
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: &str, name: &str, expected: Option<&str>) {
        let found = find(table, name).map(|origin| format!("{}: {}", origin.source, origin.field));
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn marks_stand_for_what_they_say() {
        check("a.*.c | /proc/$1 | line $1", "a.b.c", Some("/proc/b: line b"));
        check("a.*.c | s | f", "a.b.b.c", None);
        check("a.*.c | s | f", "a..c", None);
        check("a.** | s | $1", "a.b.c", Some("s: b.c"));
        check("a.** | s | f", "a.", None);
        check("a.**.{x,y} | s | $1 $2", "a.b.c.y", Some("s: b.c y"));
        check("a.{in,out}_x.* | s | $1 of $2", "a.out_x.3", Some("s: out of 3"));
        check("a.*_x | s | $1", "a.b_x_x", Some("s: b_x"));
        check("a | s | f | g", "a", Some("s: f | g"));
    }

    #[test]
    fn the_first_pattern_counts_and_other_lines_do_not() {
        check("no row\na.b | one | 1\na.* | two | $1\n", "a.b", Some("one: 1"));
        check("no row\na.b | one | 1\na.* | two | $1\n", "a.c", Some("two: c"));
        check("", "a", None);
        check("{a | s | f", "{a", None);
    }
}
