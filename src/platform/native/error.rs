//! Why a request got no response, or not all of it.

use std::error::Error;

/// The error of the HTTP client that sent the request.
pub(crate) enum HttpError {
    TimedOut,
    Reqwest(reqwest::Error),
    #[cfg(feature = "rustls")]
    Hyper(hyper_util::client::legacy::Error),
}

impl HttpError {
    /// Whether the request could not be built.
    pub(crate) fn is_builder(&self) -> bool {
        matches!(self, HttpError::Reqwest(error) if error.is_builder())
    }

    pub(crate) fn is_timeout(&self) -> bool {
        match self {
            HttpError::TimedOut => true,
            HttpError::Reqwest(error) => error.is_timeout(),
            #[cfg(feature = "rustls")]
            HttpError::Hyper(error) => is_hyper_timeout(error),
        }
    }

    pub(crate) fn is_connect(&self) -> bool {
        match self {
            HttpError::TimedOut => false,
            HttpError::Reqwest(error) => error.is_connect(),
            #[cfg(feature = "rustls")]
            HttpError::Hyper(error) => error.is_connect(),
        }
    }

    /// The first source of the error whose message does not have the URL.
    pub(crate) fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            HttpError::TimedOut => None,
            HttpError::Reqwest(error) => error.source(),
            #[cfg(feature = "rustls")]
            HttpError::Hyper(error) => Some(error),
        }
    }
}

/// Whether a timeout is among the sources, for instance the one for connecting.
#[cfg(feature = "rustls")]
fn is_hyper_timeout(error: &hyper_util::client::legacy::Error) -> bool {
    let mut causes =
        std::iter::successors(error.source(), |cause| -> Option<&(dyn Error + 'static)> {
            (*cause).source()
        });
    causes.any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        cause.is::<tokio::time::error::Elapsed>()
            || io.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    })
}
