//! A user id in nine bytes, for sets of millions of them.

use figma_payments::UserId;

/// The digits behind a 1, as a number: of the 20 digits that an id may have,
/// none is lost, be it a leading zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id([u8; 9]);

impl From<&UserId> for Id {
    fn from(user: &UserId) -> Self {
        let digits = user.as_str().bytes();
        let number = digits.fold(1_u128, |number, digit| 10 * number + u128::from(digit - b'0'));
        let mut bytes = [0; 9];
        bytes.copy_from_slice(&number.to_le_bytes()[..9]);
        Id(bytes)
    }
}

impl From<Id> for UserId {
    fn from(id: Id) -> Self {
        let mut bytes = [0; 16];
        bytes[..9].copy_from_slice(&id.0);
        let digits = u128::from_le_bytes(bytes).to_string();
        UserId::try_from(&digits[1..]).expect("the digits of a user id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_kept() {
        let all = [
            "0",
            "00",
            "7",
            "007",
            "500123",
            "1678669904810665842",
            &"9".repeat(20),
            &"0".repeat(20),
        ];
        let users = all.map(|digits| UserId::try_from(digits).unwrap());
        let ids: std::collections::HashSet<Id> = users.iter().map(Id::from).collect();
        assert_eq!(ids.len(), all.len());
        for user in users {
            assert_eq!(UserId::from(Id::from(&user)), user);
        }
    }
}
