// What was dropped or chosen: files with their paths, those in folders too, found without opening any of them.

/**
 * A file that is to be sent: its path from what was dropped, with slashes, and whether that was begun once.
 * @typedef {{path: string, open: () => Promise<File>, tried?: boolean}} Item
 */
/** @typedef {{path: string, reason: string}} Missed what could not be sent, and why */
/** @typedef {{items: Item[], missed: Missed[]}} Found */

const NO_FOLDER = "this folder cannot be read";

/**
 * The files of an input element; of one for folders with their paths in it.
 * @param {Iterable<File>} files
 * @returns {Item[]}
 */
export function listChosen(files) {
  return [...files].map((file) => ({
    path: file.webkitRelativePath || file.name,
    open: () => Promise.resolve(file),
  }));
}

/**
 * What a drop holds. It must be asked at once: when the event is over, the browser forgets it.
 * @param {Iterable<DataTransferItem>} dropped
 * @returns {FileSystemEntry[]}
 */
export function listDropped(dropped) {
  return [...dropped].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
}

/**
 * Makes an element take what is dropped on it; it has the class "over" while something is dragged there.
 * @param {HTMLElement} area
 * @param {(entries: FileSystemEntry[]) => void} take
 */
export function listenToDrops(area, take) {
  let depth = 0; // elements of the area that it is dragged over
  /** @param {number} step */
  const drag = (step) => {
    depth += step;
    area.classList.toggle("over", depth > 0);
  };
  area.ondragenter = () => drag(1);
  area.ondragleave = () => drag(-1);
  area.ondragover = (event) => event.preventDefault();
  area.ondrop = (event) => {
    event.preventDefault();
    event.stopPropagation();
    drag(-depth);
    take(listDropped(event.dataTransfer?.items ?? []));
  };
}

/**
 * All files in what was dropped, folder by folder.
 * @param {FileSystemEntry[]} entries
 * @param {(count: number) => void} [tell] called with how many were found so far; may throw to end it
 * @returns {Promise<Found>}
 */
export async function listFiles(entries, tell = () => {}) {
  /** @type {Found} */
  const found = { items: [], missed: [] };
  const waiting = [...entries].reverse();
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    const path = entry.fullPath.replace(/^\//, "");
    if (entry.isFile) {
      found.items.push({ path, open: () => openEntry(/** @type {FileSystemFileEntry} */ (entry)) });
      continue;
    }
    try {
      const inside = await readFolder(/** @type {FileSystemDirectoryEntry} */ (entry));
      waiting.push(...inside.reverse());
    } catch {
      found.missed.push({ path, reason: NO_FOLDER });
    }
    tell(found.items.length);
  }
  return found;
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function openEntry(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/**
 * A browser gives at most a hundred at a time, and none when all were given.
 * @param {FileSystemDirectoryEntry} folder
 */
async function readFolder(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const all = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    for (const one of some) all.push(one);
  }
}
