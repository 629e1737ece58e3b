//! Why a request got no response, or not all of it.

use std::error::Error;

/// The error of whatever sent the request.
pub(crate) enum HttpError {
    Unsendable,
    TimedOut,
    Broken(Box<dyn Error + Send + Sync>),
}

impl HttpError {
    /// No request could be made.
    pub(crate) fn is_builder(&self) -> bool {
        matches!(self, HttpError::Unsendable)
    }

    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, HttpError::TimedOut)
    }

    /// Hosts do not tell.
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
