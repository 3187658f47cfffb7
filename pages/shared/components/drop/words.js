// What is said while files are on their way.

/** @typedef {{arrived: number, total: number, waiting: number, missed: number, sending: boolean, searching: boolean}} Progress */

/** @param {number} number */
export function countFiles(number) {
  return `${number.toLocaleString("en")} file${number === 1 ? "" : "s"}`;
}

/**
 * How far it has come.
 * @param {Progress} progress `waiting`: files that would be sent if it went on
 */
export function describeProgress({ arrived, total, waiting, missed, sending, searching }) {
  if (searching) return `Looking into the folders: ${countFiles(total)} so far`;
  if (sending) return `${(arrived + missed).toLocaleString("en")} of ${countFiles(total)}`;
  if (waiting) return `Stopped: ${arrived.toLocaleString("en")} of ${countFiles(total)} are here`;
  if (!arrived) return missed ? "None of the files is here" : "";
  return `${countFiles(arrived)} ${arrived === 1 ? "is" : "are"} here`;
}

/**
 * The same for those who hear it: while it goes on only at each tenth, so that nobody is talked at.
 * @param {Progress} progress
 */
export function describeAloud(progress) {
  const { arrived, total, missed, sending, searching } = progress;
  if (searching) return "Looking into the folders";
  if (!sending) return describeProgress(progress);
  const tenths = Math.floor((10 * (arrived + missed)) / Math.max(total, 1));
  return `${tenths * 10} % of ${countFiles(total)} sent`;
}

/** @param {number} missed */
export function describeMissed(missed) {
  return `${countFiles(missed)} could not be sent`;
}
