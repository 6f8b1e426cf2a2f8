"""The page in Chromium, at the widths of a phone and of a laptop: nothing is cut off.

Skipped where there is no Chromium. The page stands in a frame of the width; a script around it
looks for whatever reaches beyond the frame, or beyond a box that would scroll.
"""

from __future__ import annotations

import copy
import html
import json
import re
import shutil
import subprocess

import pytest

from bnnhw.report.compare import compared, comparison_page
from bnnhw.report.page import report_html

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here")

WIDTHS = (390, 1280)
LONG = "/layer1/layer1.0/downsample/downsample.2/BatchNormalization_output_0"
LOOK = """
frame.onload = () => {
  const page = frame.contentDocument, view = frame.contentWindow, found = [];
  if (OPEN) page.querySelectorAll("details").forEach(each => each.open = true);
  for (const each of page.querySelectorAll("body, body *")) {
    const box = each.getBoundingClientRect();
    if (box.width > 0 && box.right > view.innerWidth + 1) found.push(each);
    const style = view.getComputedStyle(each);
    if (style.display !== "inline" && each.clientWidth > 0
        && each.scrollWidth > each.clientWidth + 1 && style.overflowX !== "visible")
      found.push(each);
  }
  const about = each => [each.tagName, each.getAttribute("class"), each.textContent.trim()]
    .join(" ").slice(0, 90);
  document.body.dataset.result = JSON.stringify({
    found: found.map(about).slice(0, 9), colour: view.getComputedStyle(page.body).backgroundColor,
    width: view.innerWidth, shown: page.body.innerText.length});
};
"""


def look(page, width, folder, *, opened, flags=()):
    """What a browser finds on a page."""
    around = folder / "around.html"
    script = LOOK.replace("OPEN", "true" if opened else "false")
    around.write_text(
        f'<!doctype html><body style="margin:0"><iframe id="frame" width="{width}" height="900" '
        f'style="border:0" srcdoc="{html.escape(page)}"></iframe><script>{script}</script>',
        encoding="utf-8",
    )
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000",
        f"--window-size={max(width, 500)},900", *flags, "--dump-dom", around.as_uri(),
    ]  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    (result,) = re.findall(r'data-result="(.*?)"', made.stdout)
    return json.loads(html.unescape(result))


@pytest.fixture(scope="module")
def pages(fresh, branched):
    """Pages with long names, measured streams, a curve, and every part that a report may have."""
    full = copy.deepcopy(branched)
    for item in full["layers"] + full["units"]:
        key = "layer" if "layer" in item else "name"
        item[key] = f"{LONG}_{item[key]}"
    full["accuracy"] = {
        "inputs": 360, "synthetic": False, "float_top1": 0.95, "integer_top1": 0.93,
        "agreement": 0.97, "noise_agreement": 0.99, "compared": 8, "alarm": "", "ways_out": "",
        "streams": [
            {"name": LONG, "type": "int10.5+1/2", "least": -4.05, "most": 3.91,
             "saturated": 0.001, "turned": turned, "bias": None if turned is None else 0.001,
             "reads": "" if turned is None else "layer1_0_downsample_2_batch_norm_add"}
            for turned in (None, 0.05)
        ],
    }  # fmt: skip
    full["histograms"] = [
        {"name": LONG, "inputs": 8, "low": -400, "high": 240, "counts": [1, 4, 2],
         "thresholds": [0, 7, 1], "constant": 1, "channels": 8}
    ]  # fmt: skip
    full["cycles_per_frame"] |= {
        "busiest": LONG, "lost": [{"cause": "stall", "layer": LONG, "cycles": 12}]
    }  # fmt: skip
    full["ddr_bytes_per_frame"], full["ddr_bytes_per_second"] = 1_675_264, 1_500_000_000
    point = {"lut": 9, "lut_cells": 9, "ff": 9, "bram36": 1, "dsp": 1, "ddr_bytes_per_frame": 0}
    full["curve"] = [
        point | {"lut_packed": lut, "cycles_per_frame": cycles, "fits": True, "chosen": lut == 99}
        for lut, cycles in ((50_000, 1_000), (99, 20_000_000))
    ]
    full["command"] = f"bnnhw compile /home/anna/projects/bnn{LONG}{LONG}.onnx --board pynq-z2"
    names = ["build/one", "build/the_other_of_a_longer_name", "build/third"]
    compare = comparison_page(names, compared([fresh, full, fresh]))
    return {"plain": report_html(fresh), "full": report_html(full), "compare": compare}


@pytest.mark.parametrize("opened", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["plain", "full", "compare"])
def test_nothing_is_cut_off(pages, name, width, opened, tmp_path):
    seen = look(pages[name], width, tmp_path, opened=opened)
    assert seen["width"] == width
    assert seen["shown"] > (500 if name == "compare" else 2000)
    assert seen["found"] == []


def test_dark_mode_is_dark(pages, tmp_path):
    light = look(pages["plain"], 1280, tmp_path, opened=False)
    flags = ["--blink-settings=preferredColorScheme=0"]
    dark = look(pages["plain"], 1280, tmp_path, opened=False, flags=flags)
    brightness = [sum(map(int, re.findall(r"\d+", seen["colour"])[:3])) for seen in (dark, light)]
    assert brightness[0] < 150 < 600 < brightness[1]
