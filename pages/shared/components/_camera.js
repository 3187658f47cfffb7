// A camera in a page: switched on and off, chosen, its troubles told in words, its centre square cropped. A component's own
// class extends Camera. It needs elements with the ids video, on, trouble and camera; draw() is called after every change,
// begun() when a camera runs, ended() when it stops.

import { make } from "./_common.js";

/** @typedef {{video: HTMLVideoElement, on: HTMLButtonElement, trouble: HTMLElement, camera: HTMLSelectElement}} CameraParts */

const REMEMBERED = "webcam burst: camera"; // in localStorage

const BUSY = "Another program is using the camera. Close it (a video call, perhaps), then switch the camera on again.";
const MISSING = "No camera was found. Plug one in, then switch it on again.";
const REFUSED =
  "The browser does not let this page use the camera. " +
  "Click the camera or lock sign beside the address, choose Allow, then switch it on again.";
const TROUBLES = new Map([
  ["NotFoundError", MISSING],
  ["NotAllowedError", REFUSED],
  ["SecurityError", REFUSED],
  ["NotReadableError", BUSY],
  ["AbortError", BUSY],
]);
const UNKNOWN = "The camera could not be started. Plug it in anew or restart the browser, then switch it on again.";
const NOT_SECURE =
  "Browsers allow the camera only on this computer itself or over https. " +
  "Open this page on the computer it runs on, with an address that begins with http://localhost.";
const ASKING = "Waiting for the camera. If the browser asks, allow it.";

/**
 * What to do about an error of the browser.
 * @param {string} name of the error
 */
export function describeTrouble(name) {
  return TROUBLES.get(name) ?? UNKNOWN;
}

/**
 * The largest square in the middle of a picture.
 * @param {number} width
 * @param {number} height
 */
export function cropSquare(width, height) {
  const side = Math.min(width, height);
  return { left: (width - side) / 2, top: (height - side) / 2, side };
}

/**
 * Shows a sentence, or hides its element where there is none. The same one again is not said twice by a screen reader.
 * @param {HTMLElement} element
 * @param {string} sentence
 */
export function say(element, sentence) {
  if (element.textContent !== sentence) element.textContent = sentence;
  element.hidden = !sentence;
}

/**
 * @param {number} width in pixels
 * @param {number} [height] the same, unless given
 */
export function makeCanvas(width, height = width) {
  const element = make("canvas");
  Object.assign(element, { width, height });
  return element;
}

/**
 * What a canvas is drawn with.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function findPen(canvas, settings) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", settings));
}

/**
 * @param {string} value
 * @param {string} label
 */
export function makeOption(value, label) {
  const element = make("option", "", label);
  element.value = value;
  return element;
}

/** Whether a camera can be switched on without a question; some browsers do not say. */
export async function mayUseCamera() {
  try {
    const name = /** @type {PermissionName} */ ("camera");
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false;
  }
}

/** @template {CameraParts} Parts elements by their ids */
export class Camera {
  /** @type {MediaStream | null} */
  stream = null;
  attempts = 0; // a camera that comes after a newer attempt, or after the end, is switched off at once
  unplugged = "The camera stopped. Is it still plugged in?";

  /** @param {ParentNode} root */
  constructor(root) {
    const parts = Object.fromEntries([...root.querySelectorAll("[id]")].map((element) => [element.id, element]));
    this.at = /** @type {Parts} */ (/** @type {unknown} */ (parts));
    this.at.on.onclick = () => this.switchOn();
    this.at.video.onloadeddata = () => this.draw();
    this.at.camera.onchange = () => {
      try {
        localStorage.setItem(REMEMBERED, this.at.camera.value);
      } catch {
        // storage may be forbidden
      }
      this.switchOn(this.at.camera.value);
    };
  }

  begun() {}
  ended() {}
  draw() {}

  close() {
    this.switchOff();
  }

  /**
   * @param {string | null} [wanted] id of a camera
   * @returns {Promise<void>}
   */
  async switchOn(wanted) {
    this.switchOff();
    const attempt = ++this.attempts;
    if (!navigator.mediaDevices?.getUserMedia) {
      this.switchOff(NOT_SECURE);
      return;
    }
    say(this.at.trouble, ASKING);
    this.at.on.disabled = true;
    try {
      wanted ??= localStorage.getItem(REMEMBERED);
    } catch {
      // storage may be forbidden
    }
    const which = wanted ? { deviceId: { exact: wanted } } : { facingMode: "environment" };
    let stream;
    try {
      const video = { ...which, width: { ideal: 1280 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
    } catch (error) {
      if (attempt !== this.attempts) return;
      const { name } = /** @type {Error} */ (error);
      if (wanted && name === "OverconstrainedError") {
        await this.switchOn("");
      } // unplugged: any other will do
      else this.switchOff(describeTrouble(name));
      return;
    }
    if (attempt !== this.attempts) {
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.stream = stream;
    this.at.video.srcObject = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.switchOff(this.unplugged);
    this.begun();
    this.draw();
    await this.listCameras(track.getSettings().deviceId);
  }

  /** @param {string} [used] id of the camera that is on */
  async listCameras(used) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const cameras = devices.filter(({ kind }) => kind === "videoinput");
    const options = cameras.map(({ deviceId, label }, index) => makeOption(deviceId, label || `Camera ${index + 1}`));
    this.at.camera.replaceChildren(...options);
    this.at.camera.value = /** @type {string} */ (used);
    this.at.camera.hidden = cameras.length < 2;
  }

  switchOff(trouble = "") {
    this.attempts += 1;
    this.ended();
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.at.video.srcObject = null;
    this.at.on.disabled = false;
    say(this.at.trouble, trouble);
    this.draw();
  }

  get live() {
    return Boolean(this.stream && this.at.video.videoWidth);
  }

  /**
   * Draws the centre square of the video over the whole of a canvas.
   * @param {CanvasRenderingContext2D} pen
   */
  crop(pen) {
    const { video } = this.at;
    const { left, top, side } = cropSquare(video.videoWidth, video.videoHeight);
    pen.drawImage(video, left, top, side, side, 0, 0, pen.canvas.width, pen.canvas.height);
  }
}
