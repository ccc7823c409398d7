//! Arithmetic on neighbouring pixels that the compiler makes vectors of.

/// Neighbours that are computed together; plain arrays of this length become vectors.
pub(super) const LANES: usize = 4;

/// Not `f32::max`, whose care for NaN costs more than the rest.
#[inline]
pub(super) fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// As [`greater`].
#[inline]
pub(super) fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}
