// Single pictures out of what a camera sees.

import { findPen, makeCanvas } from "./_camera.js";
import { fitWhole } from "./_framing.js";

/** @typedef {import("./_camera.js").CameraParts} CameraParts */
/** @typedef {{side: number, whole: boolean}} Shape pixels of the shorter side at most; all of it, not the centre square alone */

export const EVERY_MS = 250; // between two pictures of a recording
export const QUALITY = 0.92;
export const PROBE = 16; // pixels of the small copy by which pictures are judged
const DARKEST = 6; // mean of red, green and blue, 0 to 255; a covered lens gives 0 to 4

/**
 * Whether a picture is black.
 * @param {ArrayLike<number>} data red, green, blue and opacity of each pixel
 */
export function isBlack(data) {
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
  return sum / ((3 * data.length) / 4) < DARKEST;
}

/** Takes pictures of a camera, and a small copy of each, by which it is judged. */
export class FrameTaker {
  probe = findPen(makeCanvas(PROBE), { willReadFrequently: true });

  /** @param {import("./_camera.js").Camera<CameraParts>} camera */
  constructor(camera) {
    this.camera = camera;
  }

  /**
   * Draws what is to be saved of the video over the whole of a canvas.
   * @param {CanvasRenderingContext2D} pen
   * @param {boolean} whole
   */
  copy(pen, whole) {
    if (whole) pen.drawImage(this.camera.at.video, 0, 0, pen.canvas.width, pen.canvas.height);
    else this.camera.crop(pen);
  }

  /**
   * The small copy of what the camera sees now: red, green, blue and opacity of PROBE times PROBE pixels.
   * @param {boolean} whole
   */
  look(whole) {
    this.copy(this.probe, whole);
    return this.probe.getImageData(0, 0, PROBE, PROBE).data;
  }

  /** @param {Shape} shape */
  take({ side, whole }) {
    const { video } = this.camera.at;
    const { width, height } = fitWhole(video.videoWidth, video.videoHeight, side);
    const picture = whole ? makeCanvas(width, height) : makeCanvas(Math.min(width, height));
    this.copy(findPen(picture), whole);
    return picture;
  }
}
