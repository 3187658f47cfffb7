// A button that does something for as long as it is held, by finger, mouse or key.

/**
 * @param {HTMLButtonElement} button
 * @param {() => void} begin
 * @param {() => void} end
 */
export function listenToHold(button, begin, end) {
  let held = false;
  const hold = () => {
    held = true;
    begin();
  };
  const letGo = () => {
    if (held) end(); // not when another button takes the keyboard from this one
    held = false;
  };
  button.onpointerdown = (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    hold();
  };
  button.onpointerup = button.onpointercancel = button.onlostpointercapture = letGo;
  button.oncontextmenu = (event) => event.preventDefault();
  button.onkeydown = (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) hold();
  };
  button.onkeyup = button.onblur = letGo;
}
