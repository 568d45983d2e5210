//! Chance that repeats itself: SplitMix64, the same numbers from the same seed on every machine and for ever.
//!
//! Algorithm and constants: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014). Written out here,
//! because the log that a seed makes must not change with a dependency. Nothing secret may come from it.

use std::ops::RangeInclusive;

pub(super) struct Dice(u64);

impl Dice {
    /// The dice for one purpose: what one customer does on one day depends on nobody else's throws.
    pub(super) fn of(seed: u64, purpose: &str, number: u64) -> Self {
        let mut dice = Self(seed);
        for byte in purpose.bytes() {
            dice.0 ^= u64::from(byte);
            dice.0 = dice.next();
        }
        dice.0 ^= number;
        dice.0 = dice.next();
        dice
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, `sides`; 0 if there are none.
    pub(super) fn below(&mut self, sides: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(sides);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    pub(super) fn between(&mut self, range: RangeInclusive<i64>) -> i64 {
        let sides = range.end().abs_diff(*range.start()).saturating_add(1);
        range.start().saturating_add_unsigned(self.below(sides))
    }

    /// True so many times of a thousand.
    pub(super) fn chance(&mut self, of_a_thousand: u64) -> bool {
        self.below(1_000) < of_a_thousand
    }

    /// One of a list that is not empty.
    pub(super) fn one<'a, T: ?Sized>(&mut self, of: &'a [&'a T]) -> &'a T {
        let at = usize::try_from(self.below(of.len() as u64)).unwrap_or_default();
        of[at]
    }

    /// Whole rupiah in a range, to the next `step`.
    pub(super) fn rupiah(&mut self, range: RangeInclusive<i64>, step: i64) -> i64 {
        self.between(*range.start() / step..=*range.end() / step) * step
    }

    pub(super) fn bytes(&mut self) -> [u8; 10] {
        let (first, second) = (self.next().to_be_bytes(), self.next().to_be_bytes());
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&first);
        bytes[8..].copy_from_slice(&second[..2]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the seed 1234567, as the generator's other implementations give them.
    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut dice = Dice(1_234_567);
        let known = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(known.map(|_| dice.next()), known);
    }

    #[test]
    fn throws_stay_in_range_and_reach_its_ends() {
        let mut dice = Dice::of(7, "range", 1);
        let throws: Vec<i64> = (0..1_000).map(|_| dice.between(-2..=3)).collect();
        assert_eq!(throws.iter().min(), Some(&-2));
        assert_eq!(throws.iter().max(), Some(&3));
        assert_eq!(dice.below(0), 0);
    }

    #[test]
    fn every_purpose_has_dice_of_its_own() {
        let first = |purpose, number| Dice::of(7, purpose, number).next();
        assert_ne!(first("customer", 1), first("customer", 2));
        assert_ne!(first("customer", 1), first("day", 1));
        assert_eq!(first("customer", 1), first("customer", 1));
    }
}
