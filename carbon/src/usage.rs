//! What this process uses of the machine, as the kernel accounts it. Nothing on a host without `/proc`.

use std::fs;
use std::time::Duration;

/// CPU time of all threads, in user and in system mode.
pub fn cpu_time() -> Option<Duration> {
    let ticks = ticks(&fs::read_to_string("/proc/self/stat").ok()?)?;
    Some(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// Memory held in RAM.
pub fn resident_bytes() -> Option<u64> {
    let pages = pages(&fs::read_to_string("/proc/self/statm").ok()?)?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The 14th and the 15th field; the second is a program's name, which may hold blanks and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

fn pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_an_odd_name() {
        let stat = "12 (a) b (c) R 1 1 1 0 -1 4194304 99 0 0 0 250 31 0 0 20 0 4 0 100 200 300";
        assert_eq!(ticks(stat), Some(281));
        assert_eq!(ticks("12 (a"), None);
    }

    #[test]
    fn memory_is_the_second_number_of_pages() {
        assert_eq!(pages("5000 321 100 1 0 50 0\n"), Some(321));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_test_uses_something() {
        assert!(resident_bytes().unwrap() > 100_000);
        assert!(cpu_time().is_some());
    }
}
