//! Rows of the history's file: numbers of series, each with its values, all in little-endian.

use crate::analysis::history::{MINUTE, MinuteValues};

const NUMBER: usize = 4;
const VALUE: usize = 4;
const MEAN: usize = NUMBER + VALUE;
const SECONDS: usize = NUMBER + MINUTE * VALUE;

/// The mean of a minute, for each series.
#[derive(Default)]
pub(super) struct Means(Vec<u8>);

impl Means {
    /// Those in a row. What is too short at its end is left out.
    pub(super) fn of(row: &[u8]) -> impl Iterator<Item = (u32, f32)> {
        row.as_chunks::<MEAN>()
            .0
            .iter()
            .map(|&[a, b, c, d, mean @ ..]| (u32::from_le_bytes([a, b, c, d]), f32::from_le_bytes(mean)))
    }

    pub(super) fn push(&mut self, number: u32, mean: f32) {
        self.0.extend(number.to_le_bytes());
        self.0.extend(mean.to_le_bytes());
    }

    /// The row.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The seconds of a minute, for each series.
#[derive(Default)]
pub(super) struct SecondsOfSeries(Vec<u8>);

impl SecondsOfSeries {
    /// Those in a row. What is too short at its end is left out.
    pub(super) fn of(row: &[u8]) -> impl Iterator<Item = (u32, MinuteValues)> {
        row.as_chunks::<SECONDS>().0.iter().map(|&[a, b, c, d, ref values @ ..]| {
            let mut seconds = [f32::NAN; MINUTE];
            for (second, &value) in seconds.iter_mut().zip(values.as_chunks::<VALUE>().0) {
                *second = f32::from_le_bytes(value);
            }
            (u32::from_le_bytes([a, b, c, d]), seconds)
        })
    }

    pub(super) fn push(&mut self, number: u32, seconds: &MinuteValues) {
        self.0.extend(number.to_le_bytes());
        self.0.extend(seconds.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// The row.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
