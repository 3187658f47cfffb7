// The frame of every page: what is read aloud of a bar.

import assert from "node:assert/strict";
import { test } from "node:test";

import { findPhase } from "../../pages/shared/components/frame/words.js";

test("a phase is read aloud without how far it is", () => {
  assert.equal(findPhase("Learning (epochs) · about 15 s left"), "Learning (epochs)");
  assert.equal(findPhase("Reading: 1,200 of 3,000"), "Reading");
  assert.equal(findPhase("Fetching: 3.5 of 12 MB · a few seconds left"), "Fetching");
  assert.equal(
    findPhase("Looking at each picture once: 12 of 300"),
    findPhase("Looking at each picture once: 13 of 300"),
  );
});

test("what differs in more than numbers is another phase", () => {
  assert.notEqual(findPhase("Standard: converting"), findPhase("Standard: checking that it answers the same"));
  assert.equal(findPhase("Waiting for its turn, 2 come first"), "Waiting for its turn, 2 come first");
  assert.equal(findPhase(""), "");
});
