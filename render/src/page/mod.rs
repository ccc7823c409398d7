//! The page for browsers: its files as they are in `files/`, embedded, without a build step. `http::page` serves them.
//!
//! The scripts are plain modules over the same HTTP API that everybody else uses. They put text from outside into the
//! document as text alone, and ask no other host for anything.

use std::sync::LazyLock;

use foldhash::quality::FixedState;
use std::hash::BuildHasher;

/// One file of the page.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) bytes: &'static [u8],
}

/// Declares files by the endings that tell their types.
macro_rules! files {
    ($($name:literal $kind:ident),* $(,)?) => {
        [$(File { name: $name, kind: $kind, bytes: include_bytes!(concat!("files/", $name)) }),*]
    };
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// What a browser fetches after the document, in the order in which it should.
static FILES: &[File] = &files![
    "style.css" STYLE,
    "theme.js" SCRIPT,
    "uplot.js" SCRIPT,
    "app.js" SCRIPT,
    "dom.js" SCRIPT,
    "api.js" SCRIPT,
    "time.js" SCRIPT,
    "units.js" SCRIPT,
    "colors.js" SCRIPT,
    "names.js" SCRIPT,
    "tree.js" SCRIPT,
    "sidebar.js" SCRIPT,
    "align.js" SCRIPT,
    "axes.js" SCRIPT,
    "data.js" SCRIPT,
    "lines.js" SCRIPT,
    "limits.js" SCRIPT,
    "chart.js" SCRIPT,
    "legend.js" SCRIPT,
    "expression.js" SCRIPT,
    "functions.js" SCRIPT,
    "complete.js" SCRIPT,
    "targets.js" SCRIPT,
    "links.js" SCRIPT,
    "picker.js" SCRIPT,
    "live.js" SCRIPT,
    "shell.js" SCRIPT,
    "explore.js" SCRIPT,
    "variables.js" SCRIPT,
    "spark.js" SCRIPT,
    "levels.js" SCRIPT,
    "panel-chart.js" SCRIPT,
    "panel-number.js" SCRIPT,
    "panel-table.js" SCRIPT,
    "repeat.js" SCRIPT,
    "panel.js" SCRIPT,
    "dialog.js" SCRIPT,
    "edit-panel.js" SCRIPT,
    "edit-board.js" SCRIPT,
    "save.js" SCRIPT,
    "import.js" SCRIPT,
    "board-edit.js" SCRIPT,
    "board.js" SCRIPT,
    "mark.svg" PICTURE,
    "uplot-LICENSE.txt" TEXT,
];

/// The document, the same for every path; `{FILES}` stands for the folder of the files, `{MODULES}` for links to scripts.
const DOCUMENT: &str = include_str!("files/index.html");

/// A name for this very set of files, so that browsers may keep them for ever.
pub(crate) static VERSION: LazyLock<String> = LazyLock::new(|| {
    let contents: Vec<_> = FILES.iter().map(|file| (file.name, file.bytes)).collect();
    format!("{:016x}", FixedState::with_seed(0).hash_one((DOCUMENT, contents)))
});

/// The file `name` of the set `version`.
pub(crate) fn file(version: &str, name: &str) -> Option<&'static File> {
    (version == *VERSION).then(|| FILES.iter().find(|file| file.name == name)).flatten()
}

/// The document for a path that lies `depth` folders below the root. Its links are relative, so that it also works
/// below a folder of a proxy.
pub(crate) fn document(depth: usize) -> String {
    let folder = format!("{}page/{}/", if depth == 0 { "./".to_owned() } else { "../".repeat(depth) }, *VERSION);
    let link = |file: &File| format!("<link rel=\"modulepreload\" href=\"{folder}{}\">\n", file.name);
    let modules: String = FILES.iter().filter(|file| is_module(file)).map(link).collect();
    DOCUMENT.replace("{MODULES}\n", &modules).replace("{FILES}", &folder)
}

/// The two others must run before the document is shown, and are named by it.
fn is_module(file: &File) -> bool {
    file.kind == SCRIPT && !["theme.js", "uplot.js"].contains(&file.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page/files");
        let found = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let served = FILES.iter().map(|file| file.name).chain(["index.html"]).map(str::to_owned);
        assert_eq!(found.collect::<BTreeSet<_>>(), served.collect::<BTreeSet<_>>());
    }

    #[test]
    fn scripts_import_only_what_is_served_and_never_write_markup() {
        for file in FILES.iter().filter(|file| is_module(file)) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            for import in text.lines().filter_map(|line| line.split_once(" from \"./")) {
                let name = import.1.trim_end_matches(';').trim_end_matches('"');
                assert!(FILES.iter().any(|file| file.name == name), "{} imports {name}", file.name);
            }
            for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"] {
                assert!(!text.contains(way), "{} has {way}", file.name);
            }
        }
    }

    #[test]
    fn the_document_names_its_files_relative_to_its_path() {
        let top = document(0);
        assert!(top.contains(&format!("\"./page/{}/style.css\"", *VERSION)), "{top}");
        assert!(document(1).contains(&format!("\"../page/{}/app.js\"", *VERSION)));
        assert!(!top.contains('{'), "no place is left open: {top}");
    }
}
