//! One GET over plain HTTP, for what a service says about itself. It asks as HTTP/1.0, so that the answer ends with the
//! connection and comes in one piece. No TLS, no redirects, no names of other hosts: see [`Place`].

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::Fail;
use crate::ask::{Exchange, Place};
use crate::fail::excerpt;
use crate::proc::{number, text};

/// More than any honest head of an answer.
const LONGEST_HEAD: usize = 16 << 10;

/// What is asked of whom: `http://127.0.0.1:9100/metrics`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Url {
    place: Place,
    host: String,
    path: String,
}

impl Url {
    /// Reads a URL that begins with `http://`; without a port it is 80, without a path `/`.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub(crate) fn parse(text: &str) -> Result<Url, String> {
        let rest = text.strip_prefix("http://").ok_or_else(|| format!("`{text}` does not begin with http://"))?;
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let bad = |c: char| c.is_whitespace() || c.is_control();
        if host.contains('@') || rest.contains(bad) {
            return Err(format!("`{text}` holds a user or a blank"));
        }
        // The colons of an address in brackets are no port.
        let port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        let place = if port { Place::parse(host)? } else { Place::parse(&format!("{host}:80"))? };
        if matches!(place, Place::Unix(_)) {
            return Err(format!("`{text}` names no host"));
        }
        Ok(Url { place, host: host.to_owned(), path: path.to_owned() })
    }

    /// What the service answers, in `body`.
    ///
    /// # Errors
    /// [`Fail::Reach`], [`Fail::Timeout`] for all steps together, [`Fail::TooLong`] for a body of more than `longest`
    /// bytes, [`Fail::Refused`] for any status but 200, [`Fail::Parse`] for what is no HTTP or ends too early.
    pub(crate) fn get(&self, patience: Duration, longest: usize, body: &mut Vec<u8>) -> Result<(), Fail> {
        body.clear();
        let mut service = Exchange::open(&self.place, patience)?;
        let request = format!(
            "GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: plumbago\r\nAccept: text/plain, application/json;q=0.5, */*;q=0.1\r\nConnection: close\r\n\r\n",
            self.path, self.host
        );
        service.say(request.as_bytes())?;
        // A service that keeps the connection open all the same has said how much there is.
        let mut whole = None;
        service.hear(body, LONGEST_HEAD.saturating_add(longest), |answer| {
            whole = whole.or_else(|| promised(answer));
            whole.is_some_and(|whole| answer.len() >= whole)
        })?;
        let head = head_length(body).ok_or_else(|| Fail::parse(self.to_string(), 1, "an answer in HTTP", body))?;
        self.check_head(&body[..head], body.len() - head)?;
        if body.len() - head > longest {
            return Err(Fail::TooLong { path: self.to_string().into(), limit: longest });
        }
        body.drain(..head);
        Ok(())
    }

    fn check_head(&self, head: &[u8], length: usize) -> Result<(), Fail> {
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let status = lines.next().unwrap_or_default();
        let mut words = status.split(|byte| *byte == b' ');
        if !words.next().is_some_and(|version| version.starts_with(b"HTTP/1.")) {
            return Err(Fail::parse(self.to_string(), 1, "an answer in HTTP/1", status));
        }
        if words.next() != Some(b"200") {
            return Err(Fail::Refused { what: self.to_string(), answer: excerpt(status) });
        }
        for (at, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let fault = |expectation| Fail::parse(self.to_string(), at + 2, expectation, line);
            let Some((name, value)) = text(line).and_then(|line| line.split_once(':')) else { continue };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" if number(value.as_bytes()) != Some(length as u64) => {
                    return Err(fault("a body as long as it says"));
                }
                "transfer-encoding" | "content-encoding" if !value.eq_ignore_ascii_case("identity") => {
                    return Err(fault("a body that is not encoded, as it was asked for"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where the body begins.
fn head_length(answer: &[u8]) -> Option<usize> {
    answer.windows(4).take(LONGEST_HEAD).position(|four| four == b"\r\n\r\n").map(|end| end + 4)
}

/// How long head and body are together, when the head says so.
fn promised(answer: &[u8]) -> Option<usize> {
    let head = head_length(answer)?;
    let mut lines = answer[..head].split(|byte| *byte == b'\n').filter_map(text);
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| number(value.trim().as_bytes()))?
    })?;
    head.checked_add(usize::try_from(length).ok()?)
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}{}", self.host, self.path)
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Url, D::Error> {
        Url::parse(&String::deserialize(input)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::serve;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn get(answer: &str, longest: usize) -> Result<String, Fail> {
        let url = Url::parse(&format!("http://{}/metrics", serve(answer.as_bytes().to_vec()))).unwrap();
        let mut body = b"old".to_vec();
        url.get(PATIENCE, longest, &mut body).map(|()| String::from_utf8(body).unwrap())
    }

    #[track_caller]
    fn fails(answer: &str, expected: &str) {
        let fail = get(answer, 10).unwrap_err().to_string();
        assert!(fail.contains(expected), "{fail}");
    }

    #[test]
    fn a_body_is_what_follows_the_head() {
        assert_eq!(get("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 10).unwrap(), "ok");
        assert_eq!(get("HTTP/1.0 200 OK\r\n\r\n", 10).unwrap(), "");
    }

    #[test]
    fn what_is_no_whole_answer_is_refused() {
        fails("HTTP/1.1 404 Not Found\r\n\r\nno", "answers: HTTP/1.1 404 Not Found");
        fails("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "expected a body as long as it says");
        fails("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "that is not encoded");
        fails("HTTP/1.1 200 OK\r\nContent-Type:", "expected an answer in HTTP");
        fails("+OK\r\n\r\n", "expected an answer in HTTP/1");
        fails("", "expected an answer in HTTP");
        fails("HTTP/1.1 200 OK\r\n\r\n12345678901", "more than 10 bytes");
    }

    #[test]
    fn an_answer_without_end_is_cut_off() {
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1 << 20));
        assert!(matches!(get(&endless, 10), Err(Fail::TooLong { .. })));
    }

    #[test]
    fn a_service_that_never_answers_is_given_up() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let fail = url.get(Duration::from_millis(50), 10, &mut Vec::new()).unwrap_err();
        assert!(matches!(fail, Fail::Timeout { .. }), "{fail}");
        drop(listener);
        let fail = url.get(PATIENCE, 10, &mut Vec::new()).unwrap_err();
        assert!(matches!(fail, Fail::Reach { .. }), "{fail}");
    }

    #[test]
    fn only_plain_http_to_an_address_is_a_url() {
        assert!(Url::parse("http://localhost:9100/metrics?a=b").is_ok());
        assert_eq!(Url::parse("http://[::1]").unwrap().place, Place::parse("[::1]:80").unwrap());
        assert_eq!(Url::parse("http://127.0.0.1").unwrap().path, "/");
        for bad in
            ["https://localhost/", "http://web01/", "http://u@127.0.0.1/", "http://127.0.0.1/a b", "http://unix:/x", ""]
        {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }
}
