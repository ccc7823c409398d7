//! Which earlier answer may stand for a new one.

use std::sync::Arc;
use std::time::Duration;

use super::params::Params;
use crate::config::RenderConfig;
use crate::eval::Request;

/// How long an answer about now may be given again, if the client does not say it.
const LIVE: Duration = Duration::from_secs(1);

/// Parameters that say when and whether, not what, or that clients make unique on purpose.
const PASSED_OVER: [&str; 9] = ["from", "until", "now", "noCache", "cacheTimeout", "_salt", "_ts", "_t", "_uniq"];

/// How long an answer may be given again, and under which key it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) key: Arc<str>,
    pub(super) fresh_for: Duration,
}

impl Wish {
    /// Nothing where the answer must be made anew.
    ///
    /// The key holds all parameters that count and the window. A window that ends about now is known by its length and
    /// by the piece of time, as long as an answer is fresh, in which it ends: windows that differ by less share answers.
    pub(super) fn read(params: &Params, config: &RenderConfig, request: &Request, cached_for: u32) -> Option<Wish> {
        if cached_for == 0 || config.results_cache == 0 {
            return None;
        }
        let allowed = Duration::from_secs(cached_for.into());
        let (length, now_is_given) = (request.until.saturating_sub(request.from), params.has("now"));
        let is_live = !now_is_given && request.until.saturating_add(cached_for.into()) >= request.now;
        let fresh_for = if is_live && !params.has("cacheTimeout") { allowed.min(LIVE) } else { allowed };
        let mut key = match is_live {
            true => format!("{length}+{}", request.until.div_euclid(fresh_for.as_secs().max(1) as i64)),
            false if now_is_given => format!("{}-{}@{}", request.from, request.until, request.now),
            false => format!("{}-{}", request.from, request.until),
        };
        let mut others: Vec<_> = params.pairs().filter(|(name, _)| !PASSED_OVER.contains(name)).collect();
        // Of one name the order counts, of different names it does not.
        others.sort_by_key(|(name, _)| *name);
        for (name, value) in others {
            // Lengths, so that no value can look like the next parameter.
            key.push_str(&format!("\n{}={}:{}", name, value.len(), value));
        }
        Some(Wish { key: key.into(), fresh_for })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn wish_at(query: &str, from: i64, until: i64, now: i64) -> Option<Wish> {
        let params = Params::parse(query, "").unwrap();
        let cached_for = params.last("cacheTimeout").map_or(5, |text| text.parse().unwrap());
        Wish::read(&params, &RenderConfig::default(), &Request::new(from, until, now), cached_for)
    }

    fn key(query: &str, from: i64, until: i64) -> Arc<str> {
        wish_at(query, from, until, NOW).unwrap().key
    }

    #[test]
    fn what_makes_no_difference_is_no_part_of_the_key() {
        let one = key("target=a&format=json&width=5", 0, 60);
        assert_eq!(one, key("format=json&_salt=17&target=a&width=5&from=0&until=60", 0, 60));
        for other in ["target=b&format=json&width=5", "target=a&format=csv&width=5", "target=a&format=json"] {
            assert_ne!(one, key(other, 0, 60));
        }
        assert_ne!(key("target=a&target=b", 0, 60), key("target=b&target=a", 0, 60));
        assert_ne!(key("target=a%0Az%3D1:b", 0, 60), key("target=a&z=b", 0, 60));
        assert_ne!(one, key("target=a&format=json&width=5", 1, 60));
    }

    #[test]
    fn a_window_about_now_moves_along_for_a_second() {
        let live = |ago: i64, now: i64, query: &str| wish_at(query, now - 3_600 - ago, now - ago, now).unwrap();
        assert_eq!(live(0, NOW, "target=a").fresh_for, LIVE);
        assert_ne!(live(0, NOW, "target=a").key, live(0, NOW + 1, "target=a").key);
        let patient = live(0, NOW, "target=a&cacheTimeout=10");
        assert_eq!(patient.fresh_for, Duration::from_secs(10));
        assert_eq!(patient.key, live(0, NOW + 9, "target=a&cacheTimeout=10").key);
        assert_ne!(patient.key, live(0, NOW + 10, "target=a&cacheTimeout=10").key);
        assert_eq!(live(3_600, NOW, "target=a").fresh_for, Duration::from_secs(5));
        assert_eq!(
            live(3_600, NOW, "target=a").key,
            wish_at("target=a", NOW - 7_200, NOW - 3_600, NOW + 9).unwrap().key
        );
    }

    #[test]
    fn a_given_clock_is_part_of_the_key() {
        let at = |now: i64| wish_at(&format!("target=a&now={now}"), NOW - 60, NOW, now).unwrap();
        assert_ne!(at(NOW).key, at(NOW + 1).key);
        assert_eq!(at(NOW).fresh_for, Duration::from_secs(5));
    }
}
