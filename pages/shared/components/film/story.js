// What a film of learning tells: which rounds it has, what was said at any moment of it, and how it is said in words.

import { formatPercent } from "../_common.js";

/**
 * The curves, by round; they begin with the first round, not with round 0. Null is what is no number.
 * @typedef {object} History
 * @property {number[]} epoch
 * @property {(number | null)[]} accuracy
 * @property {(number | null)[]} val_accuracy
 * @property {(number | null)[]} loss
 * @property {(number | null)[]} val_loss
 */
/**
 * What pages/shared/components/film/film.py sends.
 * @typedef {object} FilmData
 * @property {string} run
 * @property {boolean} live whether more rounds will come
 * @property {boolean} play whether someone has just watched the training
 * @property {string[]} classes
 * @property {string[]} short the same names, for where there is little room
 * @property {string[]} colours of the classes
 * @property {string} address what that of every thumbnail begins with
 * @property {string[]} ids of the pictures
 * @property {string[]} files their names
 * @property {number[]} labels positions of their classes
 * @property {number} total how many validation pictures there are, also those that are not shown
 * @property {number[]} rounds of which the answers are known
 * @property {number[][]} said by round, then by picture: the position of a class
 * @property {number[][]} sure in percent, or empty
 * @property {number[]} losses by round, of these pictures
 * @property {number} epochs how many rounds are planned; 0 once it is over
 * @property {History} history
 * @property {number} kept the round that the model is as after; 0 for none
 * @property {string} why in a sentence
 */
/** @typedef {{round: number, training: number | null, validation: number | null}} Point */

const WHOLE_MS = 7000;
const LONGEST_MS = 3500; // from one round to the next
const STEADY = 0.35; // share of the time that all rounds have alike; the others have more the more moves in them

/**
 * The rounds that one can go to: those whose answers are known, or else those of the curves.
 * @param {FilmData} data
 */
export function listRounds({ rounds, history }) {
  return rounds.length ? rounds : history.epoch;
}

/**
 * The place of the round that is kept among the rounds, else the last.
 * @param {FilmData} data
 */
export function findKept(data) {
  const rounds = listRounds(data);
  const place = rounds.indexOf(data.kept);
  return data.kept && place >= 0 ? place : Math.max(rounds.length - 1, 0);
}

/**
 * Which pictures change their place from one round to the next.
 * @param {FilmData} data
 * @param {number} place of the earlier round
 */
function listMoved({ said }, place) {
  const before = said[place];
  const after = said[place + 1];
  return before && after ? before.flatMap((one, picture) => (one === after[picture] ? [] : [picture])) : [];
}

/**
 * What has been said of each picture at a moment: at 2.5 half of the pictures that move after the round in place 2 have done
 * so. Null before the first round.
 * @param {FilmData} data
 * @param {number} moment
 * @returns {number[] | null}
 */
export function answersAt(data, moment) {
  const place = Math.floor(moment);
  const now = data.said[place];
  if (!now) return null;
  const moved = listMoved(data, place);
  const gone = new Set(moved.slice(0, Math.round((moment - place) * moved.length)));
  return now.map((one, picture) => (gone.has(picture) ? data.said[place + 1][picture] : one));
}

/**
 * How long each step from one round to the next takes, in milliseconds: longer where more pictures move, about seven seconds
 * in all.
 * @param {FilmData} data
 */
export function planTimes(data) {
  const steps = Math.max(listRounds(data).length - 1, 0);
  const moves = Array.from({ length: steps }, (_, place) => listMoved(data, place).length);
  const all = moves.reduce((sum, one) => sum + one, 0);
  return moves.map((one) => {
    const share = all ? STEADY / steps + ((1 - STEADY) * one) / all : 1 / steps;
    return Math.min(WHOLE_MS * share, LONGEST_MS);
  });
}

/**
 * The moment to which a film has come from another after some time.
 * @param {number[]} times of the steps, see planTimes
 * @param {number} from
 * @param {number} passed milliseconds
 */
export function momentAfter(times, from, passed) {
  let moment = from;
  let left = passed;
  while (moment < times.length) {
    const place = Math.floor(moment);
    const needed = (place + 1 - moment) * times[place];
    if (left < needed) return moment + left / times[place];
    left -= needed;
    moment = place + 1;
  }
  return times.length;
}

/**
 * @param {FilmData} data
 * @param {number[]} said
 */
export function countRight({ labels }, said) {
  return said.filter((one, picture) => one === labels[picture]).length;
}

/**
 * The numbers of the curves: "accuracy" or "loss" of both parts by round, where they are known.
 * @param {FilmData} data
 * @param {"accuracy" | "loss"} metric
 * @returns {Point[]}
 */
export function listPoints(data, metric) {
  const { history, rounds, said, losses } = data;
  const first = rounds[0];
  const points = history.epoch.map((round, place) => ({
    round,
    training: history[metric][place],
    validation: history[`val_${metric}`][place],
  }));
  if (first !== 0) return points;
  const start = metric === "loss" ? losses[0] : countRight(data, said[0]) / said[0].length;
  return [{ round: 0, training: null, validation: start }, ...points];
}

/**
 * The height of a line at a round, also between two of them; null where there is none.
 * @param {Point[]} points
 * @param {number} round
 * @param {"training" | "validation"} part
 */
export function findValue(points, round, part) {
  const place = points.findLastIndex((point) => point.round <= round);
  const [before, after] = [points[place], points[place + 1]];
  const from = before?.[part] ?? null;
  const to = after?.[part] ?? null;
  if (from === null || to === null || before.round === round) return from;
  return from + ((to - from) * (round - before.round)) / (after.round - before.round);
}

/**
 * A number of the curves in words.
 * @param {number | null} value
 * @param {"accuracy" | "loss"} metric
 */
export function formatValue(value, metric) {
  if (value === null) return "\u2013";
  return metric === "accuracy" ? formatPercent(value) : value.toFixed(2);
}

/**
 * Which round it is, and how it goes.
 * @param {FilmData} data
 * @param {number} moment
 * @returns {{round: string, right: string}}
 */
export function describeMoment(data, moment) {
  const rounds = listRounds(data);
  if (!rounds.length) {
    const coming = data.ids.length ? "Soon it will sort these pictures" : "The curves begin with the first round";
    return { round: data.live ? coming : "No round was finished", right: "" };
  }
  const round = rounds[Math.min(Math.ceil(moment), rounds.length - 1)];
  const said = answersAt(data, moment);
  const right = said
    ? `${countRight(data, said)} of ${said.length} right`
    : `${formatValue(findValue(listPoints(data, "accuracy"), round, "validation"), "accuracy")} right`;
  const name = round ? `Round ${round}` : "Round 0, before it has learned anything";
  return { round: round === data.kept && round ? `${name}, which is kept` : name, right };
}

/**
 * What is said of a picture at a moment.
 * @param {FilmData} data
 * @param {number} moment
 * @param {number} picture
 */
export function describePicture(data, moment, picture) {
  const { classes, labels, files, sure } = data;
  const name = classes[labels[picture]];
  const said = answersAt(data, moment)?.[picture];
  if (said === undefined) return `${files[picture]}: ${name}`;
  const percent = sure[Math.floor(moment)]?.[picture];
  const how = percent === undefined || moment % 1 ? "" : ` (${percent} % sure)`;
  const right = said === labels[picture];
  return `${files[picture]}: it says ${classes[said]}${how}. ${right ? "That is right." : `It is ${name}.`}`;
}

/**
 * How many pictures of each class were called what: by what they are, then by what was said.
 * @param {FilmData} data
 * @param {number[]} said
 */
export function countConfusions({ classes, labels }, said) {
  const counts = classes.map(() => classes.map(() => 0));
  said.forEach((one, picture) => (counts[labels[picture]][one] += 1));
  return counts;
}
