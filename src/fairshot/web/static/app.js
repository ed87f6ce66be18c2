// @ts-check
/** The page: who is asked for, the slate they get, and what they say to it. */

import { Problem, explanation, feed, hasKey, people, records, useKey } from "./api.js";
import { refreshAround, said } from "./around.js";
import { button, byId, el, freshId, plural, put } from "./dom.js";
import { funnel } from "./funnel.js";
import { calm, currentCard, focusCard, listen, move, panel } from "./keys.js";
import { Outbox } from "./outbox.js";
import { personBox } from "./people.js";
import { Seen } from "./seen.js";
import { places, showSlate } from "./slate.js";
import { REACTIONS } from "./words.js";

/** @typedef {import("./card.js").View} View */
/** @typedef {import("./outbox.js").Letter} Letter */

const LIMIT = 20;
const PATIENCE = 3_000; // milliseconds that a slate waits for reactions on their way
const SHOWN = 6_000; // milliseconds that a message can be read
const SEEN = 1; // seconds in view from which a position counts as seen

const slate = byId("slate", HTMLElement);
const positions = byId("positions", HTMLOListElement);
const title = byId("slate-title", HTMLHeadingElement);
const message = byId("message", HTMLParagraphElement);
const problem = byId("problem", HTMLDivElement);
const unsent = byId("unsent", HTMLDivElement);
const keyForm = byId("key-form", HTMLFormElement);
const nonprofiling = byId("nonprofiling", HTMLInputElement);
const refresh = byId("refresh", HTMLInputElement);
const next = byId("next", HTMLButtonElement);
const funnelButton = byId("show-funnel", HTMLButtonElement);
const funnelPanel = panel("funnel");
const keysPanel = panel("keys");

const seen = new Seen();
const outbox = new Outbox(showUnsent);
const box = personBox(choose, unlessForbidden, fail);

const state = {
  user: "",
  /** @type {import("./slate.js").Material | null} */
  material: null,
  /** What was said to items and creators since the page was opened, by id. @type {Map<string, string>} */
  fates: new Map(),
  /** The cards on the page by item. @type {Map<string, HTMLElement>} */
  cards: new Map(),
  /** Items of this slate whose time in view was reported. @type {Set<string>} */
  reported: new Set(),
  /** Counts slates asked for: an answer that was overtaken is dropped. */
  turn: 0,
  timer: 0,
  /** Whether the slate on the page was made without profiling. */
  plain: false,
  /** @type {() => void} */
  again: () => undefined,
};

// --- Slates

/** @param {string} user */
function choose(user) {
  reportSeen();
  state.user = user;
  state.material = null;
  state.fates.clear();
  void load();
}

async function load() {
  if (!state.user) return;
  const turn = ++state.turn;
  const { user } = state;
  const mode = nonprofiling.checked ? "nonprofiling" : "personal";
  state.again = () => void load();
  slate.setAttribute("aria-busy", "true");
  remember(user, mode);
  try {
    reportSeen();
    await Promise.race([outbox.flush(), new Promise((done) => setTimeout(done, PATIENCE))]);
    const made = await feed({ user, mode, limit: LIMIT, after: outbox.seq });
    const known = made.slate.map((position) => position.item_id);
    const [items, creators, told] = await Promise.all([
      optional(records("items", known), new Map()),
      optional(records("creators", made.slate.map((position) => position.creator_id)), new Map()),
      optional(explanation(made.request_id), null),
    ]);
    if (turn !== state.turn) return;
    state.plain = mode === "nonprofiling";
    show({ feed: made, told, items, creators });
  } catch (error) {
    if (turn === state.turn) fail(error);
  } finally {
    if (turn === state.turn) slate.removeAttribute("aria-busy");
  }
  void refreshAround();
}

/**
 * What a slate can be shown without; a missing key is no such thing.
 * @template T
 * @template U
 * @param {Promise<T>} wanted
 * @param {U} otherwise
 * @returns {Promise<T | U>}
 */
async function optional(wanted, otherwise) {
  try {
    return await wanted;
  } catch (error) {
    if (error instanceof Problem && error.status === 401) throw error;
    say(said(error));
    return otherwise;
  }
}

/** @param {import("./slate.js").Material} material */
function show(material) {
  const before = state.material && places(state.material);
  const hadFocus = positions.contains(document.activeElement);
  for (const card of state.cards.values()) seen.forget(card);
  state.material = material;
  state.reported.clear();
  problem.hidden = keyForm.hidden = true;
  put(title, "Slate for ", el("b", {}, state.user));
  const changed = showSlate(material, before, actionsOf, fate);
  next.disabled = false;
  funnelButton.disabled = material.told === null;
  const cards = [...positions.querySelectorAll("article")];
  state.cards = new Map(cards.map((card) => [card.dataset.item ?? "", card]));
  cards.forEach((card) => seen.watch(card));
  if (slate.getBoundingClientRect().top < 0) slate.scrollIntoView({ behavior: calm() ? "auto" : "smooth" });
  if (hadFocus) cards[0]?.focus({ preventScroll: true });
  say(`Slate for ${state.user}. ${changed}`, true);
}

/**
 * Why an item of the slate before is not in this one.
 * @param {string} item
 */
function fate(item) {
  return state.fates.get(item) ?? "was shown already, or others rank higher now";
}

/** Keep person and mode in the address, so that a page can be reloaded and shared.
 * @param {string} user
 * @param {string} mode
 */
function remember(user, mode) {
  const query = new URLSearchParams({ user, ...(mode === "personal" ? {} : { mode }) });
  history.replaceState(null, "", `?${query}`);
  document.title = `${user} · fairshot`;
}

// --- Reactions

/**
 * @param {View} view
 * @returns {import("./card.js").Actions}
 */
function actionsOf(view) {
  const { item_id, creator_id } = view.position;
  return {
    react: (kind) => void react(kind, view),
    follow: () => {
      if (!creator_id || !press(item_id, "follow", "Following")) return;
      void deliver([letter({ kind: "follow", creator_id }, `follow ${view.creator}`)], `Following ${view.creator}.`);
    },
    hideCreator: () => {
      if (!creator_id) return;
      const theirs = state.material?.feed.slate.filter((position) => position.creator_id === creator_id) ?? [];
      leave(theirs.map((position) => position.item_id), "you hid its creator");
      void deliver([letter({ kind: "hide", creator_id }, `hide ${view.creator}`)], `${view.creator} will not be shown again.`);
    },
  };
}

/**
 * @param {string} kind
 * @param {View} view
 */
async function react(kind, { position, title: name }) {
  const { item_id, exposure } = position;
  const reaction = REACTIONS.find((one) => one.kind === kind);
  if (!reaction) return;
  const said = `${reaction.done} “${name}”.`;
  if (kind === "skip") {
    const skipped = state.reported.has(item_id) ? [] : [impression(position, name)];
    leave([item_id], "you skipped it");
    return deliver(skipped, said);
  }
  if (!press(item_id, kind, reaction.done)) return;
  state.fates.set(item_id, `you reacted to it: ${reaction.done.toLowerCase()}`);
  const letters = [letter({ kind, item_id, exposure }, `${kind} “${name}”`)];
  if (reaction.leaves) {
    // What leaves was seen, and it is the last time to say so.
    if (counts() && !state.reported.has(item_id)) letters.unshift(impression(position, name, true));
    leave([item_id], `you ${reaction.done.toLowerCase()} it`);
  }
  return deliver(letters, said);
}

/**
 * @param {Omit<import("./api.js").Event, "event_id" | "user_id">} event
 * @param {string} label
 * @param {boolean} [quiet]
 * @returns {Letter}
 */
function letter(event, label, quiet = false) {
  return { event: { event_id: freshId(), user_id: state.user, ...event }, label, quiet };
}

/**
 * @param {import("./api.js").Position} position
 * @param {string} name
 */
function impression({ item_id, exposure }, name, quiet = false) {
  const card = state.cards.get(item_id);
  const value = card ? Math.round(seen.seconds(card) * 10) / 10 : 0;
  state.reported.add(item_id);
  return letter({ kind: "impression", item_id, exposure, value }, `skip “${name}”`, quiet);
}

/** Whether times in view are reported: without profiling, nobody counts. */
function counts() {
  return state.material !== null && !state.plain;
}

/** Report how long each position of this slate was in view. */
function reportSeen() {
  if (!state.material || !counts()) return;
  const met = state.material.feed.slate.filter(({ item_id }) => {
    const card = state.cards.get(item_id);
    return card && !state.reported.has(item_id) && seen.seconds(card) >= SEEN;
  });
  if (met.length > 0) void outbox.add(met.map((position) => impression(position, position.item_id, true)));
}

/**
 * Send letters, and say what became of them.
 * @param {Letter[]} letters
 * @param {string} done
 */
async function deliver(letters, done) {
  await outbox.add(letters);
  const ids = new Set(letters.map((one) => one.event.event_id));
  if (letters.some((one) => outbox.isWaiting(one.event.event_id))) say("Not saved yet. It will be tried again.");
  else if (!outbox.refused.some((refusal) => ids.has(refusal.letter.event.event_id))) say(done);
  if (refresh.checked) await load();
}

/**
 * Show on the card that something was said; false where it was said before.
 * @param {string} item
 * @param {string} kind
 * @param {string} done
 */
function press(item, kind, done) {
  const pressed = state.cards.get(item)?.querySelector(`[data-kind="${kind}"]`);
  if (!pressed || pressed.getAttribute("aria-disabled") === "true") return false;
  pressed.setAttribute("aria-disabled", "true");
  put(pressed, done);
  pressed.removeAttribute("aria-label");
  return true;
}

/**
 * Take cards off the page; the focus goes on to the next one.
 * @param {string[]} items
 * @param {string} why
 */
function leave(items, why) {
  for (const item of items) {
    state.fates.set(item, why);
    const card = state.cards.get(item);
    const place = card?.parentElement;
    if (!card || !place) continue;
    const neighbour = (place.nextElementSibling ?? place.previousElementSibling)?.querySelector("article");
    const hadFocus = card === currentCard();
    if (!state.reported.has(item)) seen.forget(card);
    state.cards.delete(item);
    place.remove();
    if (hadFocus) neighbour ? focusCard(neighbour) : next.focus();
  }
}

// --- What is said

/**
 * Tell what happened: read aloud, and shown for a while.
 * @param {string} text
 * @param {boolean} [aloud] read aloud only: it can be seen elsewhere
 */
function say(text, aloud = false) {
  clearTimeout(state.timer);
  message.textContent = text;
  message.classList.toggle("quiet", aloud);
  state.timer = setTimeout(() => message.classList.add("quiet"), SHOWN);
}

/**
 * Say that something failed, and how to go on.
 * @param {unknown} error
 */
function fail(error) {
  if (error instanceof Problem && error.status === 401) return askForKey();
  problem.hidden = false;
  put(problem, el("p", {}, el("strong", {}, said(error))), button("Try again", () => state.again()));
}

function askForKey() {
  problem.hidden = true;
  keyForm.hidden = false;
  byId("key-wrong", HTMLParagraphElement).hidden = !hasKey();
  byId("key", HTMLInputElement).focus();
}

/** Reactions that the service does not have: said until it has them, or until somebody has read that it refused. */
function showUnsent() {
  const { trouble, waiting, refused } = outbox;
  const loud = trouble ? waiting.filter((one) => !one.quiet) : [];
  unsent.hidden = loud.length + refused.length === 0;
  if (trouble?.status === 401) askForKey();
  const late = `${plural(loud.length, "reaction")} not saved yet: ${loud.map((one) => one.label).join(", ")}. ${said(trouble)}`;
  const parts = [
    ...(loud.length > 0 ? [el("p", {}, late), button("Try now", () => void outbox.flush())] : []),
    ...refused.map(({ letter: { label }, reason }) => el("p", {}, `Not taken: ${label}. ${reason}`)),
    ...(refused.length > 0 ? [button("I have read this", () => outbox.forget())] : []),
  ];
  // Said aloud once, not with every new attempt.
  if (parts.map((part) => part.textContent).join("") !== unsent.textContent) put(unsent, ...parts);
}

/** Suggestions are a help; a key that may not read them still gets slates.
 * @param {unknown} error
 * @returns {string[]}
 */
function unlessForbidden(error) {
  if (error instanceof Problem && error.status === 403 && hasKey()) return [];
  throw error;
}

async function welcome() {
  state.again = () => void welcome();
  void refreshAround();
  try {
    const known = await people("", 6).catch(unlessForbidden);
    problem.hidden = keyForm.hidden = true;
    const quick = known.map((user) => button(user, () => box.take(user)));
    if (!state.user) put(positions, el("li", { class: "quick" }, ...quick));
  } catch (error) {
    fail(error);
  }
}

// --- Start

byId("somebody-new", HTMLButtonElement).addEventListener("click", () => box.take(`new-${freshId().slice(0, 8)}`));
next.addEventListener("click", () => void load());
nonprofiling.addEventListener("change", () => void load());
refresh.addEventListener("change", () => localStorage.setItem("fairshot.refresh", refresh.checked ? "on" : "off"));
funnelButton.addEventListener("click", openFunnel);
byId("show-keys", HTMLButtonElement).addEventListener("click", () => keysPanel.showModal());
keyForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key", HTMLInputElement);
  useKey(key.value.trim());
  key.value = "";
  keyForm.hidden = true;
  void outbox.flush();
  state.again();
});
addEventListener("pagehide", () => {
  reportSeen();
  outbox.leave();
});

function openFunnel() {
  const told = state.material?.told;
  if (!told) return;
  put(byId("funnel-body", HTMLDivElement), ...funnel(told));
  funnelPanel.showModal();
}

/** Press a button of the card that has the focus.
 * @param {string} selector
 */
function onCard(selector) {
  const card = currentCard();
  if (!card) return say("Choose a card first, with j or k.");
  card.querySelector(selector)?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
}

listen({
  j: () => move(1),
  k: () => move(-1),
  n: () => void load(),
  f: openFunnel,
  c: () => onCard("[data-kind=hide-creator]"),
  w: () => onCard("summary"),
  "/": () => box.input.focus(),
  "?": () => keysPanel.showModal(),
  ...Object.fromEntries(REACTIONS.map(({ key, kind }) => [key, () => onCard(`[data-kind=${kind}]`)])),
});

const asked = new URLSearchParams(location.search);
nonprofiling.checked = asked.get("mode") === "nonprofiling";
refresh.checked = localStorage.getItem("fairshot.refresh") === "on";
void outbox.flush();
const wanted = asked.get("user");
if (wanted) box.take(wanted);
else void welcome();
