//! One host, measured: a folder per subject.
