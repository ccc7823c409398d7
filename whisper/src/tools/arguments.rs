//! Command lines as the scripts read them: options anywhere, `--name=value` or `--name value`, any beginning of a name
//! that fits only one, `--` before operands that begin with a dash.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;
use std::str::FromStr;

/// One option of a verb.
pub(super) struct Opt {
    long: &'static str,
    short: Option<char>,
    /// What its value is called in the help; `None` for a flag.
    value: Option<&'static str>,
    help: &'static str,
}

impl Opt {
    /// An option without a value.
    pub(super) const fn flag(long: &'static str, help: &'static str) -> Opt {
        Opt { long, short: None, value: None, help }
    }

    /// An option with a value.
    pub(super) const fn value(long: &'static str, value: &'static str, help: &'static str) -> Opt {
        Opt { long, short: None, value: Some(value), help }
    }

    /// The same with a letter.
    pub(super) const fn letter(self, short: char) -> Opt {
        Opt { short: Some(short), ..self }
    }
}

/// A command line, taken apart.
#[derive(Debug)]
pub(super) struct Arguments {
    /// Options in the order given; the last of a name counts.
    options: Vec<(&'static str, OsString)>,
    /// The rest.
    pub(super) operands: Vec<OsString>,
}

const HELP: Opt = Opt::flag("help", "show this help message and exit").letter('h');

impl Arguments {
    pub(super) fn parse(args: &[OsString], known: &'static [Opt]) -> Result<Arguments, String> {
        let mut parsed = Arguments { options: Vec::new(), operands: Vec::new() };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let text = arg.to_string_lossy();
            if text == "--" {
                parsed.operands.extend(rest.cloned());
                break;
            } else if let Some(long) = text.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(OsString::from(value))),
                    None => (long, None),
                };
                parsed.take(by_name(name, known)?, value, &mut rest)?;
            } else if text.len() > 1 && text.starts_with('-') {
                parsed.take_letters(&text[1..], known, &mut rest)?;
            } else {
                parsed.operands.push(arg.clone());
            }
        }
        Ok(parsed)
    }

    fn take_letters<'a>(
        &mut self,
        letters: &str,
        known: &'static [Opt],
        rest: &mut impl Iterator<Item = &'a OsString>,
    ) -> Result<(), String> {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let mut options = known.iter().chain([&HELP]);
            let option = options.find(|option| option.short == Some(letter));
            let option = option.ok_or_else(|| format!("no such option: -{letter}"))?;
            if option.value.is_some() {
                let value = Some(letters.as_str()).filter(|value| !value.is_empty()).map(OsString::from);
                return self.take(option, value, rest);
            }
            self.take(option, None, rest)?;
        }
        Ok(())
    }

    fn take<'a>(
        &mut self,
        option: &'static Opt,
        value: Option<OsString>,
        rest: &mut impl Iterator<Item = &'a OsString>,
    ) -> Result<(), String> {
        let value = match (option.value, value) {
            (None, Some(_)) => return Err(format!("--{} option does not take a value", option.long)),
            (None, None) => OsString::new(),
            (Some(_), Some(value)) => value,
            (Some(_), None) => {
                rest.next().cloned().ok_or_else(|| format!("--{} option requires 1 argument", option.long))?
            }
        };
        self.options.push((option.long, value));
        Ok(())
    }

    pub(super) fn wants_help(&self) -> bool {
        self.has(HELP.long)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    pub(super) fn raw(&self, name: &str) -> Option<&OsStr> {
        self.options.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| value.as_os_str())
    }

    /// The value of an option as a number or another type; `what` names the type in the message.
    pub(super) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, super::Failure> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        let text = value.to_string_lossy();
        let parsed = text.trim().parse();
        let message = || super::Failure::Usage(format!("option --{name}: invalid {what} value: '{text}'"));
        parsed.map(Some).map_err(|_| message())
    }

    pub(super) fn path(&self, place: usize) -> Option<PathBuf> {
        self.operands.get(place).map(PathBuf::from)
    }

    pub(super) fn text(&self, place: usize) -> Option<String> {
        self.operands.get(place).map(|operand| operand.to_string_lossy().into_owned())
    }
}

fn by_name(name: &str, known: &'static [Opt]) -> Result<&'static Opt, String> {
    let fitting: Vec<&Opt> = known.iter().chain([&HELP]).filter(|option| option.long.starts_with(name)).collect();
    match fitting.as_slice() {
        [] => Err(format!("no such option: --{name}")),
        [option] => Ok(option),
        several => several.iter().find(|option| option.long == name).copied().ok_or_else(|| {
            let names: Vec<String> = several.iter().map(|option| format!("--{}", option.long)).collect();
            format!("ambiguous option: --{name} ({}?)", names.join(", "))
        }),
    }
}

pub(super) fn write_options(out: &mut dyn Write, options: &[Opt]) -> io::Result<()> {
    for option in [&HELP].into_iter().chain(options) {
        let letter = option.short.map_or(String::new(), |letter| format!("-{letter}, "));
        let value = option.value.map_or(String::new(), |value| format!("={value}"));
        let head = format!("{letter}--{}{value}", option.long);
        writeln!(out, "  {head:32} {}", option.help)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[Opt] = &[
        Opt::value("from", "TIME", ""),
        Opt::flag("force", ""),
        Opt::value("time-format", "FORMAT", "").letter('t'),
        Opt::flag("raw", "").letter('r'),
    ];

    fn parse(line: &str) -> Result<Arguments, String> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Arguments::parse(&args, OPTIONS)
    }

    #[test]
    fn options_stand_anywhere_and_may_be_cut_short() {
        let parsed = parse("a --fr=5 b --from 6 -rt%H c -- --d").unwrap();
        assert_eq!(parsed.operands, ["a", "b", "c", "--d"]);
        assert_eq!(parsed.raw("from"), Some(OsStr::new("6")));
        assert_eq!(parsed.raw("time-format"), Some(OsStr::new("%H")));
        assert!(parsed.has("raw") && !parsed.has("force"));
    }

    #[test]
    fn what_is_no_option_is_refused_by_name() {
        assert_eq!(parse("--nope").unwrap_err(), "no such option: --nope");
        assert_eq!(parse("--f 1").unwrap_err(), "ambiguous option: --f (--from, --force?)");
        assert_eq!(parse("--force=1").unwrap_err(), "--force option does not take a value");
        assert_eq!(parse("--from").unwrap_err(), "--from option requires 1 argument");
        assert_eq!(parse("-x").unwrap_err(), "no such option: -x");
    }
}
