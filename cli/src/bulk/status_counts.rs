//! How many answers there are of each payment status.

use std::ops::Add;

use figma_payments::PaymentStatus;

#[derive(Debug, Clone, Copy, Default)]
pub struct StatusCounts {
    pub paid: u64,
    pub trial: u64,
    pub unpaid: u64,
    /// NOT_SUPPORTED, or a status that this version does not know. They give no access.
    pub other: u64,
}

impl StatusCounts {
    pub fn count(&mut self, status: &PaymentStatus) {
        *match status {
            PaymentStatus::Paid => &mut self.paid,
            PaymentStatus::Trial => &mut self.trial,
            PaymentStatus::Unpaid => &mut self.unpaid,
            _ => &mut self.other,
        } += 1;
    }

    pub fn total(&self) -> u64 {
        self.paid + self.trial + self.unpaid + self.other
    }
}

impl Add for StatusCounts {
    type Output = StatusCounts;

    fn add(self, other: StatusCounts) -> StatusCounts {
        StatusCounts {
            paid: self.paid + other.paid,
            trial: self.trial + other.trial,
            unpaid: self.unpaid + other.unpaid,
            other: self.other + other.other,
        }
    }
}
