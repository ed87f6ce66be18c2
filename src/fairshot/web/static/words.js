// @ts-check
/** Stages and rules in plain words. What has no words yet is shown by its name. */

import { number } from "./dom.js";

/** @type {Record<string, Record<string, string>>} */
const WORDS = {
  sources: {
    followed: "From somebody you follow",
    interest: "Close to what you like",
    session: "Like what you liked last",
    trending: "Rising right now",
    popular: "Liked by many lately",
    runway: "Did well in its test",
    fresh: "New and not yet shown much",
    trials: "In a test with its first audience",
  },
  filters: {
    listed: "Not on offer, or left out by the request",
    moderated: "Removed by moderation",
    own: "Made by this person",
    blocked: "From a creator whom you have hidden",
    bought: "Bought already",
    seen: "Seen or reacted to already",
  },
  features: {
    affinity: "How near it is to the person",
    rates: "How others received it",
    creator_ledger: "What its creator has had so far",
    engagement: "How the person will likely react",
  },
  value: {
    engagement: "your likely reactions",
    creator: "a chance for its creator",
    creation: "a spark to create",
    contribution: "a rare kind",
    integrity: "flags of moderation",
    satiation: "not too much of one kind",
    exploration: "room to learn",
    fairness: "a fair share",
  },
  rerankers: {
    author_spacing: "so that creators are spread out",
    diversity: "for variety",
    n_of_m: "so that nobody crowds the page",
  },
  blenders: {
    random_slot: "Drawn by lot",
  },
};

/** What the stages of a kind do, as a heading.
 * @type {Record<string, string>} */
export const KINDS = {
  sources: "Gathered from",
  filters: "Taken out",
  features: "Looked up",
  value: "Valued by",
  rerankers: "Put in order",
  blenders: "Placed",
};

/**
 * @param {string} kind
 * @param {string} name
 */
export function words(kind, name) {
  return WORDS[kind]?.[name] ?? name.replaceAll("_", " ");
}

/**
 * @param {string} text
 */
export function capital(text) {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/**
 * A rule that moved a position, such as "diversity: 12 -> 3", as a sentence.
 * @param {string} rule
 */
export function sentence(rule) {
  const move = /^(\w+): (-?\d+) -> (-?\d+)$/.exec(rule);
  if (move) {
    const [, name = "", from = "", to = ""] = move;
    const way = Number(to) < Number(from) ? "Up" : "Down";
    return `${way} from ${from} to ${to} ${words("rerankers", name)}`;
  }
  const lot = /^random_slot: .*share ([\d.]+)$/.exec(rule);
  if (lot) return `Drawn by lot, as ${percent(Number(lot[1]))} of all positions are, so that effects stay measurable`;
  return rule;
}

/** @param {number} share */
export function percent(share) {
  const hundred = share * 100;
  return `${number(hundred, hundred < 0.1 ? 4 : hundred < 1 ? 2 : 1)} %`;
}

/** What each reaction does, in the order of the buttons. `leaves`: the card goes away. */
export const REACTIONS = [
  { kind: "like", text: "Like", done: "Liked", key: "l", leaves: false },
  { kind: "love", text: "Love", done: "Loved", key: "o", leaves: false },
  { kind: "dislike", text: "Dislike", done: "Disliked", key: "d", leaves: true },
  { kind: "hide", text: "Hide", done: "Hidden", key: "x", leaves: true },
  { kind: "skip", text: "Skip", done: "Skipped", key: "s", leaves: true },
];
