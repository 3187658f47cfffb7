/* A camera in a page: switched on and off, chosen, its troubles told in words, its centre square cropped. To be put before
   the script of a component, whose class extends Camera. It needs elements with the ids video, on, trouble and camera,
   and calls draw() after every change, begun() when a camera runs, ended() when it stops. */

const CAMERA = "webcam burst: camera"; // in localStorage

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

function say(element, sentence) {
  if (element.textContent !== sentence) element.textContent = sentence;
  element.hidden = !sentence;
}

function canvas(side) {
  const element = document.createElement("canvas");
  element.width = element.height = side;
  return element;
}

function option(value, label) {
  const element = document.createElement("option");
  element.value = value;
  element.textContent = label;
  return element;
}

class Camera {
  stream = null;
  attempts = 0; // a camera that comes after a newer attempt, or after the end, is switched off at once
  unplugged = "The camera stopped. Is it still plugged in?";

  constructor(root) {
    this.at = Object.fromEntries([...root.querySelectorAll("[id]")].map((element) => [element.id, element]));
    this.at.on.onclick = () => this.switchOn();
    this.at.video.onloadeddata = () => this.draw();
    this.at.camera.onchange = () => {
      try {
        localStorage.setItem(CAMERA, this.at.camera.value);
      } catch {} // storage may be forbidden
      this.switchOn(this.at.camera.value);
    };
  }

  begun() {}
  ended() {}

  async switchOn(wanted) {
    this.switchOff();
    const attempt = ++this.attempts;
    if (!navigator.mediaDevices?.getUserMedia) return this.switchOff(NOT_SECURE);
    say(this.at.trouble, ASKING);
    this.at.on.disabled = true;
    try {
      wanted ??= localStorage.getItem(CAMERA);
    } catch {}
    const which = wanted ? { deviceId: { exact: wanted } } : { facingMode: "environment" };
    let stream;
    try {
      const video = { ...which, width: { ideal: 1280 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
    } catch (error) {
      if (attempt !== this.attempts) return undefined;
      if (wanted && error.name === "OverconstrainedError") return this.switchOn(""); // unplugged: any other will do
      return this.switchOff(TROUBLES.get(error.name) ?? UNKNOWN);
    }
    if (attempt !== this.attempts) return stream.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    this.at.video.srcObject = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.switchOff(this.unplugged);
    this.begun();
    this.draw();
    return this.listCameras(track.getSettings().deviceId);
  }

  async listCameras(used) {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const cameras = devices.filter(({ kind }) => kind === "videoinput");
    const options = cameras.map(({ deviceId, label }, index) => option(deviceId, label || `Camera ${index + 1}`));
    this.at.camera.replaceChildren(...options);
    this.at.camera.value = used;
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

  /** The centre square of the video, drawn over the whole of a canvas. */
  crop(context) {
    const { video } = this.at;
    const side = Math.min(video.videoWidth, video.videoHeight);
    const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
    context.drawImage(video, left, top, side, side, 0, 0, context.canvas.width, context.canvas.height);
  }
}
