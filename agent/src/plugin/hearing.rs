//! From what a process says to lines in the book.

use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::book::{Entered, Moment};
use super::session::Heard;
use super::word::Level;
use super::{Fault, Page};

/// One answer that is being heard.
pub(super) struct Hearing<'p, 'a> {
    page: &'p mut Page<'a>,
    moment: Moment,
    /// Whether an empty line ends it.
    ends: bool,
    /// What the last line was.
    pub(super) last: Entered,
}

impl<'p, 'a> Hearing<'p, 'a> {
    pub(super) fn new(page: &'p mut Page<'a>, moment: impl Into<Moment>, ends: bool) -> Hearing<'p, 'a> {
        Hearing { page, moment: moment.into(), ends, last: Entered::Line }
    }

    /// Takes what was heard; breaks at the end of the answer and when it is too long.
    pub(super) fn hear(&mut self, heard: Heard<'_>) -> ControlFlow<()> {
        self.last = match heard {
            Heard::Line(line) => self.page.enter(line, self.moment),
            Heard::TooLong => self.page.book.too_long(),
            Heard::Complaint(text) => {
                self.page.voice.say(Level::Warn, text);
                return ControlFlow::Continue(());
            }
        };
        match self.last {
            Entered::End if self.ends => ControlFlow::Break(()),
            Entered::TooMany => ControlFlow::Break(()),
            Entered::Line | Entered::End => ControlFlow::Continue(()),
        }
    }
}

impl Fault {
    /// A process that ended when it should not have.
    pub(super) fn ended(status: ExitStatus) -> Fault {
        Fault::Other(match (status.code(), status.signal()) {
            (Some(code), _) => format!("the program ended with code {code}"),
            (None, Some(signal)) => format!("the program was ended by signal {signal}"),
            (None, None) => "the program ended".to_owned(),
        })
    }

    /// A process that cannot be started.
    pub(super) fn start(program: &str, error: &std::io::Error) -> Fault {
        Fault::Other(format!("`{program}` cannot be started: {error}"))
    }

    /// An answer without end.
    pub(super) fn flood() -> Fault {
        Fault::Other("the program says more than `lines` lines a run, or a line without end; it was stopped".to_owned())
    }
}
