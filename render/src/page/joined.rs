//! The modules of the page as one script: a browser spends more time on asking for forty files than on what they do.
//!
//! The sources stay plain modules, with imports and exports by name and each such statement on a line of its own. A module
//! becomes a function that gives what it exports, so what it keeps to itself stays its own. There are no circles:
//! modules come after those that they import.

use std::fmt::Write as _;

/// `modules`, pairs of a file's name and its text, as the text of one module that runs them in this order.
pub(super) fn joined<'a>(modules: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    modules.map(|(name, text)| function(name, text)).collect()
}

fn function(name: &str, text: &str) -> String {
    let mut made = format!("// {name}\nconst {} = (() => {{\n", variable(name));
    let mut exports = Vec::new();
    for line in text.lines() {
        let line = match line.strip_prefix("export ") {
            Some(declaration) => {
                exports.push(declared(declaration));
                declaration
            }
            None => line,
        };
        // Writing to a string does not fail.
        let _ = match imported(line) {
            Some((names, from)) => writeln!(made, "const {} = {};", names.replace(" as ", ": "), variable(from)),
            None => writeln!(made, "{line}"),
        };
    }
    made + &format!("return {{ {} }};\n}})();\n", exports.join(", "))
}

/// The names, in their braces, and the file of `import { h, icon } from "./dom.js";`.
pub(super) fn imported(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("import ")?.strip_suffix("\";")?.split_once(" from \"./")
}

/// What `const h = ...`, `function h(...` or `class H ...` names.
pub(super) fn declared(declaration: &str) -> &str {
    let kinds = ["const ", "let ", "async function ", "function ", "class "];
    let rest = kinds.iter().find_map(|kind| declaration.strip_prefix(kind)).unwrap_or(declaration);
    rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').next().unwrap_or(rest)
}

/// Holds what a module exports.
fn variable(name: &str) -> String {
    format!("${}", name.trim_end_matches(".js").replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_a_function_of_those_it_imports() {
        let sums = "const two = 2;\nexport const twice = (n) => two * n;\nexport async function later() {}";
        let shown = "import { twice, later as soon } from \"./big-sums.js\";\nexport class View {}\nsoon(twice(1));";
        let made = joined([("big-sums.js", sums), ("app.js", shown)].into_iter());
        assert_eq!(
            made,
            "// big-sums.js\nconst $big_sums = (() => {\nconst two = 2;\nconst twice = (n) => two * n;\n\
             async function later() {}\nreturn { twice, later };\n})();\n\
             // app.js\nconst $app = (() => {\nconst { twice, later: soon } = $big_sums;\nclass View {}\n\
             soon(twice(1));\nreturn { View };\n})();\n"
        );
    }
}
