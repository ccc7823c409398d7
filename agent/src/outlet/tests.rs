use std::time::Duration;

use proptest::prelude::*;
use whisper::Interval;

use super::chunk::CHUNK;
use super::queue::LINE;
use super::*;

fn queue(bytes: usize, resend: u64) -> Queue {
    let slot = Interval::from_secs(10).unwrap();
    Queue::new(Limits { bytes, resend: Duration::from_secs(resend), slot })
}

fn drain(queue: &mut Queue) -> String {
    let lines = std::iter::from_fn(|| queue.pop()).flat_map(|chunk| chunk.lines).collect();
    String::from_utf8(lines).unwrap()
}

#[test]
fn lines_come_out_in_order() {
    let mut queue = queue(SMALLEST, 0);
    queue.push(b"a 1 1\nb 2 1\n");
    queue.push(b"c 3 1\n");
    assert_eq!(queue.counts().queued, 3);
    assert_eq!(drain(&mut queue), "a 1 1\nb 2 1\nc 3 1\n");
    assert_eq!(queue.counts().queued, 0);
}

#[test]
fn what_is_given_back_comes_out_first() {
    let mut queue = queue(SMALLEST, 0);
    queue.push(b"a 1 1\n");
    let chunk = queue.pop().unwrap();
    queue.push(b"b 2 1\n");
    queue.put_back(chunk);
    assert_eq!(drain(&mut queue), "a 1 1\nb 2 1\n");
}

#[test]
fn without_room_the_oldest_lines_go_and_are_counted_with_their_seconds() {
    let mut queue = queue(SMALLEST, 0);
    let total = 20_000_u32;
    for number in 0..total {
        queue.push(format!("metric {number} {}\n", 1_700_000_000 + number / 100 * 10).as_bytes());
    }
    let counts = queue.counts();
    assert!(counts.bytes <= SMALLEST as u64, "{counts:?}");
    assert_eq!(counts.queued + counts.lost, u64::from(total));
    let lost = queue.lost();
    assert_eq!(lost.points(Cause::Full), counts.lost);
    assert_eq!(lost.seconds(Cause::Full), counts.lost.div_ceil(100) * 10);
    let left = drain(&mut queue);
    assert!(left.contains(&format!("metric {} ", total - 1)));
    assert!(left.starts_with(&format!("metric {} ", counts.lost)));
}

#[test]
fn an_endless_line_is_lost_alone() {
    let mut queue = queue(SMALLEST, 0);
    queue.push(format!("a 1 1\n{}\nb 2 1\n", "x".repeat(LINE)).as_bytes());
    assert_eq!(drain(&mut queue), "a 1 1\nb 2 1\n");
    assert_eq!(queue.lost().points(Cause::Unfit), 1);
}

#[test]
fn what_a_broken_connection_was_handed_goes_out_again_before_all_else() {
    let (mut queue, now) = (queue(1 << 20, 30), Instant::now());
    queue.push(b"a 1 1\n");
    let chunk = queue.pop().unwrap();
    queue.handed(chunk, now);
    queue.push(b"b 2 1\n");
    queue.broken(now + Duration::from_secs(500));
    assert_eq!(queue.counts().queued, 1, "what was sent is not counted again");
    assert_eq!(drain(&mut queue), "a 1 1\nb 2 1\n");
    let counts = queue.counts();
    assert_eq!((counts.sent, counts.lost), (1, 0));
}

#[test]
fn of_what_was_handed_over_the_last_seconds_are_kept_and_the_last_bytes() {
    let (mut queue, begin) = (queue(8 << 20, 30), Instant::now());
    let line = |second: u64| format!("{} {second} 1\n", "m".repeat(4000));
    for second in 0..200 {
        queue.push(line(second).as_bytes());
        let chunk = queue.pop().unwrap();
        queue.handed(chunk, begin + Duration::from_secs(second));
    }
    queue.broken(begin + Duration::from_secs(200));
    let kept = drain(&mut queue);
    let kept = kept.lines().count();
    assert!((60..70).contains(&kept), "a quarter of a MiB in lines of 4 KB, not {kept}");
}

#[test]
fn short_handovers_are_kept_in_few_pieces_and_go_out_again_whole() {
    let (mut queue, begin) = (queue(1 << 20, 30), Instant::now());
    let mut said = String::new();
    for second in 0..500 {
        let lines = format!("a {second} 1\nb {second} 1\n");
        queue.push(lines.as_bytes());
        let chunk = queue.pop().unwrap();
        queue.handed(chunk, begin + Duration::from_secs(second));
        said += &lines;
    }
    assert_eq!(queue.counts().bytes, CHUNK as u64, "they fill less than one piece");
    queue.broken(begin + Duration::from_secs(500));
    assert_eq!(drain(&mut queue), said);
    assert_eq!((queue.counts().sent, queue.counts().lost), (1000, 0));
}

#[test]
fn a_peer_that_resets_every_connection_is_not_sent_the_same_for_ever() {
    let (mut queue, now) = (queue(1 << 20, 30), Instant::now());
    queue.push(b"a 1 1\n");
    let mut handed = 0;
    while let Some(chunk) = queue.pop() {
        queue.handed(chunk, now);
        queue.broken(now);
        handed += 1;
    }
    assert_eq!(handed, 21);
    assert_eq!((queue.counts().sent, queue.counts().resent), (1, 20));
}

#[test]
fn what_goes_out_again_never_pushes_out_what_never_went() {
    let (mut queue, now) = (queue(SMALLEST, 30), Instant::now());
    queue.push(b"old 1 1\n");
    let chunk = queue.pop().unwrap();
    queue.handed(chunk, now);
    let mut pushed = 0;
    while queue.counts().lost == 0 {
        queue.push(format!("new {pushed} 1\n").as_bytes());
        pushed += 1;
    }
    let lost = queue.counts().lost;
    queue.broken(now);
    assert_eq!(queue.counts().lost, lost);
    assert!(queue.counts().bytes <= SMALLEST as u64);
}

proptest! {
    #[test]
    fn every_line_is_delivered_waiting_or_lost(steps in prop::collection::vec((0_u8..6, 1_usize..400), 1..100)) {
        let (mut queue, begin) = (queue(SMALLEST, 5), Instant::now());
        let (mut pushed, mut last) = (0_u64, None);
        for (second, (step, count)) in steps.into_iter().enumerate() {
            let now = begin + Duration::from_secs(second as u64);
            match step {
                0 | 1 => for _ in 0..count {
                    queue.push(format!("m {pushed} 1\n").as_bytes());
                    pushed += 1;
                },
                2 => if let Some(chunk) = queue.pop() { queue.put_back(chunk) },
                3 => queue.broken(now),
                _ => if let Some(chunk) = queue.pop() {
                    if chunk.handed == 0 {
                        for line in String::from_utf8(chunk.lines.clone()).unwrap().lines() {
                            let number: u64 = line.split(' ').nth(1).unwrap().parse().unwrap();
                            prop_assert!(last.is_none_or(|last| number > last), "order is kept");
                            last = Some(number);
                        }
                    }
                    queue.handed(chunk, now);
                },
            }
            let counts = queue.counts();
            prop_assert_eq!(counts.queued + counts.sent + counts.lost, pushed);
            prop_assert!(counts.bytes <= SMALLEST as u64);
        }
    }
}
