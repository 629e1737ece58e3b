//! The operation that the bindings are generated for: the method, path, id and
//! place of `GET /v1/payments`, written down once for the whole workspace.

/// The HTTP method.
pub const METHOD: &str = "GET";

/// The key of the operation in the document's path item.
pub const METHOD_KEY: &str = "get";

/// The path, without the server's address.
pub const PATH: &str = "/v1/payments";

/// The `operationId`. The generated method is named after it.
pub const ID: &str = "getPayments";

/// The JSON pointer of the operation in the document.
pub const POINTER: &str = "/paths/~1v1~1payments/get";

#[cfg(test)]
mod tests {
    use super::{METHOD, METHOD_KEY, PATH, POINTER};
    use crate::pointer;

    #[test]
    fn key_and_pointer_belong_to_the_method_and_the_path() {
        assert_eq!(METHOD_KEY, METHOD.to_ascii_lowercase());
        assert_eq!(POINTER, pointer::join(&pointer::join("/paths", PATH), METHOD_KEY));
    }
}
