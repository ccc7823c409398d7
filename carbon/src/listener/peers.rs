//! How many connections each address holds.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;

/// The places that addresses hold. Unix peers are not counted: whoever may open the path is trusted.
#[derive(Debug)]
pub(crate) struct Peers {
    most: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// A place held; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    peers: Arc<Peers>,
    address: Option<IpAddr>,
}

impl Peers {
    /// At most `most` connections for each address.
    pub(crate) fn new(most: usize) -> Arc<Peers> {
        Arc::new(Peers { most, held: Mutex::default() })
    }

    /// A place for one more connection of `address`, or `None` when it has all it may have.
    pub(crate) fn admit(self: &Arc<Peers>, address: Option<IpAddr>) -> Option<Place> {
        if let Some(address) = address {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let count = held.entry(address).or_default();
            if *count >= self.most {
                return None;
            }
            *count += 1;
        }
        Some(Place { peers: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut held = self.peers.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_given_back_can_be_had_again() {
        let peers = Peers::new(2);
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let first = peers.admit(Some(one)).unwrap();
        let _second = peers.admit(Some(one)).unwrap();
        assert!(peers.admit(Some(one)).is_none());
        assert!(peers.admit(Some(other)).is_some() && peers.admit(None).is_some());
        drop(first);
        assert!(peers.admit(Some(one)).is_some());
        assert_eq!(peers.held.lock().unwrap().len(), 1, "an address that holds nothing is forgotten");
    }
}
