"""The live view of the Test page: the camera's pictures reach the model, answers come back, and bars move."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import Run
from tests.browser.conftest import PATIENCE
from tests.pictures import COLOURS, encoded, shaded

pytestmark = pytest.mark.browser
ENOUGH = 20
LOOK = "Live: watch the answer move"
LENGTHS = "bars => bars.map((bar) => parseFloat(bar.style.transform.slice('scaleX('.length)))"
WATCH = """
window.streams = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await ask(wanted);
  window.streams.push(stream);
  return stream;
};
window.before = (address) => { // a camera before a sheet with this picture
  const sheet = document.createElement("canvas");
  const picture = new Image();
  Object.assign(sheet, { width: 640, height: 480 });
  const paint = () => {
    if (picture.complete) sheet.getContext("2d").drawImage(picture, 0, 0, 640, 480);
  };
  window.turn = (other) => { picture.src = other; };
  turn(address);
  setInterval(paint, 30);
  paint();
  navigator.mediaDevices.getUserMedia = async () => {
    const stream = sheet.captureStream(30);
    window.streams.push(stream);
    return stream;
  };
};
window.live = { now: 0, most: 0, answers: [] };
const send = window.fetch.bind(window);
window.fetch = async (url, ...rest) => {
  if (!String(url).includes("/live/")) return send(url, ...rest);
  live.most = Math.max(live.most, ++live.now);
  try {
    const answer = await send(url, ...rest);
    if (answer.ok) live.answers.push(await answer.clone().json());
    return answer;
  } finally {
    live.now -= 1;
  }
};
"""
UNDECIDED = "navigator.permissions.query = async () => ({ state: 'prompt' })"
REFUSE = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError') }"


@pytest.fixture
def live(page: Page, home: Path, data_home: Path, trained: Run, colours: Path) -> Page:
    """The Test page of the trained colours, which this person has opened and trained before."""
    shutil.copy(data_home / ".key", home / ".key")
    (home / "recent.json").write_text(json.dumps([str(colours)]))
    page.context.add_init_script(WATCH)
    page.goto(f"{page.url.rstrip('/')}/Test?project={colours}&run={trained.id}")
    expect(page.get_by_text(LOOK)).to_be_visible(timeout=PATIENCE)
    return page


@pytest.mark.slow
def test_answers_come_and_bars_move(live: Page, asked: list[str]) -> None:
    red, blue = (
        f"data:image/png;base64,{b64encode(encoded(shaded(COLOURS[name], 99))).decode()}" for name in ("red", "blue")
    )
    live.get_by_role("button", name="Switch off").click()
    live.evaluate("picture => before(picture)", red)
    live.get_by_role("button", name="Switch the camera on").click()
    expect(live.locator(".label")).to_have_text("red", timeout=PATIENCE)
    expect(live.locator(".rate")).to_contain_text("answers a second", timeout=PATIENCE)
    before = live.locator(".fill").evaluate_all(LENGTHS)
    assert before[2] > max(before[:2])
    box = live.locator(".panel").bounding_box()
    live.evaluate("picture => turn(picture)", blue)
    expect(live.locator(".label")).not_to_have_text("red", timeout=PATIENCE)
    after = live.locator(".fill").evaluate_all(LENGTHS)
    assert after[2] < max(after[:2])
    live.wait_for_function(f"live.answers.length >= {ENOUGH}")
    sums = live.evaluate("live.answers.map(({ probabilities }) => probabilities.reduce((sum, one) => sum + one, 0))")
    assert sums == pytest.approx([1.0] * len(sums), abs=0.01)
    assert live.evaluate("live.most") == 1, "a picture waited for another"
    assert live.locator(".panel").bounding_box() == box, "something moved"
    assert live.locator(".name").all_text_contents() == ["blue", "green", "red"]
    assert live.locator("#seen").evaluate("canvas => canvas.width") == 224
    live.get_by_text("Take one picture, and ask why").click()
    live.wait_for_function("streams.every((one) => one.getTracks().every((track) => track.readyState === 'ended'))")
    assert live.evaluate("streams.length") >= 1
    assert asked == []


@pytest.mark.slow
def test_it_begins_by_itself_where_the_camera_is_allowed_and_asks_nobody_else(live: Page, asked: list[str]) -> None:
    live.get_by_role("button", name="Switch off").click()
    live.wait_for_function("streams.every((one) => one.getTracks().every((track) => track.readyState === 'ended'))")
    with live.expect_response(lambda response: "/live/" in response.url):
        live.get_by_role("button", name="Switch the camera on").click()
    live.add_init_script(UNDECIDED)
    live.reload()
    expect(live.get_by_role("button", name="Switch the camera on")).to_be_visible()
    assert live.evaluate("streams.length") == 0
    live.evaluate(f"() => {{ {REFUSE} }}")
    live.get_by_role("button", name="Switch the camera on").click()
    expect(live.get_by_text("The browser does not let this page use the camera")).to_be_visible(timeout=PATIENCE)
    assert asked == []
