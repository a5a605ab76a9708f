//! Who gets a place, and who makes room for it.

use std::collections::BTreeMap;

use crate::{
    auth::Role,
    config::{PoolPolicy, ServerConfig},
    hub::Member,
    safety::ConnectionId,
};

/// The connections that have a place, oldest first: numbers rise with age.
pub struct Pool {
    total: usize,
    per_user: usize,
    viewers: usize,
    policy: PoolPolicy,
    places: BTreeMap<ConnectionId, Member>,
}

/// There is no place, and nobody who may be asked to make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Pool {
    /// An empty pool.
    pub fn new(config: &ServerConfig) -> Pool {
        Pool {
            total: config.max_connections,
            per_user: config.max_connections_per_user,
            viewers: config.max_connections.saturating_sub(config.operator_places),
            policy: config.pool_policy,
            places: BTreeMap::new(),
        }
    }

    /// Gives the newcomer a place; returns who lost theirs for it. They count out at once.
    ///
    /// The holder of control never loses its place. A user over the cap loses their own oldest, whatever the policy.
    pub fn admit(
        &mut self,
        newcomer: Member,
        holder: Option<ConnectionId>,
    ) -> Result<Vec<ConnectionId>, Full> {
        let mut room = Room { places: &self.places, holder, evicted: Vec::new() };
        let own = |member: &Member| member.user_id == newcomer.user_id;
        let viewer = |member: &Member| member.role == Role::Viewer;
        let viewers_full = newcomer.role == Role::Viewer && room.count(viewer) >= self.viewers;
        if room.count(own) >= self.per_user {
            // With a place that lets the newcomer in: nobody else pays for a user over the cap.
            room.evict(|member| own(member) && (!viewers_full || viewer(member)))?;
        } else if viewers_full {
            self.may_evict()?;
            room.evict(viewer)?;
        }
        if room.count(|_| true) >= self.total {
            self.may_evict()?;
            room.evict(|_| true)?;
        }
        let evicted = room.evicted;
        for connection in &evicted {
            self.places.remove(connection);
        }
        self.places.insert(newcomer.connection, newcomer);
        Ok(evicted)
    }

    /// Gives the place back; a connection without one may do so too.
    pub fn leave(&mut self, connection: ConnectionId) {
        self.places.remove(&connection);
    }

    /// Changes the role after a newer token.
    pub fn set_role(&mut self, connection: ConnectionId, role: Role) {
        if let Some(member) = self.places.get_mut(&connection) {
            member.role = role;
        }
    }

    fn may_evict(&self) -> Result<(), Full> {
        match self.policy {
            PoolPolicy::EvictOldest => Ok(()),
            PoolPolicy::Reject => Err(Full),
        }
    }
}

/// A pool with some of its places given up in thought: a refusal must cost nobody theirs.
struct Room<'a> {
    places: &'a BTreeMap<ConnectionId, Member>,
    holder: Option<ConnectionId>,
    evicted: Vec<ConnectionId>,
}

impl Room<'_> {
    fn count(&self, which: impl Fn(&Member) -> bool) -> usize {
        self.staying().filter(|member| which(member)).count()
    }

    fn evict(&mut self, which: impl Fn(&Member) -> bool) -> Result<(), Full> {
        let oldest = self
            .staying()
            .find(|member| Some(member.connection) != self.holder && which(member))
            .ok_or(Full)?;
        let connection = oldest.connection;
        self.evicted.push(connection);
        Ok(())
    }

    fn staying(&self) -> impl Iterator<Item = &Member> {
        self.places.values().filter(|member| !self.evicted.contains(&member.connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Administrator, Operator, Viewer};

    /// Four places, one of them for operators, two for each user. Connection n arrives as the n-th, from 1.
    fn check(
        policy: PoolPolicy,
        holder: Option<u64>,
        present: &[(u64, Role)],
        newcomer: (u64, Role),
        expected: Result<&[u64], Full>,
    ) {
        let config = ServerConfig {
            max_connections: 4,
            max_connections_per_user: 2,
            operator_places: 1,
            pool_policy: policy,
            ..crate::server::tests::config()
        };
        let mut pool = Pool::new(&config);
        let member = |(number, (user_id, role)): (usize, (u64, Role))| Member {
            connection: ConnectionId(number as u64 + 1),
            user_id,
            role,
        };
        for arrival in present.iter().copied().enumerate() {
            assert_eq!(pool.admit(member(arrival), None), Ok(vec![]), "{present:?}");
        }
        let evicted = pool.admit(member((present.len(), newcomer)), holder.map(ConnectionId));
        let expected = expected.map(|ids| ids.iter().copied().map(ConnectionId).collect());
        assert_eq!(evicted, expected, "{present:?} + {newcomer:?}, {holder:?} in control");
        let stay = evicted.map_or(present.len(), |evicted| present.len() + 1 - evicted.len());
        assert_eq!(pool.places.len(), stay);
    }

    const FULL: [(u64, Role); 4] = [(1, Viewer), (2, Operator), (3, Viewer), (4, Operator)];
    const VIEWERS: [(u64, Role); 3] = [(1, Viewer), (2, Viewer), (3, Viewer)];

    #[test]
    fn the_oldest_makes_room_unless_it_is_in_control() {
        use PoolPolicy::EvictOldest;
        check(EvictOldest, None, &FULL[..3], (9, Operator), Ok(&[]));
        check(EvictOldest, None, &FULL, (9, Operator), Ok(&[1]));
        check(EvictOldest, None, &FULL, (9, Viewer), Ok(&[1]));
        check(EvictOldest, Some(1), &FULL, (9, Operator), Ok(&[2]));
        check(EvictOldest, Some(2), &FULL, (9, Operator), Ok(&[1]));
        check(EvictOldest, Some(99), &FULL, (9, Operator), Ok(&[1]));
    }

    #[test]
    fn with_the_policy_reject_the_newcomer_is_refused() {
        use PoolPolicy::Reject;
        check(Reject, None, &FULL[..3], (9, Viewer), Ok(&[]));
        check(Reject, None, &FULL, (9, Operator), Err(Full));
        check(Reject, None, &FULL, (9, Viewer), Err(Full));
    }

    #[test]
    fn viewers_leave_the_operators_their_places() {
        use PoolPolicy::{EvictOldest, Reject};
        check(EvictOldest, None, &VIEWERS, (9, Viewer), Ok(&[1]));
        check(EvictOldest, Some(1), &VIEWERS, (9, Viewer), Ok(&[2]));
        check(Reject, None, &VIEWERS, (9, Viewer), Err(Full));
        check(Reject, None, &VIEWERS, (9, Operator), Ok(&[]));
        check(Reject, None, &VIEWERS, (9, Administrator), Ok(&[]));
    }

    #[test]
    fn a_user_over_the_cap_loses_their_own_oldest_under_either_policy() {
        use PoolPolicy::{EvictOldest, Reject};
        let twice = [(5, Viewer), (7, Operator), (7, Operator)];
        for policy in [EvictOldest, Reject] {
            check(policy, None, &twice, (7, Operator), Ok(&[2]));
            check(policy, Some(2), &twice, (7, Operator), Ok(&[3]));
            check(policy, None, &twice, (5, Operator), Ok(&[]));
        }
    }

    #[test]
    fn a_user_whose_every_connection_is_in_control_gets_no_other() {
        let config = ServerConfig { max_connections_per_user: 1, ..crate::server::tests::config() };
        let mut pool = Pool::new(&config);
        let member =
            |number| Member { connection: ConnectionId(number), user_id: 7, role: Operator };
        assert_eq!(pool.admit(member(1), None), Ok(vec![]));
        assert_eq!(pool.admit(member(2), Some(ConnectionId(1))), Err(Full));
        assert_eq!(pool.admit(member(3), None), Ok(vec![ConnectionId(1)]));
    }

    #[test]
    fn a_refusal_costs_nobody_their_place() {
        // User 7 is at the cap, and the viewers are at their limit: only an own viewer's place helps.
        let crowd = [(1, Viewer), (2, Viewer), (7, Viewer), (7, Operator)];
        for policy in [PoolPolicy::Reject, PoolPolicy::EvictOldest] {
            check(policy, Some(3), &crowd, (7, Viewer), Err(Full));
            check(policy, None, &crowd, (7, Viewer), Ok(&[3]));
        }
    }

    #[test]
    fn who_leaves_gives_the_place_back_and_a_newer_role_counts() {
        let config = ServerConfig {
            max_connections: 2,
            operator_places: 1,
            pool_policy: PoolPolicy::Reject,
            ..crate::server::tests::config()
        };
        let mut pool = Pool::new(&config);
        let viewer =
            |number| Member { connection: ConnectionId(number), user_id: number, role: Viewer };
        assert_eq!(pool.admit(viewer(1), None), Ok(vec![]));
        assert_eq!(pool.admit(viewer(2), None), Err(Full));
        pool.set_role(ConnectionId(1), Operator);
        assert_eq!(pool.admit(viewer(3), None), Ok(vec![]));
        assert_eq!(pool.admit(viewer(4), None), Err(Full));
        pool.leave(ConnectionId(3));
        pool.leave(ConnectionId(3));
        assert_eq!(pool.admit(viewer(5), None), Ok(vec![]));
    }
}
