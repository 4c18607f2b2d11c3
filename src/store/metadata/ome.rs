//! What does an OME-Zarr 0.5 viewer get to know of a run?
//!
//! Axis names, units, voxel size and direction. Written, never read back: the truth about a run is
//! in [`super::run`]. Scales are always finite and above 0, because viewers refuse others.

use serde::Serialize;

use super::orientation::directions;
use crate::run::RunInfo;
use crate::store::layout::{AXES, VOXELS};

#[derive(Clone, Debug, Serialize)]
pub(super) struct Ome {
    version: &'static str,
    multiscales: [Multiscale; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Multiscale {
    name: String,
    axes: Vec<Axis>,
    datasets: [Dataset; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Axis {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orientation: Option<Orientation>,
}

#[derive(Clone, Debug, Serialize)]
struct Orientation {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Dataset {
    path: &'static str,
    #[serde(rename = "coordinateTransformations")]
    transformations: [Transformation; 1],
}

#[derive(Clone, Debug, Serialize)]
struct Transformation {
    #[serde(rename = "type")]
    kind: &'static str,
    scale: [f64; 4],
}

impl Ome {
    pub(super) fn new(name: &str, info: &RunInfo) -> Self {
        let tr = info.timing.tr_seconds.filter(|tr| tr.is_finite() && *tr > 0.0);
        let [x, y, z] =
            info.geometry.zooms_mm.map(|mm| if mm.is_finite() && mm > 0.0 { mm } else { 1.0 });
        let directions = directions(&info.geometry.affine);
        let space = |name, axis: usize| Axis {
            name,
            kind: "space",
            unit: Some("millimeter"),
            orientation: directions
                .map(|d| Orientation { kind: "anatomical", value: d[axis].words() }),
        };
        let time =
            Axis { name: AXES[0], kind: "time", unit: tr.map(|_| "second"), orientation: None };
        let axes = vec![time, space(AXES[1], 2), space(AXES[2], 1), space(AXES[3], 0)];
        let scale = Transformation { kind: "scale", scale: [tr.unwrap_or(1.0), z, y, x] };
        let datasets = [Dataset { path: VOXELS, transformations: [scale] }];
        let multiscales = [Multiscale { name: name.to_owned(), axes, datasets }];
        Self { version: "0.5", multiscales }
    }
}

/// `LAS`: where x, y and z run, as zarrnii reads it.
pub(super) fn xyz_orientation(info: &RunInfo) -> Option<String> {
    directions(&info.geometry.affine).map(|d| d.iter().map(|d| d.letter()).collect())
}

#[cfg(test)]
mod tests {
    use super::Ome;
    use crate::store::testing::info;

    #[test]
    fn an_unknown_tr_has_scale_one_and_no_unit() {
        let mut info = info("a.nii");
        info.timing.tr_seconds = None;
        info.geometry.zooms_mm = [3.0, f64::NAN, 0.0];
        let ome = serde_json::to_value(Ome::new("a", &info)).unwrap();
        let image = &ome["multiscales"][0];
        assert_eq!(image["axes"][0], serde_json::json!({"name": "t", "type": "time"}));
        let scale = &image["datasets"][0]["coordinateTransformations"][0]["scale"];
        assert_eq!(*scale, serde_json::json!([1.0, 1.0, 1.0, 3.0]));
    }
}
