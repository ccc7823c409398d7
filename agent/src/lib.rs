//! When to collect and where to send.
