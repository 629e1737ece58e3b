// @ts-check
// The section "Requests": what was asked of the simulated Figma, as it comes in, and the
// details of one request.

import { read } from './api.js';
import { attempt, run } from './commands.js';
import { count, el, find, rowsIn, setText } from './dom.js';

/** @typedef {import('./api.js').Request} Request */

const MAX_ROWS = 200;
/** As many as the sandbox itself remembers. */
const MAX_KEPT = 10_000;

const section = find('[data-section=requests]', HTMLElement);
const filter = find('#request-filter', HTMLSelectElement);
const pause = find('#request-pause', HTMLButtonElement);
const clear = find('#request-clear', HTMLButtonElement);
const loadAll = find('#request-load', HTMLButtonElement);
const shown = find('#request-shown', HTMLElement);
const none = find('#request-none', HTMLElement);
const total = find('#request-count', HTMLElement);
const table = find('#request-table', HTMLElement);
const body = find('#request-rows', HTMLElement);
const details = find('#request-details', HTMLElement);
const heading = find('#details-heading', HTMLElement);
const pairs = find('#details-pairs', HTMLElement);
const again = find('#details-again', HTMLAnchorElement);
const showRows = rowsIn(
  body,
  (/** @type {Request} */ request) => String(request.number),
  requestRow,
);

/** Those that this page has got, the oldest first. */
/** @type {Request[]} */
let kept = [];
/** The numbers of the oldest request that the sandbox has, and of the next that it will get. */
let first = 0;
let next = 0;
/** The next number when the list was paused. */
/** @type {number | undefined} */
let pausedAt;
/** The pointer is down in the list: what it points at must not move away. */
let held = false;
let drawing = false;
/** The number of the request whose details are shown. */
/** @type {number | undefined} */
let opened;

export function startRequests() {
  filter.addEventListener('change', draw);
  pause.addEventListener('click', () => {
    pausedAt = pausedAt === undefined ? next : undefined;
    pause.setAttribute('aria-pressed', String(pausedAt !== undefined));
    draw();
  });
  clear.addEventListener('click', () => {
    const title = 'Clear the requests';
    attempt(section, () => run({ title, method: 'DELETE', path: '/requests' }));
  });
  loadAll.addEventListener('click', () => attempt(section, loadLeftOut));
  body.addEventListener('pointerdown', (event) => (held = event.button === 0));
  for (const end of ['pointerup', 'pointercancel']) {
    addEventListener(end, () => {
      held = false;
      drawSoon();
    });
  }
  body.addEventListener('click', (event) => {
    if (!(event.target instanceof Element) || event.target.closest('a')) return;
    // Whoever selects the text of a row does not want its details.
    if (getSelection()?.isCollapsed === false) return;
    const link = event.target.closest('tr')?.querySelector('a');
    if (link) location.hash = link.hash;
  });
}

/** A sandbox that was started again counts from 1 again. */
export function forgetRequests() {
  kept = [];
}

/** @param {import('./api.js').NewRequests} news */
export function addRequests(news) {
  ({ first, next } = news);
  if (pausedAt !== undefined) pausedAt = Math.min(pausedAt, next);
  add(news.requests);
  drawSoon();
}

/**
 * Shows the details of a request, or none.
 *
 * @param {string} number
 */
export function showRequest(number) {
  const before = opened;
  opened = number === '' ? undefined : Number(number);
  details.hidden = opened === undefined;
  draw();
  if (opened !== undefined) {
    attempt(details, () => showDetails(Number(number)));
  } else if (before !== undefined) {
    const link = body.querySelector(`a[href="#requests/${before}"]`);
    if (link instanceof HTMLElement) link.focus();
  }
}

/** @param {Request[]} requests the oldest first */
function add(requests) {
  const newest = kept.at(-1)?.number ?? -1;
  kept.push(...requests.filter((request) => request.number > newest));
  if (kept.length > MAX_KEPT) kept.splice(0, kept.length - MAX_KEPT);
  const gone = kept.findIndex((request) => request.number >= first);
  kept.splice(0, gone === -1 ? kept.length : gone);
}

/** When many come at once, the sandbox does not send them all. */
async function loadLeftOut() {
  const { requests } = await read('/requests');
  const since = kept;
  kept = requests;
  add(since);
  drawSoon();
}

/** At most once a frame. */
function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function draw() {
  if (held) return;
  const upTo = pausedAt ?? Infinity;
  const failed = filter.value === 'failed';
  const rows = [];
  for (let i = kept.length - 1; i >= 0 && rows.length < MAX_ROWS; i--) {
    const request = kept[i];
    if (request.number < upTo && (!failed || hasFailed(request))) rows.push(request);
  }
  const hadFocus = body.contains(document.activeElement);
  showRows(rows);
  // The row with the focus may have made room for newer ones.
  if (hadFocus && !body.contains(document.activeElement)) table.focus({ preventScroll: true });
  drawSummary(rows.length);
}

/** @param {number} rows */
function drawSummary(rows) {
  const leftOut = next - first - kept.length;
  setText(total, count(next - first));
  const paused = pausedAt === undefined ? '' : ` Paused, ${count(next - pausedAt)} new.`;
  const which = filter.value === 'failed' ? ' that failed' : '';
  setText(shown, `The newest ${count(rows)}${which} of ${count(next - first)}.${paused}`);
  loadAll.hidden = leftOut <= 0;
  setText(loadAll, `Load the other ${count(leftOut)}`);
  none.hidden = rows > 0;
  const whyNone = filter.value === 'failed' ? 'None of those that are loaded failed.' : 'None from before the pause.';
  setText(none, next === first ? 'Nobody has asked yet.' : whyNone);
}

/** @param {Request} request */
function hasFailed({ status }) {
  return status === null || status >= 400;
}

/** @param {number} number */
async function showDetails(number) {
  setText(heading, `Request ${number}`);
  pairs.replaceChildren();
  again.hidden = true;
  heading.focus();
  const request = withNumber(kept, number) ?? (await withNumberInSandbox(number));
  if (opened !== number) return;
  if (!request) throw new Error(`The sandbox does not have request ${number} any more.`);
  const { headers } = request;
  const lines = [
    ['received', request.received],
    ['asked by', askedBy(request)],
    ['status', statusText(request)],
    ['method', request.method],
    ['target', request.target],
    ...Object.keys(headers).sort().map((name) => [`${name}:`, headers[name]]),
  ];
  pairs.replaceChildren(
    ...lines.map(([name, value]) =>
      el('div', {}, el('dt', {}, el('bdi', {}, name)), el('dd', {}, el('bdi', {}, value)))),
  );
  const [path, query] = request.target.split('?');
  again.hidden = path !== '/v1/payments' || query === undefined || query.includes('…');
  again.href = `#ask?${query}`;
}

/**
 * @param {Request[]} requests
 * @param {number} number
 */
function withNumber(requests, number) {
  return requests.find((request) => request.number === number);
}

/** @param {number} number */
async function withNumberInSandbox(number) {
  const { requests } = await read('/requests');
  return withNumber(requests, number);
}

/** @param {Request} request */
function askedBy({ asked_by }) {
  return asked_by ?? 'not valid';
}

/** @param {Request} request */
function statusText({ status, payment_status }) {
  if (status === null) return 'no answer';
  return payment_status === null ? String(status) : `${status} ${payment_status}`;
}

/**
 * What was asked about, without the names of the parameters: the column is narrow.
 *
 * @param {Request} request
 */
function shortTarget({ target, asked_by }) {
  if (asked_by === null) return target;
  const words = { plugin_id: 'plugin', widget_id: 'widget', community_file_id: 'file' };
  const asked = [...new URLSearchParams(target.split('?')[1])];
  return asked.map(([name, value]) => (name in words ? `${words[/** @type {keyof words} */ (name)]} ${value}` : value)).join(', ');
}

/** @param {Request} request */
function statusClass({ status }) {
  return status === null ? 'none' : `${Math.floor(status / 100)}xx`;
}

function requestRow() {
  const link = el('a', {});
  const time = el('td', { class: 'number' });
  const by = el('td', {});
  const target = el('bdi', {});
  const status = el('span', { class: 'tag' });
  const element = el(
    'tr',
    {},
    el('td', { class: 'number' }, link),
    time,
    by,
    el('td', { class: 'target id' }, target),
    el('td', {}, status),
  );

  /** @param {Request} request */
  function update(request) {
    setText(link, String(request.number));
    link.href = `#requests/${request.number}`;
    setText(time, localTime(request.received));
    setText(by, askedBy(request));
    setText(target, shortTarget(request));
    setText(status, statusText(request));
    status.dataset.status = statusClass(request);
    element.classList.toggle('chosen', request.number === opened);
  }
  return { element, update };
}

/** @param {string} timestamp */
function localTime(timestamp) {
  const time = new Date(timestamp);
  return `${time.toLocaleTimeString('en-GB')}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
