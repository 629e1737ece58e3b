//! An answer as Redis keeps it: `1 BEGAN TICKET ANSWER`. `1` is the format, BEGAN says when
//! the order began, TICKET when the attempt was sent (microseconds). ANSWER is a JSON array,
//! or encrypted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::api::types::PaymentInformation;
use crate::model::ids::UserId;
use crate::model::resource::{Resource, ResourceType};
use crate::store::question::Subject;

/// The format that this version writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 1;

/// The place of an attempt in the order that all processes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(super) number: u64,
    /// When its order began.
    pub(super) began: u64,
}

/// The fields of an answer, in this order.
#[derive(Serialize, Deserialize)]
struct Fields<'a>(
    /// The server that gave it, as a hash.
    #[serde(borrow)]
    Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Option<Cow<'a, str>>,
);

/// The answer, for this key and ticket.
pub(super) fn encode(
    keys: &Keys,
    key: &str,
    ticket: Ticket,
    payment: &PaymentInformation,
) -> Vec<u8> {
    let fields = Fields(
        Cow::Borrowed(&keys.server),
        Cow::Borrowed(payment.payment_status.as_str()),
        Cow::Borrowed(&payment.user_id),
        Cow::Borrowed(payment.resource_type.as_str()),
        Cow::Borrowed(&payment.resource_id),
        payment.date_of_purchase.as_ref().map(|date| Cow::Borrowed(date.as_str())),
    );
    let json = serde_json::to_vec(&fields).expect("texts can be written as JSON");
    match keys.secret() {
        Some(secret) => secret.seal(&place(key, ticket), &json),
        None => json,
    }
}

/// The answer and its ticket, if the value is one of this format, for this key, and from this
/// server.
pub(super) fn decode(keys: &Keys, key: &str, value: &[u8]) -> Option<(PaymentInformation, Ticket)> {
    let mut rest = value;
    let mut number = || {
        let end = rest.iter().position(|byte| *byte == b' ')?;
        let (digits, after) = rest.split_at(end);
        rest = &after[1..];
        whole_number(digits)
    };
    let (format, began, number) = (number()?, number()?, number()?);
    if format != u64::from(FORMAT) {
        return None;
    }
    let ticket = Ticket { number, began };
    let opened;
    let json = match keys.secret() {
        Some(secret) => {
            opened = secret.open(&place(key, ticket), rest)?;
            &opened
        }
        None => rest,
    };
    // Once for all fields.
    let json = std::str::from_utf8(json).ok()?;
    let Fields(server, status, user_id, resource_type, resource_id, date) =
        serde_json::from_str(json).ok()?;
    let payment = PaymentInformation {
        user_id: user_id.into_owned(),
        resource_id: resource_id.into_owned(),
        resource_type: (&*resource_type).into(),
        payment_status: (&*status).into(),
        date_of_purchase: date.map(|date| (&*date).into()),
    };
    (*server == *keys.server).then_some((payment, ticket))
}

fn whole_number(digits: &[u8]) -> Option<u64> {
    let is_short = (1..=19).contains(&digits.len());
    let add = |number: u64, digit: &u8| {
        digit.is_ascii_digit().then(|| number.wrapping_mul(10) + u64::from(digit - b'0'))
    };
    digits.iter().try_fold(0, add).filter(|_| is_short)
}

/// The same, only if it is about this user and resource.
pub(super) fn decode_about(
    keys: &Keys,
    key: &str,
    value: &[u8],
    subject: &Subject,
) -> Option<(PaymentInformation, Ticket)> {
    let decoded = decode(keys, key, value)?;
    let payment = &decoded.0;
    let is_about_it = payment.user_id == subject.user.as_str()
        && payment.resource_id == subject.resource.id()
        && payment.resource_type == subject.resource.resource_type();
    is_about_it.then_some(decoded)
}

/// The user and resource of a payment token, as the key of this token keeps it.
pub(super) fn encode_subject(keys: &Keys, key: &str, subject: &Subject) -> Vec<u8> {
    let Subject { user, resource } = subject;
    let text = format!("{user} {} {} {key}", resource.resource_type().as_str(), resource.id());
    match keys.secret() {
        Some(secret) => secret.seal(key, text.as_bytes()),
        None => text.into_bytes(),
    }
}

/// The user and resource, if the value belongs to this key.
pub(super) fn decode_subject(keys: &Keys, key: &str, value: &[u8]) -> Option<Subject> {
    let opened;
    let text = match keys.secret() {
        Some(secret) => {
            opened = secret.open(key, value)?;
            &opened
        }
        None => value,
    };
    let mut parts = std::str::from_utf8(text).ok()?.splitn(4, ' ');
    let (user, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
    let resource = match ResourceType::from(kind) {
        ResourceType::Plugin => Resource::plugin(id).ok()?,
        ResourceType::Widget => Resource::widget(id).ok()?,
        ResourceType::CommunityFile => Resource::community_file(id).ok()?,
        _ => return None,
    };
    let subject = Subject { user: UserId::try_from(user).ok()?, resource };
    (parts.next()? == key).then_some(subject)
}

/// What an encrypted answer holds for: it means nothing elsewhere.
fn place(key: &str, ticket: Ticket) -> String {
    format!("{FORMAT} {} {} {key}", ticket.began, ticket.number)
}
