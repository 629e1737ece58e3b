//! A user id in nine bytes, because a run keeps millions of them in memory.

use figma_payments::UserId;

/// The digits as a number, with a 1 before them that keeps leading zeros. An id has 20
/// digits at most, so 9 bytes are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CompactId([u8; 9]);

impl From<&UserId> for CompactId {
    fn from(user: &UserId) -> Self {
        let digits = user.as_str().bytes();
        let number = digits.fold(1_u128, |number, digit| 10 * number + u128::from(digit - b'0'));
        let mut bytes = [0; 9];
        bytes.copy_from_slice(&number.to_le_bytes()[..9]);
        CompactId(bytes)
    }
}

impl From<CompactId> for UserId {
    fn from(id: CompactId) -> Self {
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
        let ids: std::collections::HashSet<CompactId> = users.iter().map(CompactId::from).collect();
        assert_eq!(ids.len(), all.len());
        for user in users {
            assert_eq!(UserId::from(CompactId::from(&user)), user);
        }
    }
}
