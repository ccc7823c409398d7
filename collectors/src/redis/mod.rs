//! What Redis servers say of themselves, from `INFO`. Names are those of Diamond's RedisCollector.

mod info;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::ask::{Exchange, Place, at_once};
use crate::fail::excerpt;
use crate::proc::number;
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// Far more than a server has to say; a cluster of thousands says 1 MB.
const LONGEST: usize = 4 << 20;

/// `[collectors.redis]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Servers by the names they are published under. Default localhost at port 6379, called `6379`.
    instances: BTreeMap<String, Instance>,
    /// Databases that are published, from 0. Default 16.
    databases: usize,
    /// How long an answer may take. Default "2s".
    #[serde(with = "humantime_serde")]
    patience: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Instance {
    address: Place,
    /// What `AUTH` wants: a password, or a user, a blank and a password.
    #[serde(default)]
    auth: Option<Secret>,
}

/// Is never shown.
#[derive(Clone, Deserialize)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("..")
    }
}

impl Default for Options {
    fn default() -> Options {
        let address = Place::parse("localhost:6379").expect("a place of our own, which a test reads");
        let instances = BTreeMap::from([("6379".to_owned(), Instance { address, auth: None })]);
        Options { instances, databases: 16, patience: Duration::from_secs(2) }
    }
}

struct Redis {
    options: Options,
    names: &'static [info::Name],
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Redis { options: options.try_into()?, names: info::names(site.is_diamond()) }))
}

impl Collector for Redis {
    fn spec(&self) -> Spec {
        Spec { name: "redis", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let mut result = Ok(());
        let instances: Vec<_> = self.options.instances.iter().collect();
        let answers = at_once(&instances, |(_, instance)| ask(instance, self.options.patience));
        for ((name, instance), answer) in instances.into_iter().zip(answers) {
            let mark = out.mark();
            let published = answer.and_then(|info| {
                info::publish(name, &instance.address, &info, (self.names, self.options.databases), slot, out)
            });
            if let Err(fail) = published {
                out.rewind(mark);
                result = Err(fail);
            }
        }
        result
    }
}

/// The text of `INFO`. A password goes before it and is answered first:
///
/// ```text
/// we      *2 $4 AUTH $6 secret   *1 $4 INFO       each word behind its length, each part ended by CR LF
/// server  +OK                    $4301 # Server ..
/// ```
fn ask(instance: &Instance, patience: Duration) -> Result<Vec<u8>, Fail> {
    let mut answer = Vec::new();
    let mut server = Exchange::open(&instance.address, patience)?;
    let mut request = Vec::new();
    if let Some(Secret(auth)) = &instance.auth {
        let mut words = vec!["AUTH"];
        words.extend(auth.splitn(2, ' '));
        write_command(&words, &mut request);
    }
    write_command(&["INFO"], &mut request);
    server.say(&request)?;
    let authorized = usize::from(instance.auth.is_some());
    server.hear(&mut answer, LONGEST, |answer| body(answer, authorized).is_some())?;
    let place = &instance.address;
    match body(&answer, authorized) {
        Some(Ok((start, end))) => {
            answer.truncate(end);
            Ok(answer.split_off(start))
        }
        Some(Err(line)) => Err(Fail::Refused { what: place.to_string(), answer: excerpt(&answer[line..]) }),
        None => Err(Fail::parse(place.to_string(), 1, "the whole answer to INFO", &answer)),
    }
}

fn write_command(words: &[&str], request: &mut Vec<u8>) {
    request.extend(format!("*{}\r\n", words.len()).into_bytes());
    for word in words {
        request.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
}

/// Where the text of the answer begins and ends behind `before` lines of `+OK`, or where a refusal begins; `None` while
/// it is not all there.
fn body(answer: &[u8], before: usize) -> Option<Result<(usize, usize), usize>> {
    let mut start = 0;
    for nth in 0..=before {
        let end = start + answer[start..].windows(2).position(|two| two == b"\r\n")?;
        let line = &answer[start..end];
        let wanted = if nth < before { b'+' } else { b'$' };
        if line.first() != Some(&wanted) {
            return Some(Err(start));
        }
        let length = number(&line[1..]).and_then(|length| usize::try_from(length).ok());
        start = end + 2;
        if nth == before {
            let Some(end) = length.and_then(|length| start.checked_add(length)) else { return Some(Err(0)) };
            return (answer.len() >= end).then_some(Ok((start, end)));
        }
    }
    None
}

#[cfg(test)]
mod tests;
