//! What a route behind the gate gets.

use figma_payments::Entitlement;

/// A user who may use what is behind the gate, as the gate found out. It is in the
/// request's extensions there, and with the feature `axum` an argument of the route:
///
/// ```
/// # #[cfg(feature = "axum")]
/// # mod route {
/// use figma_payments_gate::Paying;
///
/// async fn export(Paying(user): Paying) -> String {
///     format!("exported for {}", user.payment.user_id)
/// }
/// # }
/// ```
///
/// A user who was let in by [`PaymentGate::allow`](crate::PaymentGate::allow) is here too,
/// with the answer that Figma gave: [`grants_access`](Entitlement::grants_access) is false
/// then. Do not check it again behind the gate.
///
/// On a route without a gate the extractor answers 500, and says so in the log. It never
/// gives access by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Paying(pub Entitlement);

#[cfg(feature = "axum")]
mod extractor {
    use axum::body::Body;
    use axum::extract::FromRequestParts;
    use axum::response::Response;
    use http::request::Parts;

    use super::Paying;
    use crate::refusal::{Mistake, Refusal};
    use crate::telemetry;

    impl<S: Sync> FromRequestParts<S> for Paying {
        type Rejection = Response;

        async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
            parts.extensions.get::<Paying>().cloned().ok_or_else(|| {
                let refusal = Refusal::Misconfigured(Mistake::NoGate);
                telemetry::refused(&refusal);
                refusal.response(Body::from)
            })
        }
    }
}
