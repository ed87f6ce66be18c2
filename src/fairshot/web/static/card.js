// @ts-check
/** One position of a slate as a card: what it is, why it is here, and what one can say to it. */

import { button, el, fine } from "./dom.js";
import { told } from "./changes.js";
import { REACTIONS, capital, percent, sentence, words } from "./words.js";

/** @typedef {import("./api.js").Position} Position */
/** @typedef {import("./api.js").Reason} Reason */
/** @typedef {import("./api.js").Entry} Entry */
/** @typedef {import("./changes.js").Mark} Mark */
/**
 * @typedef {{position: Position, reason: Reason | undefined, title: string, creator: string, labels: string[],
 *   text: string, mark: Mark | undefined, scale: number, terms: string[]}} View
 *   scale: the longest bar of this slate; terms: the value terms in the order of their colours
 * @typedef {{react: (kind: string) => void, follow: () => void, hideCreator: () => void}} Actions
 */

/**
 * @param {View} view
 * @param {Actions} actions
 * @returns {HTMLElement}
 */
export function card(view, actions) {
  const { position, reason, title } = view;
  const name = `title-${position.position}`;
  return el(
    "article",
    { class: "card", tabindex: -1, "data-item": position.item_id, "aria-labelledby": name },
    el("p", { class: "place" }, el("span", { class: "hidden" }, "Position "), position.position, view.mark && changed(view.mark)),
    el(
      "div",
      { class: "what" },
      el("h3", { id: name }, title),
      el(
        "p",
        { class: "by" },
        position.creator_id !== null && el("span", {}, "by ", el("b", {}, view.creator)),
        ...view.labels.map((label) => el("span", { class: "label" }, label)),
      ),
      reason ? details(reason, view) : el("p", { class: "why" }, sources(view)),
    ),
    reason && value(reason, view),
    el(
      "div",
      { class: "react", role: "group", "aria-label": `React to ${title}` },
      ...REACTIONS.map(({ kind, text, key }) => button(text, () => actions.react(kind), { "data-kind": kind, "aria-keyshortcuts": key })),
      position.creator_id !== null && creatorButtons(view.creator, actions),
    ),
  );
}

/** @param {Mark} mark */
function changed(mark) {
  const words = told(mark);
  if (words === null) return null;
  return el("span", { class: `mark ${mark.kind}` }, el("span", { "aria-hidden": "true" }, words.sign), el("span", { class: "hidden" }, ` ${words.text}`));
}

/**
 * @param {string} creator
 * @param {Actions} actions
 */
function creatorButtons(creator, actions) {
  return el(
    "span",
    { class: "to-creator" },
    button("Follow", actions.follow, { class: "quiet", "data-kind": "follow", "aria-label": `Follow ${creator}` }),
    button("Hide this creator", actions.hideCreator, { class: "quiet", "data-kind": "hide-creator", "aria-label": `Hide this creator: ${creator}`, "aria-keyshortcuts": "c" }),
  );
}

/** @param {View} view */
function sources({ position, reason }) {
  const lot = reason?.rules.some((rule) => rule.startsWith("random_slot:"));
  return `${position.sponsored ? "Sponsored. " : ""}${words("sources", position.source)}${lot ? ", drawn by lot" : ""}`;
}

/**
 * The parts of the value as a stacked bar; parts that speak against the item stand apart, hatched.
 * @param {Reason} reason
 * @param {View} view
 */
function value({ value, score }, { scale, terms }) {
  const told = Object.entries(value).filter(([, part]) => Math.abs(part) >= scale / 1000);
  const parts = told.sort(([, a], [, b]) => Number(a < 0) - Number(b < 0));
  const spoken = parts.map(([name, part]) => `${words("value", name)} ${signed(part)}`).join(", ");
  const bar = el("span", { class: "bar", role: "img", "aria-label": `Made of: ${spoken || "nothing"}` });
  for (const [name, part] of parts) {
    const piece = el("span", { class: `term-${terms.indexOf(name) % 6}`, "data-against": part < 0 });
    piece.style.width = `${(Math.abs(part) / scale) * 100}%`;
    bar.append(piece);
  }
  return el("div", { class: "value" }, el("p", {}, el("span", {}, "Value "), el("b", {}, fine(score))), bar);
}

/** @param {number} part */
function signed(part) {
  return part < 0 ? fine(part) : `+${fine(part)}`;
}

/**
 * Why it is here: in a few words, and opened, in all.
 * @param {Reason} reason
 * @param {View} view
 */
function details(reason, view) {
  const { position, text } = view;
  const said = Object.entries(reason.value).filter(([, part]) => part !== 0);
  const parts = said.map(([name, part]) => el("li", {}, `${capital(words("value", name))}: `, el("b", {}, signed(part))));
  return el(
    "details",
    { class: "reasons" },
    el("summary", { class: "why" }, sources(view), el("span", {}, "why here")),
    text !== "" && el("p", { class: "text" }, text),
    el("ul", {}, ...reason.rules.map((rule) => el("li", {}, `${sentence(rule)}.`)), ...parts),
    el("p", {}, `It had a chance of ${percent(reason.propensity)} to stand at position ${position.position}. Id: `, el("code", {}, position.item_id)),
  );
}
