//! Why Redis cannot be used: in words that hold no secret, and what helps.

use std::fmt;
use std::io;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::address::Address;

/// After so many of these failures without an answer between them, another connection is made.
const PATIENCE: u32 = 3;

/// Why Redis is not used while an operator has switched sharing off.
const SWITCHED_OFF: &str = "sharing is switched off";

/// A command that did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There was no answer within the timeout.
    TimedOut,
    /// Redis answered with an error, or the connection broke.
    Refused(RedisError),
}

impl Failure {
    pub(super) fn closed() -> Self {
        io::Error::new(io::ErrorKind::BrokenPipe, "the connection was closed").into()
    }

    /// What a check answers while an operator has switched sharing off.
    pub(crate) fn switched_off() -> RedisError {
        (ErrorKind::Client, SWITCHED_OFF).into()
    }

    fn is_switched_off(&self) -> bool {
        let Failure::Refused(error) = self else { return false };
        error.kind() == ErrorKind::Client && error.to_string().starts_with(SWITCHED_OFF)
    }

    /// Whether this connection is of no more use, after so many failures in a row.
    pub(super) fn asks_for_another_connection(&self, in_a_row: u32) -> bool {
        let Failure::Refused(error) = self else { return in_a_row >= PATIENCE };
        match error.kind() {
            // A failover: this is a replica now, or the slot is at another node.
            ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::Moved) => true,
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown,
            ) => in_a_row >= PATIENCE,
            // The server works, and would say the same on another connection: OOM, MISCONF,
            // BUSY, NOPERM, and what only our own scripts can mean.
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType => false,
            _ => !self.is_switched_off(),
        }
    }

    /// The node of the cluster that has the slot now, if a node said so.
    pub(super) fn moved_to(&self, from: &Address) -> Option<Address> {
        let Failure::Refused(error) = self else { return None };
        if error.kind() != ErrorKind::Server(ServerErrorKind::Moved) {
            return None;
        }
        let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
        // A node that does not know its own name means the host that was asked.
        let host =
            if matches!(host, "" | "?") { &from.host } else { host.trim_matches(['[', ']']) };
        Some(Address { host: host.to_owned(), port: port.parse().ok()? })
    }

    /// The first word of an error of the server, such as `READONLY`.
    pub(super) fn code(&self) -> Option<String> {
        let Failure::Refused(error) = self else { return None };
        let errors = error.clone().into_server_errors()?;
        let code = errors.first()?.1.code();
        // A server may say anything, and an error of a script may begin with its arguments.
        let is_code = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
        (code.len() <= 20 && code.bytes().all(is_code)).then(|| code.to_owned())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Refused(error.into())
    }
}

/// Quotes nothing but the code of the server's error: the rest may hold arguments.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.code()) {
            (Failure::TimedOut, _) => f.write_str("Redis did not answer in time"),
            _ if self.is_switched_off() => f.write_str(SWITCHED_OFF),
            (Failure::Refused(_), Some(code)) => write!(f, "Redis answered {code}"),
            (Failure::Refused(error), None) if error.is_io_error() => {
                write!(f, "no connection to Redis: {error}")
            }
            (Failure::Refused(error), None) => {
                write!(f, "Redis answered with an error ({})", error.category())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use redis::{Value, parse_redis_value};

    use super::*;

    #[test]
    fn sharing_that_is_switched_off_is_no_fault_of_the_connection() {
        let failure = Failure::Refused(Failure::switched_off());
        assert_eq!(failure.to_string(), "sharing is switched off");
        assert!(!failure.asks_for_another_connection(10));
    }

    fn refused(line: &str) -> Failure {
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        let Value::ServerError(error) = value else { panic!("{value:?}") };
        Failure::Refused(error.into())
    }

    #[test]
    fn nothing_but_the_code_of_an_error_is_quoted() {
        for (line, text) in [
            ("WRONGPASS invalid username-password pair MARKED", "Redis answered WRONGPASS"),
            ("ERR Error running script MARKED", "Redis answered ERR"),
            ("OOM command not allowed MARKED", "Redis answered OOM"),
            ("MARKED:secret of a script", "Redis answered with an error (extension error)"),
        ] {
            assert_eq!(refused(line).to_string(), text);
        }
        assert_eq!(
            Failure::closed().to_string(),
            "no connection to Redis: the connection was closed"
        );
    }

    #[test]
    fn a_failover_asks_for_another_connection() {
        for (line, at) in [
            ("READONLY You can't write against a read only replica.", Some(1)),
            ("MOVED 3999 127.0.0.1:6381", Some(1)),
            ("LOADING Redis is loading the dataset in memory", Some(3)),
            ("CLUSTERDOWN Hash slot not served", Some(3)),
            ("OOM command not allowed when used memory > 'maxmemory'.", None),
            ("NOPERM this user has no permissions", None),
            ("BUSY Redis is busy running a script.", None),
            ("TRYAGAIN Multiple keys request during rehashing of slot", None),
        ] {
            let asks = (1..10).find(|n| refused(line).asks_for_another_connection(*n));
            assert_eq!(asks, at, "{line}");
        }
        assert!(Failure::closed().asks_for_another_connection(1));
        assert!(!Failure::TimedOut.asks_for_another_connection(2));
        assert!(Failure::TimedOut.asks_for_another_connection(3));
    }

    #[test]
    fn a_node_says_which_node_has_the_slot() {
        let from = Address { host: "a.internal".to_owned(), port: 6379 };
        for (line, host, port) in [
            ("MOVED 3999 10.0.0.7:6381", "10.0.0.7", 6381),
            ("MOVED 3999 2001:db8::7:6381", "2001:db8::7", 6381),
            ("MOVED 3999 :6381", "a.internal", 6381),
            ("MOVED 3999 ?:6381", "a.internal", 6381),
        ] {
            let to = Address { host: host.to_owned(), port };
            assert_eq!(refused(line).moved_to(&from), Some(to), "{line}");
        }
        for line in ["ASK 3999 10.0.0.7:6381", "MOVED", "MOVED 3999 10.0.0.7", "ERR"] {
            assert_eq!(refused(line).moved_to(&from), None, "{line}");
        }
        assert_eq!(Failure::TimedOut.moved_to(&from), None);
    }
}
