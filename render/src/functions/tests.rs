use super::*;

#[test]
fn every_name_is_there_once() {
    let mut names: Vec<&str> = all().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied())).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
    assert_eq!(count, 154, "graphite-web's names");
}

#[test]
fn only_the_last_parameter_repeats() {
    for function in all() {
        let but_last = function.params.len().saturating_sub(1);
        assert!(function.params[..but_last].iter().all(|param| !param.multiple), "{}", function.name);
        assert!(!function.description.is_empty());
    }
}

#[test]
fn a_misspelled_name_is_recognised() {
    assert_eq!(nearest("sumSerie"), Some("sumSeries"));
    assert_eq!(nearest("aliasbynode"), Some("aliasByNode"));
    assert_eq!(nearest("frobnicate"), None);
}
