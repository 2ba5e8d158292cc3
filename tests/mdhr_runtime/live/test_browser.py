"""The page in a real browser."""

import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mdhr_runtime.faces import View
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
    until(browser, lambda: state(browser) == "analysing")
    assert text(browser, ".kind") == "File · analysing"
    until(browser, lambda: text(browser, "[data-figure=fps]").endswith("fps"))
    until(browser, lambda: text(browser, "[data-figure=speed]").endswith("×"))
    assert not all_of(browser, "[data-figure=latency]")[0].is_displayed()


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


def test_a_card_says_who_it_is_and_how_far_it_can_be_trusted(browser, serve, make_result):
    def write(frame, final=True, **known):
        result = make_result(frame, score=0.9, final=final)
        page.write(replace(result, rows=(replace(result.rows[0], **known),)))

    def card():
        face = all_of(browser, ".face")[0]
        name, told = face.find_element(By.TAG_NAME, "h3").text, face.find_element(By.CLASS_NAME, "presence").text
        return name, told, "unsure" in face.get_attribute("class"), face.value_of_css_property("border-top-color")

    blue, green = "rgba(88, 196, 221, 1)", "rgba(149, 209, 122, 1)"
    page = serve()
    write(1)
    browser.get(page.url)
    until(browser, lambda: shown(browser) == 1 and card() == ("Face 0", "3 active", False, blue))
    view = View(np.full((5, 2), 90, np.float32), (0.0, 0.0, 0.0), 0.25, ("blurred",))
    for frame, known, told, unsure in (
        (2, {"context": 15}, "3 active", False),
        (3, {"context": 8}, "3 active · 8 of 15 frames", True),
        (4, {"context": 8, "final": False}, "3 active", False),
        (5, {"context": 15, "view": view}, "3 active · blurred", False),
        (6, {"scores": None, "view": view}, "not scored · blurred", True),
    ):
        write(frame, person=2, **known)
        expected = "Person 2 · Face 0", told, unsure, green
        until(browser, lambda frame=frame, expected=expected: shown(browser) == frame and card() == expected)


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


@pytest.mark.parametrize(("fps", "connected"), [(25.0, False), (0.4, True)])
def test_a_chart_breaks_where_frames_are_missing_and_not_because_there_are_few(
    browser, serve, make_result, fps, connected
):
    page = serve(fps=fps)
    for number in range(1, 6):  # one in 2.5 seconds
        page.write(replace(make_result(number, score=0.9), timestamp=2.5 * (number - 1)))
    browser.get(page.url)
    until(browser, lambda: text(browser, ".face .to") == "0:10")
    between = """
        const canvas = document.querySelector(".face canvas");
        const [x, y] = [canvas.width * 0.37, (canvas.height / 3) * 0.7].map(Math.round);
        return canvas.getContext("2d").getImageData(x, y, 1, 1).data[3]"""
    assert (browser.execute_script(between) > 0) == connected


def test_nobody_in_view_is_said(browser, serve, make_result):
    page = serve()
    page.write(make_result(1, faces=0))
    browser.get(page.url)
    until(browser, lambda: shown(browser) == 1)
    assert text(browser, ".nobody") == "No face in view"


@pytest.mark.parametrize("width", [360, 390, 420])
def test_a_phone_shows_all_without_scrolling_sideways(browser, serve, play, width):
    phone = {"width": width, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    page = serve()
    play(page, faces=2)
    browser.get(page.url)
    wait_for_video(browser)
    until(browser, lambda: text(browser, "[data-figure=speed]").endswith("×"))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert not browser.execute_script(
        "return [...document.querySelectorAll('dt, dd, .state')]"
        ".filter((each) => each.scrollWidth > each.clientWidth + 1)"
    )
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('canvas, button, select, .face')].map((each) => {"
        "const box = each.getBoundingClientRect(); return [box.left, box.right, box.width]; })"
    )
    assert len(boxes) == 7
    assert all(left >= 0 and right <= width and size > 50 for left, right, size in boxes)


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
        "Scores of face 0 over time, one line per action unit",
    ]


def test_a_camera_that_went_away_is_told(browser, serve, make_result):
    page = serve(stats=lambda: {"clip.mp4": SourceStats(dropped=7, latency=1.25, state="reconnecting")}, live=True)
    page.write(make_result(1))
    browser.get(page.url)
    until(browser, lambda: (text(browser, ".cover") or "").startswith("The camera is gone"))
    assert [text(browser, f"[data-figure={name}]") for name in ("latency", "dropped")] == ["1.3 s", "7"]
    assert (state(browser), text(browser, ".kind")) == ("reconnecting", "Camera · reconnecting")
    assert text(browser, ".to") != "now"


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
    assert state(browser) == "analysing"


def viewers():
    return [thread for thread in threading.enumerate() if thread.name == "live-page-viewer"]


def axis(browser):
    return [text(browser, ".from"), text(browser, ".to")]


def test_charts_are_as_long_as_is_chosen_in_the_time_of_the_file(browser, serve, make_result):
    page = serve()
    for frame in range(25, 25 * 43, 5):
        page.write(make_result(frame, size=(90, 160)))
    browser.get(page.url)
    until(browser, lambda: axis(browser) == ["0:12", "0:42"])
    Select(all_of(browser, "#span")[0]).select_by_value("10")
    until(browser, lambda: axis(browser) == ["0:32", "0:42"])
    Select(all_of(browser, "#span")[0]).select_by_value("60")
    until(browser, lambda: axis(browser) == ["0:01", "0:42"])  # there is no more


def test_only_a_camera_is_live(browser, serve, make_result):
    page = serve(live=True)
    for frame in range(25, 25 * 43, 5):
        page.write(make_result(frame, size=(90, 160)))
    browser.get(page.url)
    until(browser, lambda: axis(browser) == ["30 s ago", "now"])
    assert (state(browser), text(browser, ".kind")) == ("live", "Camera · live")
    assert not all_of(browser, "[data-figure=speed]")[0].is_displayed()
    all_of(browser, "#pause")[0].click()
    assert axis(browser) == ["0:12", "0:42"]  # from now on, it is no longer now


def test_the_chart_of_a_short_clip_is_full(browser, serve, make_result, farewell):
    farewell(60)
    page = serve()
    browser.get(page.url)
    for frame in range(25, 101):
        page.write(make_result(frame, size=(90, 160), score=0.9))
    page.close()
    until(browser, lambda: state(browser) == "ended")
    until(browser, lambda: axis(browser) == ["0:01.0", "0:04.0"])
    filled = browser.execute_script(
        "const chart = document.querySelector('.face canvas'), { width } = chart;"
        "const row = chart.getContext('2d').getImageData(0, 12, width, 1).data;"
        "return [2, width - 3].map((x) => row[4 * x + 3]);"
    )
    assert all(filled)


def test_faces_that_left_fold_away(browser, serve, make_result):
    page = serve()
    for frame in range(1, 101):
        page.write(make_result(frame, faces=3 if frame < 50 else 1, size=(90, 160)))
    browser.get(page.url)
    until(browser, lambda: text(browser, "summary") == "No longer in view: 2 faces")
    assert text(browser, "[data-figure=faces]") == "1"
    assert [face.is_displayed() for face in all_of(browser, ".face")] == [True, False, False]
    all_of(browser, "summary")[0].click()
    assert [face.text for face in all_of(browser, ".left .presence")] == ["left at 0:01"] * 2


def test_nine_faces_fit_into_a_window(browser, serve, make_result):
    page = serve()
    page.write(make_result(1, faces=9))
    browser.get(page.url)
    until(browser, lambda: text(browser, "[data-figure=faces]") == "9")
    assert browser.execute_script("return document.documentElement.scrollHeight <= innerHeight")


NUMBERS = """
const done = arguments[0];
const look = () => ({
  frame: Number(document.querySelector(".picture canvas").dataset.frame),
  scores: [...document.querySelectorAll(".score")].map((cell) => cell.textContent),
});
requestAnimationFrame(() => requestAnimationFrame(() => done(look())));
"""


def test_picture_and_cards_show_the_same_result(browser, serve, make_result):
    page = serve()
    page.write(make_result(1, final=False, score=0.3))
    browser.get(page.url)
    wait_for_video(browser)
    browser.execute_script("window.fetch = () => new Promise(() => {});")  # no more pictures
    before = browser.execute_script(PIXELS, ".face canvas")
    page.write(make_result(2, final=False, score=0.6))
    page.write(make_result(1, score=0.4))
    until(browser, lambda: browser.execute_script(PIXELS, ".face canvas") != before)  # the results have come
    assert browser.execute_async_script(NUMBERS) == {"frame": 1, "scores": ["0.30"] * 3}


def test_the_last_picture_and_its_final_scores_are_shown_also_after_a_pause(browser, serve, make_result, farewell):
    farewell(60)
    page = serve()
    page.write(make_result(1, final=False, score=0.3))
    browser.get(page.url)
    until(browser, lambda: text(browser, ".score") == "0.30")
    all_of(browser, "#pause")[0].click()
    for frame in range(2, 40):
        page.write(make_result(frame, final=False, score=0.4))
    page.write(make_result(39, score=0.6))
    page.close()
    until(browser, lambda: "The run ended" in text(browser, "#notice"))
    assert state(browser) == "paused"
    assert browser.execute_async_script(NUMBERS) == {"frame": 1, "scores": ["0.30"] * 3}
    all_of(browser, "#pause")[0].click()
    until(browser, lambda: state(browser) == "ended")
    assert browser.execute_async_script(NUMBERS) == {"frame": 39, "scores": ["0.60"] * 3}
    assert not all_of(browser, "#pause")[0].is_displayed()


def test_a_run_that_ends_is_told_and_the_next_one_shown(browser, serve, make_result, farewell):
    farewell(60)
    page = serve()
    page.write(make_result(500))
    browser.get(page.url)
    wait_for_video(browser)
    page.write(make_result(501))
    page.close()
    until(browser, lambda: state(browser) == "ended")
    assert shown(browser) == 501
    assert "The run ended" in text(browser, "#notice")
    assert text(browser, ".kind") == "File · ended"
    assert not all_of(browser, "#pause")[0].is_displayed()
    assert len(all_of(browser, ".face")) == 1  # the last results stay in view
    again = serve(page.url.rstrip("/").rpartition("/")[2])
    again.write(make_result(1, faces=2))
    until(browser, lambda: shown(browser) == 1)
    until(browser, lambda: len(all_of(browser, ".face")) == 2)
    assert state(browser) == "analysing"
    assert not all_of(browser, "#notice")[0].is_displayed()


def test_a_page_that_waits_catches_a_run_of_a_single_picture(browser, serve, make_result, farewell):
    farewell(60)
    page = serve()
    page.write(make_result(500))
    browser.get(page.url)
    wait_for_video(browser)
    page.close()
    short = serve(page.url.rstrip("/").rpartition("/")[2])
    short.write(make_result(1, score=0.7))
    short.close()
    until(browser, lambda: shown(browser) == 1 and state(browser) == "ended")
    assert text(browser, ".score") == "0.70"
    assert axis(browser) == ["", "0:00"]


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
        until(browser, lambda: state(browser) == "analysing")
        assert changes(browser, ".picture canvas")
        assert not all_of(browser, "#notice")[0].is_displayed()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
