// What a model sees of a picture, as core/config/framing.py says it: first the region, then the fit.

/** @typedef {{fit: string, region: number[]}} Framing `region`: left, top, right, bottom as shares of the picture */

const BORDER = "rgb(124 116 104)";

/**
 * What is taken out of a picture of so many pixels, and where that lies in a square with this side.
 * @param {number} width
 * @param {number} height
 * @param {number} side
 * @param {Framing} framing
 */
export function placeFrame(width, height, side, { fit, region: [left, top, right, bottom] }) {
  const [from, above] = [left * width, top * height];
  const [across, down] = [(right - left) * width, (bottom - top) * height];
  const shorter = Math.min(across, down);
  const box =
    fit === "crop"
      ? [from + (across - shorter) / 2, above + (down - shorter) / 2, shorter, shorter]
      : [from, above, across, down];
  const longer = Math.max(across, down);
  const size = fit === "letterbox" ? [across, down].map((length) => (length / longer) * side) : [side, side];
  const [wide, high] = size;
  return { box, target: [(side - wide) / 2, (side - high) / 2, wide, high] };
}

/**
 * The size of a whole picture whose shorter side has at most so many pixels.
 * @param {number} width
 * @param {number} height
 * @param {number} shorter
 */
export function fitWhole(width, height, shorter) {
  const scale = Math.min(1, shorter / Math.min(width, height));
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/**
 * Draws what a model sees of a picture over the whole of a square canvas.
 * @param {CanvasRenderingContext2D} pen
 * @param {HTMLCanvasElement} picture
 * @param {Framing} framing
 */
export function drawFramed(pen, picture, framing) {
  const side = pen.canvas.width;
  const { box, target } = placeFrame(picture.width, picture.height, side, framing);
  const [left, top, across, down] = box;
  const [x, y, wide, high] = target;
  pen.fillStyle = BORDER;
  pen.fillRect(0, 0, side, side);
  pen.drawImage(picture, left, top, across, down, x, y, wide, high);
}
