//! What was left out.

/// Sentences at most; what comes after is counted.
const MOST: usize = 200;

/// The list.
#[derive(Debug, Default)]
pub(super) struct Notes {
    told: Vec<String>,
    more: usize,
}

impl Notes {
    /// `what` of `whose` is not carried over; said once.
    pub(super) fn left_out(&mut self, whose: &str, what: &str) {
        let note = format!("{}: {}", short(whose), short(what));
        if self.told.contains(&note) {
            return;
        }
        if self.told.len() == MOST {
            self.more += 1;
        } else {
            self.told.push(note);
        }
    }

    pub(super) fn told(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("and {} more", self.more));
        }
        self.told
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
