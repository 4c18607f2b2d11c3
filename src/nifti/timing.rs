//! When were the volumes taken?
//!
//! The sidecar's `RepetitionTime` wins over pixdim\[4\]; numbers are converted by the header's unit
//! and never "corrected" by guessing. Slice timing stays in the sidecar.

use serde_json::{Map, Value};

use super::header::Header;
use super::{Intake, units};
use crate::run::Timing;

/// Header and sidecar may differ by this much before it is said.
const TR_TOLERANCE_SECONDS: f64 = 0.001;

/// TR, start and echo time of a run of `volumes` volumes. One volume has no TR to worry about.
pub(super) fn timing(
    header: &Header,
    volumes: u64,
    sidecar: &Map<String, Value>,
    intake: &mut Intake,
) -> Timing {
    let (unit, seconds_per_unit) = units::time(header);
    let from_header = header_tr(header, seconds_per_unit);
    let from_sidecar = positive(sidecar, "RepetitionTime", intake);
    let (tr_seconds, tr_source) = match (from_sidecar, from_header) {
        (Some(tr), _) => (Some(tr), "sidecar"),
        (None, _) if sidecar.contains_key("VolumeTiming") => (None, "unknown"),
        (None, Some(tr)) => (Some(tr), "header"),
        (None, None) => (None, "unknown"),
    };
    if volumes > 1 {
        note(header, unit, from_sidecar, from_header, sidecar, intake);
    }
    let start = header.toffset * seconds_per_unit.unwrap_or(1.0);
    Timing {
        tr_seconds,
        tr_source,
        start_seconds: if start.is_finite() { start } else { 0.0 },
        echo_time_seconds: positive(sidecar, "EchoTime", intake),
        header_pixdim4: header.pixdim[4],
        header_time_unit: unit,
    }
}

/// pixdim\[4\] in seconds, where it and its unit say something.
fn header_tr(header: &Header, seconds_per_unit: Option<f64>) -> Option<f64> {
    let tr = header.pixdim[4].abs() * seconds_per_unit?;
    (header.dim[0] >= 4 && tr.is_finite() && tr > 0.0).then_some(tr)
}

/// Records what is odd about the TR.
fn note(
    header: &Header,
    unit: &str,
    from_sidecar: Option<f64>,
    from_header: Option<f64>,
    sidecar: &Map<String, Value>,
    intake: &mut Intake,
) {
    let pixdim4 = header.pixdim[4];
    if from_sidecar.is_none() && sidecar.contains_key("VolumeTiming") {
        intake
            .warn("N77", "the sidecar has VolumeTiming, so volumes may be unevenly spaced: no TR");
        return;
    }
    match (from_sidecar, from_header) {
        (Some(sidecar), Some(header)) if (sidecar - header).abs() > TR_TOLERANCE_SECONDS => {
            intake.warn(
                "N76",
                format!(
                    "pixdim[4] says a TR of {header} s, the sidecar {sidecar} s; the sidecar wins"
                ),
            );
        }
        (Some(_), _) => {}
        (None, Some(tr)) => {
            if !(0.01..=100.0).contains(&tr) {
                intake.warn(
                    "N76",
                    format!("a TR of {tr} s (pixdim[4] {pixdim4}, unit {unit}) is odd"),
                );
            }
        }
        (None, None) if matches!(header.xyzt_units & 0x38, 32 | 40 | 48) => {
            intake.warn("N74", format!("the fourth axis is in {unit}: no TR"));
        }
        (None, None) if pixdim4.is_finite() && pixdim4 != 0.0 => {
            intake.warn("N71", format!("pixdim[4] is {pixdim4} without a unit of time: no TR"));
        }
        (None, None) => {
            intake.warn("N75", format!("pixdim[4] is {pixdim4} and no sidecar tells the TR"));
        }
    }
}

/// A positive finite number of the sidecar.
fn positive(sidecar: &Map<String, Value>, key: &str, intake: &mut Intake) -> Option<f64> {
    let value = sidecar.get(key)?;
    let number = value.as_f64().filter(|v| v.is_finite() && *v > 0.0);
    if number.is_none() {
        intake
            .warn("N95", format!("the sidecar's {key} is {value}, not a positive number; ignored"));
    }
    number
}
