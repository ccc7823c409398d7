//! Whom a plugin runs as.

use rustix::process::geteuid;

/// A user by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// The user with the name or number `who`; `None` when that is who we are, so that nothing has to be changed.
    ///
    /// # Errors
    /// Says in words why nothing can run as this user.
    pub(super) fn find(who: &str) -> Result<Option<User>, String> {
        let found = match who.parse() {
            Ok(uid) => nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)),
            Err(_) => nix::unistd::User::from_name(who),
        };
        let found = found.map_err(|error| format!("cannot look for `{who}`: {error}"))?;
        let found = found.ok_or_else(|| format!("there is no user `{who}` on this host"))?;
        let user = User { uid: found.uid.as_raw(), gid: found.gid.as_raw() };
        let own = geteuid();
        if own.as_raw() == user.uid {
            return Ok(None);
        }
        if !own.is_root() {
            return Err(format!("the agent would have to be root to start something as `{who}`"));
        }
        Ok(Some(user))
    }
}
