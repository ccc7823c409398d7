//! The series of one lock: what waits, what is being written, and when each is due.
//!
//! Series lie in the order of their ids, in groups of 32 that exist while one of them has points, so that a sender's
//! batch and a writer's pass walk memory forwards. Nothing is hashed but the few series that are being written.

use std::hint::black_box;

use hashbrown::HashMap;
use whisper::Point;

use super::due::Waits;
use super::pool::{Block, Pool};
use super::run::Run;
use super::segments::Segments;
use super::withdraw::Withdrawn;

/// Series in a group.
pub(super) const GROUP: u32 = 32;

/// Points of a run that need no care. A longer one is due at once, and what is beyond counts with the size it has when
/// it is taken or shown, so that a peer who sends a million points of one series does not blow up what was coded small.
const LONG: usize = 1 << 14;

/// One of the cache's parts. Its series are named by their place in it.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) groups: Vec<Option<Box<Group>>>,
    pub(super) pool: Pool,
    /// Runs that a writer holds a copy of.
    pub(super) writing: HashMap<u32, Run, foldhash::fast::RandomState>,
    pub(super) waits: Waits,
    pub(super) segments: Segments,
    /// No series is due before.
    pub(super) next_due: u32,
    /// Marked runs that wait.
    pub(super) marked: usize,
    /// Runs that wait.
    runs: usize,
    points: usize,
    /// Points among them that are beyond the length of a usual run.
    beyond: usize,
}

/// Neighbours by id.
#[derive(Debug)]
pub(super) struct Group {
    /// A bit for each series with a run here.
    pub(super) waiting: u32,
    /// A bit for each series with a run among those being written.
    pub(super) writing: u32,
    /// A bit for each waiting series that a flush wants.
    pub(super) marked: u32,
    pub(super) next_due: u32,
    pub(super) runs: [Run; GROUP as usize],
}

impl Group {
    fn empty() -> Box<Group> {
        let runs = [const { Run::NO_RUN }; GROUP as usize];
        Box::new(Group { waiting: 0, writing: 0, marked: 0, next_due: u32::MAX, runs })
    }
}

/// How much a shard holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) points: usize,
    pub(super) bytes: usize,
}

impl Shard {
    /// An empty shard; `index` tells it from the others.
    pub(super) fn new(index: u32) -> Shard {
        Shard { waits: Waits::new(index), ..Shard::default() }
    }

    /// How much is held, what is being written included.
    pub(super) fn load(&self) -> Load {
        let runs = self.runs + self.writing.len();
        let bytes = runs * Run::BYTES + self.pool.used() * Block::BYTES + self.beyond * size_of::<Point>();
        Load { points: self.points, bytes }
    }

    /// Bytes of memory behind it.
    pub(super) fn reserved(&self) -> usize {
        let groups = self.groups.iter().flatten().count();
        self.pool.reserved() + groups * size_of::<Group>() + self.writing.allocation_size()
    }

    /// Adds a point that is safe in `segment`; gives how many it replaced.
    #[inline]
    pub(super) fn add(&mut self, place: u32, point: Point, segment: u32, now: u32) -> usize {
        let (group, index) = ((place / GROUP) as usize, (place % GROUP) as usize);
        if let Some(Some(group)) = self.groups.get_mut(group)
            && group.waiting & 1 << index != 0
        {
            let run = &mut group.runs[index];
            if segment < run.segment {
                self.segments.exchange(run.segment, segment);
                run.segment = segment;
            }
            let added = run.push(point, &mut self.pool);
            self.points += usize::from(added);
            if run.len() > LONG {
                self.beyond += usize::from(added);
                self.marked += usize::from(group.marked & 1 << index == 0);
                group.marked |= 1 << index;
            }
            return usize::from(!added);
        }
        self.begin(place, Run::new(point, segment, now));
        self.segments.enter(segment);
        self.points += 1;
        0
    }

    /// Has the processor fetch the run at `place` while it is busy with something else.
    #[inline]
    pub(super) fn fetch_run(&self, place: u32) {
        black_box(self.run(place).map(|run| run.tail()));
    }

    /// As [`Shard::fetch_run`], for the block that the next point of that run is coded into.
    #[inline]
    pub(super) fn fetch_block(&self, place: u32) {
        black_box(self.run(place).map(|run| run.room(&self.pool)));
    }

    #[inline]
    fn run(&self, place: u32) -> Option<&Run> {
        let group = self.groups.get((place / GROUP) as usize)?.as_ref()?;
        Some(&group.runs[(place % GROUP) as usize])
    }

    /// Lets a run wait at a place where none does.
    fn begin(&mut self, place: u32, mut run: Run) {
        let (index, bit) = ((place / GROUP) as usize, 1 << (place % GROUP));
        if index >= self.groups.len() {
            self.groups.resize_with(index + 1, || None);
        }
        let group = self.groups[index].get_or_insert_with(Group::empty);
        let due = self.waits.due(place, run.since);
        group.next_due = group.next_due.min(due);
        self.next_due = self.next_due.min(due);
        group.waiting |= bit;
        if std::mem::take(&mut run.marked) {
            group.marked |= bit;
            self.marked += 1;
        }
        group.runs[(place % GROUP) as usize] = run;
        self.runs += 1;
    }

    /// Takes the run that waits at `place` from its group; its segment and points stay counted.
    fn end(&mut self, place: u32) -> Option<Run> {
        let bit = 1 << (place % GROUP);
        let group = self.groups.get_mut((place / GROUP) as usize)?.as_mut()?;
        if group.waiting & bit == 0 {
            return None;
        }
        let mut run = std::mem::replace(&mut group.runs[(place % GROUP) as usize], Run::NO_RUN);
        group.waiting &= !bit;
        self.runs -= 1;
        if group.marked & bit != 0 {
            run.marked = true;
            group.marked &= !bit;
            self.marked -= 1;
        }
        Some(run)
    }

    /// Forgets the group of `place` when none of its series has points, and everything once nobody has.
    fn tidy(&mut self, place: u32) {
        let Some(slot) = self.groups.get_mut((place / GROUP) as usize) else { return };
        if slot.as_ref().is_some_and(|group| group.waiting | group.writing == 0) {
            *slot = None;
        }
        if self.points == 0 {
            self.groups = Vec::new();
            self.writing = HashMap::default();
            self.next_due = u32::MAX;
        }
    }

    /// A copy of what waits at `place`, in time order, and how many points were found replaced; the points count as
    /// being written from now on. `None` when nothing waits or an earlier copy is still out.
    pub(super) fn take(&mut self, place: u32) -> Option<(Vec<Point>, usize)> {
        if self.writing.contains_key(&place) {
            return None;
        }
        let mut run = self.end(place)?;
        if let Some(Some(group)) = self.groups.get_mut((place / GROUP) as usize) {
            group.writing |= 1 << (place % GROUP);
        }
        let (points, replaced) = self.settle(&mut run);
        self.writing.insert(place, run);
        self.waits.flushed(place);
        Some((points, replaced))
    }

    /// The points of a run in time order, with the run holding just these; gives also how many were replaced.
    fn settle(&mut self, run: &mut Run) -> (Vec<Point>, usize) {
        let points = run.in_order(&self.pool);
        let replaced = run.len() - points.len();
        if replaced > 0 {
            self.recount(run.len(), points.len());
            run.rewrite(&points, &mut self.pool);
        }
        (points, replaced)
    }

    /// Forgets what was taken from `place`; gives the number of points.
    pub(super) fn confirm(&mut self, place: u32) -> usize {
        let Some(mut run) = self.unwrite(place) else { return 0 };
        let gone = run.len();
        self.drop_run(&mut run);
        self.tidy(place);
        gone
    }

    /// Lets what was taken from `place` wait again, before everything that came later; gives the number replaced.
    pub(super) fn put_back(&mut self, place: u32) -> usize {
        let Some(mut run) = self.unwrite(place) else { return 0 };
        let mut replaced = 0;
        if let Some(mut later) = self.end(place) {
            run.marked |= later.marked;
            let mut points = Vec::new();
            later.read(&self.pool, &mut points);
            // The later run's segment is not older than ours unless its batch was overtaken; the older one counts.
            self.segments.leave(later.segment.max(run.segment));
            run.segment = run.segment.min(later.segment);
            self.recount(later.len(), 0);
            later.free(&mut self.pool);
            let before = run.len();
            for point in points {
                replaced += usize::from(!run.push(point, &mut self.pool));
            }
            self.recount(before, run.len());
        }
        self.begin(place, run);
        replaced
    }

    /// Takes out what waits at `place`, unless an earlier part of it is being written.
    pub(super) fn withdraw(&mut self, place: u32) -> Withdrawn {
        if self.writing.contains_key(&place) {
            return Withdrawn::Busy;
        }
        let Some(mut run) = self.end(place) else { return Withdrawn::Nothing };
        let points = run.in_order(&self.pool);
        let segment = run.segment;
        self.drop_run(&mut run);
        self.tidy(place);
        Withdrawn::Points(points, segment)
    }

    /// A run has `after` points instead of `before`.
    fn recount(&mut self, before: usize, after: usize) {
        self.points = self.points + after - before;
        self.beyond = self.beyond + after.saturating_sub(LONG) - before.saturating_sub(LONG);
    }

    fn unwrite(&mut self, place: u32) -> Option<Run> {
        let run = self.writing.remove(&place)?;
        if let Some(Some(group)) = self.groups.get_mut((place / GROUP) as usize) {
            group.writing &= !(1 << (place % GROUP));
        }
        Some(run)
    }

    fn drop_run(&mut self, run: &mut Run) {
        self.recount(run.len(), 0);
        self.segments.leave(run.segment);
        run.free(&mut self.pool);
    }

    /// Drops the older half of what waits at `place`; gives how many points were dropped and how many were replaced.
    pub(super) fn halve(&mut self, place: u32) -> (usize, usize) {
        let Some(mut run) = self.end(place) else { return (0, 0) };
        let (points, replaced) = self.settle(&mut run);
        let dropped = points.len().div_ceil(2);
        if dropped == points.len() {
            self.drop_run(&mut run);
            self.tidy(place);
        } else {
            self.recount(points.len(), points.len() - dropped);
            run.rewrite(&points[dropped..], &mut self.pool);
            self.begin(place, run);
        }
        (dropped, replaced)
    }
}
