// @ts-check
/** The box in which a person is chosen: suggestions while typing, and any id at all. */

import { people } from "./api.js";
import { byId, el, put } from "./dom.js";

const MOST = 8;
const PAUSE = 120; // milliseconds without a key before the service is asked

/**
 * @param {(user: string) => void} choose
 * @param {(problem: unknown) => string[]} otherwise what to suggest when nothing could be asked; may throw
 * @param {(problem: unknown) => void} fail
 */
export function personBox(choose, otherwise, fail) {
  const form = byId("person", HTMLFormElement);
  const input = byId("user", HTMLInputElement);
  const list = byId("suggestions", HTMLUListElement);
  let active = -1;
  let timer = 0;
  let asked = 0;

  /** @param {boolean} open */
  function show(open) {
    list.hidden = !open || list.childElementCount === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) mark(-1);
  }

  /** @param {number} index */
  function mark(index) {
    active = index;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    const option = list.children[index];
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  /** @param {string} user */
  function take(user) {
    clearTimeout(timer);
    asked += 1; // an answer on its way comes too late
    input.value = user;
    show(false);
    choose(user);
  }

  async function suggest() {
    const turn = ++asked;
    try {
      const found = await people(input.value.trim(), MOST).catch(otherwise);
      if (turn !== asked) return;
      put(list, ...found.map((user, at) => el("li", { role: "option", id: `suggestion-${at}`, "aria-selected": "false" }, user)));
      show(document.activeElement === input);
    } catch (problem) {
      if (turn === asked) fail(problem);
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  input.addEventListener("focus", () => {
    input.select();
    void suggest();
  });
  input.addEventListener("blur", () => show(false));
  input.addEventListener("keydown", (event) => {
    const count = list.childElementCount;
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      show(false);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && count > 0) {
      event.preventDefault();
      if (list.hidden) show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark(active < 0 ? (step > 0 ? 0 : count - 1) : (active + step + count) % count);
    }
  });
  // mousedown: before the box loses the focus and the list closes.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (option) take(option.textContent ?? "");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = list.hidden ? undefined : list.children[active]?.textContent;
    const user = chosen ?? input.value.trim();
    if (user) take(user);
    else input.focus();
  });
  return { input, take };
}
