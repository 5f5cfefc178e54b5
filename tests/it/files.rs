//! Promise P20, reduced: a stored file that was harmed in any way is refused, and nothing that was not written ever comes
//! out. `careline bench files` makes ten thousand faults of the same kinds.

use careline::{
    bench::files::{self, Ended, Fault, Outcome, Stored, Tally},
    domain::{
        file_format::{CHUNK, FileKind, FilePlace, PREAMBLE, Preamble},
        ids::{FileId, OrgId, PatientId},
    },
};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use uuid::Uuid;

#[tokio::test]
async fn whatever_happens_to_a_stored_file_is_noticed_and_nothing_wrong_is_released() {
    for (fault, tally) in files::trial(20, 600).await.unwrap() {
        assert!(tally.noticed >= 10, "{fault:?} was tried: {tally:?}");
        assert_eq!((tally.missed, tally.wrong), (0, 0), "{fault:?}: {tally:?}");
    }
}

/// The control: the same faults and the same judge, for a reader that decrypts by a key stream and knows no tags.
#[test]
fn a_reader_without_tags_lets_faults_through_and_the_judge_sees_it() {
    let mut dice = StdRng::seed_from_u64(20);
    let written = vec![7_u8; 2 * CHUNK + 5];
    let stored = unsealed(&written);
    let other = unsealed(&vec![9_u8; 2 * CHUNK + 5]);
    let mut tally = Tally::default();
    for _ in 0..20 {
        for fault in [Fault::Bit, Fault::Cut, Fault::Appended, Fault::Moved] {
            let harmed = files::harm(fault, &stored, &other, &mut dice).unwrap();
            let released = harmed.object.get(PREAMBLE..).map(key_stream).unwrap_or_default();
            tally.add(files::judge(&written, &released, Ended::Whole));
        }
    }
    assert_eq!(tally.noticed, 0);
    assert!(tally.missed > 0 && tally.wrong > 30, "{tally:?}");
    assert_eq!(files::judge(&written, &written[..9], Ended::Refused), Outcome::Noticed);
}

fn unsealed(plain: &[u8]) -> Stored {
    let preamble = Preamble { salt: [1; 16], commitment: [2; 32] }.bytes();
    Stored {
        place: place(),
        header: careline::domain::sealed::Sealed(vec![1; 40]),
        object: [preamble, key_stream(plain)].concat(),
        plain: plain.to_vec(),
    }
}

fn key_stream(bytes: &[u8]) -> Vec<u8> {
    let blocks = bytes.chunks(32).enumerate();
    blocks
        .flat_map(|(number, block)| {
            let pad = Sha256::digest(number.to_be_bytes());
            block.iter().zip(pad.to_vec()).map(|(byte, pad)| byte ^ pad).collect::<Vec<u8>>()
        })
        .collect()
}

fn place() -> FilePlace {
    FilePlace {
        org: OrgId(Uuid::from_u128(1)),
        patient: PatientId(Uuid::from_u128(2)),
        file: FileId(Uuid::from_u128(3)),
        kind: FileKind::Document,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_of_any_length_written_in_any_pieces_comes_back(
        length in 0_usize..(2 * CHUNK + 9), written in 1_usize..100_000, seed in any::<u64>()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let vault = files::vault().unwrap();
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let (mut writer, header) = vault.begin_file(place()).await.unwrap();
            let mut object = Vec::new();
            for piece in plain.chunks(written) {
                object.extend(writer.write(piece).unwrap());
            }
            object.extend(writer.finish().unwrap());
            let stored = Stored { place: place(), header, object, plain: plain.clone() };
            let read = files::read(&vault, &stored, &mut StdRng::seed_from_u64(seed)).await;
            assert_eq!(read, (plain, Ended::Whole));
        });
    }
}
