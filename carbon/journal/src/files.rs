//! How the files of a journal are called: `points.0000000012` is segment 12, `names.0000000003` generation 3.

/// No number is higher, so that counting on cannot overflow; what claims to be is not ours.
const HIGHEST: u32 = u32::MAX / 2;

/// The file that a running daemon keeps locked.
pub(crate) const LOCK: &str = "lock";

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Segment(u32),
    Names(u32),
}

pub(crate) fn segment(number: u32) -> String {
    format!("points.{number:010}")
}

pub(crate) fn names(generation: u32) -> String {
    format!("names.{generation:010}")
}

/// What the file is; `None` for files that are none of ours.
pub(crate) fn parse(name: &str) -> Option<Named> {
    let (kind, number) = name.split_once('.')?;
    if number.len() != 10 || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number = number.parse().ok().filter(|number| *number <= HIGHEST)?;
    match kind {
        "points" => Some(Named::Segment(number)),
        "names" => Some(Named::Names(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_names_are_ours() {
        assert_eq!(parse(&segment(12)), Some(Named::Segment(12)));
        assert_eq!(parse(&names(3)), Some(Named::Names(3)));
        for other in
            ["lock", "points.12", "points.00000000012", "points.4294967295", "points.+000000012", "x.0000000001"]
        {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
