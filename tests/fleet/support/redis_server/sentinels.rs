//! Sentinels, which promote a replica when its master is gone.

use std::time::Duration;

use super::Redis;
use crate::wait;

const SENTINELS: usize = 3;

/// How long they may take to find each other, or to promote.
const PATIENCE: Duration = Duration::from_secs(30);

/// Three Sentinels over a master. They are killed when this is dropped.
#[derive(Debug)]
pub struct Sentinels {
    name: String,
    nodes: Vec<Redis>,
}

impl Sentinels {
    /// Starts them over a master that has this number of replicas already, and waits until
    /// they know each other and the replicas. They promote a replica one second after the
    /// master is gone.
    pub fn start(name: &str, master: &Redis, replicas: usize) -> Self {
        let start = |_| {
            Redis::options()
                .sentinel()
                .set("sentinel", format!("monitor {name} 127.0.0.1 {} 2", master.port()))
                .set("sentinel", format!("down-after-milliseconds {name} 1000"))
                .set("sentinel", format!("failover-timeout {name} 5000"))
                .start()
        };
        let sentinels =
            Sentinels { name: name.to_owned(), nodes: (0..SENTINELS).map(start).collect() };
        wait::until_so("the Sentinels know each other", PATIENCE, || {
            sentinels.nodes.iter().all(|sentinel| {
                let number = |field| sentinels.field(sentinel, field).parse::<usize>();
                number("num-other-sentinels") == Ok(SENTINELS - 1)
                    && number("num-slaves") == Ok(replicas)
            })
        });
        sentinels
    }

    fn field(&self, sentinel: &Redis, field: &str) -> String {
        let text = sentinel.text(&["SENTINEL", "MASTER", &self.name]);
        let mut lines = text.lines();
        lines.by_ref().find(|line| *line == field);
        lines.next().unwrap_or_default().to_owned()
    }

    /// The name of the master.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URLs of the Sentinels.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The Sentinels themselves.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Waits until all of them name this server as the master.
    pub fn wait_for(&self, master: &Redis) -> Duration {
        let port = master.port().to_string();
        let ask = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &self.name];
        wait::until_so("the Sentinels name the new master", PATIENCE, || {
            self.nodes.iter().all(|sentinel| sentinel.text(&ask).lines().last() == Some(&*port))
        })
    }
}
