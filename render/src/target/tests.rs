use super::tree::Literal;
use super::*;

fn root(text: &str) -> Expression {
    Target::parse(text).unwrap().root().expression.clone()
}

#[track_caller]
fn refused(text: &str, position: usize) {
    let fault = Target::parse(text).unwrap_err();
    assert_eq!(fault.place.position, position, "{fault}");
}

#[track_caller]
fn path(text: &str, expected: &str) {
    assert_eq!(root(text), Expression::Path(expected.to_owned()));
}

fn call(text: &str) -> Call {
    match root(text) {
        Expression::Call(call) => call,
        other => panic!("{other:?} is no call"),
    }
}

#[test]
fn paths_keep_globs_and_lose_backslashes() {
    path("servers.*.cpu.{user,idle}", "servers.*.cpu.{user,idle}");
    path("web[0-9]?.a-b:c;d=e", "web[0-9]?.a-b:c;d=e");
    path("odd.with\\,comma", "odd.with,comma");
    path("!!!", "!!!");
    path("häuser.größe", "häuser.größe");
    path("5", "5");
}

#[test]
fn arguments_are_told_apart_by_how_they_look() {
    let call = call("f(a.b, 3, -1.5, 1e3, 'x', \"y\\1\", true, NONE, inf, 10min, 1.2.3, none.such)");
    let kinds: Vec<&Expression> = call.args.iter().map(|arg| &arg.expression).collect();
    assert_eq!(*kinds[1], Expression::Number(Number::Integer(3)));
    assert_eq!(*kinds[2], Expression::Number(Number::Float(-1.5)));
    assert_eq!(*kinds[3], Expression::Number(Number::Float(1000.0)));
    assert_eq!(*kinds[4], Expression::Text("x".to_owned()));
    assert_eq!(*kinds[5], Expression::Text("y\\1".to_owned()));
    assert_eq!(*kinds[6], Expression::Boolean(true));
    assert_eq!(*kinds[7], Expression::None);
    assert_eq!(*kinds[8], Expression::Number(Number::Float(f64::INFINITY)));
    for (at, text) in [(0, "a.b"), (9, "10min"), (10, "1.2.3"), (11, "none.such")] {
        assert_eq!(*kinds[at], Expression::Path(text.to_owned()));
    }
}

#[test]
fn keywords_follow_positions() {
    let call = call("f( a.b , limit = 3 )");
    assert_eq!(call.args.len(), 1);
    assert_eq!(call.keywords[0].0, "limit");
    refused("f(x=1, a.b)", 7);
}

#[test]
fn pipes_become_calls() {
    assert_eq!(root("a.b|scale(2) | alias('x')").clone(), {
        let mut nested = call("alias(scale(a.b,2),'x')");
        shift(&mut nested);
        let mut piped = call("a.b|scale(2) | alias('x')");
        shift(&mut piped);
        assert_eq!(piped, nested);
        root("a.b|scale(2) | alias('x')")
    });
}

/// Forgets positions and what was a pipe, so that trees of different texts can be compared.
fn shift(call: &mut Call) {
    call.piped = false;
    for node in &mut call.args {
        (node.position, node.end) = (0, 0);
        if let Expression::Call(inner) = &mut node.expression {
            shift(inner);
        }
    }
}

#[test]
fn templates_hold_literals_only() {
    let Expression::Template(template) = root("template(a.$1.$host, 'x', 3)") else { panic!() };
    assert_eq!(template.values[0], ("1".to_owned(), Literal::Text("x".to_owned())));
    assert_eq!(template.values[1], ("2".to_owned(), Literal::Number(Number::Integer(3))));
    refused("template(sumSeries(misc.$1),misc.ramp)", 28);
    refused("template(misc.$1,'x',a='y')", 21);
    refused("template(misc.$1,a='x','y')", 23);
    refused("template(misc.$1|scale(2),'x')", 17);
    refused("template(template(misc.$1,'x'),'y')", 9);
}

#[test]
fn faults_say_where_they_are() {
    refused("", 0);
    refused("\"just a string\"", 0);
    refused("misc.ramp)))", 9);
    refused("misc.ramp,,", 9);
    refused("sumSeries(misc.ramp", 19);
    refused("scale(x,.5)", 8);
    refused("scale(x,5", 9);
    refused("alias(x,'y)", 8);
    refused("a.{b,c", 2);
    refused("a.{b,}", 5);
    refused("a..b", 1);
    refused("x|y", 2);
}

#[test]
fn a_fault_shows_a_quote_as_it_was_written() {
    let found = |text: &str| Target::parse(text).unwrap_err().to_string();
    assert!(found("\"x\"").contains("found `\"`"), "{}", found("\"x\""));
    assert!(found("\u{1}").contains("found `\\u{1}`"), "{}", found("\u{1}"));
}

#[test]
fn nesting_and_length_have_limits() {
    let deep = "f(".repeat(DEEPEST) + "x" + &")".repeat(DEEPEST);
    assert!(Target::parse(&deep).is_err());
    assert!(Target::parse(&("x".to_owned() + &"|f()".repeat(DEEPEST + 1))).is_err());
    assert!(Target::parse(&"x".repeat(LONGEST + 1)).is_err());
}

#[test]
fn the_caret_stands_below_the_fault() {
    let fault = Target::parse("sumSeries(a.b").unwrap_err();
    assert_eq!(fault.place.caret(), "sumSeries(a.b\n             ^");
}

#[test]
fn the_first_path_of_a_name_is_found() {
    assert_eq!(first_path("scale(a.b.c,10)").as_deref(), Some("a.b.c"));
    assert_eq!(first_path("a.b (avg: 3.0)").as_deref(), Some("a.b"));
    assert_eq!(first_path("sumSeries(scale(a.*,2),b)").as_deref(), Some("a.*"));
    assert_eq!(first_path("(odd)"), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}|[a-c(){},.'\"|=*\\\\ 0-9-]{0,60}") {
        if let Err(fault) = Target::parse(&text) {
            let _ = fault.place.caret();
        }
        let _ = first_path(&text);
    }
}
