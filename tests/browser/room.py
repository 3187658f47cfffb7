"""A camera that sees one still room, in which somebody holds a cup, a pen, or is not there."""

from __future__ import annotations

from playwright.sync_api import Page

SCENES = ("cup", "pen", "nobody")

_CAMERA = """
window.scene = "nobody";
const size = [640, 480];
const canvas = Object.assign(document.createElement("canvas"), { width: size[0], height: size[1] });
const pen = canvas.getContext("2d");
let turn = 0;
function paint() {
  turn += 1;
  const sway = 14 * Math.sin(turn / 9), lift = 10 * Math.cos(turn / 13);
  pen.fillStyle = "#cfc7b4"; pen.fillRect(0, 0, 640, 480);
  pen.fillStyle = "#8d7f63"; pen.fillRect(0, 360, 640, 120);
  pen.fillStyle = "#5b7d94"; pen.fillRect(430, 60, 140, 180);
  if (window.scene !== "nobody") {
    pen.fillStyle = "#3c4f7a"; pen.beginPath(); pen.ellipse(320 + sway / 3, 420, 130, 150, 0, 0, 7); pen.fill();
    pen.fillStyle = "#d9a679"; pen.beginPath(); pen.ellipse(320 + sway / 3, 210, 62, 78, 0, 0, 7); pen.fill();
  }
  if (window.scene === "cup") {
    pen.fillStyle = "#c8432f"; pen.fillRect(230 + sway, 300 + lift, 90, 100);
    pen.lineWidth = 14; pen.strokeStyle = "#c8432f";
    pen.beginPath(); pen.arc(320 + sway, 350 + lift, 26, -1.4, 1.4); pen.stroke();
  }
  if (window.scene === "pen") {
    pen.save(); pen.translate(280 + sway, 350 + lift); pen.rotate(0.6 + sway / 60);
    pen.fillStyle = "#1d7a3a"; pen.fillRect(-8, -80, 16, 150);
    pen.fillStyle = "#222"; pen.beginPath(); pen.moveTo(-8, 70); pen.lineTo(8, 70); pen.lineTo(0, 100); pen.fill();
    pen.restore();
  }
  for (let i = 0; i < 400; i += 1) { // the noise of a sensor
    pen.fillStyle = `rgb(0 0 0 / ${0.06 * Math.random()})`;
    pen.fillRect(640 * Math.random(), 480 * Math.random(), 3, 3);
  }
}
setInterval(paint, 50);
paint();
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
"""
_COUNT_CLICKS = """
window.clicks = Number(sessionStorage.getItem("clicks") ?? 0);
addEventListener("pointerdown", () => sessionStorage.setItem("clicks", ++window.clicks), true);
"""


def furnish(page: Page) -> None:
    """Puts the camera into a page that is loaded next, and counts what is pressed there."""
    page.add_init_script(_CAMERA)
    page.add_init_script(_COUNT_CLICKS)


def show(page: Page, scene: str) -> None:
    """What the camera sees from now on."""
    page.evaluate("scene => { window.scene = scene }", scene)


def clicks(page: Page) -> int:
    """How often something was pressed since the page was opened first."""
    return int(page.evaluate("window.clicks"))
