// @ts-check
/** Reactions on their way to the service. None is lost: each waits, also through a reload, until the service has it. */

import { Problem, send } from "./api.js";

/** @typedef {import("./api.js").Event} Event */
/** @typedef {{event: Event, label: string, quiet: boolean}} Letter quiet: nobody pressed anything for it */
/** @typedef {{letter: Letter, reason: string}} Refusal */

const PLACE = "fairshot.outbox";
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** Sends letters in order, again and again until each is taken or refused for good. */
export class Outbox {
  /** @type {Letter[]} */
  waiting = restore();
  /** @type {Refusal[]} */
  refused = [];
  /** Why the last attempt failed. @type {Problem | null} */
  trouble = null;
  /** The log's number with which everything taken so far is in force. */
  seq = 0;
  /** @type {Promise<void> | null} */
  #round = null;
  #wait = FIRST_WAIT;
  #timer = 0;
  #changed;

  /** @param {() => void} changed called whenever something of the above is different */
  constructor(changed) {
    this.#changed = changed;
    addEventListener("online", () => void this.flush());
  }

  /**
   * Put events into the box and try to send them.
   * @param {Letter[]} letters
   * @returns {Promise<void>} when the attempt is over; look at `waiting` and `refused` for what became of it
   */
  add(letters) {
    this.waiting.push(...letters);
    this.#keep();
    return this.flush();
  }

  /** @param {string} event */
  isWaiting(event) {
    return this.waiting.some((letter) => letter.event.event_id === event);
  }

  /** Try now whatever waits. */
  flush() {
    clearTimeout(this.#timer);
    this.#round ??= this.#send().finally(() => {
      this.#round = null;
      if (this.waiting.length > 0 && !this.trouble) void this.flush();
    });
    return this.#round;
  }

  /** The page is being left: hand over what waits in a call that outlives it. It stays here until acknowledged. */
  leave() {
    const letters = this.waiting.slice(0, 100);
    if (letters.length > 0) void send(letters.map((letter) => letter.event), true).catch(() => undefined);
  }

  /** Forget refusals that the person has read. */
  forget() {
    this.refused = [];
    this.#changed();
  }

  async #send() {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, 500);
      try {
        const receipt = await send(batch.map((letter) => letter.event));
        this.seq = Math.max(this.seq, receipt.seq);
        this.#settle(batch, new Map(receipt.rejected.map((r) => [r.index, [r.field, r.reason].join(" ").trim()])));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.passing) return this.#later(error);
        this.#settle(batch, new Map(batch.map((_, index) => [index, error.message])));
      }
      this.trouble = null;
      this.#wait = FIRST_WAIT;
      this.#keep();
    }
  }

  /**
   * @param {Letter[]} batch
   * @param {Map<number, string>} reasons by index, of those that were refused
   */
  #settle(batch, reasons) {
    this.waiting = this.waiting.slice(batch.length);
    batch.forEach((letter, index) => {
      const reason = reasons.get(index);
      if (reason !== undefined && !letter.quiet) this.refused.push({ letter, reason });
    });
  }

  /** @param {Problem} error */
  #later(error) {
    this.trouble = error;
    if (error.status !== 401) {
      this.#timer = setTimeout(() => void this.flush(), this.#wait);
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    }
    this.#changed();
  }

  #keep() {
    sessionStorage.setItem(PLACE, JSON.stringify(this.waiting));
    this.#changed();
  }
}

/** @returns {Letter[]} */
function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}
