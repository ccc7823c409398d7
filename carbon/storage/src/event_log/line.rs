//! An event as a line of text.

use crate::{Event, NewEvent};

/// The line of an event, with its end.
pub(super) fn written(event: &Event) -> String {
    let NewEvent { when, what, tags, data } = &event.told;
    let [what, tags, data] = [what, tags, data].map(|text| escaped(text));
    format!("{}\t{when}\t{what}\t{tags}\t{data}\n", event.id)
}

/// The event of a line, without its end.
pub(super) fn read(line: &str) -> Option<Event> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let (id, when) = (next()?.parse().ok()?, next()?.parse().ok()?);
    let (what, tags, data) = (unescaped(next()?)?, unescaped(next()?)?, unescaped(next()?)?);
    Some(Event { id, told: NewEvent { when, what, tags, data } })
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn unescaped(text: &str) -> Option<String> {
    let (mut plain, mut chars) = (String::with_capacity(text.len()), text.chars());
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next()? {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                '\\' => '\\',
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}
