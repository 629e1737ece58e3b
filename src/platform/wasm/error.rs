//! Why a request got no response, or not all of it.

use std::error::Error;

/// The error of the host's `fetch`.
pub(crate) enum HttpError {
    Unsendable,
    TimedOut,
    Broken(Box<dyn Error + Send + Sync>),
}

impl HttpError {
    /// Whether the request could not be built.
    pub(crate) fn is_builder(&self) -> bool {
        matches!(self, HttpError::Unsendable)
    }

    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, HttpError::TimedOut)
    }

    /// False, because hosts do not say whether a failure was in connecting.
    pub(crate) fn is_connect(&self) -> bool {
        false
    }

    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            HttpError::Broken(cause) => Some(&**cause),
            HttpError::Unsendable | HttpError::TimedOut => None,
        }
    }
}
