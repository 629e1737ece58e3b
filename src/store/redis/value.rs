//! An answer as Redis keeps it: `1 BEGAN SINCE SERVER STATUS USER KIND ID DATE;`. `1` is the
//! format, BEGAN says when the order began (microseconds since 1970), SINCE how much later the
//! attempt was sent.
//! What comes after them may be encrypted. Words and not JSON, because every hit reads it.

use memchr::memchr;

use super::keys::Keys;
use crate::api::types::PaymentInformation;
use crate::model::ids::UserId;
use crate::model::resource::{Resource, ResourceType};
use crate::store::question::Subject;

/// The format that this version writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 1;

/// Ends a value, so that one that was cut is seen.
const END: char = ';';

/// The place of an attempt in the order that all processes share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(super) number: u64,
    /// When its order began.
    pub(super) began: u64,
}

/// The answer, for this key and ticket. `None` if it cannot be written so.
pub(super) fn encode(
    keys: &Keys,
    key: &str,
    ticket: Ticket,
    payment: &PaymentInformation,
) -> Option<Vec<u8>> {
    let date = payment.date_of_purchase.as_ref().map_or("", |date| date.as_str());
    let words = [
        keys.server_in_values(),
        payment.payment_status.as_str(),
        &payment.user_id,
        payment.resource_type.as_str(),
        &payment.resource_id,
    ];
    // A word of a newer Figma may be anything.
    if words.iter().any(|word| word.is_empty() || word.contains(' ')) || date.contains(END) {
        return None;
    }
    let [server, status, user, kind, id] = words;
    let text = [server, " ", status, " ", user, " ", kind, " ", id, " ", date, ";"].concat();
    Some(match keys.secret() {
        Some(secret) => secret.seal(&place(key, ticket), text.as_bytes()),
        None => text.into_bytes(),
    })
}

/// The answer and its ticket, if the value is one of this format, for this key, and from this
/// server.
pub(super) fn decode(keys: &Keys, key: &str, value: &[u8]) -> Option<(PaymentInformation, Ticket)> {
    let mut rest = value;
    let mut number = || whole_number(next_word(&mut rest)?);
    let (format, began, since) = (number()?, number()?, number()?);
    if format != u64::from(FORMAT) {
        return None;
    }
    let ticket = Ticket { number: began.checked_add(since)?, began };
    let opened;
    let answer = match keys.secret() {
        Some(secret) => {
            opened = secret.open(&place(key, ticket), rest)?;
            &opened
        }
        None => rest,
    };
    let mut rest = answer;
    let mut word = || std::str::from_utf8(next_word(&mut rest)?).ok();
    let (server, status) = (word()?, word()?);
    let payment = PaymentInformation {
        payment_status: status.into(),
        user_id: word()?.to_owned(),
        resource_type: word()?.into(),
        resource_id: word()?.to_owned(),
        date_of_purchase: {
            let date = std::str::from_utf8(rest).ok()?.strip_suffix(END)?;
            if date.contains(END) {
                return None;
            }
            Some(date).filter(|date| !date.is_empty()).map(Into::into)
        },
    };
    (server == keys.server_in_values()).then_some((payment, ticket))
}

/// What stands before the next space. What comes after it is left.
fn next_word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr(b' ', rest)?;
    let (word, after) = rest.split_at(end);
    *rest = &after[1..];
    Some(word)
}

fn whole_number(digits: &[u8]) -> Option<u64> {
    // Longer ones do not fit.
    if !(1..=19).contains(&digits.len()) {
        return None;
    }
    let add = |number: u64, digit: &u8| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    };
    digits.iter().try_fold(0, add)
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
