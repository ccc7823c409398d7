use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::dashboards::Panel;

fn imported(value: &Value) -> Imported {
    let made = import(value.to_string().as_bytes()).unwrap();
    let again = Dashboard::parse(made.dashboard.text().as_bytes()).unwrap();
    assert_eq!(again, made.dashboard, "it can be read again");
    made
}

fn panel(value: Value) -> (Panel, Vec<String>) {
    let made = imported(&json!({ "title": "T", "schemaVersion": 30, "panels": [value] }));
    (made.dashboard.rows[0].panels[0].clone(), made.left_out)
}

fn chart(more: Value) -> Value {
    let mut panel = json!({ "type": "timeseries", "title": "P", "gridPos": { "w": 8, "h": 9, "x": 0, "y": 0 },
        "datasource": { "type": "graphite", "uid": "g" }, "targets": [{ "refId": "A", "target": "a.b" }] });
    panel.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    panel
}

fn holds(notes: &[String], text: &str) -> bool {
    notes.iter().any(|note| note.contains(text))
}

#[test]
fn a_dashboard_of_graphite_web_keeps_its_graphs_and_its_window() {
    let state = json!({ "state": { "name": "Web servers", "refreshConfig": { "enabled": true, "interval": 60000 },
        "timeConfig": { "type": "relative", "relativeStartUnits": "hours", "relativeStartQuantity": "2",
            "relativeUntilUnits": "now", "relativeUntilQuantity": "" },
        "graphSize": { "width": 400, "height": 250 },
        "graphs": [
            ["target=a.b", { "target": ["a.b", "scale(c.d,2)"], "title": "One", "areaMode": "stacked", "_uniq": 0.3, "yMin": "" }, "/render?x"],
            ["target=e.f&target=g%28h%29", {}, "/render?"],
            [["i.j"], { "title": "List" }],
            ["", {}, "/render?width=400&target=k.l"],
            [[], {}, ""] ] } });
    let made = imported(&state);
    let board = &made.dashboard;
    assert_eq!((board.title.as_str(), board.from.as_str(), board.until.as_str()), ("Web servers", "-2hours", "now"));
    assert_eq!(board.refresh, Some(60));
    let targets: Vec<_> = board.panels().map(|panel| panel.targets.join(" ")).collect();
    assert_eq!(targets, ["a.b scale(c.d,2)", "e.f g(h)", "i.j", "k.l"]);
    let first = board.panels().next().unwrap();
    assert_eq!((first.width, first.height, first.title.as_str()), (Some(4), Some(250), "One"));
    assert_eq!(json!(first.options), json!({ "areaMode": "stacked" }));
    assert_eq!(made.left_out, ["graph 5: it has no targets"]);
    // As it stands in the database.
    let text = json!({ "state": state["state"].to_string() });
    assert_eq!(imported(&text).dashboard, *board);
}

#[test]
fn a_template_becomes_a_dashboard_with_a_variable() {
    let state = json!({ "name": "Host", "graphs": [["", { "target": "sumSeries(servers.__VALUE__.cpu.*)",
        "title": "CPU of __VALUE__" }, ""]] });
    let board = imported(&state).dashboard;
    let variable = &board.variables[0];
    assert_eq!((variable.query.as_str(), variable.node, variable.name.as_str()), ("servers.*", Some(1), "value"));
    let panel = board.panels().next().unwrap();
    assert_eq!(
        (panel.targets[0].as_str(), panel.title.as_str()),
        ("sumSeries(servers.${value}.cpu.*)", "CPU of ${value}")
    );
    assert_eq!(board.remarks(), Vec::<String>::new());
}

#[test]
fn a_grafana_dashboard_keeps_rows_panels_variables_and_time() {
    let value = json!({ "dashboard": { "title": "G", "schemaVersion": 36, "refresh": "30s",
        "time": { "from": "now-15m", "to": "now" },
        "annotations": { "list": [{ "builtIn": 1 }, { "name": "deploys" }] },
        "templating": { "list": [
            { "name": "host", "type": "query", "query": "servers.*", "includeAll": true, "current": { "value": ["$__all"] } },
            { "name": "disk", "type": "query", "query": { "query": "servers.$host.disk.*" }, "current": { "value": "sda" } },
            { "name": "tag", "type": "query", "query": "tag_values(x)", "current": { "value": "y" } },
            { "name": "step", "type": "interval", "query": "1m,10m,1h", "current": { "value": "10m" } },
            { "name": "kind", "type": "custom", "query": "CPU : cpu,load" },
            { "name": "env", "type": "constant", "query": "live" },
            { "name": "ds", "type": "datasource", "query": "graphite" },
            { "name": "filter", "type": "adhoc" } ] },
        "panels": [
            { "type": "row", "title": "Later", "gridPos": { "y": 10 }, "collapsed": true, "panels": [chart(json!({ "title": "inner" }))] },
            chart(json!({ "title": "first", "targets": [{ "refId": "A", "target": "servers.[[host]].${disk:glob}.$step" }] })) ] } });
    let made = imported(&value);
    let board = &made.dashboard;
    assert_eq!((board.from.as_str(), board.until.as_str(), board.refresh), ("-15min", "now", Some(30)));
    let rows: Vec<_> = board.rows.iter().map(|row| (row.title.as_str(), row.panels[0].title.as_str())).collect();
    assert_eq!(rows, [("", "first"), ("Later", "inner")]);
    assert_eq!(board.panels().next().unwrap().targets, ["servers.${host}.${disk}.${step}"]);
    let names: Vec<_> = board.variables.iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(names, ["host", "disk", "tag", "step", "kind", "env"]);
    let host = &board.variables[0];
    assert_eq!((host.query.as_str(), host.node, host.default.as_str(), host.all), ("servers.*", None, "*", true));
    assert_eq!(board.variables[3].values, ["1min", "10min", "1h"]);
    assert_eq!(board.variables[4].values, ["cpu", "load"]);
    assert!(holds(&made.left_out, "annotations `deploys`") && holds(&made.left_out, "tag_values"));
    assert!(holds(&made.left_out, "variable `filter`"), "{:?}", made.left_out);
    assert_eq!(board.remarks(), Vec::<String>::new());
}

#[test]
fn what_is_said_of_one_series_goes_into_its_target() {
    let (panel, notes) = panel(chart(json!({
        "targets": [{ "refId": "A", "target": "alias(a.$host.b, 'CPU')" }, { "refId": "B", "target": "c.d" }, { "refId": "C", "target": "e.*" }],
        "seriesOverrides": [{ "alias": "CPU", "yaxis": 2, "color": "#ff0000", "zindex": 3 }, { "alias": "/x/", "yaxis": 2 }],
        "fieldConfig": { "defaults": {}, "overrides": [
            { "matcher": { "id": "byName", "options": "c.d" }, "properties": [
                { "id": "custom.lineStyle", "value": { "fill": "dash" } }, { "id": "custom.lineWidth", "value": 3 }] },
            { "matcher": { "id": "byName", "options": "e.f" }, "properties": [{ "id": "color", "value": { "fixedColor": "red" } }] },
            { "matcher": { "id": "byRegexp", "options": ".*" }, "properties": [{ "id": "color", "value": { "fixedColor": "red" } }] } ] } })));
    let expected =
        ["alias(secondYAxis(color(a.${host}.b,'#ff0000')),'CPU')", "alias(lineWidth(dashed(c.d),3),'c.d')", "e.*"];
    let mut found = panel.targets.clone();
    // Which of two marks comes first is nobody's business.
    found[0] =
        found[0].replace("color(secondYAxis(a.${host}.b),'#ff0000')", "secondYAxis(color(a.${host}.b,'#ff0000'))");
    assert_eq!(found, expected);
    for told in
        ["what else is said of the series `CPU`", "of the series `/x/`", "of the series `e.f`", "of the series `.*`"]
    {
        assert!(holds(&notes, told), "{told}: {notes:?}");
    }
    assert!(!holds(&notes, "`c.d`"), "{notes:?}");
}

#[test]
fn rows_of_old_span_twelfths() {
    let value = json!({ "title": "Old", "schemaVersion": 12, "rows": [{ "title": "R", "height": "250px", "panels": [
        { "type": "graph", "title": "G", "span": 6, "stack": true, "nullPointMode": "connected", "targets": [{ "target": "a.b" }],
          "yaxes": [{ "format": "bytes", "min": "0", "max": null, "logBase": 10 }], "seriesOverrides": [{ "alias": "x" }] },
        { "type": "singlestat", "title": "S", "span": 3, "format": "percent", "decimals": 1, "thresholds": "70,90",
          "sparkline": { "show": true }, "targets": [{ "target": "c" }] },
        { "type": "text", "mode": "html", "content": "<b>Hello</b> <script>x()</script>", "span": 3 } ] }] });
    let made = imported(&value);
    let [graph, stat, text] = &made.dashboard.rows[0].panels[..] else { panic!("three panels") };
    assert_eq!((graph.width, graph.height, graph.unit.as_str()), (Some(6), Some(250), "B"));
    let options = json!({ "areaMode": "stacked", "lineMode": "connected", "yMin": "0", "logBase": "10" });
    assert_eq!(json!(graph.options), options);
    assert_eq!((stat.kind.as_str(), stat.unit.as_str(), stat.spark, stat.decimals), ("number", "%", true, Some(1)));
    assert_eq!((stat.warn.as_ref().unwrap().as_f64(), stat.alarm.as_ref().unwrap().as_f64()), (Some(70.0), Some(90.0)));
    assert!(text.text.starts_with("Hello") && !text.text.contains('<'), "{}", text.text);
    assert!(holds(&made.left_out, "series `x`"));
}

#[test]
fn letters_of_other_targets_are_resolved() {
    let targets = json!([{ "refId": "A", "target": "a.b", "hide": true }, { "refId": "B", "target": "scale(#A,2)" },
        { "refId": "C", "target": "sumSeries(#A,#B)" }, { "refId": "D", "target": "sum(#D)" }, { "refId": "E", "target": "f(" }]);
    let (made, notes) = panel(chart(json!({ "targets": targets })));
    assert_eq!(made.targets, ["scale(a.b,2)", "sumSeries(a.b,scale(a.b,2))"]);
    assert!(holds(&notes, "target D") && holds(&notes, "the target f("), "{notes:?}");
    // What grows without end is left out.
    let letter = |n: u8| char::from(b'A' + n).to_string();
    let doubling: Vec<Value> = (0..26)
        .map(|n| json!({ "refId": letter(n), "target": format!("f(#{0},#{0})", letter((n + 1) % 26)) }))
        .collect();
    assert!(import(json!({ "panels": [chart(json!({ "targets": doubling }))] }).to_string().as_bytes()).is_ok());
}

#[test]
fn thresholds_of_low_numbers_are_the_other_way_round() {
    let steps = |colors: [&str; 3]| {
        let defaults = json!({ "unit": "s", "thresholds": { "steps": [{ "color": colors[0], "value": null },
            { "color": colors[1], "value": 10 }, { "color": colors[2], "value": 20 }] } });
        let (made, _) = panel(chart(json!({ "type": "stat", "fieldConfig": { "defaults": defaults } })));
        (made.warn.unwrap().as_i64(), made.alarm.unwrap().as_i64())
    };
    assert_eq!(steps(["green", "orange", "red"]), (Some(10), Some(20)));
    assert_eq!(steps(["red", "orange", "green"]), (Some(20), Some(10)));
}

#[test]
fn windows_repetitions_and_lines_of_panels_are_kept() {
    let value = json!({ "title": "C", "schemaVersion": 14, "templating": { "list": [
            { "name": "osd", "type": "query", "query": "ceph.*", "regex": "/osd(\\d+)/", "multi": true } ] },
        "rows": [{ "title": "OSD $osd", "repeat": "osd", "panels": [
            { "type": "graph", "title": "G", "timeFrom": "7d", "repeat": "osd", "yaxes": [{ "format": "percentunit" }], "targets": [{ "target": "ceph.osd$osd.x" }],
              "thresholds": [{ "value": 70, "colorMode": "warning" }, { "value": 90, "colorMode": "critical" }, { "value": 95, "colorMode": "critical" }] },
            { "type": "graph", "title": "G", "repeatPanelId": 1, "repeatIteration": 2, "targets": [{ "target": "ceph.osd$osd.x" }] },
            { "type": "singlestat", "title": "S", "targets": [{ "target": "a" }] },
            { "type": "stat", "title": "M", "options": { "reduceOptions": { "calcs": ["max"] } }, "targets": [{ "target": "a" }] } ] }] });
    let made = imported(&value);
    let row = &made.dashboard.rows[0];
    let [graph, of_old, most] = &row.panels[..] else { panic!("three panels") };
    assert_eq!((row.repeat.as_str(), graph.repeat.as_str()), ("osd", "osd"));
    assert_eq!((graph.from.as_str(), graph.until.as_str(), graph.unit.as_str()), ("-7d", "", "ratio"));
    assert_eq!((graph.warn.as_ref().unwrap().as_i64(), graph.alarm.as_ref().unwrap().as_i64()), (Some(70), Some(90)));
    assert_eq!((of_old.reduce.as_str(), most.reduce.as_str()), ("avg", "max"));
    assert_eq!(made.dashboard.variables[0].regex, "/osd(\\d+)/");
    assert_eq!(made.left_out, ["panel `G`: its threshold line at 95"]);
    assert_eq!(made.dashboard.remarks(), Vec::<String>::new());
}

#[test]
fn thresholds_that_are_not_drawn_make_no_lines() {
    let drawn = |mode: &str| {
        let steps = json!([{ "color": "green", "value": null }, { "color": "red", "value": 80 }]);
        let defaults = json!({ "thresholds": { "steps": steps }, "custom": { "thresholdsStyle": { "mode": mode } } });
        let (made, _) = panel(chart(json!({ "fieldConfig": { "defaults": defaults } })));
        made.alarm.and_then(|limit| limit.as_i64())
    };
    assert_eq!((drawn("off"), drawn("line"), drawn("dashed+area")), (None, Some(80), Some(80)));
}

#[test]
fn what_has_no_counterpart_is_named() {
    let value = json!({ "title": "M", "__inputs": [{ "name": "DS_P", "pluginId": "prometheus" }], "panels": [
        chart(json!({ "title": "ok", "timeFrom": "now/d", "alert": {}, "transformations": [{}], "timeShift": "1d" })),
        { "type": "heatmap", "title": "H" }, { "title": "L", "libraryPanel": { "name": "x" } },
        { "type": "graph", "title": "other", "datasource": "${DS_P}", "targets": [{ "expr": "up" }] } ] });
    let notes = imported(&value).left_out;
    for text in
        ["time range `now/d`", "alert", "transformations", "shift", "heatmap", "library panel", "asks prometheus"]
    {
        assert!(holds(&notes, text), "{text} in {notes:?}");
    }
}

#[test]
fn what_is_something_else_is_refused_by_name() {
    let refused = |text: &str| import(text.as_bytes()).unwrap_err().to_string();
    let prometheus = json!({ "title": "Ceph", "panels": [
        { "type": "graph", "title": "a", "datasource": "$datasource", "targets": [{ "expr": "ceph_health_status" }] } ] });
    assert!(refused(&prometheus.to_string()).contains("read from prometheus"));
    assert!(refused("[default]\nbackground = black\n").contains("colours"));
    assert!(refused(r#"{"rows":[{"panels":[{"kind":"chart"}]}]}"#).contains("already"));
    assert!(refused(r#"{"spec":{"elements":{},"layout":{}}}"#).contains("v2"));
    assert!(refused("[1,2]").contains("neither") && refused("{}").contains("neither"));
    assert!(refused("nonsense").contains("no JSON"));
    assert!(refused(&"[".repeat(200_000)).contains("deeper"));
}

/// JSON with the words that importers look for, in places where they do not belong.
fn odd() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "panels",
        "rows",
        "graphs",
        "state",
        "type",
        "target",
        "targets",
        "refId",
        "title",
        "templating",
        "list",
        "query",
        "name",
        "current",
        "value",
        "gridPos",
        "w",
        "h",
        "fieldConfig",
        "defaults",
        "thresholds",
        "steps",
        "text",
        "graph",
        "row",
        "stat",
        "#A",
        "#B",
        "A",
        "B",
        "$x",
        "[[y]]",
        "${",
        "now-1h/d",
        "__VALUE__",
        "span",
        "height",
        "ü#",
        "1m",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        words.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..8)
                .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_makes_an_import_panic(panel in odd(), other in odd(), list in odd()) {
        for shape in [
            json!({ "panels": [panel, chart(json!({ "targets": other }))], "templating": { "list": [list] }, "time": other }),
            json!({ "rows": [{ "panels": [panel] }, other], "templating": list }),
            json!({ "graphs": [panel, [other, { "target": list }]], "timeConfig": other, "graphSize": list }),
            panel.clone(),
        ] {
            if let Ok(made) = import(shape.to_string().as_bytes()) {
                let again = Dashboard::parse(made.dashboard.text().as_bytes());
                prop_assert!(again.is_ok_and(|again| again == made.dashboard));
                made.dashboard.remarks();
            }
        }
    }
}
