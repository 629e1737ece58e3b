//! The floor: hyper's own client and the typed answer, and no care at all.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::by_hand::Answer;
use crate::{Contender, PLUGIN, TOKEN, USER};

pub struct HyperAlone {
    client: Client<HttpConnector, Empty<Bytes>>,
    base_url: String,
}

impl HyperAlone {
    pub fn new(base_url: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        HyperAlone { client, base_url: base_url.to_owned() }
    }
}

impl Contender for HyperAlone {
    async fn call(&self) {
        let url = format!("{}/v1/payments?user_id={USER}&plugin_id={PLUGIN}", self.base_url);
        let request = hyper::Request::get(url)
            .header("x-figma-token", TOKEN)
            .body(Empty::new())
            .expect("a request");
        let answer = self.client.request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        let answer: Answer = serde_json::from_slice(&body).expect("an answer");
        assert_eq!(answer.status, 200);
    }
}
