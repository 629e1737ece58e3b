#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///A response indicating an error occurred.
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[non_exhaustive]
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    pub struct ErrorResponsePayload {
        ///For erroneous requests, this value is always `true`.
        pub error: bool,
        ///A string describing the error
        pub message: ::std::string::String,
        ///Status code
        pub status: i64,
    }
    ///Successful response containing payment information.
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[non_exhaustive]
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    pub struct GetPaymentsResponseBody {
        ///For successful requests, this value is always `false`.
        pub error: bool,
        ///An object describing a user's payment information for a plugin, widget, or Community file.
        pub meta: PaymentInformation,
        ///The response status code.
        pub status: ::serde_json::Number,
    }
    ///An object describing a user's payment information for a plugin, widget, or Community file.
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[non_exhaustive]
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    pub struct PaymentInformation {
        ///The UTC ISO 8601 timestamp indicating when the user purchased the resource. No value is given if the user has never purchased the resource.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub date_of_purchase: ::std::option::Option<
            crate::model::payment::DateOfPurchase,
        >,
        ///The payment status of the user for the resource.
        #[serde(default = "defaults::payment_information_payment_status")]
        pub payment_status: crate::model::payment::PaymentStatus,
        ///The ID of the plugin, widget, or Community file that was queried. Can be used to verify the validity of a response.
        pub resource_id: ::std::string::String,
        ///The type of the resource.
        pub resource_type: crate::model::resource::ResourceType,
        ///The ID of the user whose payment information was queried. Can be used to verify the validity of a response.
        pub user_id: ::std::string::String,
    }
    /// Generation of default values for serde.
    pub mod defaults {
        pub(super) fn payment_information_payment_status() -> crate::model::payment::PaymentStatus {
            ::serde_json::from_str::<crate::model::payment::PaymentStatus>("{}").unwrap()
        }
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for Figma Payments API

Figma allows designers to create and prototype their digital experiences -
together in real-time and in one place - helping them turn their ideas and
visions into products, faster. Figma's mission is to make design
accessible to everyone. The Figma API is one of the ways we aim to do
that.

Version: 0.21.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: crate::platform::attempt::AttemptContext,
}
impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str, inner: crate::platform::attempt::AttemptContext) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap(), inner)
    }
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: crate::platform::attempt::AttemptContext,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }
}
impl ClientInfo<crate::platform::attempt::AttemptContext> for Client {
    fn api_version() -> &'static str {
        "0.21.0"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &crate::platform::attempt::AttemptContext {
        &self.inner
    }
}
const _: () = {
    #[allow(dead_code)]
    fn assert_client_hooks()
    where
        Client: ClientHooks<crate::platform::attempt::AttemptContext>,
    {}
};
#[allow(clippy::all)]
impl Client {
    /**Figma Get Payments

There are two methods to query for a user's payment information on a plugin, widget, or Community file. The first method, using plugin payment tokens, is typically used when making queries from a plugin's or widget's code. The second method, providing a user ID and resource ID, is typically used when making queries from anywhere else.
Note that you can only query for resources that you own. In most cases, this means that you can only query resources that you originally created.

Sends a `GET` request to `/v1/payments`

Arguments:
- `community_file_id`: The ID of the Community file to query a user's payment information on. You can get the Community file ID from the file's Community page (look for the number after "file/" in the URL). Provide exactly one of "community_file_id", "plugin_id", or "widget_id".
- `plugin_id`: The ID of the plugin to query a user's payment information on. You can get the plugin ID from the plugin's manifest, or from the plugin's Community page (look for the number after "plugin/" in the URL). Provide exactly one of "community_file_id", "plugin_id", or "widget_id".
- `plugin_payment_token`: Short-lived token returned from "getPluginPaymentTokenAsync" in the plugin payments API and used to authenticate to this endpoint. Read more about generating this token through "Calling the Payments REST API from a plugin or widget" below.
- `user_id`: The ID of the user to query payment information about. You can get the user ID by having the user OAuth2 to the Figma REST API.
- `widget_id`: The ID of the widget to query a user's payment information on. You can get the widget ID from the widget's manifest, or from the widget's Community page (look for the number after "widget/" in the URL). Provide exactly one of "community_file_id", "plugin_id", or "widget_id".
*/
    pub async fn get_payments<'a>(
        &'a self,
        community_file_id: Option<&'a str>,
        plugin_id: Option<&'a str>,
        plugin_payment_token: Option<&'a str>,
        user_id: Option<&'a str>,
        widget_id: Option<&'a str>,
    ) -> Result<ResponseValue<types::GetPaymentsResponseBody>, Error<()>> {
        let url = format!("{}/v1/payments", self.baseurl,);
        let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
        header_map
            .append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Self::api_version()),
            );
        #[allow(unused_mut)]
        let mut request = self
            .client
            .get(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .query(
                &progenitor_client::QueryParam::new(
                    "community_file_id",
                    &community_file_id,
                ),
            )
            .query(&progenitor_client::QueryParam::new("plugin_id", &plugin_id))
            .query(
                &progenitor_client::QueryParam::new(
                    "plugin_payment_token",
                    &plugin_payment_token,
                ),
            )
            .query(&progenitor_client::QueryParam::new("user_id", &user_id))
            .query(&progenitor_client::QueryParam::new("widget_id", &widget_id))
            .headers(header_map)
            .build()?;
        let info = OperationInfo {
            operation_id: "get_payments",
        };
        self.pre(&mut request, &info).await?;
        let result = self.exec(request, &info).await;
        self.post(&result, &info).await?;
        let response = result?;
        match response.status().as_u16() {
            200u16 => ResponseValue::from_response(response).await,
            _ => Err(Error::UnexpectedResponse(response)),
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    #[allow(unused_imports)]
    pub use super::Client;
}
