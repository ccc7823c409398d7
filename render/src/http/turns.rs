//! Who evaluates when: so many requests at once, and of those that read much fewer, so that a small one always finds a
//! place soon.

use std::sync::{Arc, Mutex, PoisonError};

use carbon_storage::Answer;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::eval::Hold;

/// Series above which a request counts as a heavy one, summed over its windows.
const MANY: usize = 500;

/// One in so many places is for heavy requests as well.
const SHARE: usize = 4;

/// The places.
#[derive(Debug)]
pub(super) struct Turns {
    light: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
    places: (usize, usize),
}

impl Turns {
    pub(super) fn new(evaluations: usize) -> Turns {
        let places = (evaluations, (evaluations / SHARE).max(1));
        Turns { light: Arc::new(Semaphore::new(places.0)), heavy: Arc::new(Semaphore::new(places.1)), places }
    }

    /// Waits for a place among all requests. `None` never: the places are not closed.
    pub(super) async fn take(&self) -> Option<Turn> {
        let place = self.light.clone().acquire_owned().await.ok()?;
        Some(Turn { heavy: self.heavy.clone(), place: Mutex::new(Place { permit: Some(place), is_heavy: false }) })
    }

    /// Requests that evaluate now.
    pub(super) fn running(&self) -> usize {
        let taken = self.places.0.saturating_sub(self.light.available_permits());
        taken + self.heavy()
    }

    /// Heavy ones among them.
    pub(super) fn heavy(&self) -> usize {
        self.places.1.saturating_sub(self.heavy.available_permits())
    }
}

/// A request's place. Work on other threads outlives a request that is given up, so the place goes with the work.
#[derive(Debug)]
pub(super) struct Turn {
    heavy: Arc<Semaphore>,
    place: Mutex<Place>,
}

#[derive(Debug)]
struct Place {
    permit: Option<OwnedSemaphorePermit>,
    is_heavy: bool,
}

impl Turn {
    fn place(&self) -> std::sync::MutexGuard<'_, Place> {
        // Changed in one step; a panic elsewhere leaves it whole.
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold for Turn {
    fn weigh(&self, series: usize) -> Answer<'_, ()> {
        Box::pin(async move {
            if series < MANY {
                return;
            }
            {
                let mut place = self.place();
                if place.is_heavy {
                    return;
                }
                // Given back while it waits: it has read nothing so far.
                (place.permit, place.is_heavy) = (None, true);
            }
            let permit = self.heavy.clone().acquire_owned().await;
            self.place().permit = permit.ok();
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_light_request_finds_a_place_beside_any_number_of_heavy_ones() {
        let turns = Turns::new(8);
        let mut heavy = Vec::new();
        for _ in 0..2 {
            let turn = turns.take().await.unwrap();
            turn.weigh(100_000).await;
            turn.weigh(100_000).await;
            heavy.push(turn);
        }
        assert_eq!((turns.running(), turns.heavy()), (2, 2));
        let third = Arc::new(turns.take().await.unwrap());
        let waiting = tokio::spawn({
            let third = third.clone();
            async move { third.weigh(100_000).await }
        });
        while turns.light.available_permits() < 8 {
            tokio::task::yield_now().await;
        }
        let light = turns.take().await.unwrap();
        light.weigh(10).await;
        assert_eq!((turns.running(), turns.heavy()), (3, 2));
        drop(heavy);
        waiting.await.unwrap();
        assert_eq!(turns.heavy(), 1);
        drop((light, third));
        assert_eq!(turns.running(), 0);
    }
}
