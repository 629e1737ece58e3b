//! The client: one call, named after the one operation.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::HeaderValue;

use crate::secrets::Secrets;
use crate::transport::Transport;
use crate::{
    AuthScheme, ClientBuilder, Error, PaymentInformation, PaymentQuery, PersonalAccessToken,
    answer, api,
};

/// Asks Figma whether a user has paid.
///
/// Cheap to clone: all clones share connections, settings and access token.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What [`ClientBuilder`] has checked.
pub(crate) struct Settings {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: String,
    pub(crate) auth_scheme: AuthScheme,
    pub(crate) timeout: Duration,
    pub(crate) deadline: Duration,
}

struct Shared {
    settings: Settings,
    credential: RwLock<Credential>,
}

#[derive(Clone)]
struct Credential {
    token: PersonalAccessToken,
    header: HeaderValue,
}

impl Client {
    /// A client with the defaults, for Figma's production server.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if TLS cannot be set
    /// up, for want of root certificates for instance.
    pub fn new(token: PersonalAccessToken) -> Result<Self, Error> {
        Client::builder(token).build()
    }

    /// A client with settings of your own.
    pub fn builder(token: PersonalAccessToken) -> ClientBuilder {
        ClientBuilder::new(token)
    }

    pub(crate) fn from_settings(
        settings: Settings,
        token: PersonalAccessToken,
    ) -> Result<Self, Error> {
        let credential = Credential { header: settings.auth_scheme.header_value(&token)?, token };
        Ok(Client { shared: Arc::new(Shared { settings, credential: RwLock::new(credential) }) })
    }

    /// Replaces the access token for this client and all its clones. Calls that
    /// start after this returns use the new one.
    ///
    /// Access tokens live 90 days at most; servers live longer.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if no header can
    /// carry it; the old one stays.
    pub fn set_access_token(&self, token: PersonalAccessToken) -> Result<(), Error> {
        let header = self.shared.settings.auth_scheme.header_value(&token)?;
        let mut credential = self.shared.credential.write();
        let credential = credential.as_deref_mut().unwrap_or_else(|poisoned| poisoned.get_mut());
        *credential = Credential { token, header };
        Ok(())
    }

    /// Asks Figma about one user and one resource (`GET /v1/payments`).
    ///
    /// The answer is about what was asked, or it is an error.
    /// [`grants_access`](PaymentInformation::grants_access) says whether the
    /// user may go on.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`](crate::ErrorKind) but
    /// [`InvalidQuery`](crate::ErrorKind::InvalidQuery); its table says what
    /// to answer your own caller. "Has not paid" is not among them.
    pub async fn get_payments(
        &self,
        query: impl Into<PaymentQuery>,
    ) -> Result<PaymentInformation, Error> {
        let query = query.into();
        let settings = &self.shared.settings;
        let timeout = settings.timeout.min(settings.deadline);
        let attempt = self.attempt(&query, timeout).await;
        attempt.map_err(|error| error.with(|details| details.attempts = 1))
    }

    async fn attempt(
        &self,
        query: &PaymentQuery,
        timeout: Duration,
    ) -> Result<PaymentInformation, Error> {
        let settings = &self.shared.settings;
        let credential = self.credential();
        let header = (settings.auth_scheme.header_name(), credential.header);
        let transport = Transport::new(header, timeout);
        let bindings = api::Client::new_with_client(
            &settings.base_url,
            settings.http.clone(),
            transport.clone(),
        );
        let parameters = query.parameters();
        let decoded = bindings
            .get_payments(
                parameters.community_file_id,
                parameters.plugin_id,
                parameters.plugin_payment_token,
                parameters.user_id,
                parameters.widget_id,
            )
            .await;
        let secrets = Secrets { access: &credential.token, payment: query.payment_token() };
        let answer = answer::read(decoded, transport.take_exchange(), &secrets)?;
        query.verify(&answer)?;
        Ok(answer)
    }

    fn credential(&self) -> Credential {
        let credential = self.shared.credential.read();
        credential.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.shared.settings;
        f.debug_struct("Client")
            .field("base_url", &settings.base_url)
            .field("auth_scheme", &settings.auth_scheme)
            .field("timeout", &settings.timeout)
            .field("deadline", &settings.deadline)
            .finish_non_exhaustive()
    }
}
