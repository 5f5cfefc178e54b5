//! The headless nurse.

use super::{Scene, Stage, nurse::Mishap};

pub(super) async fn tell(_: &mut Stage, _: &Scene) -> Result<(), Mishap> {
    Err(Mishap::of("the story is not written yet"))
}
