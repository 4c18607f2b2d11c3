//! N71, N72, N74 to N79, N94 to N96: when were volumes taken?

use std::fs;

use voxstore::Run;

use crate::case::{Case, Sound, run};
use crate::files::Nifti;

/// A run with this pixdim\[4\] and these units.
fn timed(pixdim4: f64, units: u8) -> Nifti {
    run().field("pixdim", 4, pixdim4).field("xyzt_units", 0, f64::from(units))
}

/// A case with a sidecar.
fn with_sidecar(row: &'static str, what: &str, file: &Nifti, sidecar: &str) -> Case {
    Case::of(row, what, file).beside("run.json", sidecar.as_bytes())
}

fn tr(run: &Run) -> (Option<f64>, &'static str) {
    (run.info().timing.tr_seconds, run.info().timing.tr_source)
}

/// The coordinates `t` of a run in a store, and its metadata.
fn stored_times(of: &Sound) -> (Vec<f64>, String) {
    let chunk = fs::read(of.group.join("t/c.0")).unwrap();
    // The last four bytes are its checksum.
    let times = chunk[..chunk.len() - 4].chunks_exact(8);
    let times = times.map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    (times, fs::read_to_string(of.group.join("zarr.json")).unwrap())
}

#[test]
fn n71_a_size_without_a_unit_of_time_is_no_tr() {
    let opened = Case::of("N71", "no unit of time", &timed(2.0, 2)).warns(&["N71"]);
    assert_eq!(tr(&opened), (None, "unknown"));
    assert_eq!(opened.info().timing.header_pixdim4, 2.0);
}

#[test]
fn n72_milliseconds_and_microseconds_become_seconds() {
    for (what, pixdim4, units) in [("milliseconds", 2500.0, 18), ("microseconds", 2_500_000.0, 26)]
    {
        let opened = Case::of("N72", what, &timed(pixdim4, units)).reads();
        assert_eq!(tr(&opened), (Some(2.5), "header"));
    }
}

#[test]
fn n74_a_fourth_axis_that_is_not_time_has_no_tr() {
    for (units, name) in [(34, "hertz"), (42, "parts per million"), (50, "radian per second")] {
        let opened = Case::of("N74", name, &timed(2.0, units)).warns(&["N74"]);
        assert_eq!(tr(&opened), (None, "unknown"));
        assert_eq!(opened.info().timing.header_time_unit, name);
    }
}

#[test]
fn n75_a_repetition_time_of_0_is_unknown_without_a_sidecar() {
    for pixdim4 in [0.0, f64::NAN, f64::INFINITY] {
        let opened = Case::of("N75", &format!("pixdim[4] {pixdim4}"), &timed(pixdim4, 10));
        let opened = opened.warns(&["N75"]);
        assert_eq!(tr(&opened), (None, "unknown"));
        let (times, metadata) = stored_times(&opened);
        assert_eq!(times, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        assert!(metadata.contains("\"tr_s\": null"), "{metadata}");
        // Axis t has a scale of 1 and no unit.
        assert!(!metadata.contains("\"unit\": \"second\""), "{metadata}");
    }
    let sidecar = r#"{"RepetitionTime": 2.5}"#;
    let opened = with_sidecar("N75", "0, and a sidecar", &timed(0.0, 10), sidecar).reads();
    assert_eq!(tr(&opened), (Some(2.5), "sidecar"));
}

#[test]
fn n76_the_sidecar_wins_and_an_odd_repetition_time_is_never_corrected() {
    let sidecar = r#"{"RepetitionTime": 2.0, "EchoTime": 0.03}"#;
    let opened = with_sidecar("N76", "sidecar agrees", &timed(2.0, 10), sidecar).reads();
    assert_eq!(tr(&opened), (Some(2.0), "sidecar"));
    assert_eq!(opened.info().timing.echo_time_seconds, Some(0.03));
    let case = with_sidecar("N76", "2000 s, sidecar 2 s", &timed(2000.0, 10), sidecar);
    assert_eq!(tr(&case.warns(&["N76"])), (Some(2.0), "sidecar"));
    for (what, pixdim4, units, taken) in [("2000 s", 2000.0, 10, 2000.0), ("2 ms", 2.0, 18, 0.002)]
    {
        let opened = Case::of("N76", what, &timed(pixdim4, units)).warns(&["N76"]);
        assert_eq!(tr(&opened), (Some(taken), "header"));
    }
}

#[test]
fn n77_volumes_that_are_unevenly_spaced_have_no_tr() {
    let sidecar = r#"{"VolumeTiming": [0, 1, 5, 6, 10, 11]}"#;
    let opened = with_sidecar("N77", "VolumeTiming", &timed(2.0, 10), sidecar).warns(&["N77"]);
    assert_eq!(tr(&opened), (None, "unknown"));
    assert_eq!(opened.info().sidecar["VolumeTiming"][2], 5);
    // t counts volumes; the times are in the sidecar.
    let (times, metadata) = stored_times(&opened);
    assert_eq!(times, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(metadata.contains("VolumeTiming"));
}

#[test]
fn n78_the_start_is_added_to_the_times_of_volumes() {
    let file = timed(2.0, 10).field("toffset", 0, 7.5);
    let opened = Case::of("N78", "toffset 7.5 s", &file).reads();
    assert_eq!(opened.info().timing.start_seconds, 7.5);
    assert_eq!(stored_times(&opened).0, [7.5, 9.5, 11.5, 13.5, 15.5, 17.5]);
    let file = timed(2000.0, 18).field("toffset", 0, 500.0);
    let opened = Case::of("N78", "toffset 500 ms", &file).reads();
    assert_eq!(opened.info().timing.start_seconds, 0.5);
}

#[test]
fn n79_slices_and_intent_stay_in_the_header_and_slice_timing_in_the_sidecar() {
    let file = run()
        .field("dim_info", 0, 57.0)
        .field("intent_code", 0, 1001.0)
        .field("slice_code", 0, 3.0)
        .field("slice_end", 0, 2.0)
        .field("slice_start", 0, 1.0)
        .field("slice_duration", 0, 0.7);
    let sidecar = r#"{"RepetitionTime": 2.0, "SliceTiming": [0.0, 1.0, 0.5]}"#;
    for (what, file) in [("NIfTI-1", file.clone()), ("NIfTI-2", file.version_two())] {
        let opened = with_sidecar("N79", what, &file, sidecar).reads();
        assert_eq!(opened.info().header[..], file.header());
        assert_eq!(opened.info().sidecar["SliceTiming"][2], 0.5);
    }
}

#[test]
fn n94_a_sidecar_that_cannot_be_read_is_not_used() {
    for (what, sidecar) in
        [("no JSON", "not json"), ("no object", "[1, 2]"), ("cut", "{\"RepetitionTime\": 2")]
    {
        let opened = with_sidecar("N94", what, &run(), sidecar).warns(&["N94"]);
        assert_eq!(tr(&opened), (Some(2.0), "header"));
        assert!(opened.info().sidecar.is_empty());
    }
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(512 << 10));
    let opened = with_sidecar("N94", "above 512 KiB", &run(), &large).warns(&["N94"]);
    assert!(opened.info().warnings[0].message.contains("more than 512 KiB"));
}

#[test]
fn n96_of_two_sidecars_in_a_folder_that_of_more_entities_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = run().write(folder.path(), "sub-1/func/sub-1_task-x_bold.nii");
    for (name, text) in [
        ("bold.json", r#"{"RepetitionTime": 3, "EchoTime": 0.03}"#),
        ("task-x_bold.json", r#"{"RepetitionTime": 2.5, "A": 1}"#),
        ("task-y_bold.json", r#"{"RepetitionTime": 9}"#),
        ("sub-1/func/sub-1_task-x_bold.json", r#"{"A": 2}"#),
    ] {
        crate::files::write(folder.path(), name, text.as_bytes());
    }
    let opened = voxstore::nifti::open(file).unwrap();
    let info = opened.info();
    assert_eq!(info.timing.tr_seconds, Some(2.5));
    assert_eq!((info.timing.echo_time_seconds, info.sidecar["A"].as_u64()), (Some(0.03), Some(2)));
    assert_eq!(
        info.sidecar_files,
        ["bold.json", "task-x_bold.json", "sub-1/func/sub-1_task-x_bold.json"]
    );
    let codes: Vec<&str> = info.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["N96", "N96", "N76"]);
}

#[test]
fn n95_times_of_a_sidecar_that_are_no_positive_numbers_are_ignored() {
    for (what, value) in [("text", "\"2\""), ("negative", "-1"), ("0", "0"), ("null", "null")] {
        let sidecar = format!("{{\"RepetitionTime\": {value}}}");
        let opened = with_sidecar("N95", what, &run(), &sidecar).warns(&["N95"]);
        assert_eq!(tr(&opened), (Some(2.0), "header"));
    }
    let opened = with_sidecar("N95", "echo time", &run(), r#"{"EchoTime": -0.03}"#).warns(&["N95"]);
    assert_eq!(opened.info().timing.echo_time_seconds, None);
}
