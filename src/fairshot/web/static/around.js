// @ts-check
/** What stands around the slate: what rises, and how the service does. */

import { records, status, trending } from "./api.js";
import { byId, el, number, plural, put } from "./dom.js";

const MOST = 8;

/** Ask for both anew. Neither may disturb the slate: what fails is said in its own place. */
export function refreshAround() {
  return Promise.all([showTrends(), showStatus()]);
}

async function showTrends() {
  const list = byId("trends", HTMLOListElement);
  try {
    const rising = (await trending()).slice(0, MOST);
    const items = await records("items", rising.map((one) => one.item_id));
    put(list, ...rising.map((one) => el("li", {}, items.get(one.item_id)?.title ?? one.item_id)));
    if (rising.length === 0) put(list, el("li", { class: "none" }, "Nothing rises yet."));
  } catch (problem) {
    put(list, el("li", { class: "none" }, `Not known: ${said(problem)}`));
  }
}

async function showStatus() {
  const line = byId("status", HTMLParagraphElement);
  try {
    const now = await status();
    const events = Object.values(now.events).reduce((sum, count) => sum + count, 0);
    put(
      line,
      el("span", {}, `fairshot ${now.version}`),
      el("span", {}, `Snapshot ${now.snapshot ?? "none yet"}`),
      el("span", {}, `${plural(now.items, "item")}, ${plural(now.creators, "creator")}, ${plural(now.users, "person", "people")}`),
      el("span", {}, `${plural(events, "event")} in the log, ${now.lag > 0 ? `${number(now.lag)} not applied yet` : "all applied"}`),
      ...now.degraded.map((part) => el("span", { class: "bad" }, `Degraded: ${part}`)),
    );
  } catch (problem) {
    put(line, el("span", { class: "bad" }, said(problem)));
  }
}

/** @param {unknown} problem */
export function said(problem) {
  return problem instanceof Error ? problem.message : String(problem);
}
