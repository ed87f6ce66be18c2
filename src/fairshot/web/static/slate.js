// @ts-check
/** The slate on the page: its cards, the legend of their bars, and what changed. */

import { card } from "./card.js";
import { compare } from "./changes.js";
import { byId, el, number, plural, put } from "./dom.js";
import { problems } from "./funnel.js";
import { capital, words } from "./words.js";

/** @typedef {import("./api.js").Feed} Feed */
/** @typedef {import("./api.js").Explanation} Explanation */
/** @typedef {import("./api.js").Entry} Entry */
/** @typedef {import("./card.js").View} View */
/** @typedef {import("./card.js").Actions} Actions */
/** @typedef {import("./changes.js").Place} Place */
/** @typedef {import("./changes.js").Changes} Changes */
/** @typedef {import("./changes.js").Shift} Shift */
/**
 * @typedef {{feed: Feed, told: Explanation | null, items: Map<string, Entry>, creators: Map<string, Entry>}} Material
 */

/**
 * Everything the cards need, in the order of positions.
 * @param {Material} material
 * @param {Changes | null} changes
 * @returns {View[]}
 */
export function views({ feed, told, items, creators }, changes) {
  const reasons = new Map(told?.slate.map((reason) => [reason.item_id, reason]));
  const sums = [...reasons.values()].map((r) => Object.values(r.value).reduce((sum, part) => sum + Math.abs(part), 0));
  const scale = Math.max(...sums, 1e-9);
  const terms = termsOf(told);
  return feed.slate.map((position) => {
    const item = items.get(position.item_id);
    const creator = position.creator_id === null ? "" : (creators.get(position.creator_id)?.name ?? position.creator_id);
    return {
      position,
      reason: reasons.get(position.item_id),
      title: item?.title || position.item_id,
      creator,
      labels: item?.labels ?? [],
      text: item?.text ?? "",
      mark: changes?.marks.get(position.item_id),
      scale,
      terms,
    };
  });
}

/**
 * @param {Material} material
 * @returns {Place[]}
 */
export function places({ feed, items }) {
  return feed.slate.map(({ item_id, position, source }) => ({ item_id, position, source, labels: items.get(item_id)?.labels ?? [] }));
}

/** The value terms that say something here, in the order of their colours.
 * @param {Explanation | null} told
 */
function termsOf(told) {
  const all = told?.slate ?? [];
  return Object.keys(all[0]?.value ?? {}).filter((term) => all.some(({ value }) => value[term]));
}

/**
 * Put the slate on the page.
 * @param {Material} material
 * @param {Place[] | null} before the slate before, null where there is nothing to compare with
 * @param {(view: View) => Actions} actions
 * @param {(item: string) => string} why why an item is gone
 * @returns {string} what changed, in words
 */
export function showSlate(material, before, actions, why) {
  const { feed, told } = material;
  const changes = before && compare(before, places(material));
  put(byId("positions", HTMLOListElement), ...views(material, changes).map((view) => el("li", {}, card(view, actions(view)))));
  showLegend(told);
  showDegraded(feed, told);
  showGone(changes?.gone ?? [], material.items, why);
  const text = changes ? counts(changes) : beginning(material);
  put(byId("about", HTMLParagraphElement), text, ...(changes ? moreAndLess(changes) : []));
  return text;
}

/** @param {Material} material */
function beginning({ feed, told }) {
  if (feed.slate.length === 0) return "There is nothing to show: everything is hidden, seen or removed.";
  const of = told ? ` chosen from ${plural(told.candidates, "candidate")}` : "";
  const how = told?.mode === "nonprofiling" ? ", without profiling" : "";
  return `${plural(feed.slate.length, "item")}${of}${how}.`;
}

/** @param {Changes} changes */
function counts({ marks, gone }) {
  const kinds = [...marks.values()].map((mark) => mark.kind);
  const fresh = kinds.filter((kind) => kind === "new").length;
  const moved = kinds.filter((kind) => kind === "up" || kind === "down").length;
  if (fresh + moved + gone.length === 0) return "Nothing changed against the slate before.";
  return `Against the slate before: ${number(fresh)} new, ${number(moved)} moved, ${number(gone.length)} gone.`;
}

/** @param {Changes} changes */
function moreAndLess({ labels, sources }) {
  const named = sources.map(({ name, by }) => ({ name: words("sources", name).toLowerCase(), by }));
  return [...shifts(labels, 4), ...shifts(named, 3)];
}

/**
 * @param {Shift[]} all
 * @param {number} most
 */
function shifts(all, most) {
  return all.slice(0, most).map(({ name, by }) =>
    el("span", { class: `shift ${by > 0 ? "more" : "less"}` }, `${name} ${by > 0 ? "+" : "−"}${number(Math.abs(by))}`),
  );
}

/** @param {Explanation | null} told */
function showLegend(told) {
  const legend = byId("legend", HTMLUListElement);
  const terms = termsOf(told).map((term, at) => entry(`term-${at % 6}`, false, capital(words("value", term))));
  const against = told?.slate.some(({ value }) => Object.values(value).some((part) => part < 0)) ?? false;
  legend.hidden = terms.length === 0;
  put(legend, ...terms, against && entry("term-5", true, "Hatched: speaks against it"));
}

/**
 * @param {string} color
 * @param {boolean} against
 * @param {string} text
 */
function entry(color, against, text) {
  return el("li", {}, el("span", { class: `chip ${color}`, "data-against": against, "aria-hidden": "true" }), text);
}

/**
 * @param {Feed} feed
 * @param {Explanation | null} told
 */
function showDegraded(feed, told) {
  const box = byId("degraded", HTMLDivElement);
  box.hidden = !feed.degraded;
  if (!feed.degraded) return put(box);
  put(box, el("strong", {}, "Degraded: something that should have helped with this slate was not there."), told && problems(told.problems));
}

/**
 * @param {string[]} gone
 * @param {Map<string, Entry>} items
 * @param {(item: string) => string} why
 */
function showGone(gone, items, why) {
  const box = byId("gone", HTMLDetailsElement);
  box.hidden = gone.length === 0;
  const [summary, list] = box.children;
  if (!summary || !list) return;
  put(summary, `Gone from the slate before (${number(gone.length)})`);
  put(list, ...gone.map((item) => el("li", {}, items.get(item)?.title ?? item, el("small", {}, ` ${why(item)}`))));
}
