//! `voxstore report`: one page that needs nothing else, pictures, and the page of a group.

use std::fs;

use bytesize::ByteSize;

use super::common::{DS003, FMRI1, FMRI2, fixture, folder, names, voxstore};

/// The part of a page outside of data that is base64.
fn words(page: &str) -> String {
    let mut parts = page.split("base64,");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push_str(part.split_once('"').unwrap().1);
    }
    out
}

#[test]
fn a_page_needs_no_network_and_says_first_what_holds() {
    let folder = folder();
    let page = folder.path().join("report.html");
    voxstore!("report", fixture(FMRI1), fixture(FMRI2), "-o", page)
        .succeeds()
        .shows(&["PASS", "report.html"]);
    let text = fs::read_to_string(&page).unwrap();
    let words = words(&text);
    for outside in ["http:", "https:", "src=", "url(", "@import", "fetch("] {
        assert!(!words.contains(outside), "{outside}");
    }
    assert!(text.find("id=\"verdicts\"").unwrap() < text.find("<svg").unwrap());
    for part in ["id=\"sd\"", "id=\"tsnr\"", "id=\"mean\"", "id=\"viewer\"", "Carpet", "fmri2"] {
        assert!(text.contains(part), "{part}");
    }
    assert_eq!(text.matches("<svg").count(), text.matches("role=\"img\" aria-label").count() - 3);
    assert_eq!(names(folder.path()), ["report.html"]);
}

#[test]
fn a_page_does_not_depend_on_threads_or_memory() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    let runs = [fixture(FMRI1), fixture(FMRI2)];
    voxstore!("report", runs[0], runs[1], "-o", place("a.html"), "--threads", "1").succeeds();
    let (m, size) = ("--memory", "80MiB");
    voxstore!("report", runs[0], runs[1], "-o", place("b.html"), "--threads", "2", m, size)
        .succeeds();
    assert!(fs::read(place("a.html")).unwrap() == fs::read(place("b.html")).unwrap());
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "the peak is read from /proc")]
fn the_projected_peak_has_the_room_to_draw_in() {
    let folder = folder();
    let page = folder.path().join("report.html");
    let said = voxstore!("report", fixture(FMRI1), "-o", page).succeeds().stdout;
    let bytes = |words: &str| -> ByteSize {
        let (_, behind) = said.split_once(words).unwrap();
        behind.split([',', ';']).next().unwrap().trim().parse().unwrap()
    };
    let (projected, measured) = (bytes("projected peak "), bytes("measured "));
    assert!(measured <= projected, "{said}");
}

#[test]
fn pictures_stand_alone_and_figures_are_those_of_tsnr() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    let runs = [fixture(FMRI1), fixture(FMRI2)];
    let found = voxstore!("report", runs[0], runs[1], "--png", place("png"), "--json");
    let found = found.succeeds().json();
    let pictures = names(&place("png"));
    assert_eq!(pictures.len(), 7, "{pictures:?}");
    for name in &pictures {
        let bytes = fs::read(place("png").join(name)).unwrap();
        let (_, pixels) = pixels(&bytes);
        assert!(pixels.iter().any(|p| *p != pixels[0]), "{name} shows nothing");
    }
    let map = voxstore!("tsnr", runs[0], runs[1], "-o", place("t.nii.gz"), "--json");
    let map = map.succeeds().json();
    let close = |a: &serde_json::Value, b: &serde_json::Value| {
        let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
        // Merged of two runs, and summed over them as one: a few roundings apart.
        assert!((a - b).abs() < 1e-9 * a, "{a} {b}");
    };
    let figures = &map["record"]["figures"];
    assert_eq!(found["mask_voxels"], figures["mask_voxels"]);
    close(&found["pooled_median"], &figures["pooled_median"]);
    close(&found["concatenated_median"], &figures["concatenated_median"]);
    for run in 0..2 {
        let other = &map["record"]["inputs"][run]["tsnr_median"];
        close(&found["runs"][run]["median"], other);
    }
}

/// Size and pixels of a PNG.
fn pixels(bytes: &[u8]) -> ((u32, u32), Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    (reader.info().size(), pixels)
}

#[test]
fn pictures_are_those_that_were_looked_at() {
    let folder = folder();
    let png = folder.path().join("png");
    voxstore!("report", fixture(FMRI1), fixture(FMRI2), "--png", png).succeeds();
    for name in ["tsnr_mosaic.png", "tsnr_histogram.png"] {
        let found = fs::read(png.join(name)).unwrap();
        // To look at them anew: VOXSTORE_GOLDEN_PICTURES=1 writes what there is now.
        if std::env::var_os("VOXSTORE_GOLDEN_PICTURES").is_some() {
            fs::write(fixture("report").join(name), &found).unwrap();
        }
        let golden = fs::read(fixture("report").join(name)).unwrap();
        assert!(pixels(&found) == pixels(&golden), "{name}");
    }
}

#[test]
fn what_cannot_be_reported_is_refused_before_anything_is_written() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    voxstore!("report", fixture(FMRI1), "-o", place("report.pdf")).fails(1, &["NAME.html"]);
    voxstore!("report", fixture(FMRI1)).fails(2, &["--output"]);
    voxstore!("report", fixture(FMRI1), fixture(DS003), "-o", place("r.html"))
        .fails(1, &["different grids"]);
    voxstore!("report", fixture(FMRI1), "-o", place("r.html"), "--mask", fixture(DS003))
        .fails(1, &["mask"]);
    voxstore!("report", fixture(FMRI1), "-o", place("r.html"), "--memory", "20MiB")
        .fails(1, &["no data was read", "--memory"]);
    fs::write(place("there.html"), "mine").unwrap();
    voxstore!("report", fixture(FMRI1), "-o", place("there.html")).fails(1, &["--force"]);
    assert_eq!(names(folder.path()), ["there.html"]);
}

#[test]
fn a_group_needs_only_the_records() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    fs::create_dir(place("maps")).unwrap();
    voxstore!("tsnr", fixture(FMRI1), fixture(FMRI2), "-o", place("maps/a.nii.gz")).succeeds();
    voxstore!("tsnr", fixture(DS003), "-o", place("maps/b.nii.gz")).succeeds();
    fs::write(place("maps/other.json"), r#"{"RepetitionTime": 2.0}"#).unwrap();
    for map in ["maps/a.nii.gz", "maps/b.nii.gz"] {
        fs::remove_file(place(map)).unwrap();
    }
    let page = place("group.html");
    voxstore!("report", "--group", place("maps"), "-o", page).succeeds().shows(&["3 runs"]);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.contains("group_tsnr.tsv") && text.contains("fmri2") && !text.contains("http:"));
    voxstore!("report", "--group", place("maps/other.json"), "-o", place("x.html"))
        .fails(1, &["no record", "voxstore tsnr"]);
    fs::create_dir(place("empty")).unwrap();
    voxstore!("report", "--group", place("empty"), "-o", place("x.html")).fails(1, &["no record"]);
}
