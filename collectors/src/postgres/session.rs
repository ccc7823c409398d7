//! One session with a PostgreSQL server: its simple query protocol over an [`Exchange`], so that all of it ends in time.
//! The messages and the exchange of passwords are those of the crate `postgres-protocol`.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorFields, Header, Message};
use postgres_protocol::message::frontend;

use crate::Fail;
use crate::ask::{Exchange, Place};
use crate::fail::excerpt;

/// The most that a server may say in one session.
const LONGEST: usize = 4 << 20;

/// Rounds of hashing that a server may ask for with a password; 4096 is the rule.
const MOST_ROUNDS: u32 = 1_000_000;

/// An answer to one query: names of the columns, then the rows, each value as the text that the server makes of it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Option<String>>>,
}

/// See the module.
pub(super) struct Session {
    server: Exchange,
    what: String,
    bytes: BytesMut,
    piece: Vec<u8>,
    heard: usize,
}

impl Session {
    /// Connects and signs on. All that follows is over after `patience`.
    ///
    /// # Errors
    /// [`Fail::Refused`] with the server's words when it does not let us in.
    pub(super) fn open(
        place: &Place,
        user: &str,
        database: &str,
        password: Option<&str>,
        patience: Duration,
    ) -> Result<Session, Fail> {
        let server = Exchange::open(place, patience)?;
        let what = place.to_string();
        let mut session = Session { server, what, bytes: BytesMut::new(), piece: Vec::new(), heard: 0 };
        let limits =
            format!("-c statement_timeout={} -c default_transaction_read_only=on", patience.as_millis().max(1));
        let parameters = [
            ("user", user),
            ("database", database),
            ("application_name", "plumbago"),
            ("client_encoding", "UTF8"),
            ("options", &limits),
        ];
        session.say(|message| frontend::startup_message(parameters, message))?;
        session.sign_on(user, password)?;
        Ok(session)
    }

    fn sign_on(&mut self, user: &str, password: Option<&str>) -> Result<(), Fail> {
        let mut scram: Option<ScramSha256> = None;
        loop {
            let message = self.next()?;
            let password = || {
                let missing = "a password is wanted, and no password-file is set".to_owned();
                password.ok_or(Fail::Refused { what: self.what.clone(), answer: missing })
            };
            match message {
                Message::AuthenticationCleartextPassword => {
                    let password = password()?.as_bytes();
                    self.say(|message| frontend::password_message(password, message))?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(user.as_bytes(), password()?.as_bytes(), body.salt());
                    self.say(|message| frontend::password_message(hash.as_bytes(), message))?;
                }
                Message::AuthenticationSasl(_) => {
                    let begun = ScramSha256::new(password()?.as_bytes(), ChannelBinding::unsupported());
                    self.say(|message| frontend::sasl_initial_response(SCRAM_SHA_256, begun.message(), message))?;
                    scram = Some(begun);
                }
                Message::AuthenticationSaslContinue(body) => {
                    let scram =
                        scram.as_mut().filter(|_| rounds(body.data()).is_some_and(|rounds| rounds <= MOST_ROUNDS));
                    let Some(scram) = scram else { return Err(self.strange("an exchange of passwords")) };
                    scram.update(body.data()).map_err(|error| self.refused(&error))?;
                    self.say(|message| frontend::sasl_response(scram.message(), message))?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    let Some(scram) = scram.as_mut() else { return Err(self.strange("an exchange of passwords")) };
                    scram.finish(body.data()).map_err(|error| self.refused(&error))?;
                }
                Message::ErrorResponse(body) => return Err(self.error(body.fields()).1),
                Message::ReadyForQuery(_) => return Ok(()),
                Message::AuthenticationOk
                | Message::ParameterStatus(_)
                | Message::BackendKeyData(_)
                | Message::NoticeResponse(_) => {}
                _ => return Err(self.strange("a way to sign on that we know: none, password, md5 or SCRAM")),
            }
        }
    }

    /// The answer to `query`; `None` when this server has no such view, column or function.
    ///
    /// # Errors
    /// The server's words; it can be asked on after [`Fail::Refused`].
    pub(super) fn query(&mut self, query: &str) -> Result<Option<Table>, Fail> {
        self.say(|message| frontend::query(query, message))?;
        let (mut table, mut fault) = (Table::default(), None);
        loop {
            match self.next()? {
                Message::RowDescription(body) => {
                    let mut fields = body.fields();
                    while let Some(field) = fields.next().map_err(|_| self.strange("names of columns"))? {
                        table.columns.push(field.name().to_owned());
                    }
                }
                Message::DataRow(body) => {
                    let text = |range: Option<std::ops::Range<usize>>| {
                        range.and_then(|range| Some(String::from_utf8_lossy(body.buffer().get(range)?).into_owned()))
                    };
                    let row = body.ranges().map(|range| Ok(text(range))).collect();
                    table.rows.push(row.map_err(|_| self.strange("a row of values"))?);
                }
                Message::ErrorResponse(body) => fault = Some(self.error(body.fields())),
                Message::ReadyForQuery(_) => break,
                Message::CommandComplete(_) | Message::NoticeResponse(_) | Message::ParameterStatus(_) => {}
                _ => return Err(self.strange("an answer to a query")),
            }
        }
        match fault {
            // Another version of the server.
            Some((code, _)) if matches!(code.as_str(), "42P01" | "42703" | "42883") => Ok(None),
            Some((_, fail)) => Err(fail),
            None => Ok(Some(table)),
        }
    }

    fn say(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<(), Fail> {
        let mut message = BytesMut::new();
        write(&mut message).map_err(|source| Fail::Reach { what: self.what.clone(), source })?;
        self.server.say(&message)
    }

    fn next(&mut self) -> Result<Message, Fail> {
        loop {
            let header = Header::parse(&self.bytes).map_err(|_| self.strange("a message of PostgreSQL"))?;
            if header.is_some_and(|header| usize::try_from(header.len()).is_ok_and(|length| length > LONGEST)) {
                return Err(Fail::TooLong { path: self.what.clone().into(), limit: LONGEST });
            }
            let parsed = Message::parse(&mut self.bytes).map_err(|_| self.strange("a message of PostgreSQL"))?;
            if let Some(message) = parsed {
                return Ok(message);
            }
            self.piece.clear();
            self.server.hear(&mut self.piece, LONGEST, |piece| !piece.is_empty())?;
            self.heard += self.piece.len();
            if self.heard > LONGEST {
                return Err(Fail::TooLong { path: self.what.clone().into(), limit: LONGEST });
            }
            if self.piece.is_empty() {
                return Err(self.strange("the rest of an answer"));
            }
            self.bytes.extend_from_slice(&self.piece);
        }
    }

    fn strange(&self, expectation: &'static str) -> Fail {
        Fail::parse(self.what.clone(), 1, expectation, &self.bytes)
    }

    fn refused(&self, error: &io::Error) -> Fail {
        Fail::Refused { what: self.what.clone(), answer: excerpt(error.to_string().as_bytes()) }
    }

    /// Code and words of an error.
    fn error(&self, mut fields: ErrorFields<'_>) -> (String, Fail) {
        let (mut code, mut words) = (String::new(), String::new());
        while let Ok(Some(field)) = fields.next() {
            match field.type_() {
                b'C' => code = excerpt(field.value_bytes()),
                b'M' => words = excerpt(field.value_bytes()),
                _ => {}
            }
        }
        (code, Fail::Refused { what: self.what.clone(), answer: words })
    }
}

/// The `i=` of the server's first words about a password.
fn rounds(words: &[u8]) -> Option<u32> {
    let words = std::str::from_utf8(words).ok()?;
    words.split(',').find_map(|word| word.strip_prefix("i="))?.parse().ok()
}
