use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(pattern: &str, yes: &[&str], no: &[&str]) {
    let pattern = Pattern::parse(pattern).unwrap();
    for name in yes {
        assert!(pattern.matches(name), "{pattern} should match {name}");
    }
    for name in no {
        assert!(!pattern.matches(name), "{pattern} should not match {name}");
    }
}

#[test]
fn a_wildcard_stays_within_its_part() {
    check("servers.*.cpu", &["servers.a.cpu"], &["servers.a.b.cpu", "servers.cpu", "servers.a.cpu.x"]);
    check("a*c?", &["acd", "abccd", "aéçcü"], &["ac", "a.c"]);
    check("*", &["a", "häuser"], &["a.b"]);
    check("a*", &["a", "ab"], &["b"]);
    check("*b*d*", &["abcd", "bd", "xbxdx"], &["db", "b"]);
    check("ab*ba", &["abba", "abxba"], &["aba"]);
}

#[test]
fn sets_read_as_in_python() {
    check("x[a-c]", &["xa", "xc"], &["xd", "x-"]);
    check("x[!a-c]", &["xd", "x!"], &["xa", "x"]);
    check("x[]a]", &["x]", "xa"], &["x"]);
    check("x[a-c-e]", &["xb", "x-", "xe"], &["xd"]);
    check("x[-a]", &["x-", "xa"], &[]);
    check("x[^a]", &["x^", "xa"], &["xb"]);
    check("x[f-ha-cb-d]", &["xa", "xd", "xg"], &["xe", "xi"]);
    check("[[a]", &["[", "a"], &["]"]);
    check("[a][", &["a["], &["a"]);
    check("x[c-a]", &[], &["xa", "xb", "xc"]);
    check("x[abc", &["x[abc"], &["xa"]);
    check("x[!]", &["x[!]"], &["xa"]);
    check("x[é-ü]", &["xó"], &["xe"]);
}

#[test]
fn lists_are_spelled_out_before_wildcards() {
    check("cpu.{user,idle}", &["cpu.user", "cpu.idle"], &["cpu.nice"]);
    check("{a,b{c,d*}}e", &["ae", "bce", "bdxe"], &["be", "bcxe"]);
    check("{a,b}{1,2}", &["a1", "a2", "b1", "b2"], &["a", "ab"]);
    check("x{,y}", &["x", "xy"], &["x,"]);
    check("{[a,b],c}", &["[a", "b]", "c"], &["a"]);
    check("[{a,b}]", &["a", "b"], &["c", "{"]);
    check("{a,{b,c}", &["{a,b", "{a,c"], &["a", "b"]);
    check("a}b{", &["a}b{"], &[]);
    check("{a.b,c}", &["{a.b,c}"], &["a.b", "c"]);
}

#[test]
fn two_stars_cross_dots() {
    check("a.**.d", &["a.d", "a.b.d", "a.b.c.d", "a.d.d"], &["a", "d", "a.b"]);
    check("a.**", &["a.b", "a.b.c"], &["a", "b.a"]);
    check("**", &["a", "a.b.c"], &[]);
    check("**.cpu.*", &["cpu.x", "a.cpu.x", "cpu.cpu.x"], &["cpu", "a.cpu"]);
    check("**.a.**.b", &["a.b", "x.a.y.a.b"], &["b.a"]);
    check("a**b", &["ab", "axb"], &["a.b"]);
}

#[test]
fn a_backslash_takes_the_meaning_away() {
    check(r"a\*", &["a*"], &["ab", r"a\*"]);
    check(r"\{a\,b\}", &["{a,b}"], &["a"]);
    check(r"[\]]", &["]"], &["["]);
    check(r"a\.b", &["a.b"], &[]);
}

#[test]
fn a_pattern_says_what_a_directory_walk_needs() {
    let pattern = Pattern::parse("servers.{b,a}.rack0*.[x]").unwrap();
    let [servers, hosts, rack, set] = pattern.segments() else { panic!("four segments") };
    assert_eq!(servers.literal(), Some("servers"));
    assert_eq!(hosts.literals().iter().map(|word| &**word).collect::<Vec<_>>(), ["a", "b"]);
    assert!(!hosts.has_wildcards() && hosts.literal().is_none());
    assert_eq!((rack.prefix(), rack.has_wildcards()), ("rack0", true));
    assert!(set.has_wildcards());
}

#[test]
fn an_exact_pattern_is_a_name() {
    let name = |text: &str| Pattern::parse(text).unwrap().exact();
    assert_eq!(name(r".a\*..b"), Some("a*.b".to_owned()));
    assert_eq!(name("{a}"), Some("a".to_owned()));
    assert_eq!(name("a.*"), None);
    assert_eq!(name("a.{b,c}"), None);
    assert_eq!(name("**"), None);
}

#[test]
fn limits_are_named() {
    let fault = |text: &str| Pattern::parse(text).unwrap_err();
    assert_eq!(fault(""), PatternFault::Empty);
    assert_eq!(fault("..."), PatternFault::Empty);
    assert_eq!(fault(&"a".repeat(LONGEST_PATTERN + 1)), PatternFault::TooLong);
    assert_eq!(fault(&"{a,b}".repeat(20)), PatternFault::TooManyAlternatives);
    assert_eq!(fault(&("{a,b}".repeat(12) + &"x".repeat(5_000))), PatternFault::TooManyAlternatives);
    assert_eq!(fault(&("{,}".repeat(12) + &"{".repeat(60_000))), PatternFault::TooManyAlternatives);
    assert_eq!(fault(&("{".repeat(17) + &"}".repeat(17))), PatternFault::TooDeep);
    assert!(Pattern::parse(&"{".repeat(LONGEST_PATTERN)).is_ok());
    assert!(Pattern::parse(&"{}".repeat(LONGEST_PATTERN / 2)).is_ok());
}

/// A second opinion: expands like the reference, innermost list first, and matches by trying everything.
fn naive(pattern: &str, name: &str) -> bool {
    let mut segments: Vec<&str> = pattern.split('.').filter(|segment| !segment.is_empty()).collect();
    if segments.last() == Some(&"**") {
        segments.push("*");
    }
    naive_parts(&segments, &name.split('.').collect::<Vec<_>>())
}

fn naive_parts(segments: &[&str], parts: &[&str]) -> bool {
    match (segments, parts) {
        ([], _) => parts.is_empty(),
        (["**", rest @ ..], _) => (0..=parts.len()).any(|skipped| naive_parts(rest, &parts[skipped..])),
        (_, []) => false,
        ([segment, rest @ ..], [part, others @ ..]) => {
            let part: Vec<char> = part.chars().collect();
            naive_braces(segment).iter().any(|glob| naive_glob(glob, &part)) && naive_parts(rest, others)
        }
    }
}

fn naive_braces(segment: &str) -> Vec<Vec<char>> {
    let close = segment.char_indices().find(|(at, c)| *c == '}' && segment[..*at].contains('{'));
    let Some((close, _)) = close else { return vec![segment.chars().collect()] };
    let open = segment[..close].rfind('{').unwrap();
    let (head, tail) = (&segment[..open], &segment[close + 1..]);
    segment[open + 1..close].split(',').flat_map(|word| naive_braces(&format!("{head}{word}{tail}"))).collect()
}

fn naive_glob(glob: &[char], text: &[char]) -> bool {
    match glob {
        [] => text.is_empty(),
        ['*', rest @ ..] => (0..=text.len()).any(|taken| naive_glob(rest, &text[taken..])),
        ['[', 'a', '-', 'b', ']', rest @ ..] => matches!(text, ['a' | 'b', ..]) && naive_glob(rest, &text[1..]),
        ['[', '!', 'a', ']', rest @ ..] => matches!(text, [c, ..] if *c != 'a') && naive_glob(rest, &text[1..]),
        ['?', rest @ ..] => !text.is_empty() && naive_glob(rest, &text[1..]),
        [c, rest @ ..] => text.first() == Some(c) && naive_glob(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn matching_agrees_with_trying_everything(
        pattern in r"(a|b|\*|\?|\.|\*\*|\.\*\*\.|\[a-b\]|\[!a\]|\{|\}|,|\{a,b\*\}){1,12}",
        name in "[ab]{0,3}(\\.[ab,{}]{1,3}){0,3}",
    ) {
        if let Ok(compiled) = Pattern::parse(&pattern) {
            prop_assert_eq!(compiled.matches(&name), naive(&pattern, &name), "{} against {}", pattern, name);
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "\\PC{0,40}", name in "\\PC{0,20}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            pattern.matches(&name);
            pattern.exact();
        }
    }
}
