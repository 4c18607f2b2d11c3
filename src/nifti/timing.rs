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

#[cfg(test)]
mod tests {
    use crate::nifti::open;
    use crate::nifti::testing::{Folder, Image};

    /// TR, its source and warning codes for a pixdim\[4\], units and a sidecar.
    fn tr(pixdim4: f64, units: u8, sidecar: &str) -> (Option<f64>, &'static str, Vec<String>) {
        let folder = Folder::new();
        let mut image = Image::v1();
        image.float(92, pixdim4);
        image.raw(123, &[units]);
        if !sidecar.is_empty() {
            folder.write("x.json", sidecar.as_bytes());
        }
        let run = open(folder.write("x.nii.gz", &image.gzip())).unwrap();
        let timing = &run.info().timing;
        let codes = run.info().warnings.iter().map(|w| w.code.clone()).collect();
        (timing.tr_seconds, timing.tr_source, codes)
    }

    fn codes(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|c| (*c).to_owned()).collect()
    }

    #[test]
    fn the_header_tr_is_converted_by_its_unit_and_never_corrected() {
        assert_eq!(tr(2.5, 10, ""), (Some(2.5), "header", vec![]));
        assert_eq!(tr(2500.0, 18, ""), (Some(2.5), "header", vec![]));
        assert_eq!(tr(2_500_000.0, 26, ""), (Some(2.5), "header", vec![]));
        assert_eq!(tr(2000.0, 10, ""), (Some(2000.0), "header", codes(&["N76"])));
        assert_eq!(tr(2.0, 18, ""), (Some(0.002), "header", codes(&["N76"])));
    }

    #[test]
    fn without_a_usable_size_or_unit_the_tr_is_unknown() {
        assert_eq!(tr(0.0, 10, ""), (None, "unknown", codes(&["N75"])));
        assert_eq!(tr(f64::NAN, 10, ""), (None, "unknown", codes(&["N75"])));
        assert_eq!(tr(2.0, 2, ""), (None, "unknown", codes(&["N71"])));
        assert_eq!(tr(2.0, 34, ""), (None, "unknown", codes(&["N74"])));
    }

    #[test]
    fn the_sidecar_wins_and_a_difference_is_said() {
        let sidecar = r#"{"RepetitionTime": 2.5, "EchoTime": 0.03}"#;
        assert_eq!(tr(2.5, 10, sidecar), (Some(2.5), "sidecar", vec![]));
        assert_eq!(tr(2500.0, 10, sidecar), (Some(2.5), "sidecar", codes(&["N76"])));
        assert_eq!(tr(0.0, 10, sidecar), (Some(2.5), "sidecar", vec![]));
        let uneven = r#"{"VolumeTiming": [0, 1, 5, 6]}"#;
        assert_eq!(tr(2.5, 10, uneven), (None, "unknown", codes(&["N77"])));
    }

    #[test]
    fn a_sidecar_that_cannot_be_used_is_a_warning() {
        for bad in ["not json", "[1, 2]", "{\"RepetitionTime\": 2"] {
            assert_eq!(tr(2.5, 10, bad), (Some(2.5), "header", codes(&["N94"])), "{bad}");
        }
        for bad in ["\"2\"", "-1", "0", "null"] {
            let sidecar = format!("{{\"RepetitionTime\": {bad}}}");
            assert_eq!(tr(2.5, 10, &sidecar), (Some(2.5), "header", codes(&["N95"])), "{bad}");
        }
        let large = format!("{{\"a\": \"{}\"}}", "x".repeat(512 << 10));
        assert_eq!(tr(2.5, 10, &large).2, codes(&["N94"]));
    }
}
