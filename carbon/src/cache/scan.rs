//! What is asked of all series of a shard at once.

use whisper::Point;

use super::due::Due;
use super::run::{Run, in_order};
use super::shard::{GROUP, Shard};

impl Shard {
    /// Adds the places of the series that are due and not being written to `out`, ascending.
    ///
    /// A group that nothing presses is passed over by one comparison until the first of its series is due.
    pub(super) fn due(&mut self, query: &Due, out: &mut Vec<u32>) {
        let pressed = |segment: u32| query.press_segment.is_some_and(|press| segment <= press);
        let all = query.longest < u32::MAX || self.segments.oldest().is_some_and(pressed);
        if !all && self.marked == 0 && query.now < self.next_due {
            return;
        }
        let mut earliest = u32::MAX;
        for (index, group) in self.groups.iter_mut().enumerate() {
            let Some(group) = group else { continue };
            if all || group.marked != 0 || query.now >= group.next_due {
                group.next_due = u32::MAX;
                for bit in bits(group.waiting) {
                    let (place, run) = (index as u32 * GROUP + bit, &group.runs[bit as usize]);
                    let wait = self.waits.of(place);
                    let asked = group.marked & 1 << bit != 0 || pressed(run.segment);
                    let over = query.now.saturating_sub(run.since) >= wait.min(query.longest);
                    if (asked || over) && group.writing & 1 << bit == 0 {
                        out.push(place);
                    }
                    group.next_due = group.next_due.min(run.since.saturating_add(wait));
                }
            }
            earliest = earliest.min(group.next_due);
        }
        self.next_due = earliest;
    }

    /// Says how long points of `place` wait, those that wait already too.
    pub(super) fn set_wait(&mut self, place: u32, seconds: u16) {
        self.waits.set(place, seconds);
        let Some(Some(group)) = self.groups.get_mut((place / GROUP) as usize) else { return };
        if group.waiting & 1 << (place % GROUP) != 0 {
            let since = group.runs[(place % GROUP) as usize].since;
            group.next_due = group.next_due.min(since.saturating_add(self.waits.of(place)));
            self.next_due = self.next_due.min(group.next_due);
        }
    }

    /// Nobody's wait is known any more.
    pub(super) fn forget_waits(&mut self) {
        self.next_due = 0;
        self.groups.iter_mut().flatten().for_each(|group| group.next_due = 0);
        let places = self.places().collect();
        self.waits.forget(places);
    }

    /// Makes what `place` holds due now; `false` when it holds nothing.
    pub(super) fn mark(&mut self, place: u32) -> bool {
        let mut found = false;
        if let Some(run) = self.writing.get_mut(&place) {
            (run.marked, found) = (true, true);
        }
        let bit = 1 << (place % GROUP);
        if let Some(Some(group)) = self.groups.get_mut((place / GROUP) as usize)
            && group.waiting & bit != 0
        {
            self.marked += usize::from(group.marked & bit == 0);
            group.marked |= bit;
            found = true;
        }
        found
    }

    /// Whether points that a flush wanted of `place` are still not stored.
    pub(super) fn is_marked(&self, place: u32) -> bool {
        let group = self.groups.get((place / GROUP) as usize).and_then(Option::as_ref);
        group.is_some_and(|group| group.marked & 1 << (place % GROUP) != 0)
            || self.writing.get(&place).is_some_and(|run| run.marked)
    }

    /// The oldest segment needed for a point that waits or is being written.
    pub(super) fn oldest_segment(&self) -> Option<u32> {
        self.segments.oldest()
    }

    /// Series that hold points.
    pub(super) fn series(&self) -> usize {
        self.groups.iter().flatten().map(|group| (group.waiting | group.writing).count_ones() as usize).sum()
    }

    /// Whether a series holds points, waiting or being written.
    pub(super) fn holds(&self, place: u32) -> bool {
        let group = self.groups.get((place / GROUP) as usize).and_then(Option::as_ref);
        group.is_some_and(|group| (group.waiting | group.writing) & 1 << (place % GROUP) != 0)
    }

    /// The places of the series that hold points, ascending.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        let groups = self.groups.iter().enumerate().filter_map(|(index, group)| Some((index, group.as_ref()?)));
        groups.flat_map(|(index, group)| bits(group.waiting | group.writing).map(move |bit| index as u32 * GROUP + bit))
    }

    /// The run that waits at `place`; what is being written is not in it.
    pub(super) fn waiting(&self, place: u32) -> Option<&Run> {
        let group = self.groups.get((place / GROUP) as usize)?.as_deref()?;
        (group.waiting & 1 << (place % GROUP) != 0).then(|| &group.runs[(place % GROUP) as usize])
    }

    /// The points of that run, in time order.
    pub(super) fn waiting_points(&self, place: u32) -> Option<Vec<Point>> {
        self.waiting(place).map(|run| run.in_order(&self.pool))
    }

    /// What a reader should see of `place`, in time order.
    pub(super) fn visible(&self, place: u32) -> Vec<Point> {
        let mut points = Vec::new();
        if let Some(run) = self.writing.get(&place) {
            run.read(&self.pool, &mut points);
        }
        if let Some(run) = self.waiting(place) {
            run.read(&self.pool, &mut points);
        }
        in_order(&mut points);
        points
    }
}

fn bits(mut set: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (bit < u32::BITS).then_some(bit)
    })
}
