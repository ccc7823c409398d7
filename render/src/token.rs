//! `[http] token-file`: a token a line, read anew for each one that is shown, so that a changed file holds at once.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Fewer characters could be guessed.
const SHORTEST: usize = 16;

/// Most bytes of the file.
const LONGEST_FILE: u64 = 64 << 10;

/// A file of tokens. Blank lines and those that begin with `#` are passed over.
#[derive(Clone, Debug)]
pub(crate) struct TokenFile(PathBuf);

impl TokenFile {
    pub(crate) fn at(path: PathBuf) -> TokenFile {
        TokenFile(path)
    }

    /// Whether `token` is one of them. Blocks.
    ///
    /// # Errors
    /// Says why the file cannot be used.
    pub(crate) fn hold(&self, token: &[u8]) -> Result<bool, String> {
        let text = read(&self.0)?;
        // All are compared, and each to its end, so that the time tells nothing.
        Ok(lines(&text).fold(false, |found, line| found | same(line.as_bytes(), token)))
    }
}

/// What is wrong with the file of tokens at `path`, for a look before the start. Blocks.
pub(crate) fn problem(path: &Path) -> Option<String> {
    read(path).err()
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let refuse = |why: &str| Err(format!("{} {why}", path.display()));
    if !meta.is_file() {
        return refuse("is no file");
    }
    if meta.permissions().mode() & 0o007 != 0 {
        return refuse("can be opened by every user of this machine; take that away with `chmod o-rwx`");
    }
    let mut text = String::new();
    file.take(LONGEST_FILE + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > LONGEST_FILE {
        return refuse("is longer than 64 KiB");
    }
    if lines(&text).any(|line| line.len() < SHORTEST) {
        return refuse("holds a token of fewer than 16 characters; make one with `openssl rand -hex 32`");
    }
    if lines(&text).next().is_none() {
        return refuse("holds no token; make one with `openssl rand -hex 32`");
    }
    Ok(text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Takes the same time wherever the first difference is.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_token_is_taken_while_the_file_has_it_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        let set = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let tokens = TokenFile::at(path.clone());
        assert!(tokens.hold(b"").unwrap_err().contains("cannot read"));
        set("# for the night job\n0123456789abcdef\n\n  fedcba9876543210  \n", 0o640);
        for (token, known) in [("0123456789abcdef", true), ("fedcba9876543210", true), ("0123456789abcdeF", false)] {
            assert_eq!(tokens.hold(token.as_bytes()), Ok(known), "{token}");
        }
        assert_eq!(tokens.hold(b"0123456789abcde"), Ok(false));
        assert_eq!(tokens.hold(b""), Ok(false));
        set("0000000000000000", 0o600);
        assert_eq!(tokens.hold(b"0123456789abcdef"), Ok(false), "as the file is now");
        set("0000000000000000", 0o604);
        assert!(problem(&path).unwrap().contains("chmod o-rwx"));
        set("short", 0o600);
        assert!(problem(&path).unwrap().contains("16 characters"));
        set("# none\n", 0o600);
        assert!(problem(&path).unwrap().contains("no token"));
    }
}
