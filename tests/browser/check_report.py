"""Opens reports in a headless browser, as their readers do.

    check_report.py BROWSER REPORT.html GROUP.html RUN...

No console message, no request beyond the page; the viewer's value under the pointer is that of the
runs by numpy, within the step of a byte; keys move the slice; both themes; A4 has no blank or cut page. Figures of the page are those of
numpy. Prints a line per check, and exits with 1 after naming what differs.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np
from playwright.sync_api import sync_playwright

failed = []


def check(what, expected, found, holds):
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        failed.append(what)
        print(f"     expected {expected}\n     found    {found}")


def close(what, expected, found, relative=1e-9):
    check(what, expected, found, abs(expected - found) <= relative * abs(expected))


def figures(record, paths):
    """Recomputes the page's figures from the files."""
    runs = [nibabel.load(path).get_fdata(dtype=np.float64) for path in paths]
    counts = np.array([run.shape[3] for run in runs])
    joined = np.concatenate(runs, axis=3)
    mean, std = joined.mean(3), joined.std(3)
    mask = (std > 0) & (mean > 0.2 * mean[std > 0].max())
    within = sum(run.var(3) * n for run, n in zip(runs, counts)) / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.where(within > 0, mean / np.sqrt(within), 0)
        each = [np.where(run.std(3) > 0, run.mean(3) / run.std(3), 0) for run in runs]
    check("voxels of the mask", int(mask.sum()), record["mask_voxels"], mask.sum() == record["mask_voxels"])
    close("pooled median", np.median(pooled[mask]), record["pooled_median"])
    close("joined median", np.median((mean / np.where(std > 0, std, 1))[mask]), record["concatenated_median"])
    for run, tsnr, found in zip(runs, each, record["runs"]):
        name = found["name"]
        close(f"{name}: median", np.median(tsnr[mask]), found["median"])
        for q in (5, 95):
            close(f"{name}: p{q:02}", np.percentile(tsnr[mask], q), found[f"p{q:02}"])
        close(f"{name}: below 10", (tsnr[mask] < 10).mean() + 1, found["dropout_share"] + 1)
        m, s = run.mean(3), run.std(3)
        own = (s > 0) & (m > 0.2 * m[s > 0].max())
        dvars = std_dvars(run[own])
        close(f"{name}: largest standardised DVARS", dvars.max(), found["std_dvars_largest"])
        close(f"{name}: spikes", (dvars > 1.5).mean() + 1, found["std_dvars_share"] + 1)
        spikes = []
        for z in range(run.shape[2]):
            if own[:, :, z].any():
                course = run[:, :, z][own[:, :, z]].mean(0)
                away = course - np.median(course)
                spikes.append(away / (1.482602218505602 * np.median(abs(away))))
        largest = max((s for course in spikes for s in course), key=abs)
        close(f"{name}: largest slice spike", largest, found["spike_largest"], 1e-6)
    return {"SD": np.sqrt(within), "tSNR": pooled, "Mean": mean}


def std_dvars(voxels):
    """Nichols (2013), voxels by time: changes over those of noise with the same quartiles and autocorrelation."""
    low, high = np.quantile(voxels, (0.25, 0.75), axis=1, method="lower")
    away = voxels - voxels.mean(1, keepdims=True)
    lag = (away[:, 1:] * away[:, :-1]).sum(1) / (away**2).sum(1)
    noise = (high - low) / 1.349 * np.sqrt(2 * (1 - lag))
    vary = noise > 0
    return np.sqrt((np.diff(voxels[vary], axis=1) ** 2).mean(0)) / noise[vary].mean()


def open_page(browser, path, **how):
    page, said = browser.new_page(**how), []
    page.on("console", lambda message: said.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda r: r.url.startswith(("file:", "data:", "blob:")) or said.append(f"request: {r.url}"))
    page.goto(Path(path).resolve().as_uri())
    page.wait_for_timeout(500)
    return page, said


def viewer(page, maps):
    """Points at a voxel in each view and each map."""
    facts = json.loads(page.locator("#facts").text_content())
    shown = page.locator("#viewer").is_visible()
    check("the viewer is shown", True, shown, shown)
    readout = page.locator("#readout")
    for index, info in enumerate(facts["maps"]):
        page.locator(f"#viewer [name=map][value='{index}']").check()
        for view in ("axial", "coronal", "sagittal"):
            box = page.locator(f"#{view}").bounding_box()
            for x, y in ((0.3, 0.4), (0.62, 0.55)):
                page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
                text = readout.text_content()
                voxel = tuple(int(n) for n in re.search(r"voxel \((.*?)\)", text)[1].split(","))
                value = float(re.search(rf"^{info['name']} (-?[\d.]+)", text)[1])
                wanted = min(max(maps[info["name"]][voxel], info["low"]), info["high"])
                # Half a step of a byte, and half of the last digit shown.
                step = (info["high"] - info["low"]) / 254
                check(f"{info['name']} under the pointer, {view} {voxel}", wanted, text, abs(value - wanted) <= 1.1 * step)
    canvas = page.locator("#axial")
    canvas.focus()
    moved = []
    for key in ("PageUp", "ArrowLeft", "ArrowDown", "m", "PageDown"):
        before = readout.text_content()
        page.keyboard.press(key)
        moved.append(readout.text_content() != before)
    check("keys move the place and change the map", [True] * 5, moved, all(moved))
    slider = page.locator("#slice")
    slider.focus()
    before = slider.input_value()
    page.keyboard.press("ArrowRight")
    check("arrows move the slider", int(before) + 1, slider.input_value(), int(slider.input_value()) == int(before) + 1)


def main(executable, report, group, paths):
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        grounds = []
        for path in (report, group):
            for scheme in ("light", "dark"):
                for width in (1200, 390):
                    how = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
                    page, said = open_page(browser, path, **how)
                    name = f"{Path(path).name}, {scheme}, {width} pixels"
                    check(f"{name}: nothing said, nothing fetched", [], said, not said)
                    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    check(f"{name}: no wider than the window", 0, over, over <= 0)
                    grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
                    page.close()
        check("dark is darker than light", 2, set(grounds), len(set(grounds)) == 2)
        page, said = open_page(browser, report, viewport={"width": 1200, "height": 900})
        record = json.loads(page.locator("#record").text_content())["report"]
        viewer(page, figures(record, paths))
        alts = page.locator("svg:not([aria-label]), img:not([alt])").count()
        check("every picture has words", 0, alts, alts == 0)
        check("the viewer says nothing on the console", [], said, not said)
        with tempfile.TemporaryDirectory() as folder:
            pdf = Path(folder) / "report.pdf"
            page.pdf(path=pdf, prefer_css_page_size=True)
            sizes = re.findall(rb"/MediaBox \[([^\]]*)\]", pdf.read_bytes())
            a4 = all(abs(float(s.split()[2]) - 595) < 1.5 and abs(float(s.split()[3]) - 842) < 1.5 for s in sizes)
            check("prints on A4", "595 x 842 points", sizes, bool(sizes) and a4)
        page, _ = open_page(browser, group)
        with page.expect_download() as download:
            page.get_by_text("Download as TSV").click()
        lines = Path(download.value.path()).read_text().splitlines()
        check("the group's table comes down as TSV", 1 + len(paths), len(lines), len(lines) == 1 + len(paths))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
    sys.exit(1 if failed else 0)
