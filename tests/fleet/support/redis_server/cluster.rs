//! A Redis cluster: three masters, each with a replica.

use std::time::Duration;

use super::{Redis, free_port};
use crate::wait;

const MASTERS: u16 = 3;
const SLOTS: u16 = 16_384;

/// How long the cluster may take to form, and a replica to become master.
const PATIENCE: Duration = Duration::from_secs(30);

/// Six redis-servers. They are killed when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts it, and waits until all slots are served and all replicas have their data.
    pub fn start() -> Self {
        let nodes: Vec<_> = (0..2 * MASTERS).map(|_| start_node()).collect();
        let cluster = Cluster { nodes };
        cluster.meet();
        cluster.share_slots();
        cluster.add_replicas();
        let formed = || cluster.nodes.iter().all(|node| state(node, "cluster_state") == "ok");
        wait::until_so("the cluster has formed", PATIENCE, formed);
        cluster
    }

    fn meet(&self) {
        for (number, node) in self.nodes.iter().enumerate() {
            let epoch = (number + 1).to_string();
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
        }
        let (first, others) = self.nodes.split_first().expect("there are nodes");
        let (port, bus) = (first.port().to_string(), bus_port(first));
        for node in others {
            node.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let all = self.nodes.len().to_string();
        wait::until_so("all nodes know each other", PATIENCE, || {
            self.nodes.iter().all(|node| {
                let nodes = node.text(&["CLUSTER", "NODES"]);
                state(node, "cluster_known_nodes") == all && !nodes.contains("handshake")
            })
        });
    }

    fn share_slots(&self) {
        for (number, master) in (0..MASTERS).zip(&self.nodes) {
            let first = SLOTS / MASTERS * number;
            let last = if number + 1 == MASTERS { SLOTS } else { SLOTS / MASTERS * (number + 1) };
            let (first, last) = (first.to_string(), (last - 1).to_string());
            master.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        }
    }

    fn add_replicas(&self) {
        let (masters, replicas) = self.nodes.split_at(usize::from(MASTERS));
        for (master, replica) in masters.iter().zip(replicas) {
            let id = master.text(&["CLUSTER", "MYID"]);
            wait::until_so("the replica knows its master's slots", PATIENCE, || {
                replica.try_command(&["CLUSTER", "REPLICATE", &id]).is_ok()
            });
        }
        wait::until_so("the replicas have their data", PATIENCE, || {
            replicas.iter().all(|node| node.info("master_link_status") == "up")
        });
    }

    /// All nodes, the first masters first.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The URLs of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The node that is master of this key now, as most of the others see it.
    ///
    /// # Panics
    ///
    /// If there is none for long, while a replica is being promoted for instance.
    pub fn master_of(&self, key: &str) -> &Redis {
        wait::until("a node is master of the key", PATIENCE, || {
            // A replica, and the master of other slots, answer MOVED.
            self.nodes.iter().find(|node| {
                let is_there = node.try_command(&["EXISTS", key]).is_ok();
                is_there
                    && node
                        .try_command(&["INFO", "replication"])
                        .is_ok_and(|info| super::text(&info).contains("role:master"))
            })
        })
        .0
    }

    /// A node that is neither master nor replica of this key.
    pub fn stranger_to(&self, key: &str) -> &Redis {
        let master = self.master_of(key).text(&["CLUSTER", "MYID"]);
        let stranger = self.nodes.iter().find(|node| {
            let nodes = node.text(&["CLUSTER", "NODES"]);
            let myself = nodes.lines().find(|line| line.contains("myself"));
            myself.is_some_and(|line| !line.contains(&master))
        });
        stranger.expect("two thirds of the nodes have other keys")
    }
}

fn start_node() -> Redis {
    Redis::options()
        .set("cluster-enabled", "yes")
        .set("cluster-port", free_port())
        .set("cluster-node-timeout", 1000)
        .set("cluster-replica-validity-factor", 0)
        .start()
}

fn bus_port(node: &Redis) -> String {
    let port = node.text(&["CONFIG", "GET", "cluster-port"]);
    port.lines().last().expect("CONFIG GET answers name and value").to_owned()
}

/// A field of `CLUSTER INFO`.
fn state(node: &Redis, field: &str) -> String {
    let info = node.text(&["CLUSTER", "INFO"]);
    let found = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    found.unwrap_or_default().to_owned()
}
