// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Statistics over numbers that stay out of the statement. Input: 8-byte little-endian numbers, at
//! least one. Output, little-endian: how many (8 bytes), the least, the median (of an even count
//! the lower of the middle two), the greatest (8 bytes each), the sum (16 bytes).
#![no_std]

extern crate alloc;

mod zkvm;

use alloc::vec::Vec;

/// Called by the SDK's start code; the result is the exit code.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    let (words, rest) = zkvm::input().as_chunks::<8>();
    if !rest.is_empty() {
        return 1;
    }
    assert!(!words.is_empty(), "no numbers, no median");
    let mut numbers: Vec<u64> = words.iter().map(|&w| u64::from_le_bytes(w)).collect();
    numbers.sort_unstable();
    let last = numbers.len() - 1;
    for number in [numbers.len() as u64, numbers[0], numbers[last / 2], numbers[last]] {
        zkvm::publish(&number.to_le_bytes());
    }
    let sum: u128 = numbers.iter().map(|&n| u128::from(n)).sum();
    zkvm::publish(&sum.to_le_bytes());
    0
}
