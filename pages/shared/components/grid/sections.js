// The heading over a section of the grid, with what can be done with its pictures.

import { make } from "../_common.js";
import { findTarget, listMeant } from "./items.js";
import { makeButton, makeChips, nameGroup } from "./parts.js";

/**
 * @param {import("./grid.js").Grid} grid
 * @param {number} number of the section
 */
export function makeHeading(grid, number) {
  const section = grid.data.sections[number];
  const inside = grid.shown.filter((item) => item.section === number);
  const ids = inside.map((item) => item.id);
  const findMeant = () => {
    const now = grid.shown.filter((item) => item.section === number);
    const open = now.filter((item) => findTarget(item, grid.outbox.pending) === null);
    const openIds = open.map((item) => item.id);
    return listMeant(section, ids, openIds, grid.selection.selected);
  };
  const words = make("div", "words");
  words.append(make("h2", "", section.title));
  if (section.note) words.append(make("span", "note", section.note));
  const actions = nameGroup(make("div", "actions"), section.label ? `${section.title}: put into` : section.title);
  if (section.label) {
    const ask = () => {
      grid.select(findMeant());
      grid.tools.ask();
    };
    actions.append(...makeChips(grid.data.classes, (name) => grid.move(findMeant(), name)));
    actions.append(makeButton("chip", "+ new class", ask));
  }
  const title = section.whole ? "" : "For those selected here, or for all of them";
  for (const action of section.actions) {
    const press = () => {
      const paths = findMeant();
      const go = () => grid.act({ kind: "act", section: section.id, action: action.id, paths });
      if (section.removing.includes(action.id)) grid.tools.makeSure(paths.length, action.label, go);
      else go();
    };
    actions.append(makeButton("tool", action.label, press, title));
  }
  actions.append(makeButton("tool quiet", "Select", () => grid.select(ids)));
  const node = make("div", "section");
  node.append(words, actions);
  return node;
}
