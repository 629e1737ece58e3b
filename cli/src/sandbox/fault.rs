//! The JSON form of a fault, with the calls that it applies to.

use std::time::Duration;

use figma_payments::sandbox::{Calls, Fault, InjectedFault};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultJson {
    fault: Kind,
    status: Option<u16>,
    delay_ms: Option<u64>,
    retry_after_seconds: Option<u64>,
    next: Option<u32>,
    all: Option<bool>,
    share: Option<f64>,
    seed: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Status,
    RateLimited,
    Delay,
    Reset,
    CutBody,
    WrongUser,
    WrongResource,
}

impl FaultJson {
    /// # Errors
    ///
    /// What is missing or too much.
    pub fn fault(&self) -> Result<Fault, &'static str> {
        match (&self.fault, (self.status, self.delay_ms, self.retry_after_seconds)) {
            (Kind::Status, (Some(status @ 400..=599), None, None)) => Ok(Fault::Status(status)),
            (Kind::Status, _) => Err("the fault status needs a status from 400 to 599"),
            (Kind::Delay, (None, Some(delay), None)) => {
                Ok(Fault::Delay(Duration::from_millis(delay)))
            }
            (Kind::Delay, _) => Err("the fault delay needs delay_ms"),
            (Kind::RateLimited, (None, None, Some(wait))) => {
                Ok(Fault::RateLimited(Duration::from_secs(wait)))
            }
            (Kind::RateLimited, _) => Err("the fault rate_limited needs retry_after_seconds"),
            (Kind::Reset, (None, None, None)) => Ok(Fault::Reset),
            (Kind::CutBody, (None, None, None)) => Ok(Fault::CutBody),
            (Kind::WrongUser, (None, None, None)) => Ok(Fault::WrongUser),
            (Kind::WrongResource, (None, None, None)) => Ok(Fault::WrongResource),
            _ => Err(
                "status is only for the fault status, delay_ms only for the fault delay, and retry_after_seconds only for the fault rate_limited",
            ),
        }
    }

    /// # Errors
    ///
    /// What is missing or too much.
    pub fn calls(&self) -> Result<Calls, &'static str> {
        match (self.next, self.all, self.share, self.seed) {
            (Some(next), None, None, None) => Ok(Calls::Next(next)),
            (None, Some(true), None, None) => Ok(Calls::All),
            (None, None, Some(share), seed) if (0.0..=1.0).contains(&share) => {
                Ok(Calls::Share { share, seed: seed.unwrap_or_default() })
            }
            _ => Err(
                "give either next, or \"all\": true, or a share from 0 to 1 and perhaps its seed",
            ),
        }
    }
}

/// A fault that still applies to calls, as it would be injected, with its id.
pub fn listed(injected: &InjectedFault) -> Value {
    let mut listed = match &injected.fault {
        Fault::Status(status) => json!({ "fault": Kind::Status, "status": status }),
        Fault::RateLimited(wait) => {
            json!({ "fault": Kind::RateLimited, "retry_after_seconds": wait.as_secs() })
        }
        Fault::Delay(delay) => {
            json!({ "fault": Kind::Delay, "delay_ms": delay.as_millis() as u64 })
        }
        Fault::Reset => json!({ "fault": Kind::Reset }),
        Fault::CutBody => json!({ "fault": Kind::CutBody }),
        Fault::WrongUser => json!({ "fault": Kind::WrongUser }),
        Fault::WrongResource => json!({ "fault": Kind::WrongResource }),
        other => json!({ "fault": format!("{other:?}") }),
    };
    listed["id"] = json!(injected.id);
    match injected.calls {
        Calls::Next(left) => listed["next"] = json!(left),
        Calls::Share { share, seed } => {
            listed["share"] = json!(share);
            listed["seed"] = json!(seed);
        }
        _ => listed["all"] = json!(true),
    }
    listed
}
