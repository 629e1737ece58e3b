// @ts-check
// All requests of the page to the sandbox, the curl line of each, and the types of the JSON.

/**
 * @typedef {{ plugin_id?: string, widget_id?: string, community_file_id?: string }} Resource
 * @typedef {{ user_id: string } & Resource} Subject a user, and what the user can pay for
 * @typedef {Subject & { payment_status: string, date_of_purchase?: string }} Purchase
 * @typedef {Subject & { token: string, valid_for_seconds: number }} Token
 * @typedef {{
 *   fault: string, status?: number, retry_after_seconds?: number, delay_ms?: number,
 *   next?: number, all?: boolean, share?: number, seed?: number,
 * }} NewFault
 * @typedef {NewFault & { id: number }} Fault
 * @typedef {{ seconds_since_start: number, moved: number }} Clock
 * @typedef {{ per_minute: number | null, used: number }} Limit
 * @typedef {{ by_token: Limit, by_user: Limit }} Limits
 * @typedef {{ purchases: number, tokens: number, clock: Clock, faults: Fault[], limits: Limits }} State
 * @typedef {{
 *   number: number, received: string, method: string, target: string,
 *   asked_by: 'token' | 'user' | null, status: number | null, payment_status: string | null,
 *   headers: Record<string, string>,
 * }} Request
 * @typedef {{ first: number, next: number, dropped: number, requests: Request[] }} NewRequests
 * @typedef {{
 *   access_token: string, shape: string, owner: string | null, token_lifetime_seconds: number,
 *   single_use_tokens: boolean, kept_in: string | null, plugin: { id: string, name: string } | null,
 * }} Settings
 */

/**
 * A change that a user of the page can make.
 *
 * @typedef {{ title: string, method: 'PUT' | 'POST' | 'DELETE', path: string, body?: object }} Action
 */

const CONTROL = '/_sandbox';
export const EVENTS = `${CONTROL}/events`;

/** The sandbox's own access token, which is no secret. */
const SANDBOX_TOKEN = 'figd_sandbox';

/**
 * Reads from the control API.
 *
 * @param {string} path
 * @returns {Promise<any>}
 */
export function read(path) {
  return control(path, {});
}

/**
 * @param {Action} action
 * @returns {Promise<any>}
 */
export function send({ method, path, body }) {
  const headers = { 'content-type': 'application/json' };
  return control(path, body ? { method, headers, body: JSON.stringify(body) } : { method });
}

/**
 * @param {string} path
 * @param {RequestInit} request
 */
async function control(path, request) {
  let response;
  let answer;
  try {
    response = await fetch(CONTROL + path, { cache: 'no-store', ...request });
    answer = await response.json();
  } catch {
    throw new Error('The sandbox does not answer.');
  }
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

/** @param {Action} action */
export function curlOfAction({ method, path, body }) {
  const data = body ? ` -d ${quoted(asciiJson(body))}` : '';
  return `curl -sS -X ${method} ${quoted(location.origin + CONTROL + path)}${data}`;
}

/**
 * Asks the simulated Figma, as a backend would.
 *
 * @param {URLSearchParams} query
 * @param {string} accessToken
 */
export function askFigma(query, accessToken) {
  const headers = new Headers();
  if (accessToken) headers.set('X-Figma-Token', accessToken);
  return fetch(`/v1/payments?${query}`, { cache: 'no-store', headers });
}

/**
 * @param {URLSearchParams} query
 * @param {string} accessToken
 */
export function curlOfQuestion(query, accessToken) {
  // A real access token does not belong into a command that somebody copies.
  const shown = accessToken === SANDBOX_TOKEN ? SANDBOX_TOKEN : '$FIGMA_TOKEN';
  const header = accessToken ? ` -H "X-Figma-Token: ${shown}"` : '';
  return `curl -sSi${header} ${quoted(`${location.origin}/v1/payments?${query}`)}`;
}

/**
 * A text as one word for bash.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * JSON in which every other character is escaped, so that a command is what it looks like.
 *
 * @param {object} value
 */
function asciiJson(value) {
  const escaped = (/** @type {string} */ unit) =>
    String.raw`\u` + unit.charCodeAt(0).toString(16).padStart(4, '0');
  return JSON.stringify(value).replace(/[^ -~]/g, escaped);
}
