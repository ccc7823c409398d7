//! The page as a browser fetches it: documents, files that may be kept for ever, and what all of it weighs.

#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use carbon_storage::Memory;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::header::{self, HeaderName};
use render::{HttpConfig, RenderConfig, Sources, Status};
use tower::ServiceExt;
use whisper::Interval;

fn router(page: bool) -> Router {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    let http = HttpConfig { page, ..HttpConfig::default() };
    render::router(http, RenderConfig::default(), Sources::new(memory.clone(), memory, Status::default()))
}

async fn ask(router: &Router, method: &str, path: &str, given: Option<(HeaderName, &str)>) -> Response {
    let request = Request::builder().method(method).uri(path);
    let request = given.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(bytes(response).await).unwrap()
}

async fn bytes(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

fn has(response: &Response, name: HeaderName) -> &str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The paths that the document at the root names.
async fn named(router: &Router) -> Vec<String> {
    let document = text(ask(router, "GET", "/", None).await).await;
    let names = document.split('"').filter(|piece| piece.starts_with("./page/"));
    names.map(|name| name[1..].to_owned()).collect()
}

#[tokio::test]
async fn each_view_is_a_document_under_a_strict_policy() {
    let router = router(true);
    for (path, folder) in [("/", "\"./page/"), ("/explore?target=a", "\"./page/"), ("/board/one.host", "\"../page/")] {
        let response = ask(&router, "GET", path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        assert!(has(&response, header::CONTENT_TYPE).starts_with("text/html"));
        assert_eq!(has(&response, header::CACHE_CONTROL), "no-cache");
        let policy = has(&response, header::CONTENT_SECURITY_POLICY).to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let body = text(response).await;
        assert!(body.contains(folder), "{body}");
        let inline = body.contains("<style") || body.contains("style=") || body.contains("<script>");
        assert!(!inline, "the policy would stop it: {body}");
        let head = ask(&router, "HEAD", path, None).await;
        assert_eq!(head.status(), 200);
        assert!(bytes(head).await.is_empty());
    }
    let api = ask(&router, "GET", "/version", None).await;
    assert!(has(&api, header::CONTENT_SECURITY_POLICY).contains("unsafe-inline"), "others keep their policy");
}

#[tokio::test]
async fn files_are_kept_for_ever_and_only_under_their_version() {
    let router = router(true);
    let names = named(&router).await;
    for file in ["style.css", "theme.js", "app.js", "mark.svg"] {
        assert!(names.iter().any(|name| name.ends_with(file)), "{file} is not in {names:?}");
    }
    for name in &names {
        let response = ask(&router, "GET", name, None).await;
        assert_eq!(response.status(), 200, "{name}");
        assert!(has(&response, header::CACHE_CONTROL).contains("immutable"));
        let tag = has(&response, header::ETAG).to_owned();
        let again = ask(&router, "GET", name, Some((header::IF_NONE_MATCH, &tag))).await;
        assert_eq!(again.status(), 304, "{name}");
        assert!(bytes(again).await.is_empty());
        let other = name.replacen("/page/", "/page/0", 1);
        assert_eq!(ask(&router, "GET", &other, None).await.status(), 404);
    }
    for absent in ["/page/", "/page/x/../app.js", "/page/x/%2e%2e", "/board/", "/board/a/b"] {
        assert!(ask(&router, "GET", absent, None).await.status().is_client_error(), "{absent}");
    }
}

#[tokio::test]
async fn a_document_asks_at_once_for_what_its_view_shows_first() {
    let router = router(true);
    let first = |body: &str| -> Vec<String> {
        let links = body.lines().filter(|line| line.contains("rel=\"preload\""));
        links.map(|line| line.split("href=").nth(1).unwrap().trim_matches(['"', '>']).to_owned()).collect()
    };
    for (path, links) in [
        ("/", &["./dashboards/hosts", "./metrics/find?query=servers.*.loadavg.01&amp;format=json&amp;limit=60"][..]),
        ("/explore?target=a", &["./metrics/find?query=*&amp;format=json"]),
        ("/explore/", &["../metrics/find?query=*&amp;format=json"]),
        ("/board/one.host-1", &["../dashboards/one.host-1"]),
        ("/board/new", &[]),
        ("/board/a%22onload=%22b", &[]),
        ("/board/%3Cscript%3E", &[]),
    ] {
        let body = text(ask(&router, "GET", path, None).await).await;
        assert_eq!(first(&body), links, "{path}");
        assert!(!body.contains("onload") && !body.contains("<script>"), "{body}");
    }
}

#[tokio::test]
async fn all_of_it_weighs_less_than_200_kilobytes() {
    let router = router(true);
    let mut paths = named(&router).await;
    // Fetched when there is a chart to draw.
    paths.push(paths[0].rsplit_once('/').unwrap().0.to_owned() + "/uplot.js");
    paths.push("/".to_owned());
    let mut weight = 0;
    for path in &paths {
        let response = ask(&router, "GET", path, Some((header::ACCEPT_ENCODING, "gzip"))).await;
        weight += bytes(response).await.len();
    }
    println!("the page weighs {weight} bytes in {} files", paths.len());
    assert!(weight < 200_000, "{weight} bytes in {} files", paths.len());
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let router = router(false);
    for path in ["/", "/explore", "/board/hosts", "/favicon.ico"] {
        assert_eq!(ask(&router, "GET", path, None).await.status(), 404, "{path}");
    }
    assert_eq!(ask(&router, "GET", "/version", None).await.status(), 200);
}

#[tokio::test]
async fn marks_of_functions_that_draw_are_told_when_asked_for() {
    let router = router(true);
    let target = "color(dashed(threshold(5,'limit')),'red')";
    let query = format!("/render?target={target}&from=-1h&format=json");
    let plain = text(ask(&router, "GET", &query, None).await).await;
    assert!(plain.contains("limit") && !plain.contains("style"), "{plain}");
    let marked = text(ask(&router, "GET", &format!("{query}&styles=1"), None).await).await;
    assert!(marked.contains(r##""style": {"color": "#c80032ff", "dashed": 5.0}"##), "{marked}");
}
