// @ts-check
/** The funnel of a request: from everything that was gathered to what was shown. */

import { el, number, plural } from "./dom.js";
import { KINDS, capital, percent, words } from "./words.js";

/** @typedef {import("./api.js").Explanation} Explanation */
/** @typedef {import("./api.js").Step} Step */

/**
 * @param {Explanation} told
 * @returns {HTMLElement[]}
 */
export function funnel(told) {
  const shown = told.slate.length;
  const removed = Object.values(told.removed).reduce((sum, count) => sum + count, 0);
  const outranked = told.candidates - removed - shown;
  const brought = told.funnel.filter((step) => step.stage.startsWith("sources.")).reduce((sum, step) => sum + step.after, 0);
  const time = told.funnel.reduce((sum, step) => sum + step.microseconds, 0);
  return [
    el(
      "ul",
      { class: "outcome", "aria-label": "What became of all candidates" },
      figure("candidates", told.candidates, "candidates"),
      figure("removed", removed, "taken out"),
      figure("outranked", outranked, "outranked"),
      figure("shown", shown, "shown"),
    ),
    el(
      "p",
      {},
      `The sources brought ${plural(brought, "item")}`,
      brought > told.candidates && `, ${number(brought - told.candidates)} of them more than once`,
      `. All stages together took ${number(time / 1000, 2)} ms.`,
    ),
    ...(told.problems.length > 0 ? [problems(told.problems)] : []),
    table(told, Math.max(brought === 0 ? 1 : told.candidates, ...told.funnel.map((step) => step.after), 1)),
    el(
      "p",
      { class: "facts" },
      `Request `,
      el("code", {}, told.request_id),
      ` for `,
      el("code", {}, told.user_id),
      `, ${told.mode === "nonprofiling" ? "without profiling" : "personal"}, ${new Date(told.at).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" })}, snapshot `,
      el("code", {}, told.snapshot ?? "none"),
      ".",
    ),
  ];
}

/**
 * @param {string} name
 * @param {number} count
 * @param {string} text
 */
function figure(name, count, text) {
  return el("li", { "data-figure": name, "data-count": count }, el("b", {}, number(count)), ` ${text}`);
}

/** @param {string[]} all */
export function problems(all) {
  return el("ul", { class: "problems" }, ...all.map((problem) => el("li", {}, problem)));
}

/**
 * One row a stage, grouped by what the stages do.
 * @param {Explanation} told
 * @param {number} widest
 */
function table(told, widest) {
  const slowest = Math.max(...told.funnel.map((step) => step.microseconds), 1);
  /** @type {Map<string, HTMLTableSectionElement>} */
  const groups = new Map();
  for (const step of told.funnel) {
    const [kind = "", name = ""] = split(step.stage);
    let group = groups.get(kind);
    if (!group) {
      group = el("tbody", { "data-kind": kind }, el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: 4 }, KINDS[kind] ?? capital(kind))));
      groups.set(kind, group);
    }
    group.append(row(kind, name, step, told, widest, slowest));
  }
  groups.get("sources")?.append(together(told, widest));
  return el(
    "table",
    { class: "funnel" },
    el("caption", {}, `Stage by stage`),
    el(
      "thead",
      {},
      el("tr", {}, el("th", { scope: "col" }, "Stage"), el("th", { scope: "col" }, "Change"), el("th", { scope: "col" }, "Candidates"), el("th", { scope: "col" }, "Time, ms")),
    ),
    ...groups.values(),
  );
}

/**
 * What the sources brought, each candidate counted once.
 * @param {Explanation} told
 * @param {number} widest
 */
function together(told, widest) {
  return el(
    "tr",
    { "data-stage": "together", "data-after": told.candidates },
    el("th", { scope: "row" }, "Together, each counted once"),
    el("td"),
    el("td", { class: "count" }, number(told.candidates), bar(told.candidates / widest, "sources")),
    el("td"),
  );
}

/** @param {string} stage */
function split(stage) {
  const at = stage.indexOf(".");
  return [stage.slice(0, at), stage.slice(at + 1)];
}

/**
 * @param {string} kind
 * @param {string} name
 * @param {Step} step
 * @param {Explanation} told
 * @param {number} widest
 * @param {number} slowest
 */
function row(kind, name, step, told, widest, slowest) {
  const weighed = kind === "value" || kind === "features";
  return el(
    "tr",
    { "data-stage": step.stage, "data-after": step.after, class: step.error ? "failed" : null },
    el(
      "th",
      { scope: "row" },
      capital(words(kind, name)),
      el("code", {}, step.stage),
      step.error && el("strong", {}, `Left out. ${step.error}`),
    ),
    el("td", { class: "count" }, change(kind, name, step, told)),
    el("td", { class: "count" }, number(step.after), !weighed && bar(step.after / widest, kind)),
    el("td", { class: "count" }, number(step.microseconds / 1000, 2), bar(step.microseconds / slowest, "time")),
  );
}

/**
 * @param {string} kind
 * @param {string} name
 * @param {Step} step
 * @param {Explanation} told
 */
function change(kind, name, step, told) {
  if (kind === "sources") return step.after > 0 ? `+${number(step.after)}` : "";
  const less = kind === "filters" ? (told.removed[name] ?? step.before - step.after) : step.before - step.after;
  return less > 0 ? `−${number(less)}` : "";
}

/**
 * @param {number} share
 * @param {string} kind
 */
function bar(share, kind) {
  const made = el("span", { class: `bar ${kind}`, "aria-hidden": "true", title: percent(share) }, el("span"));
  const inner = made.firstElementChild;
  if (inner instanceof HTMLElement) inner.style.width = `${Math.min(share, 1) * 100}%`;
  return made;
}
