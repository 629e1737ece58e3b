//! A cluster of three masters, over one connection.

use super::*;

#[tokio::test]
async fn the_link_follows_its_slot_through_the_cluster() {
    if !is_installed() {
        return;
    }
    let nodes = cluster().await;
    let slot: u16 = nodes[0].ask("CLUSTER KEYSLOT figma:{test}:check");
    let urls: Vec<String> = nodes.iter().map(Server::url).collect();
    let link = Link::start(LinkSettings::new(&urls, None, TIMEOUT).unwrap(), []).await.unwrap();
    link.add_check(read());
    for to in [2, 0, 1] {
        give(&nodes, slot, to);
        let at = nodes[to].port;
        until("the link is at the node with the slot", RETURN, async || match link.session() {
            Some(mut session) => port(&mut session.connection).await == Some(at),
            None => false,
        })
        .await;
    }
    // A node that does not have the slot is enough to begin with.
    let other = || LinkSettings::new(&urls[..1], None, TIMEOUT).unwrap();
    let link = Link::start(other(), [read()]).await.unwrap();
    get(&mut link.session().unwrap().connection).await.unwrap();
    assert_eq!(link.outages(), 0);
    // What a caller was told is followed too.
    let link = Link::start(other(), []).await.unwrap();
    let error = get(&mut link.session().unwrap().connection).await.unwrap_err();
    link.failed(1, Failure::Refused(error));
    until_used(&link).await;
    get(&mut link.session().unwrap().connection).await.unwrap();
}

async fn get(connection: &mut redis::aio::MultiplexedConnection) -> redis::RedisResult<()> {
    cmd("GET").arg("figma:{test}:check").exec_async(connection).await
}

fn read() -> Check {
    Arc::new(|mut connection| Some(Box::pin(async move { get(&mut connection).await })))
}

async fn port(connection: &mut redis::aio::MultiplexedConnection) -> Option<u16> {
    let answer = cmd("CONFIG").arg("GET").arg("port").query_async(connection).await;
    let (_, port): (String, u16) = answer.ok()?;
    Some(port)
}

fn give(nodes: &[Server], slot: u16, to: usize) {
    let id: String = nodes[to].ask("CLUSTER MYID");
    for node in nodes {
        node.ask::<()>(&format!("CLUSTER SETSLOT {slot} NODE {id}"));
    }
}

async fn cluster() -> Vec<Server> {
    let start = || {
        let bus = free_port();
        let bus = format!("cluster-port {bus}");
        Server::start(&["cluster-enabled yes", &bus])
    };
    let nodes = [start(), start(), start()];
    let slots = ["0 5460", "5461 10922", "10923 16383"];
    for (node, slots) in nodes.iter().zip(slots) {
        node.ask::<()>(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
        let (_, bus): (String, u16) = node.ask("CONFIG GET cluster-port");
        nodes[0].ask::<()>(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port));
    }
    until("the cluster is whole", Duration::from_secs(15), async || {
        nodes.iter().all(|node| {
            let info: String = node.ask("CLUSTER INFO");
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        })
    })
    .await;
    nodes.into()
}
