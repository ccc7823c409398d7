//! Journeys through the real program: each test starts it on free ports, in a folder of its own, and waits on
//! conditions with a deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stack;

mod activation;
mod agent_goes_on;
mod agent_tells;
mod agent_kills;
mod agent_memory;
mod agent_to_chart;
mod bad_input;
mod ceph_faults;
mod ceph_on_page;
mod ceph_to_chart;
mod choices;
mod collectd_to_archive;
mod config_check;
mod dashboards;
mod explain;
mod few_descriptors;
mod forgetful_memory;
mod full_disk;
mod housekeeping;
mod graphite_web;
mod kill;
mod line_to_archive;
mod monitoring;
mod names;
mod page_in_browser;
mod python_whisper;
mod reload;
mod separate_processes;
mod tags_and_events;
mod takeover;
mod takeover_kills;
