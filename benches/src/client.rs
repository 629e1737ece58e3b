//! This crate as it comes: validation, retries, verification and bounds.

use figma_payments::{Client, PaymentQuery, PersonalAccessToken, Resource, UserId};

use crate::{Contender, PLUGIN, TOKEN, USER};

impl Contender for Client {
    async fn call(&self) {
        let user = UserId::try_from(USER).expect("an id");
        let plugin = Resource::plugin(PLUGIN).expect("an id");
        let payment = self.get_payments(PaymentQuery::by_user(user, plugin)).await;
        assert!(payment.expect("a payment").grants_access());
    }
}

pub fn new(base_url: &str) -> Client {
    let token = PersonalAccessToken::new(TOKEN).expect("a token");
    Client::builder(token).base_url(base_url).build().expect("a client")
}
