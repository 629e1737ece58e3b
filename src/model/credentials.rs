//! The two secrets: access token and payment token. They are never printed. This
//! crate's copies are wiped from memory when they are dropped.

use std::fmt;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::error::Error;

/// Defines a type for secret text.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

secret! {
    /// The access token of the account that owns the resources, made in Figma's
    /// settings. It lives 90 days at most (Figma's documentation).
    ///
    /// `Debug` prints no part of it, and there is no `Display`.
    PersonalAccessToken
}

impl PersonalAccessToken {
    /// Takes the token as Figma shows it, for instance `figd_…`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the token is empty, or
    /// has a character other than visible ASCII, which no header can carry. The usual
    /// cause is the line end of a file that the token was read from.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        let token = Zeroizing::new(token.into());
        let problem = if token.is_empty() {
            "is empty; make one in Figma's settings"
        } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            "has a space, a line end or another character that no header can carry; trim it"
        } else {
            return Ok(PersonalAccessToken(token));
        };
        Err(Error::configuration(format!("the access token {problem}")))
    }
}

secret! {
    /// A short-lived token that names a user and the plugin or widget they run,
    /// made by `figma.payments.getPluginPaymentTokenAsync()`. How long it lives, and
    /// whether it can be used twice, is not documented.
    ///
    /// `Debug` prints no part of it, and there is no `Display`.
    PluginPaymentToken
}

impl PluginPaymentToken {
    /// The longest token that is accepted, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Takes the token as the plugin sent it. The format of payment tokens is not
    /// documented, so almost any text is accepted.
    ///
    /// # Errors
    ///
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery) if the token is empty or
    /// blank, is longer than [`MAX_BYTES`](Self::MAX_BYTES), or has control
    /// characters.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        let token = Zeroizing::new(token.into());
        let problem = if token.trim().is_empty() {
            "is empty"
        } else if token.len() > Self::MAX_BYTES {
            "is longer than 4096 bytes"
        } else if token.chars().any(char::is_control) {
            "has a control character in it, such as a line end"
        } else {
            return Ok(PluginPaymentToken(token));
        };
        Err(Error::invalid_query(format!(
            "the payment token {problem}; pass on what getPluginPaymentTokenAsync() returned"
        )))
    }
}

/// How the access token is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthScheme {
    /// `X-Figma-Token: …`, as Figma's own document and guide say.
    #[default]
    FigmaToken,
    /// `Authorization: Bearer …`, as the bundled document says. For mock servers
    /// that check requests against that document.
    Bearer,
}

impl AuthScheme {
    /// The header. It is marked sensitive. All requests share its text, which is
    /// wiped from memory when the last of them is dropped.
    pub(crate) fn header(
        self,
        token: &PersonalAccessToken,
    ) -> Result<(HeaderName, HeaderValue), Error> {
        let (name, text) = match self {
            AuthScheme::FigmaToken => (HeaderName::from_static("x-figma-token"), token.0.clone()),
            AuthScheme::Bearer => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", *token.0))),
        };
        let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| {
            Error::configuration("the access token has a character that no header can carry")
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}
