//! The page for browsers: its files as they are in `files/`, embedded, without a build step. `http::page` serves them.
//!
//! The scripts are plain modules over the same HTTP API that everybody else uses; [`joined`] makes one of them. They put
//! text from outside into the document as text alone, and ask no other host for anything.

mod joined;

use std::fmt::Display;
use std::hash::BuildHasher;
use std::sync::LazyLock;

use bytes::Bytes;
use foldhash::quality::FixedState;

/// One file of the page.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) bytes: Bytes,
}

/// Texts of `files/`, by their names.
macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("files/", $name)))),*]
    };
}

/// The modules, each after those that it imports; a browser gets them as one script, named as the last of them.
static MODULES: &[(&str, &str)] = &texts![
    "api.js",
    "dom.js",
    "dialog.js",
    "save.js",
    "import.js",
    "expression.js",
    "functions.js",
    "complete.js",
    "edit-panel.js",
    "edit-board.js",
    "board-edit.js",
    "live.js",
    "colors.js",
    "time.js",
    "units.js",
    "order.js",
    "names.js",
    "levels.js",
    "align.js",
    "axes.js",
    "limits.js",
    "lines.js",
    "plotting.js",
    "chart.js",
    "data.js",
    "panel-chart.js",
    "spark.js",
    "panel-number.js",
    "panel-table.js",
    "repeat.js",
    "panel.js",
    "picker.js",
    "shell.js",
    "variables.js",
    "board.js",
    "legend.js",
    "links.js",
    "tree.js",
    "sidebar.js",
    "targets.js",
    "explore.js",
    "app.js",
];

/// The other files, each with its type.
static OTHERS: &[(&str, &str)] = &texts!["style.css", "theme.js", "uplot.js", "mark.svg", "uplot-LICENSE.txt"];

/// What a browser may ask for.
static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let kept =
        OTHERS.iter().map(|&(name, text)| File { name, kind: kind(name), bytes: Bytes::from_static(text.as_bytes()) });
    let app = File { name: "app.js", kind: kind("app.js"), bytes: joined::joined(MODULES.iter().copied()).into() };
    kept.chain([app]).collect()
});

/// The document; `{FILES}` stands for the folder of the files, `{FIRST}` for links to what its view asks for at once.
const DOCUMENT: &str = include_str!("files/index.html");

/// A name for this very set of files, so that browsers may keep them for ever.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let contents: Vec<_> = FILES.iter().map(|file| (file.name, &file.bytes)).collect();
    format!("{:016x}", FixedState::with_seed(0).hash_one((DOCUMENT, contents)))
});

/// The file `name` of the set `version`.
pub(crate) fn file(version: &str, name: &str) -> Option<&'static File> {
    (version == *VERSION).then(|| FILES.iter().find(|file| file.name == name)).flatten()
}

/// The document for a path that lies `depth` folders below the root; `first` are the paths below the root whose answers
/// its view needs first, as its scripts ask for them. All links are relative, so that it also works below a folder of a
/// proxy.
pub(crate) fn document(depth: usize, first: &[impl Display]) -> String {
    let root = if depth == 0 { "./".to_owned() } else { "../".repeat(depth) };
    let link = |path| format!("<link rel=\"preload\" as=\"fetch\" crossorigin href=\"{root}{path}\">\n");
    let first: String = first.iter().map(link).collect();
    DOCUMENT.replace("{FIRST}\n", &first).replace("{FILES}", &format!("{root}page/{}/", *VERSION))
}

/// The type of a file, by its ending.
fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/files");
        let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let served = MODULES.iter().chain(OTHERS).map(|(name, _)| *name).chain(["index.html"]).map(str::to_owned);
        assert_eq!(found.collect::<BTreeSet<_>>(), served.collect::<BTreeSet<_>>());
    }

    #[test]
    fn modules_follow_those_that_they_import_and_never_write_markup() {
        let mut known: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, text) in MODULES {
            for (names, from) in text.lines().filter_map(joined::imported) {
                let given = known.get(from).unwrap_or_else(|| panic!("{name} imports {from}, which is not before it"));
                for one in names.trim_matches(['{', '}', ' ']).split(", ") {
                    let one = one.split(" as ").next().unwrap();
                    assert!(given.contains(&one), "{name} imports {one} of {from}");
                }
            }
            known.insert(
                name,
                text.lines().filter_map(|line| line.strip_prefix("export ")).map(joined::declared).collect(),
            );
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"] {
                assert!(!text.contains(way), "{name} has {way}");
            }
        }
        let app = file(&VERSION, "app.js").unwrap();
        let left = |line: &&str| line.starts_with("import ") || line.starts_with("export ");
        assert_eq!(
            std::str::from_utf8(&app.bytes).unwrap().lines().find(left),
            None,
            "a form that `joined` does not know"
        );
    }

    #[test]
    fn the_document_names_its_files_relative_to_its_path() {
        let top = document(0, &[""; 0]);
        assert!(top.contains(&format!("\"./page/{}/style.css\"", *VERSION)), "{top}");
        let below = document(1, &["dashboards/hosts"]);
        assert!(below.contains(&format!("\"../page/{}/app.js\"", *VERSION)), "{below}");
        assert!(below.contains("\"../dashboards/hosts\""), "{below}");
        assert!(!top.contains('{'), "no place is left open: {top}");
    }
}
