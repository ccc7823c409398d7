//! The `plumbago` program.

fn main() {}
