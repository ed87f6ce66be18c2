// @ts-check
/** The service over HTTP: calls, the key, and errors in words. */

/**
 * @typedef {{position: number, item_id: string, creator_id: string | null, source: string, score: number,
 *   exposure: string, sponsored: boolean}} Position
 * @typedef {{request_id: string, snapshot: string | null, degraded: boolean, slate: Position[]}} Feed
 * @typedef {{position: number, item_id: string, creator_id: string | null, source: string, score: number,
 *   propensity: number, value: Record<string, number>, rules: string[]}} Reason
 * @typedef {{stage: string, before: number, after: number, microseconds: number, error?: string}} Step
 * @typedef {{request_id: string, user_id: string, at: string, mode: string, snapshot: string | null,
 *   degraded: boolean, problems: string[], candidates: number, removed: Record<string, number>, funnel: Step[],
 *   slate: Reason[]}} Explanation
 * @typedef {{id: string, title?: string, text?: string, labels?: string[], creator_id?: string, name?: string}} Entry
 * @typedef {{event_id: string, kind: string, user_id: string, item_id?: string, creator_id?: string,
 *   value?: number, exposure?: string, at?: string}} Event
 * @typedef {{accepted: number, duplicate: number, rejected: {index: number, field: string, reason: string}[],
 *   seq: number}} Receipt
 * @typedef {{item_id: string, creator_id: string | null, strength: number}} Rising
 * @typedef {{version: string, snapshot: string | null, seq: number, lag: number, users: number, items: number,
 *   creators: number, events: Record<string, number>, degraded: string[]}} Status
 */

const KEY = "fairshot.key";
const PATIENCE = 15_000; // milliseconds until a call counts as failed
const LONGEST_QUERY = 4_000; // characters; longer lists of ids are asked for in parts

/** A call that failed. status 0: no answer came. */
export class Problem extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   * @param {number} status
   */
  constructor(title, detail, status) {
    super(detail ? `${title}: ${detail}` : title);
    this.name = "Problem";
    this.title = title;
    this.detail = detail;
    this.status = status;
  }

  /** Whether the same call may well succeed later. */
  get passing() {
    return this.status === 0 || this.status === 401 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** @param {string | null} key null forgets it */
export function useKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
}

/** Whether a key was given in this tab. */
export function hasKey() {
  return sessionStorage.getItem(KEY) !== null;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {boolean} [last] the page is being left: the call must outlive it
 * @returns {Promise<any>}
 */
async function call(method, path, body, last = false) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  const key = sessionStorage.getItem(KEY);
  if (key) headers["X-API-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
      keepalive: last,
      credentials: "omit",
    });
  } catch (error) {
    const slow = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(slow ? "The service took too long" : "The service does not answer", "is it running?", 0);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) {
    const title = answer?.title ?? `The service answered ${response.status}`;
    throw new Problem(String(title), String(answer?.detail ?? ""), response.status);
  }
  if (answer === null) throw new Problem("The service's answer could not be read", "it is not JSON", 0);
  return answer;
}

/**
 * @param {{user: string, mode: string, limit: number, after: number}} wish after: the log's number to have applied
 * @returns {Promise<Feed>}
 */
export function feed({ user, mode, limit, after }) {
  return call("POST", "/v1/feed", { user_id: user, mode, limit, ...(after > 0 ? { after } : {}) });
}

/**
 * The funnel and the reasons of a request.
 * @param {string} request
 * @returns {Promise<Explanation>}
 */
export function explanation(request) {
  return call("GET", `/v1/requests/${encodeURIComponent(request)}`);
}

/**
 * @param {Event[]} events
 * @param {boolean} [last]
 * @returns {Promise<Receipt>}
 */
export function send(events, last) {
  return call("POST", "/v1/events", { events }, last);
}

/**
 * @param {string} prefix
 * @param {number} limit
 * @returns {Promise<string[]>}
 */
export async function people(prefix, limit) {
  const query = new URLSearchParams({ limit: String(limit), ...(prefix ? { prefix } : {}) });
  return (await call("GET", `/v1/users?${query}`)).users;
}

/** @returns {Promise<Status>} */
export function status() {
  return call("GET", "/v1/status");
}

/** @returns {Promise<Rising[]>} */
export async function trending() {
  return (await call("GET", "/v1/trending")).trending;
}

/** Records that were met once; titles and names hardly change while somebody looks. */
const known = { items: new Map(), creators: new Map() };

/**
 * The records of items or creators by id; those without a record are left out.
 * @param {"items" | "creators"} kind
 * @param {(string | null)[]} ids
 * @returns {Promise<Map<string, Entry>>}
 */
export async function records(kind, ids) {
  const cache = known[kind];
  const wanted = [...new Set(ids)].filter((id) => id !== null && !cache.has(id));
  const answers = await Promise.all(inParts(wanted).map((query) => call("GET", `/v1/${kind}?${query}`)));
  for (const record of answers.flatMap((answer) => answer[kind])) cache.set(record.id, record);
  return cache;
}

/** @param {(string | null)[]} ids */
function inParts(ids) {
  /** @type {string[]} */
  const parts = [];
  for (const id of ids) {
    const one = `id=${encodeURIComponent(String(id))}`;
    const last = parts.at(-1);
    if (last !== undefined && last.length + one.length < LONGEST_QUERY) parts[parts.length - 1] = `${last}&${one}`;
    else parts.push(one);
  }
  return parts;
}
