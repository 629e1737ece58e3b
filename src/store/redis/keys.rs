//! The names of the keys in Redis. All of a namespace have one hash tag, so that they are in
//! one slot of a cluster, and all of a server have its hash, so that a sandbox's answers are
//! never Figma's.

use ring::digest::{SHA256, digest};
use ring::hmac;

use super::hash::{hex, keyed_hash};
use super::seal::Secret;
use crate::error::Error;
use crate::model::query::{AskedBy, PaymentQuery};
use crate::model::resource::Resource;
use crate::store::question::Subject;

/// The names of the keys of one namespace and one server.
pub(super) struct Keys {
    prefix: String,
    /// The server that is asked, as a hash.
    server: String,
    secret: Option<Secret>,
}

/// The keys of the limit of one way of asking.
pub(super) struct LimitKeys {
    pub(super) limit: String,
    pub(super) queue: String,
    pub(super) batches: String,
    pub(super) back: String,
    pub(super) waiting: String,
}

impl Keys {
    pub(super) fn new(namespace: &str, base_url: &str, secret: Option<Secret>) -> Self {
        let server = hex(&digest(&SHA256, base_url.as_bytes()).as_ref()[..4]);
        Keys { prefix: format!("figma:{{{namespace}}}:{server}:"), server, secret }
    }

    #[cfg(test)]
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn order(&self) -> String {
        self.of("order", "")
    }

    pub(super) fn processes(&self) -> String {
        self.of("processes", "")
    }

    /// Is there while sharing is switched off.
    pub(super) fn switch(&self) -> String {
        self.of("off", "")
    }

    pub(super) fn answer(&self, subject: &str) -> String {
        self.of("answer:", subject)
    }

    /// The same, of this user and resource. Every look needs it.
    pub(super) fn answer_about(&self, subject: &Subject) -> String {
        let Subject { user, resource } = subject;
        match &self.secret {
            Some(_) => self.answer(&self.subject(subject)),
            None => {
                [&self.prefix, "answer:", user.as_str(), kind(resource), resource.id()].concat()
            }
        }
    }

    /// What the keys of all answers match, with the characters of patterns escaped.
    pub(super) fn pattern_of_answers(&self) -> String {
        let mut pattern = String::new();
        for character in self.of("answer:", "").chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\' | '^') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern + "*"
    }

    pub(super) fn token(&self, token: &str) -> String {
        self.of("token:", token)
    }

    pub(super) fn lease(&self, question: &str) -> String {
        self.of("lease:", question)
    }

    pub(super) fn limit(&self, asked_by: AskedBy) -> LimitKeys {
        let name = asked_by.as_str();
        LimitKeys {
            limit: self.of("limit:", name),
            queue: self.of("queue:", name),
            batches: self.of("batches:", name),
            back: self.of("back:", name),
            waiting: self.of("waiting:", name),
        }
    }

    /// How a user and resource are called in keys: by their ids, or by a keyed hash of them.
    pub(super) fn subject(&self, subject: &Subject) -> String {
        let Subject { user, resource } = subject;
        let name = [user.as_str(), kind(resource), resource.id()].concat();
        match &self.secret {
            Some(secret) => secret.name("subject", &name),
            None => name,
        }
    }

    /// How a question by payment token is called: always by a keyed hash.
    pub(super) fn token_question(&self, query: &PaymentQuery, key: &hmac::Key) -> TokenNames {
        let token = query.payment_token().map_or("", |token| token.as_str());
        let token = keyed_hash(key, &["token", token]);
        let expected_user = query.user().map_or("", |user| user.as_str());
        let expected = query.resource().map(ToString::to_string).unwrap_or_default();
        let question = keyed_hash(key, &["question", &token, expected_user, &expected]);
        TokenNames { token, question }
    }

    /// The key for the hashes of payment tokens: from the secret, or from the access token.
    pub(super) fn token_key(&self, access_token: &str) -> hmac::Key {
        match &self.secret {
            Some(secret) => secret.token_key(),
            None => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, access_token.as_bytes());
                let derived = hmac::sign(&key, b"figma-payments: names of payment tokens");
                hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
            }
        }
    }

    /// The server as it stands in each value, so that one of another server is seen.
    pub(super) fn server_in_values(&self) -> &str {
        &self.server[..6]
    }

    pub(super) fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    fn of(&self, kind: &str, name: &str) -> String {
        [&self.prefix, kind, name].concat()
    }
}

/// The names of a question by payment token.
pub(super) struct TokenNames {
    pub(super) token: String,
    /// With the user and resource that the answer has to be about.
    pub(super) question: String,
}

/// Between the ids of user and resource.
fn kind(resource: &Resource) -> &'static str {
    match resource {
        Resource::Plugin(_) => ":plugin:",
        Resource::Widget(_) => ":widget:",
        Resource::CommunityFile(_) => ":community_file:",
    }
}

/// Checks a namespace.
pub(super) fn check_namespace(namespace: &str) -> Result<(), Error> {
    let wrong = match namespace {
        "" => "is empty",
        _ if namespace.len() > 64 => "has more than 64 characters",
        _ if namespace.contains(['{', '}']) => "has a brace",
        _ if namespace.contains(|it: char| it.is_whitespace() || it.is_control()) => "has a space",
        _ => return Ok(()),
    };
    Err(Error::configuration(format!(
        "the namespace {wrong}; use a short name for the Figma account, such as `acme`: letters, digits, `-`, `_`, `.` or `:`"
    )))
}
