// @ts-check
/** How long each card was in view: at least half of it, in a tab that is looked at. */

/** Counts the seconds of the cards that it watches. */
export class Seen {
  /** @type {Map<Element, {since: number | null, total: number}>} */
  #times = new Map();
  #observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#note(entry)), { threshold: [0, 0.5, 1] });
  /** @type {Set<Element>} */
  #inView = new Set();

  constructor() {
    document.addEventListener("visibilitychange", () => {
      for (const card of this.#inView) document.hidden ? this.#stop(card) : this.#start(card);
    });
  }

  /** @param {Element} card */
  watch(card) {
    this.#times.set(card, { since: null, total: 0 });
    this.#observer.observe(card);
  }

  /**
   * Seconds in view so far.
   * @param {Element} card
   */
  seconds(card) {
    const time = this.#times.get(card);
    if (!time) return 0;
    return (time.total + (time.since === null ? 0 : performance.now() - time.since)) / 1000;
  }

  /** @param {Element} card */
  forget(card) {
    this.#observer.unobserve(card);
    this.#times.delete(card);
    this.#inView.delete(card);
  }

  /** @param {IntersectionObserverEntry} entry */
  #note({ target, intersectionRatio, intersectionRect, rootBounds }) {
    // A card taller than the window counts when it fills half of the window.
    const fills = rootBounds !== null && intersectionRect.height >= rootBounds.height / 2;
    if (intersectionRatio >= 0.5 || fills) {
      this.#inView.add(target);
      if (!document.hidden) this.#start(target);
    } else {
      this.#inView.delete(target);
      this.#stop(target);
    }
  }

  /** @param {Element} card */
  #start(card) {
    const time = this.#times.get(card);
    if (time && time.since === null) time.since = performance.now();
  }

  /** @param {Element} card */
  #stop(card) {
    const time = this.#times.get(card);
    if (!time || time.since === null) return;
    time.total += performance.now() - time.since;
    time.since = null;
  }
}
