// @ts-check
/** What changed from one slate to the next. */

/**
 * @typedef {{item_id: string, position: number, source: string, labels: string[]}} Place
 * @typedef {{kind: "new" | "up" | "down" | "same", by: number}} Mark
 * @typedef {{name: string, by: number}} Shift
 * @typedef {{marks: Map<string, Mark>, gone: string[], labels: Shift[], sources: Shift[]}} Changes
 */

/**
 * @param {Place[]} before
 * @param {Place[]} after
 * @returns {Changes}
 */
export function compare(before, after) {
  const was = new Map(before.map((place) => [place.item_id, place.position]));
  const stays = new Set(after.map((place) => place.item_id));
  return {
    marks: new Map(after.map((place) => [place.item_id, mark(was.get(place.item_id), place.position)])),
    gone: before.map((place) => place.item_id).filter((item) => !stays.has(item)),
    labels: shifts(before.flatMap((p) => p.labels), after.flatMap((p) => p.labels)),
    sources: shifts(before.map((p) => p.source), after.map((p) => p.source)),
  };
}

/**
 * @param {number | undefined} from
 * @param {number} to
 * @returns {Mark}
 */
function mark(from, to) {
  if (from === undefined) return { kind: "new", by: 0 };
  if (from === to) return { kind: "same", by: 0 };
  return from > to ? { kind: "up", by: from - to } : { kind: "down", by: to - from };
}

/**
 * How often each name stands more (or less) than before, the largest change first.
 * @param {string[]} before
 * @param {string[]} after
 * @returns {Shift[]}
 */
function shifts(before, after) {
  /** @type {Map<string, number>} */
  const by = new Map();
  for (const name of after) by.set(name, (by.get(name) ?? 0) + 1);
  for (const name of before) by.set(name, (by.get(name) ?? 0) - 1);
  return [...by]
    .map(([name, change]) => ({ name, by: change }))
    .filter((shift) => shift.by !== 0)
    .sort((a, b) => Math.abs(b.by) - Math.abs(a.by) || a.name.localeCompare(b.name));
}

/**
 * A mark for the eye and in words.
 * @param {Mark} given
 * @returns {{sign: string, text: string} | null}
 */
export function told({ kind, by }) {
  if (kind === "new") return { sign: "new", text: "new in this slate" };
  if (kind === "up") return { sign: `↑ ${by}`, text: `moved up by ${by}` };
  if (kind === "down") return { sign: `↓ ${by}`, text: `moved down by ${by}` };
  return null;
}
