//! Diamond's configuration files: sections in sections by the number of their brackets, values that are text or lists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Bytes that are read of one file.
const LONGEST: u64 = 4 << 20;
/// How deep sections may lie in each other.
const DEEPEST: usize = 16;

/// Lines that cannot be read are told up to this many.
const MOST_FAULTS: usize = 20;

/// One section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section(pub(super) BTreeMap<String, Value>);

/// What stands behind a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    Table(Section),
}

impl Section {
    /// The text of `key`; an item of a list that has just one counts, too.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Value::Text(text) => Some(text.as_str()),
            Value::List(items) => items.first().map(String::as_str).filter(|_| items.len() == 1),
            Value::Table(_) => None,
        }
    }

    /// The section `key`.
    pub(super) fn section(&self, key: &str) -> Option<&Section> {
        match self.0.get(key)? {
            Value::Table(section) => Some(section),
            _ => None,
        }
    }

    /// Takes over what `other` says, key by key.
    pub(super) fn merge(&mut self, other: Section) {
        for (key, value) in other.0 {
            match (self.0.get_mut(&key), value) {
                (Some(Value::Table(own)), Value::Table(other)) => own.merge(other),
                (_, value) => drop(self.0.insert(key, value)),
            }
        }
    }

    fn entry(&mut self, key: &str) -> &mut Section {
        let value = self.0.entry(key.to_owned()).or_insert_with(|| Value::Table(Section::default()));
        if !matches!(value, Value::Table(_)) {
            *value = Value::Table(Section::default());
        }
        match value {
            Value::Table(section) => section,
            _ => unreachable!("it was made a table above"),
        }
    }

    fn at(&mut self, path: &[String]) -> &mut Section {
        path.iter().fold(self, |section, name| section.entry(name))
    }
}

impl Value {
    /// Its items; a text is parted at its commas.
    pub(super) fn items(&self) -> Vec<String> {
        match self {
            Value::Text(text) => {
                text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
            }
            Value::List(items) => items.clone(),
            Value::Table(_) => Vec::new(),
        }
    }
}

/// Diamond's main file with all that it names: other files, then one for each handler and collector. Later ones win.
/// A folder that is named and not there is looked for beside the main file, for who looks at a copy. Lines that are
/// neither a section nor a value are told in `faults`.
///
/// # Errors
/// A file cannot be read.
pub(super) fn load(main: &Path, faults: &mut Vec<String>) -> io::Result<Section> {
    let mut config = read(main, faults)?;
    let beside = main.parent().unwrap_or(Path::new("."));
    let text = |config: &Section, table: &str, key: &str| {
        config.section(table).and_then(|table| table.text(key)).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let extension = text(&config, "configs", "extension").unwrap_or_else(|| ".conf".to_owned());
    if let Some(folder) = text(&config, "configs", "path") {
        for file in files(Path::new(&folder), &extension) {
            config.merge(read(&file, faults)?);
        }
    }
    for kind in ["handlers", "collectors"] {
        let named = text(&config, "server", &format!("{kind}_config_path")).map(PathBuf::from);
        let folder = named.filter(|folder| folder.is_dir()).unwrap_or_else(|| beside.join(kind));
        for file in files(&folder, &extension) {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let section = read(&file, faults)?;
            config.entry(kind).entry(&name).merge(section);
        }
    }
    Ok(config)
}

/// Files of `folder` in the order of their names; none if it is not there.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.is_file() && path.to_string_lossy().ends_with(extension)).collect();
    files.sort_unstable();
    files
}

fn read(path: &Path, faults: &mut Vec<String>) -> io::Result<Section> {
    let told = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if fs::metadata(path).map_err(told)?.len() > LONGEST {
        return Err(told(io::Error::other("it is too long to be a configuration")));
    }
    let bytes = fs::read(path).map_err(told)?;
    let text = String::from_utf8_lossy(&bytes);
    let (section, unread) = parse(&text);
    let unread = unread.into_iter().take(MOST_FAULTS.saturating_sub(faults.len()));
    faults.extend(unread.map(|(number, line)| {
        let line: String = line.chars().take(80).collect();
        format!("{}: line {number}, `{line}`, is neither a section nor `key = value`; it was left out", path.display())
    }));
    Ok(section)
}

/// Reads a file's text. Gives beside it the lines that are no section, no `key = value` and no comment, by number.
pub(super) fn parse(text: &str) -> (Section, Vec<(usize, &str)>) {
    let (mut top, mut unread) = (Section::default(), Vec::new());
    let mut path: Vec<String> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let depth = line.bytes().take_while(|byte| *byte == b'[').count();
        if depth > 0 && line.matches(']').count() >= depth {
            let name = line.trim_start_matches('[').split(']').next().unwrap_or_default();
            path.truncate(depth - 1);
            if path.len() < DEEPEST {
                path.push(unquoted(name.trim()).to_owned());
            }
            top.at(&path);
        } else if let Some((key, value)) = line.split_once('=') {
            let value = read_value(value.trim(), &mut lines.by_ref().map(|(_, line)| line));
            top.at(&path).0.insert(unquoted(key.trim()).to_owned(), value);
        } else {
            unread.push((at + 1, line));
        }
    }
    interpolate(&mut top);
    (top, unread)
}

fn read_value<'a>(text: &str, lines: &mut impl Iterator<Item = &'a str>) -> Value {
    for quote in ["\"\"\"", "'''"] {
        if let Some(begin) = text.strip_prefix(quote) {
            let mut all = begin.to_owned();
            while !all.contains(quote) {
                let Some(line) = lines.next() else { break };
                all.extend(["\n", line]);
            }
            return Value::Text(all.split(quote).next().unwrap_or_default().to_owned());
        }
    }
    let (mut items, mut rest, mut listed) = (Vec::new(), text.trim(), false);
    while !rest.is_empty() && !rest.starts_with('#') {
        let quoted = ['"', '\''].into_iter().find_map(|quote| rest.strip_prefix(quote)?.split_once(quote));
        let (item, after) = match quoted {
            Some((item, after)) => (item, after.trim_start()),
            None => {
                let end = rest.find([',', '#']).unwrap_or(rest.len());
                (rest[..end].trim(), &rest[end..])
            }
        };
        items.push(item.to_owned());
        rest = match after.strip_prefix(',') {
            Some(after) => {
                listed = true;
                after.trim_start()
            }
            // Text behind a closing quote: then the quotes are part of the value.
            None if !after.is_empty() && !after.starts_with('#') => return Value::Text(text.to_owned()),
            None => "",
        };
    }
    if listed {
        items.retain(|item| !item.is_empty());
        return Value::List(items);
    }
    Value::Text(items.pop().unwrap_or_default())
}

fn unquoted(text: &str) -> &str {
    let inside = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inside.unwrap_or(text)
}

/// Puts values in place of `%(name)s`: those of the same section, or of its or the file's `DEFAULT`.
fn interpolate(section: &mut Section) {
    let texts = |section: &Section| -> Vec<(String, String)> {
        let found = section.0.iter().filter_map(|(key, value)| match value {
            Value::Text(text) => Some((format!("%({key})s"), text.clone())),
            _ => None,
        });
        found.collect()
    };
    let mut known = texts(section);
    known.extend(section.section("DEFAULT").map(texts).unwrap_or_default());
    for value in section.0.values_mut() {
        match value {
            Value::Table(inner) => interpolate(inner),
            Value::Text(text) if text.contains("%(") => {
                for (name, replacement) in &known {
                    if text.len() + replacement.len() < 1 << 16 {
                        *text = text.replace(name, replacement);
                    }
                }
            }
            Value::Text(_) | Value::List(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_lie_in_sections_and_values_are_texts_or_lists() {
        let (config, unread) = parse(
            "# c\n[a]\nx = 1 # one\ny = 'p, q', r\nz = \"s # t\"\n[[b]]\nlong = '''1\n2'''\n[[\"c d\"]]\nempty =\none = 1,\n[e]\nk=v=w",
        );
        assert!(unread.is_empty(), "{unread:?}");
        let a = config.section("a").unwrap();
        assert_eq!((a.text("x"), a.text("z")), (Some("1"), Some("s # t")));
        assert_eq!(a.0["y"], Value::List(vec!["p, q".to_owned(), "r".to_owned()]));
        assert_eq!(a.section("b").unwrap().text("long"), Some("1\n2"));
        let inner = a.section("c d").unwrap();
        assert_eq!((inner.text("empty"), inner.text("one")), (Some(""), Some("1")));
        assert_eq!(config.section("e").unwrap().text("k"), Some("v=w"));
    }

    #[test]
    fn values_may_name_others() {
        let (config, _) = parse("[a]\nroot = /opt\npath = %(root)s/x/%(none)s\n");
        assert_eq!(config.section("a").unwrap().text("path"), Some("/opt/x/%(none)s"));
    }

    #[test]
    fn nonsense_is_passed_over() {
        for text in [
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]",
            "[",
            "=",
            "'''",
            "a = '''",
            "a = 'b",
            "]]",
            "\u{0}\u{ffff}",
            "a=[b]\n[a]\n[[a]]",
        ] {
            drop(parse(text));
        }
    }
}
