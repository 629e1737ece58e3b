//! Builds an [`Entitlements`].

use std::time::Duration;

use super::Entitlements;
use crate::client::Client;
use crate::store::time_to_live::{LONGEST_REFUSAL, Lifetime, TimesToLive};

impl Entitlements {
    /// Caches the answers of this client, with the default settings.
    pub fn new(client: Client) -> Self {
        Entitlements::builder(client).build()
    }

    /// Caches the answers of this client, with settings of your own.
    pub fn builder(client: Client) -> EntitlementsBuilder {
        EntitlementsBuilder::new(client)
    }
}

/// Settings for [`Entitlements`]; made by [`Entitlements::builder`].
///
/// | Setting | Default | Why |
/// |---|---|---|
/// | [`paid_ttl`](Self::paid_ttl) | 10 minutes | the longest time until a refund or an ended subscription is noticed |
/// | [`trial_ttl`](Self::trial_ttl) | 2 minutes | a trial ends by itself |
/// | [`unpaid_ttl`](Self::unpaid_ttl) | 10 seconds | a purchase has to show within seconds (with a new payment token it shows at once) |
/// | [`refused_ttl`](Self::refused_ttl) | 10 seconds | one forged payment token costs one request, and not one for each try |
/// | [`stale_if_error`](Self::stale_if_error) | zero: never | you decide whether paying users keep access in an outage of Figma |
/// | [`max_entries`](Self::max_entries) | 100,000 | limits the memory |
///
/// Each answer's own time is shorter by up to a 25th, so that the answers of many users that
/// arrived together do not end together. A PAID that is asked for by user in the last tenth of
/// its time is renewed in the background, unless a call waits for the rate limit.
///
/// An answer with a time to live of zero is not kept, and neither is one whose status
/// is unknown or not supported. The time counts from when the request was sent. It is
/// measured by tokio's clock (in a browser or Worker the host's) and by the system's date,
/// and the longer one counts, because tokio's clock stops while a machine is suspended.
///
/// ```no_run
/// use std::time::Duration;
/// use figma_payments::{Client, Entitlements};
///
/// fn entitlements(client: Client) -> Entitlements {
///     Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build()
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct EntitlementsBuilder {
    client: Client,
    times: TimesToLive,
    max_entries: u64,
}

impl EntitlementsBuilder {
    fn new(client: Client) -> Self {
        EntitlementsBuilder { client, times: TimesToLive::default(), max_entries: 100_000 }
    }

    /// How long PAID is kept.
    pub fn paid_ttl(mut self, time: Duration) -> Self {
        self.times.paid = Lifetime::of(time);
        self
    }

    /// How long TRIAL is kept.
    pub fn trial_ttl(mut self, time: Duration) -> Self {
        self.times.trial = Lifetime::of(time);
        self
    }

    /// How long UNPAID is kept.
    pub fn unpaid_ttl(mut self, time: Duration) -> Self {
        self.times.unpaid = Lifetime::of(time);
        self
    }

    /// How long a payment token is remembered that Figma refused with 401. Meanwhile a call
    /// with this token gets the same error, and nothing is sent. At most 10 seconds; longer
    /// times count as that. Zero: not at all.
    ///
    /// An expired access token gets the same 401. So
    /// [`Client::set_access_token`] ends this for all tokens.
    pub fn refused_ttl(mut self, time: Duration) -> Self {
        self.times.refused = time.min(LONGEST_REFUSAL);
        self
    }

    /// How much longer PAID or TRIAL is given when Figma cannot be reached, or
    /// answers 5xx or 429. Not after 400, 401, 403 or any other refusal; these also
    /// remove the answer, so that it is not given in a later outage.
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.times.stale = time;
        self
    }

    /// How many answers are kept, and for how many payment tokens the cache remembers the
    /// user and resource. When it is full, the least used entries are removed.
    pub fn max_entries(mut self, entries: u64) -> Self {
        self.max_entries = entries;
        self
    }

    /// Builds the cache, with an empty memory, or over the store that its client shares.
    ///
    /// With the feature `metrics`, this describes the cache's metrics to the recorder.
    /// Install the recorder before.
    pub fn build(self) -> Entitlements {
        Entitlements::with_settings(self.client, self.times, self.max_entries)
    }
}
