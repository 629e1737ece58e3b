// @ts-check
// The console of the stage: what the plugin logs, and what the stage has to say about it.

import { el, find } from './dom.js';

const KEPT = 200;
const MAX_TEXT = 10_000;

const rows = find('#console', HTMLElement);
const none = find('#console-none', HTMLElement);

/** @type {{ level: string, text: string, where: string }[]} */
let waiting = [];

find('#console-clear', HTMLElement).addEventListener('click', clear);

/**
 * @param {string} level log, info, warn or error; or run, where a run begins
 * @param {string} text
 * @param {string} [where] such as "code.js:12"
 */
export function say(level, text, where = '') {
  if (waiting.length === 0) requestAnimationFrame(draw);
  waiting.push({ level, text: text.slice(0, MAX_TEXT), where });
  if (waiting.length > KEPT) waiting.shift();
}

/** However much is said, it is drawn once a frame. */
function draw() {
  const atTheEnd = rows.scrollTop + rows.clientHeight >= rows.scrollHeight - 8;
  waiting.forEach(add);
  waiting = [];
  while (rows.childElementCount > KEPT) rows.firstElementChild?.remove();
  none.hidden = true;
  rows.hidden = false;
  // Whoever reads what stands further up goes on reading.
  if (atTheEnd) rows.scrollTop = rows.scrollHeight;
}

/** @param {{ level: string, text: string, where: string }} line */
function add({ level, text, where }) {
  const last = rows.lastElementChild;
  const said = last instanceof HTMLElement ? last.dataset : {};
  if (said.level === level && said.text === text && said.where === where) {
    said.times = String(Number(said.times ?? 1) + 1);
    return;
  }
  const row = el('li', { class: `console-${level}` }, el('span', { class: 'said' }, text), ' ', el('code', {}, where));
  Object.assign(row.dataset, { level, text, where });
  rows.append(row);
}

function clear() {
  waiting = [];
  rows.replaceChildren();
  rows.hidden = true;
  none.hidden = false;
}
