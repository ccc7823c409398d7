//! Length-prefixed frames, which carry pickles: four bytes of length, big-endian, then the body.

/// Longest body carbon's pickle port takes, in bytes.
pub const LONGEST_FRAME: usize = 1 << 20;

/// A frame that announces more than may be sent. The stream cannot be read on, since its next frame is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame announces {announced} bytes, at most {longest} are taken")]
pub struct Overlong {
    /// What the length field says.
    pub announced: usize,
    /// What was allowed.
    pub longest: usize,
}

/// The body of a frame, and what follows the frame.
pub type Split<'a> = (&'a [u8], &'a [u8]);

/// The first frame of `buffer` as its body and what follows; `None` while it is not whole.
///
/// # Errors
/// As soon as the length field is there and too large.
pub fn split(buffer: &[u8], longest: usize) -> Result<Option<Split<'_>>, Overlong> {
    let Some((length, rest)) = buffer.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let announced = u32::from_be_bytes(*length) as usize;
    if announced > longest {
        return Err(Overlong { announced, longest });
    }
    Ok(rest.split_at_checked(announced))
}

/// `body` with its length in front.
///
/// # Errors
/// When the length does not fit its four bytes.
pub fn wrap(body: &[u8]) -> Result<Vec<u8>, Overlong> {
    let overlong = Overlong { announced: body.len(), longest: u32::MAX as usize };
    let length = u32::try_from(body.len()).map_err(|_| overlong)?;
    Ok([&length.to_be_bytes()[..], body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_or_not_there_yet() {
        let two = [wrap(b"ab").unwrap(), wrap(b"").unwrap()].concat();
        assert_eq!(split(&two, 2), Ok(Some((&b"ab"[..], &[0, 0, 0, 0][..]))));
        assert_eq!(split(&two[..5], 2), Ok(None));
        assert_eq!(split(&two[..3], 2), Ok(None));
        assert_eq!(split(&two[..4], 1), Err(Overlong { announced: 2, longest: 1 }));
    }
}
