// What is said of a bar: the phase, without how far it is.

/**
 * What a bar is about, of the words above it: without the time that is left and without numbers that count on.
 * @param {string} words such as "Reading: 12 of 300 · about 15 s left"
 */
export function findPhase(words) {
  return words
    .split(" · ")[0]
    .replace(/:?\s*[\d.,]+ of [\d.,]+( MB)?/u, "")
    .trim();
}
