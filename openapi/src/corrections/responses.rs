//! Corrections of the responses.

use serde_json::{Value, json};

use super::correction::{Correction, Evidence, Outcome};
use super::draft::Draft;
use crate::error::Result;
use crate::operation;

const STATUSES: [&str; 4] = ["UNPAID", "PAID", "TRIAL", "NOT_SUPPORTED"];
const PAYMENT_STATUS: &str = "/components/schemas/PaymentStatus";
const ERROR_STATUS: &str = "/components/schemas/ErrorResponsePayload/properties/status";

pub(super) const PAYMENT_STATUS_SHAPES: Correction = Correction {
    id: "payment-status-shapes",
    reason: "The sources give payment_status three different shapes, and the bundled document lacks TRIAL. A client that reads only one of them refuses people who have paid.",
    evidence: &[
        Evidence {
            source: "the bundled document, 0.21.0",
            says: "text: UNPAID, PAID, NOT_SUPPORTED",
        },
        Evidence {
            source: "npm @figma/rest-api-spec 0.10.0 to 0.43.0",
            says: "an object with an optional `type`: UNPAID, PAID, TRIAL",
        },
        Evidence {
            source: "developers.figma.com/docs/rest-api/payments-types, read 2026",
            says: "an object with `status`",
        },
    ],
    apply: payment_status_shapes,
};

fn payment_status_shapes(draft: &mut Draft<'_>) -> Result<Outcome> {
    let schema = draft.at(PAYMENT_STATUS)?;
    let shapes: Vec<&Value> = match schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        Some(Value::Array(shapes)) => shapes.iter().collect(),
        _ => vec![schema],
    };
    let has_all_values = |shape: &Value| {
        let known = shape["enum"].as_array();
        known.is_some_and(|known| STATUSES.iter().all(|status| known.contains(&json!(status))))
    };
    let as_text = shapes.iter().any(|shape| has_all_values(shape));
    let as_object = |key: &str| {
        let mut objects = shapes.iter().map(|shape| &shape["properties"][key]);
        objects.any(has_all_values)
    };
    if as_text && as_object("type") && as_object("status") {
        return Ok(Outcome::NoLongerNeeded);
    }
    let description = schema.get("description").cloned();
    let value = json!({ "type": "string", "enum": STATUSES });
    *schema = json!({
        "anyOf": [
            value.clone(),
            { "type": "object", "properties": { "type": value.clone(), "status": value } },
        ],
        "example": "PAID",
    });
    if let Some(description) = description {
        schema["description"] = description;
    }
    Ok(Outcome::Applied)
}

pub(super) const PAYMENT_STATUS_ABSENT: Correction = Correction {
    id: "payment-status-absent",
    reason: "A response without payment_status is valid and means that the status is unknown. If the field were required, such a response could not be decoded.",
    evidence: &[Evidence {
        source: "npm @figma/rest-api-spec 0.10.0 to 0.43.0",
        says: "no key of payment_status is required, so the status itself may be absent",
    }],
    apply: payment_status_absent,
};

fn payment_status_absent(draft: &mut Draft<'_>) -> Result<Outcome> {
    draft.at("/components/schemas/PaymentInformation/properties/payment_status")?;
    let information = draft.at("/components/schemas/PaymentInformation")?;
    // In the official document an empty object stands for a status that is not said.
    let status = &mut information["properties"]["payment_status"];
    if status.get("default").is_none() {
        status["default"] = json!({});
    }
    let required = information.get_mut("required");
    let Some(required) = required.and_then(Value::as_array_mut) else {
        return Ok(Outcome::NoLongerNeeded);
    };
    let before = required.len();
    required.retain(|name| name != "payment_status");
    Ok(Outcome::if_changed(required.len() < before))
}

pub(super) const STATUS_AS_INTEGER: Correction = Correction {
    id: "status-as-integer",
    reason: "A status code is a whole number, but `number` becomes a float in the bindings.",
    evidence: &[Evidence {
        source: "RFC 9110, section 15",
        says: "a status code is a three-digit integer",
    }],
    apply: status_as_integer,
};

fn status_as_integer(draft: &mut Draft<'_>) -> Result<Outcome> {
    let mut changed = false;
    let mut mend = |schema: &mut Value| {
        if schema["type"] == "number" {
            schema["type"] = json!("integer");
            changed = true;
        }
    };
    mend(draft.at("/components/schemas/GetPaymentsResponseBody/properties/status")?);
    mend(draft.at(ERROR_STATUS)?);
    for error in ["UnauthorizedError", "TooManyRequestsError", "InternalServerError"] {
        let Ok(Some(parts)) =
            draft.at(&format!("/components/schemas/{error}/allOf")).map(Value::as_array_mut)
        else {
            continue;
        };
        for part in parts {
            if let Some(status) = part.pointer_mut("/properties/status") {
                mend(status);
            }
        }
    }
    Ok(Outcome::if_changed(changed))
}

pub(super) const ERROR_STATUS_EXAMPLE: Correction = Correction {
    id: "error-status-example",
    reason: "42.5 is not a status code, but mock servers send it because they answer with the examples.",
    evidence: &[Evidence {
        source: "RFC 9110, section 15",
        says: "a status code is a three-digit integer",
    }],
    apply: error_status_example,
};

fn error_status_example(draft: &mut Draft<'_>) -> Result<Outcome> {
    let status = draft.at(ERROR_STATUS)?;
    match status.get("example") {
        Some(example) if !example.is_u64() => {
            status["example"] = json!(400);
            Ok(Outcome::Applied)
        }
        _ => Ok(Outcome::NoLongerNeeded),
    }
}

pub(super) const STATUS_400: Correction = Correction {
    id: "status-400",
    reason: "The server answers 400 to a request with invalid parameters; the document does not list it.",
    evidence: &[Evidence {
        source: "Figma's guide to the Payments REST API, read 2025-06-27",
        says: "400 is an invalid parameter, described by `message`",
    }],
    apply: |draft| {
        add_response(
            draft,
            400,
            "A parameter is invalid; `message` says which.",
            "Invalid parameter",
        )
    },
};

const ERRORS_PAGE: Evidence = Evidence {
    source: "developers.figma.com/docs/rest-api/errors, read 2026",
    says: "403 and 404 are answers of the whole REST API",
};

pub(super) const STATUS_403: Correction = Correction {
    id: "status-403",
    reason: "Every operation of the REST API can answer 403; the document does not list it.",
    evidence: &[ERRORS_PAGE],
    apply: |draft| {
        add_response(draft, 403, "The request was understood and is refused.", "Forbidden")
    },
};

pub(super) const STATUS_404: Correction = Correction {
    id: "status-404",
    reason: "Every operation of the REST API can answer 404; the document does not list it.",
    evidence: &[ERRORS_PAGE],
    apply: |draft| add_response(draft, 404, "The resource was not found.", "Not found"),
};

fn add_response(
    draft: &mut Draft<'_>,
    status: u16,
    description: &str,
    message: &str,
) -> Result<Outcome> {
    draft.at("/components/schemas/ErrorResponsePayload")?;
    let place = format!("{}/responses", operation::POINTER);
    let not_a_mapping = draft.error(&place, "is not a mapping");
    let responses = draft.at(&place)?.as_object_mut().ok_or(not_a_mapping)?;
    let key = status.to_string();
    if responses.contains_key(&key) {
        return Ok(Outcome::NoLongerNeeded);
    }
    let answer = json!({
        "description": description,
        "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/ErrorResponsePayload" },
            "example": { "error": true, "status": status, "message": message },
        } },
    });
    responses.insert(key, answer);
    Ok(Outcome::Applied)
}
