//! An answer from Redis, and a bare `GET` of what lies there.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use figma_payments::{
    Client, Entitlements, PaymentInformation, PaymentQuery, PaymentStatus, PersonalAccessToken,
    RedisStore, Resource, UserId,
};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd};

use crate::{Contender, PLUGIN, TOKEN, USER};

const NAMESPACE: &str = "bench";

fn user() -> UserId {
    UserId::try_from(USER).expect("an id")
}

fn plugin() -> Resource {
    Resource::plugin(PLUGIN).expect("an id")
}

/// [`Entitlements`] over Redis, with one answer there.
pub struct Hit {
    entitlements: Entitlements,
    query: PaymentQuery,
}

impl Hit {
    pub async fn new(url: &str) -> Self {
        let store = RedisStore::connect(url, NAMESPACE).await.expect("Redis");
        let token = PersonalAccessToken::new(TOKEN).expect("a token");
        let client = Client::builder(token).shared(store).build().expect("a client");
        let entitlements = Entitlements::new(client);
        let payment = PaymentInformation::new(&user(), &plugin(), PaymentStatus::Paid);
        entitlements.prime(payment).await;
        Hit { entitlements, query: PaymentQuery::by_user(user(), plugin()) }
    }
}

impl Contender for Hit {
    async fn call(&self) {
        let answer = self.entitlements.get_cached(&self.query).await;
        assert!(answer.expect("an answer").grants_access());
    }
}

/// The value alone, over a connection that is served by a thread of its own, as the store's.
pub struct Get {
    connection: MultiplexedConnection,
    key: String,
}

impl Get {
    pub fn new(url: &str) -> Self {
        let client = redis::Client::open(url).expect("a URL");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                // A bare `GET` waits no longer than a hit does.
                let timeout = Duration::from_millis(100);
                let config = AsyncConnectionConfig::new().set_response_timeout(Some(timeout));
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                sender.send(connection.await.expect("Redis")).expect("somebody who waits");
                std::future::pending::<()>().await
            });
        });
        let connection = receiver.recv().expect("a connection");
        Get { connection, key: key(url) }
    }
}

/// The key of the answer that [`Hit`] has left there.
fn key(url: &str) -> String {
    let mut connection =
        redis::Client::open(url).and_then(|it| it.get_connection()).expect("Redis");
    let pattern = format!("figma:{{{NAMESPACE}}}:*:answer:*");
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut connection).expect("keys");
    keys.into_iter().next().expect("run redis-hit before redis-get")
}

impl Contender for Get {
    async fn call(&self) {
        let mut connection = self.connection.clone();
        let value: Option<Vec<u8>> =
            Cmd::get(&self.key).query_async(&mut connection).await.expect("an answer");
        assert!(value.is_some());
    }
}
