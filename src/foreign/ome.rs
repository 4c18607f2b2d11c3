//! Where and when, by an image's OME metadata?
//!
//! Reads `multiscales` of OME-Zarr 0.4 and 0.5: which axis of the array is x, y, z and t, and what scale
//! and translation make of their indices. OME knows no affine; where axes carry anatomical directions
//! (RFC-4's `orientation`) they give its signs and rows.

use std::path::{Component, Path};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{Complain, ForeignError};
use crate::run::Warning;

#[derive(Deserialize)]
struct Multiscale {
    axes: Vec<Axis>,
    datasets: Vec<Dataset>,
    #[serde(default, rename = "coordinateTransformations")]
    transformations: Vec<Transformation>,
}

#[derive(Deserialize)]
struct Axis {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    unit: Option<String>,
    orientation: Option<Orientation>,
}

#[derive(Deserialize)]
struct Orientation {
    value: String,
}

#[derive(Deserialize)]
struct Dataset {
    path: String,
    #[serde(rename = "coordinateTransformations")]
    transformations: Vec<Transformation>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Transformation {
    Identity,
    Scale { scale: Vec<f64> },
    Translation { translation: Vec<f64> },
}

/// What an image's metadata say.
#[derive(Debug, PartialEq)]
pub(super) struct Ome {
    pub(super) version: String,
    /// The folder of the array in full resolution, below the image's.
    pub(super) dataset: String,
    /// Names of the array's axes, in the order of the disk.
    pub(super) names: Vec<String>,
    /// The array's axes x, y, z and, where there is one, t.
    pub(super) axes: [Option<usize>; 4],
    /// From voxel index to millimetres.
    pub(super) affine: [[f64; 4]; 4],
    pub(super) tr_seconds: Option<f64>,
    pub(super) start_seconds: f64,
    pub(super) warnings: Vec<Warning>,
}

/// The metadata of an image, from the attributes of its group; `None` where it has none.
///
/// # Errors
/// When they are of another version, or leave the place of a voxel in doubt.
pub(super) fn read(
    attributes: &Map<String, Value>,
    file: &Path,
) -> Result<Option<Ome>, ForeignError> {
    let complain = Complain(file);
    let ome = attributes.get("ome");
    let Some(list) =
        ome.map_or_else(|| attributes.get("multiscales"), |ome| ome.get("multiscales"))
    else {
        return Ok(None);
    };
    let Some(image) = list.as_array().and_then(|list| list.first()) else {
        return Err(complain.wrong("multiscales", "a list of at least one image", list));
    };
    let version = ome.unwrap_or(image).get("version").and_then(Value::as_str).unwrap_or("none");
    // Whatever a later version means by the same words, it is not guessed at.
    if !["0.4", "0.5"].contains(&version) {
        return Err(complain.unsupported("version of OME-Zarr", "0.4 and 0.5", version));
    }
    let image: Multiscale = serde_json::from_value(image.clone()).map_err(|error| {
        complain.wrong("multiscales", "axes, datasets, scales and translations", error)
    })?;
    image.understood(version.to_owned(), complain).map(Some)
}

impl Multiscale {
    fn understood(self, version: String, complain: Complain<'_>) -> Result<Ome, ForeignError> {
        let Some(dataset) = self.datasets.first() else {
            return Err(complain.wrong("datasets", "at least one", "none"));
        };
        let plain = |part| matches!(part, Component::Normal(_));
        if dataset.path.is_empty() || !Path::new(&dataset.path).components().all(plain) {
            return Err(complain.wrong("path of a dataset", "one below the image", &dataset.path));
        }
        let axes = self.by_name(complain)?;
        let lists = [&dataset.transformations, &self.transformations];
        let steps = self.steps(lists, complain)?;
        let mut warnings = Vec::new();
        let affine = self.affine(&axes, &steps, complain, &mut warnings)?;
        let (tr_seconds, start_seconds) = self.time(axes[3], &steps, complain, &mut warnings)?;
        let names = self.axes.iter().map(|axis| axis.name.clone()).collect();
        let dataset = dataset.path.clone();
        Ok(Ome { version, dataset, names, axes, affine, tr_seconds, start_seconds, warnings })
    }

    /// x, y, z and t.
    fn by_name(&self, complain: Complain<'_>) -> Result<[Option<usize>; 4], ForeignError> {
        let mut names: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
        let at = |name: &str| names.iter().position(|n| *n == name);
        let axes = [at("x"), at("y"), at("z"), at("t")];
        if axes[..3].contains(&None) {
            return Err(complain.unsupported(
                "axes",
                "images with axes x, y and z",
                format!("{names:?}"),
            ));
        }
        let wrong = |name: &str, kind: &str| {
            let axis = self.axes.iter().find(|axis| axis.name == name);
            axis.and_then(|axis| axis.kind.as_deref()).is_some_and(|found| found != kind)
        };
        if ["x", "y", "z"].iter().any(|name| wrong(name, "space")) || wrong("t", "time") {
            return Err(complain.unsupported(
                "axes",
                "x, y, z of space and t of time",
                format!("{names:?}"),
            ));
        }
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(complain.wrong("axes", "names that differ", format!("{names:?}")));
        }
        Ok(axes)
    }

    /// Scale and translation of each axis: those of the dataset, then those of all.
    fn steps(
        &self,
        lists: [&Vec<Transformation>; 2],
        complain: Complain<'_>,
    ) -> Result<Vec<(f64, f64)>, ForeignError> {
        let mut steps = vec![(1.0, 0.0); self.axes.len()];
        for transformation in lists.into_iter().flatten() {
            let numbers = match transformation {
                Transformation::Identity => continue,
                Transformation::Scale { scale } => scale,
                Transformation::Translation { translation } => translation,
            };
            let is_scale = matches!(transformation, Transformation::Scale { .. });
            let good = |v: &f64| v.is_finite() && (!is_scale || *v > 0.0);
            if numbers.len() != self.axes.len() || !numbers.iter().all(good) {
                let what = if is_scale { "finite numbers above 0" } else { "finite numbers" };
                let expected = format!("{} {what}", self.axes.len());
                let field = "coordinateTransformations";
                return Err(complain.wrong(field, expected, format!("{numbers:?}")));
            }
            for ((scale, start), &number) in steps.iter_mut().zip(numbers) {
                if is_scale {
                    (*scale, *start) = (*scale * number, *start * number);
                } else {
                    *start += number;
                }
            }
        }
        Ok(steps)
    }

    fn affine(
        &self,
        axes: &[Option<usize>; 4],
        steps: &[(f64, f64)],
        complain: Complain<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<[[f64; 4]; 4], ForeignError> {
        let mut affine = [[0.0; 4]; 4];
        affine[3][3] = 1.0;
        let (mut unplaced, mut unitless, mut rows) = (false, false, vec![]);
        for (column, axis) in axes[..3].iter().flatten().enumerate() {
            let (found, (scale, start)) = (&self.axes[*axis], steps[*axis]);
            let mm = if let Some(unit) = &found.unit {
                millimetres(unit).ok_or_else(|| {
                    complain.unsupported("unit of space", "metres and their parts", unit)
                })?
            } else {
                unitless = true;
                1.0
            };
            let (row, sign) = if let Some(Orientation { value }) = &found.orientation {
                direction(value).ok_or_else(|| {
                    let expected = "anatomical directions such as left-to-right";
                    complain.unsupported("orientation", expected, value)
                })?
            } else {
                unplaced = true;
                (column, 1.0)
            };
            rows.push(row);
            affine[row][column] = sign * scale * mm;
            affine[row][3] = sign * start * mm;
        }
        rows.sort_unstable();
        if rows != [0, 1, 2] {
            let expected = "one axis along each of the body's, or no orientation at all";
            return Err(complain.wrong("orientation", expected, "two along the same"));
        }
        if unplaced {
            let message = "no orientation of the axes: x, y and z are taken to run right, anterior and \
                superior; which side is left is not known";
            warnings.push(Warning { code: "Z02".to_owned(), message: message.to_owned() });
        }
        if unitless {
            let message = "an axis of space has no unit; taken as millimeter";
            warnings.push(Warning { code: "Z03".to_owned(), message: message.to_owned() });
        }
        Ok(affine)
    }

    fn time(
        &self,
        axis: Option<usize>,
        steps: &[(f64, f64)],
        complain: Complain<'_>,
        warnings: &mut Vec<Warning>,
    ) -> Result<(Option<f64>, f64), ForeignError> {
        let Some(axis) = axis else { return Ok((None, 0.0)) };
        let (scale, start) = steps[axis];
        let Some(unit) = &self.axes[axis].unit else {
            let message = format!("axis t has a scale of {scale} and no unit: no TR");
            warnings.push(Warning { code: "Z04".to_owned(), message });
            return Ok((None, start));
        };
        let seconds = seconds(unit)
            .ok_or_else(|| complain.unsupported("unit of time", "seconds and their parts", unit))?;
        Ok((Some(scale * seconds), start * seconds))
    }
}

/// Millimetres in a unit of space, by its UDUNITS name.
fn millimetres(unit: &str) -> Option<f64> {
    Some(match unit {
        "meter" => 1e3,
        "decimeter" => 1e2,
        "centimeter" => 10.0,
        "millimeter" => 1.0,
        "micrometer" => 1e-3,
        "nanometer" => 1e-6,
        _ => return None,
    })
}

/// Seconds in a unit of time, by its UDUNITS name.
fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "second" => 1.0,
        "millisecond" => 1e-3,
        "microsecond" => 1e-6,
        "minute" => 60.0,
        "hour" => 3600.0,
        _ => return None,
    })
}

/// The row of a direction in (right, anterior, superior), and whether it runs along or against it.
fn direction(words: &str) -> Option<(usize, f64)> {
    Some(match words {
        "left-to-right" => (0, 1.0),
        "right-to-left" => (0, -1.0),
        "posterior-to-anterior" => (1, 1.0),
        "anterior-to-posterior" => (1, -1.0),
        "inferior-to-superior" => (2, 1.0),
        "superior-to-inferior" => (2, -1.0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::{ForeignError, Ome, read};

    /// An image of t, c, z, y, x.
    fn good() -> Value {
        let space = |name, value| {
            let orientation = json!({"type": "anatomical", "value": value});
            json!({"name": name, "type": "space", "unit": "micrometer", "orientation": orientation})
        };
        json!({"ome": {"version": "0.5", "multiscales": [{
            "axes": [
                {"name": "t", "type": "time", "unit": "millisecond"},
                {"name": "c", "type": "channel"},
                space("z", "inferior-to-superior"),
                space("y", "anterior-to-posterior"),
                space("x", "right-to-left"),
            ],
            "datasets": [{"path": "s0", "coordinateTransformations": [
                {"type": "scale", "scale": [1000.0, 1.0, 2000.0, 3000.0, 4000.0]},
                {"type": "translation", "translation": [500.0, 0.0, 1.0, 2.0, 3.0]},
            ]}, {"path": "s1", "coordinateTransformations": []}],
            "coordinateTransformations": [{"type": "scale", "scale": [2.0, 1.0, 1.0, 1.0, 0.5]}],
        }]}})
    }

    fn understood(json: &Value) -> Result<Option<Ome>, ForeignError> {
        read(json.as_object().unwrap(), Path::new("zarr.json"))
    }

    #[test]
    fn scale_translation_unit_and_orientation_become_affine_and_tr() {
        let ome = understood(&good()).unwrap().unwrap();
        assert_eq!((ome.dataset.as_str(), ome.axes), ("s0", [Some(4), Some(3), Some(2), Some(0)]));
        let affine = [
            [-2.0, 0.0, 0.0, -0.0015],
            [0.0, -3.0, 0.0, -0.002],
            [0.0, 0.0, 2.0, 0.001],
            [0.0, 0.0, 0.0, 1.0],
        ];
        for (found, want) in ome.affine.as_flattened().iter().zip(affine.as_flattened()) {
            assert!((found - want).abs() < 1e-12, "{:?}", ome.affine);
        }
        assert_eq!((ome.tr_seconds, ome.start_seconds), (Some(2.0), 1.0));
        assert_eq!(ome.warnings, []);
    }

    #[test]
    fn what_is_left_out_is_a_warning() {
        let mut image = good();
        let axes = &mut image["ome"]["multiscales"][0]["axes"];
        for axis in [2, 3, 4] {
            axes[axis].as_object_mut().unwrap().remove("orientation");
        }
        axes[2].as_object_mut().unwrap().remove("unit");
        axes[0].as_object_mut().unwrap().remove("unit");
        let ome = understood(&image).unwrap().unwrap();
        let codes: Vec<&str> = ome.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["Z02", "Z03", "Z04"]);
        assert_eq!((ome.affine[0][0], ome.affine[2][2], ome.tr_seconds), (2.0, 2000.0, None));
    }

    #[test]
    fn version_0_4_stands_beside_the_image() {
        let mut image = good();
        let mut multiscales = image["ome"]["multiscales"].take();
        multiscales[0]["version"] = json!("0.4");
        let ome = understood(&json!({"multiscales": multiscales})).unwrap().unwrap();
        assert_eq!(ome.version, "0.4");
        assert_eq!(understood(&json!({"plate": {}})).unwrap(), None);
    }

    #[test]
    fn what_would_leave_a_place_in_doubt_is_refused() {
        type Edit = fn(&mut Value);
        let edits: [Edit; 15] = [
            |j| j["axes"][4]["name"] = json!("width"),
            |j| j["axes"][4]["name"] = json!("y"),
            |j| j["axes"][4]["type"] = json!("time"),
            |j| j["axes"][4]["unit"] = json!("parsec"),
            |j| j["axes"][4]["orientation"]["value"] = json!("dorsal-to-ventral"),
            |j| j["axes"][4]["orientation"]["value"] = json!("inferior-to-superior"),
            |j| j["axes"][0]["unit"] = json!("hertz"),
            |j| j["datasets"] = json!([]),
            |j| j["datasets"][0]["path"] = json!("../other"),
            |j| j["datasets"][0]["path"] = json!("/0"),
            |j| j["datasets"][0]["path"] = json!(""),
            |j| j["datasets"][0]["coordinateTransformations"][0]["scale"] = json!([1.0, 1.0, 1.0]),
            |j| j["datasets"][0]["coordinateTransformations"][0]["scale"][4] = json!(0.0),
            |j| j["datasets"][0]["coordinateTransformations"][0]["scale"][4] = json!(-1.0),
            |j| j["coordinateTransformations"] = json!([{"type": "affine", "affine": []}]),
        ];
        for (at, edit) in edits.into_iter().enumerate() {
            let mut image = good();
            edit(&mut image["ome"]["multiscales"][0]);
            assert!(understood(&image).is_err(), "edit {at}");
        }
        let mut later = good();
        later["ome"]["version"] = json!("0.6");
        assert!(understood(&later).unwrap_err().to_string().contains("0.6"));
    }
}
