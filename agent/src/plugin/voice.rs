//! What a plugin has to say to people: its stderr and `#log` lines, escaped, and a sample of them when there are many.

use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::word::Level;

/// Messages that are logged at once.
const BURST: u32 = 10;
/// How long it takes until one more may be logged.
const REFILL: Duration = Duration::from_secs(30);
/// Letters of one message.
const LONGEST: usize = 300;

/// One plugin's way into the log.
#[derive(Debug)]
pub(super) struct Voice {
    name: String,
    left: u32,
    since: Instant,
    /// Messages that were not logged since the last one that was.
    held: u64,
    last: String,
}

impl Voice {
    pub(super) fn new(name: &str) -> Voice {
        Voice { name: name.to_owned(), left: BURST, since: Instant::now(), held: 0, last: String::new() }
    }

    /// Logs `text`, unless it repeats the last message or too much was said lately.
    pub(super) fn say(&mut self, level: Level, text: &[u8]) {
        let text = escaped(text, LONGEST);
        if text.is_empty() {
            return;
        }
        let refill = (self.since.elapsed().as_secs() / REFILL.as_secs()).min(BURST.into()) as u32;
        if refill > 0 {
            self.left = (self.left + refill).min(BURST);
            self.since = Instant::now();
        }
        if self.left == 0 || text == self.last {
            self.held += 1;
            return;
        }
        self.left -= 1;
        let (plugin, held) = (&self.name, std::mem::take(&mut self.held));
        match level {
            Level::Debug => debug!(plugin, held, "{text}"),
            Level::Info => info!(plugin, held, "{text}"),
            Level::Warn => warn!(plugin, held, "{text}"),
        }
        self.last = text;
    }
}

/// At most `longest` letters of `bytes`, none of which moves the cursor of who reads the log.
pub(super) fn escaped(bytes: &[u8], longest: usize) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * longest)]);
    let mut escaped = String::new();
    for c in text.trim().chars() {
        if escaped.len() >= longest {
            escaped.push('…');
            break;
        }
        if c.is_control() {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_is_obeyed() {
        assert_eq!(escaped(b" red \x1b[31m\n\xff", 80), "red \\u{1b}[31m\\n\u{fffd}");
        assert_eq!(escaped(&[b'x'; 1000], 5), "xxxxx…");
    }

    #[test]
    fn who_says_too_much_is_sampled() {
        let mut voice = Voice::new("p");
        for number in 0..1000 {
            voice.say(Level::Debug, format!("message {number}").as_bytes());
        }
        assert_eq!(voice.held, 1000 - u64::from(BURST));
    }
}
