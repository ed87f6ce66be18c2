// @ts-check
/** Single keys, for those who want them, and the panels. */

import { byId } from "./dom.js";

const PLACE = "fairshot.keys";

/** @param {Record<string, () => void>} actions what each key does */
export function listen(actions) {
  const box = byId("use-keys", HTMLInputElement);
  box.checked = localStorage.getItem(PLACE) !== "off";
  box.addEventListener("change", () => localStorage.setItem(PLACE, box.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    if (!box.checked || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLInputElement && target.type !== "checkbox";
}

/**
 * A panel that opens over the page; Esc, its button and a click beside it close it.
 * @param {string} id
 */
export function panel(id) {
  const dialog = byId(id, HTMLDialogElement);
  dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}

/**
 * The card that has the focus, or something in it has.
 * @returns {HTMLElement | null}
 */
export function currentCard() {
  return document.activeElement?.closest("article") ?? null;
}

/** @param {number} step 1: the next card, -1: the previous one */
export function move(step) {
  const cards = [...document.querySelectorAll("#positions article")];
  const current = currentCard();
  const at = current ? cards.indexOf(current) + step : step > 0 ? 0 : cards.length - 1;
  focusCard(cards[Math.max(0, Math.min(at, cards.length - 1))]);
}

/** @param {Element | undefined} card */
export function focusCard(card) {
  if (!(card instanceof HTMLElement)) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
}

/** Whether the person asked for less motion. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
