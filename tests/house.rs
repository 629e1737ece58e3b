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

/// Lines that are code: neither blank, nor comment, nor test.
fn lines_of_code(text: &str) -> usize {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// What an optional feature adds, by file.
const OPTIONAL: [&str; 4] = ["entitlements.rs", "fuzzing.rs", "schemas.rs", "tls.rs"];

/// Pacing and many questions at once. The bar for all was 1,500 before these and
/// wasm's seams came in; neither part may grow beyond what it is.
const MANY_CALLS: [&str; 3] = ["bulk.rs", "limit.rs", "task.rs"];

#[test]
fn the_layer_that_is_always_compiled_is_thin() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut one_call, mut many_calls) = (0, 0);
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let text = fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with("//!") || text.starts_with("#![doc"),
                "{path:?} says what lives there"
            );
            match path.file_name().and_then(|name| name.to_str()).unwrap() {
                name if OPTIONAL.contains(&name) => {}
                name if MANY_CALLS.contains(&name) => many_calls += lines_of_code(&text),
                _ => one_call += lines_of_code(&text),
            }
        }
    }
    println!("lines of code always compiled: {one_call}, and {many_calls} for many calls");
    assert!((500..=1552).contains(&one_call), "{one_call} lines of code for one call");
    assert!((50..=248).contains(&many_calls), "{many_calls} lines of code for many calls");
}
