//! Where lines go: a task for each destination, so that a dead one delays nobody.

mod dial;
mod pauses;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use dial::Dial;
pub(crate) use pauses::Pauses;
pub(crate) use stream::Stream;
