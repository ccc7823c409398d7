//! Who may change what.
//!
//! | who asks | tags, events, `/flush` | series, dashboards |
//! |---|---|---|
//! | whoever may open the admin socket | yes | yes |
//! | a bearer of a token from `[http] token-file`, from anywhere | yes | yes |
//! | a program on this host, over its loopback address | yes | no |
//! | anybody else | no | no |
//!
//! A page in a browser and a proxy on this host speak for others. They are told by headers that programs do not send
//! (`Origin`, `Referer`, `Sec-Fetch-Site`, `Forwarded` and its kin) and, since a page may have had its own name resolved
//! to our address, by a `Host` that is neither an address nor a name without a dot, of which public DNS has none.

use std::net::IpAddr;

use axum::extract::Request;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use tracing::warn;

use super::fault::Fault;
use crate::config::HttpConfig;
use crate::token::TokenFile;

/// Who asks; the server adds it to each request as an extension, and so does whoever calls a router without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A client at this address.
    At(IpAddr),
    /// A client of the admin socket, whose permissions say who that can be.
    Admin,
}

/// What is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// What the reference lets everybody change, or what costs more than an answer.
    Usual,
    /// Which series and dashboards there are.
    Kept,
}

/// What decides, of a request.
pub(super) struct Asker {
    peer: Option<Peer>,
    token: Option<Vec<u8>>,
    /// What shows that the request may be somebody else's.
    stands_in: Option<&'static str>,
}

impl Asker {
    pub(super) fn of(request: &Request) -> Asker {
        let headers = request.headers();
        let given = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        Asker {
            peer: request.extensions().get::<Peer>().copied(),
            token: given.and_then(bearer).map(<[u8]>::to_vec),
            stands_in: stands_in(headers, request.uri().host()),
        }
    }

    /// For the log of changes.
    pub(super) fn name(&self) -> String {
        match self.peer {
            Some(Peer::At(address)) => address.to_canonical().to_string(),
            Some(Peer::Admin) => "the admin socket".to_owned(),
            None => "unknown".to_owned(),
        }
    }

    fn is_local(&self) -> bool {
        matches!(self.peer, Some(Peer::At(address)) if address.to_canonical().is_loopback())
    }
}

/// The rule, with what it needs to know of the configuration.
pub(super) struct Access {
    tokens: Option<TokenFile>,
}

impl Access {
    pub(super) fn new(http: &HttpConfig) -> Access {
        Access { tokens: http.token_file.clone().map(TokenFile::at) }
    }

    /// # Errors
    /// 401 or 403 with what would help; `what` is the subject of a sentence.
    pub(super) async fn allow(&self, asker: &Asker, change: Change, what: &str) -> Result<(), Fault> {
        if asker.peer == Some(Peer::Admin) {
            return Ok(());
        }
        if let (Some(token), Some(tokens)) = (&asker.token, &self.tokens) {
            return self.check(token.clone(), tokens.clone(), asker).await;
        }
        if change == Change::Usual && asker.is_local() && asker.stands_in.is_none() {
            return Ok(());
        }
        let message = match (change, asker.stands_in.filter(|_| asker.is_local())) {
            (Change::Kept, _) => format!("{what} takes the admin socket or a token"),
            (Change::Usual, None) => {
                format!("{what} is for programs on this host, over its loopback address, or takes a token")
            }
            (Change::Usual, Some(sign)) => {
                format!("{what} is for programs on this host, and this request may be somebody else's: it has {sign}")
            }
        };
        let (status, hint) = match self.tokens {
            Some(_) => {
                (StatusCode::UNAUTHORIZED, "send a token of `[http] token-file` as `Authorization: Bearer TOKEN`")
            }
            None => (
                StatusCode::FORBIDDEN,
                "use the admin socket (`curl --unix-socket PATH`, `plumbago series`, `plumbago dashboards`), or set `[http] token-file`",
            ),
        };
        Err(Fault { status, hint: Some(hint.to_owned()), ..Fault::bad(message) })
    }

    async fn check(&self, token: Vec<u8>, tokens: TokenFile, asker: &Asker) -> Result<(), Fault> {
        let answer = tokio::task::spawn_blocking(move || tokens.hold(&token)).await;
        match answer.map_err(|_| Fault::ours("the token could not be checked"))? {
            Ok(true) => Ok(()),
            Ok(false) => {
                warn!(peer = asker.name(), "Somebody came with a wrong token.");
                Err(Fault { status: StatusCode::UNAUTHORIZED, ..Fault::bad("this token is not known here") })
            }
            Err(reason) => {
                warn!(reason, "No token is taken, because `[http] token-file` cannot be used.");
                let message = "no token is taken now, because the server cannot use its list; its log says why";
                Err(Fault { status: StatusCode::FORBIDDEN, ..Fault::bad(message) })
            }
        }
    }
}

/// The token of `Authorization: Bearer TOKEN`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn stands_in(headers: &HeaderMap, named: Option<&str>) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 6] = [
        ("origin", "an `Origin`"),
        ("referer", "a `Referer`"),
        ("forwarded", "a `Forwarded`"),
        ("x-forwarded-for", "an `X-Forwarded-For`"),
        ("x-forwarded-host", "an `X-Forwarded-Host`"),
        ("via", "a `Via`"),
    ];
    if let Some((_, sign)) = SIGNS.iter().find(|(name, _)| headers.contains_key(*name)) {
        return Some(sign);
    }
    // `none` is a person at the address bar.
    if headers.get("sec-fetch-site").is_some_and(|site| site != "none") {
        return Some("a `Sec-Fetch-Site`");
    }
    let hosts = headers.get_all(header::HOST).iter().map(|host| host.to_str().unwrap_or("?"));
    let foreign = hosts.chain(named).any(|host| !is_own(host));
    foreign.then_some("a `Host` that is neither an address nor a name without dots")
}

/// Whether no page can have this host's address under the name `host`.
fn is_own(host: &str) -> bool {
    if let Some((inside, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside.parse::<IpAddr>().is_ok();
    }
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.parse::<IpAddr>().is_ok() || !name.is_empty() && !name.contains('.')
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn sign(headers: &[(&str, &str)]) -> Option<&'static str> {
        let request = Request::get("/flush");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Asker::of(&request.body(Body::empty()).unwrap()).stands_in
    }

    #[test]
    fn programs_are_told_from_those_who_stand_in_for_others() {
        for host in ["127.0.0.1:8080", "[::1]:80", "[::1]", "localhost", "LOCALHOST:1", "web01:8080", "10.1.2.3"] {
            assert_eq!(sign(&[("host", host), ("user-agent", "curl/8")]), None, "{host}");
        }
        for host in ["evil.example:8080", "localhost.evil.example", "[evil]", "", "1.2.3.4.evil.example"] {
            assert!(sign(&[("host", host)]).is_some(), "{host}");
        }
        assert!(sign(&[("host", "localhost"), ("origin", "null")]).is_some());
        assert!(sign(&[("host", "localhost"), ("sec-fetch-site", "cross-site")]).is_some());
        assert_eq!(sign(&[("host", "localhost"), ("sec-fetch-site", "none")]), None);
        assert_eq!(sign(&[]), None, "HTTP 1.0 need not name a host");
    }

    #[test]
    fn a_bearer_is_known_by_its_scheme() {
        assert_eq!(bearer(b"bEARER  abc "), Some(&b"abc"[..]));
        assert_eq!(bearer(b"Basic abc"), None);
        assert_eq!(bearer(b"Bear"), None);
    }
}
