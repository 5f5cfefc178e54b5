//! How loud a leg is, from full scale to silence.

use audio_codec_algorithms::encode_ulaw;
use careline::domain::{
    loudness::{FLOOR_DBFS, Loudness},
    tones::{FRAME, SILENCE},
};

/// The reading of a fifth of a second of a square wave of one height.
fn reading(height: i16) -> i8 {
    let mut loudness = Loudness::default();
    let frame: Vec<u8> = (0..FRAME).map(|at| encode_ulaw(if at % 2 == 0 { height } else { -height })).collect();
    let readings: Vec<i8> = (0..10).filter_map(|_| loudness.take(&frame)).collect();
    assert_eq!(readings.len(), 1, "five a second");
    readings[0]
}

#[test]
fn loudness_is_told_in_decibels_below_full_scale() {
    // µ-law knows no height above 32,124, which is a fifth of a decibel below full scale.
    assert_eq!(reading(32_124), 0);
    assert_eq!(reading(16_384), -6);
    assert_eq!(reading(3_277), -20);
    assert_eq!(reading(328), -40);
    let mut silent = Loudness::default();
    let told: Vec<i8> = (0..100).filter_map(|_| silent.take(&[SILENCE; FRAME])).collect();
    assert_eq!(told, [FLOOR_DBFS; 10]);
}

#[test]
fn frames_of_any_length_are_measured_and_none_is_kept() {
    let mut loudness = Loudness::default();
    assert_eq!(loudness.take(&[]), None);
    assert_eq!(loudness.take(&[SILENCE; 10_000]), Some(FLOOR_DBFS));
    assert_eq!(loudness.take(&[SILENCE; 1_599]), None);
    assert_eq!(loudness.take(&[SILENCE; 1]), Some(FLOOR_DBFS));
}
