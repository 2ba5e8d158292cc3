"""The page in a real browser."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mdhr_runtime.results import SourceStats

webdriver = pytest.importorskip("selenium.webdriver", reason="needs the Python package selenium")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

pytestmark = pytest.mark.slow

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,800",
)
PIXELS = "return document.querySelector(arguments[0]).toDataURL()"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        pytest.skip("needs the Debian packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture
def browser(driver):
    """The browser with an empty page, a desktop's window and empty logs."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.get("about:blank")
    for log in ("browser", "performance"):
        driver.get_log(log)
    return driver


def until(browser, condition):
    return WebDriverWait(browser, 60, 0.1).until(lambda _: condition())


def all_of(browser, selector):
    return browser.find_elements(By.CSS_SELECTOR, selector)


def text(browser, selector):
    found = all_of(browser, selector)
    return found[0].text if found else None


def state(browser):
    return browser.execute_script("return document.getElementById('state').dataset.state")


def shown(browser):
    """Number of the frame that the video shows, 0 for none."""
    return int(browser.execute_script("return document.querySelector('.picture canvas')?.dataset.frame ?? 0"))


def wait_for_video(browser):
    until(browser, lambda: shown(browser) > 0 and all_of(browser, ".face canvas"))


def changes(browser, selector):
    before = browser.execute_script(PIXELS, selector)
    return until(browser, lambda: browser.execute_script(PIXELS, selector) != before)


def test_video_and_charts_move(browser, serve, play):
    page = serve()
    play(page)
    browser.get(page.url)
    wait_for_video(browser)
    assert changes(browser, ".picture canvas")
    assert changes(browser, ".face canvas")
    assert all_of(browser, ".picture canvas")[0].is_displayed()
    assert not all_of(browser, ".cover")[0].is_displayed()
    until(browser, lambda: state(browser) == "live")
    until(browser, lambda: text(browser, "[data-figure=fps]").endswith("fps"))
    assert text(browser, "[data-figure=latency]") == "–"


def test_it_needs_nothing_from_elsewhere_and_breaks_no_rule_of_its_own(browser, serve, play):
    page = serve()
    play(page)
    browser.get(page.url)
    wait_for_video(browser)
    requests = [
        line["message"] for line in browser.get_log("performance") if '"Network.requestWillBeSent"' in line["message"]
    ]
    assert len(requests) > 5
    assert all(f'"url":"{page.url}' in request for request in requests)
    assert browser.get_log("browser") == []  # neither errors nor violations of the content security policy


def test_a_chart_for_every_face(browser, serve, play):
    page = serve()
    play(page, faces=2)
    browser.get(page.url)
    until(browser, lambda: len(all_of(browser, ".face")) == 2)
    assert [face.text for face in all_of(browser, "h3")] == ["Face 0", "Face 1"]
    assert len(all_of(browser, ".face tbody tr")) == 6
    until(browser, lambda: text(browser, "[data-figure=faces]") == "2")


def test_sources_stand_one_below_the_other(browser, serve, make_result):
    page = serve(sources=("door", "hall"))
    for name in ("door", "hall"):
        page.write(make_result(1, source=name))
    browser.get(page.url)
    until(browser, lambda: len(all_of(browser, ".face")) == 2)
    assert [name.text for name in all_of(browser, "h2 .name")] == ["door", "hall"]


def test_names_are_text(browser, serve, make_result):
    name = "<img src=x onerror=alert(1)>"
    page = serve(sources=(name,))
    page.write(make_result(1, source=name))
    browser.get(page.url)
    until(browser, lambda: text(browser, "h2 .name") == name)


def test_the_final_score_replaces_the_provisional_one(browser, serve, make_result):
    page = serve()
    page.write(make_result(1, final=False, score=0.9))
    browser.get(page.url)
    until(browser, lambda: text(browser, ".score") == "0.90")
    assert len(all_of(browser, ".occurs")) == 3
    page.write(make_result(1, score=0.4999))
    until(browser, lambda: text(browser, ".score") == "0.49")
    assert not all_of(browser, ".occurs")


def test_nobody_in_view_is_said(browser, serve, make_result):
    page = serve()
    page.write(make_result(1, faces=0))
    browser.get(page.url)
    until(browser, lambda: shown(browser) == 1)
    assert text(browser, ".nobody") == "No face in view"


def test_a_phone_shows_all_without_scrolling_sideways(browser, serve, play):
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    page = serve()
    play(page, faces=2)
    browser.get(page.url)
    wait_for_video(browser)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('canvas, button, select, .face')].map((each) => {"
        "const box = each.getBoundingClientRect(); return [box.left, box.right, box.width]; })"
    )
    assert len(boxes) == 7
    assert all(left >= 0 and right <= 390 and width > 50 for left, right, width in boxes)


def test_the_keyboard_reaches_everything_and_all_has_a_name(browser, serve, play):
    page = serve()
    play(page)
    browser.get(page.url)
    wait_for_video(browser)
    all_of(browser, "body")[0].send_keys(Keys.TAB)
    focus = browser.switch_to.active_element
    assert (focus.aria_role, focus.accessible_name) == ("combobox", "Length of the charts")
    focus.send_keys(Keys.TAB)
    focus = browser.switch_to.active_element
    assert (focus.tag_name, focus.accessible_name) == ("button", "Pause")
    focus.send_keys(Keys.SPACE)
    until(browser, lambda: state(browser) == "paused")
    assert focus.get_attribute("aria-pressed") == "true"
    still = browser.execute_script(PIXELS, ".face canvas")
    focus.send_keys(Keys.SPACE)
    until(browser, lambda: browser.execute_script(PIXELS, ".face canvas") != still)
    names = [canvas.accessible_name for canvas in all_of(browser, "canvas")]
    assert names == [
        "Video of clip.mp4 with the faces marked",
        "Scores of face 0 over the last 30 seconds, one line per action unit",
    ]


def test_a_camera_that_went_away_is_told(browser, serve, make_result):
    page = serve(stats=lambda: {"clip.mp4": SourceStats(dropped=7, latency=1.25, state="reconnecting")})
    page.write(make_result(1))
    browser.get(page.url)
    until(browser, lambda: (text(browser, ".cover") or "").startswith("The camera is gone"))
    assert [text(browser, f"[data-figure={name}]") for name in ("latency", "dropped")] == ["1.3 s", "7"]


def test_a_page_in_the_background_takes_nothing(browser, serve, play):
    page = serve()
    play(page)
    browser.get(page.url)
    wait_for_video(browser)
    window = browser.current_window_handle
    browser.switch_to.new_window("tab")
    until(browser, lambda: not viewers())
    browser.close()
    browser.switch_to.window(window)
    seen = shown(browser)
    until(browser, lambda: shown(browser) > seen)
    assert state(browser) == "live"


def viewers():
    return [thread for thread in threading.enumerate() if thread.name == "live-page-viewer"]


def test_the_length_of_the_charts_can_be_chosen(browser, serve, play):
    page = serve()
    play(page)
    browser.get(page.url)
    wait_for_video(browser)
    Select(all_of(browser, "#span")[0]).select_by_value("10")
    until(browser, lambda: text(browser, ".past") == "10 s ago")


def test_a_run_that_ends_is_told_and_the_next_one_shown(browser, serve, make_result):
    page = serve()
    page.write(make_result(500))
    browser.get(page.url)
    wait_for_video(browser)
    page.close()
    until(browser, lambda: state(browser) == "finished")
    assert "The run ended" in text(browser, "#notice")
    assert len(all_of(browser, ".face")) == 1  # the last results stay in view
    again = serve(page.url.rstrip("/").rpartition("/")[2])
    again.write(make_result(1, faces=2))
    until(browser, lambda: shown(browser) == 1)
    until(browser, lambda: len(all_of(browser, ".face")) == 2)
    assert state(browser) == "live"
    assert not all_of(browser, "#notice")[0].is_displayed()


RUN = """
import sys, time
import numpy as np
from mdhr_runtime.live.page import LivePage
from mdhr_runtime.results import FrameResult, Row
from mdhr_runtime.sinks import SinkContext
from mdhr_runtime.results import SourceInfo
page = LivePage(f"live://{sys.argv[1]}", SinkContext(("AU12",), (SourceInfo("clip.mp4", 25.0, False),)))
print(page.url, flush=True)
for frame in range(1, 100_000):
    row = Row("clip.mp4", frame, frame / 25, 0, 0.9, (10, 10, 50, 50), np.array([0.5], np.float32))
    page.write(FrameResult("clip.mp4", frame, frame / 25, np.full((90, 160, 3), frame % 200, np.uint8), (row,)))
    time.sleep(0.04)
"""


def test_a_server_that_dies_is_told_and_found_again(browser, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(RUN)

    def start(address):
        process = subprocess.Popen([sys.executable, script, address], stdout=subprocess.PIPE, text=True)
        return process, process.stdout.readline().strip()

    process, url = start("0")
    try:
        browser.get(url)
        wait_for_video(browser)
        process.kill()
        until(browser, lambda: state(browser) == "lost")
        assert "was lost" in text(browser, "#notice")
        process.wait()
        process.stdout.close()
        process, _ = start(Path(url).name)
        until(browser, lambda: state(browser) == "live")
        assert changes(browser, ".picture canvas")
        assert not all_of(browser, "#notice")[0].is_displayed()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
