//! The carbon daemon: listeners, cache, writer.
