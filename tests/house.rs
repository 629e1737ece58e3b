//! The house rules that a machine can check.

use std::fs;
use std::path::Path;

use figma_payments::{
    Client, ClientBuilder, Error, ErrorKind, PaymentInformation, PaymentParams, PaymentQuery,
    PersonalAccessToken, PluginPaymentToken, Resource, UserId,
};

fn shared_between_threads<T: Send + Sync>() {}
fn sent<T: Send>(_: T) {}

#[test]
fn what_a_server_shares_can_be_shared() {
    shared_between_threads::<Client>();
    shared_between_threads::<Error>();
    shared_between_threads::<ErrorKind>();
    shared_between_threads::<PaymentInformation>();
    shared_between_threads::<PaymentParams>();
    shared_between_threads::<PaymentQuery>();
    shared_between_threads::<PersonalAccessToken>();
    shared_between_threads::<PluginPaymentToken>();
    shared_between_threads::<Resource>();
    sent(Client::builder(PersonalAccessToken::new("figd_x").unwrap()));
    fn cloned<T: Clone>() {}
    cloned::<Client>();
    cloned::<Error>();
    // Not called: it is enough that it compiles.
    fn _futures(client: &Client, builder: ClientBuilder, query: PaymentQuery) {
        sent(client.get_payments(query));
        sent(builder);
    }
}

#[test]
fn an_error_is_as_large_as_a_pointer() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
    let user: Result<UserId, Error> = "x".parse();
    let error: Box<dyn std::error::Error + Send + Sync + 'static> = user.unwrap_err().into();
    assert!(error.downcast_ref::<Error>().is_some());
}

#[test]
fn every_file_says_what_lives_there() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(
                    text.starts_with("//") || text.starts_with("#![doc"),
                    "the first lines of {path:?} have to say what lives there"
                );
            }
        }
    }
}
