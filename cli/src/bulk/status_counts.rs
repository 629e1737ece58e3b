//! Answers by what they say.

use std::ops::Add;

use figma_payments::PaymentStatus;

#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub paid: u64,
    pub trial: u64,
    pub unpaid: u64,
    /// Not supported, or a status that this version does not know. No access.
    pub other: u64,
}

impl Tally {
    pub fn count(&mut self, status: &PaymentStatus) {
        *match status {
            PaymentStatus::Paid => &mut self.paid,
            PaymentStatus::Trial => &mut self.trial,
            PaymentStatus::Unpaid => &mut self.unpaid,
            _ => &mut self.other,
        } += 1;
    }

    pub fn answers(&self) -> u64 {
        self.paid + self.trial + self.unpaid + self.other
    }
}

impl Add for Tally {
    type Output = Tally;

    fn add(self, other: Tally) -> Tally {
        Tally {
            paid: self.paid + other.paid,
            trial: self.trial + other.trial,
            unpaid: self.unpaid + other.unpaid,
            other: self.other + other.other,
        }
    }
}
