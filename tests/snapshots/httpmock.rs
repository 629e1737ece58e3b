pub mod operations {
    //! [`When`](::httpmock::When) and [`Then`](::httpmock::Then)
    //! wrappers for each operation. Each can be converted to
    //! its inner type with a call to `into_inner()`. This can
    //! be used to explicitly deviate from permitted values.
    use figma_payments::api::*;
    pub struct GetPaymentsWhen(::httpmock::When);
    impl GetPaymentsWhen {
        pub fn new(inner: ::httpmock::When) -> Self {
            Self(
                inner
                    .method(::httpmock::Method::GET)
                    .path_matches(regex::Regex::new("^/v1/payments$").unwrap()),
            )
        }
        pub fn into_inner(self) -> ::httpmock::When {
            self.0
        }
        pub fn community_file_id<'a, T>(self, value: T) -> Self
        where
            T: Into<Option<&'a str>>,
        {
            if let Some(value) = value.into() {
                Self(self.0.query_param("community_file_id", value.to_string()))
            } else {
                Self(self.0.query_param_missing("community_file_id"))
            }
        }
        pub fn plugin_id<'a, T>(self, value: T) -> Self
        where
            T: Into<Option<&'a str>>,
        {
            if let Some(value) = value.into() {
                Self(self.0.query_param("plugin_id", value.to_string()))
            } else {
                Self(self.0.query_param_missing("plugin_id"))
            }
        }
        pub fn plugin_payment_token<'a, T>(self, value: T) -> Self
        where
            T: Into<Option<&'a str>>,
        {
            if let Some(value) = value.into() {
                Self(self.0.query_param("plugin_payment_token", value.to_string()))
            } else {
                Self(self.0.query_param_missing("plugin_payment_token"))
            }
        }
        pub fn user_id<'a, T>(self, value: T) -> Self
        where
            T: Into<Option<&'a str>>,
        {
            if let Some(value) = value.into() {
                Self(self.0.query_param("user_id", value.to_string()))
            } else {
                Self(self.0.query_param_missing("user_id"))
            }
        }
        pub fn widget_id<'a, T>(self, value: T) -> Self
        where
            T: Into<Option<&'a str>>,
        {
            if let Some(value) = value.into() {
                Self(self.0.query_param("widget_id", value.to_string()))
            } else {
                Self(self.0.query_param_missing("widget_id"))
            }
        }
    }
    pub struct GetPaymentsThen(::httpmock::Then);
    impl GetPaymentsThen {
        pub fn new(inner: ::httpmock::Then) -> Self {
            Self(inner)
        }
        pub fn into_inner(self) -> ::httpmock::Then {
            self.0
        }
        pub fn ok(self, value: &types::GetPaymentsResponseBody) -> Self {
            Self(
                self
                    .0
                    .status(200u16)
                    .header("content-type", "application/json")
                    .json_body_obj(value),
            )
        }
    }
}
/// An extension trait for [`MockServer`](::httpmock::MockServer) that
/// adds a method for each operation. These are the equivalent of
/// type-checked [`mock()`](::httpmock::MockServer::mock) calls.
pub trait MockServerExt {
    fn get_payments<F>(&self, config_fn: F) -> ::httpmock::Mock<'_>
    where
        F: FnOnce(operations::GetPaymentsWhen, operations::GetPaymentsThen);
}
impl MockServerExt for ::httpmock::MockServer {
    fn get_payments<F>(&self, config_fn: F) -> ::httpmock::Mock<'_>
    where
        F: FnOnce(operations::GetPaymentsWhen, operations::GetPaymentsThen),
    {
        self.mock(|when, then| {
            config_fn(
                operations::GetPaymentsWhen::new(when),
                operations::GetPaymentsThen::new(then),
            )
        })
    }
}
