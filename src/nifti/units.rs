//! In which units does a header measure?
//!
//! Reads `xyzt_units`; the low three bits are for space, the next three for time.

use super::Intake;
use super::header::Header;

/// Millimetres of one unit of space.
pub(super) fn millimetres(header: &Header, intake: &mut Intake) -> f64 {
    if header.xyzt_units & !0x3f != 0 {
        let found = header.xyzt_units;
        intake.warn("N73", format!("xyzt_units {found} has bits beyond 0x3f; they are ignored"));
    }
    match header.xyzt_units & 0x07 {
        1 => 1000.0,
        2 => 1.0,
        3 => 0.001,
        0 => {
            intake.warn("N71", "xyzt_units gives no unit of space; millimetres are assumed");
            1.0
        }
        found => {
            intake.warn("N73", format!("unit of space {found} is unknown; taken as millimetres"));
            1.0
        }
    }
}

/// The header's unit of the fourth axis: its name, and seconds of one unit where it is one of time.
pub(super) fn time(header: &Header) -> (&'static str, Option<f64>) {
    match header.xyzt_units & 0x38 {
        8 => ("second", Some(1.0)),
        16 => ("millisecond", Some(0.001)),
        24 => ("microsecond", Some(0.000_001)),
        32 => ("hertz", None),
        40 => ("parts per million", None),
        48 => ("radian per second", None),
        _ => ("unknown", None),
    }
}
