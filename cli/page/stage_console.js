// @ts-check
// The console of the stage: what the plugin logs, and what the stage has to say about it.

import { el, find } from './dom.js';

const KEPT = 200;

const rows = find('#console', HTMLElement);
const none = find('#console-none', HTMLElement);

find('#console-clear', HTMLElement).addEventListener('click', clear);

/**
 * @param {string} level log, info, warn or error
 * @param {string} text
 * @param {string} [where] such as "code.js:12"
 */
export function say(level, text, where = '') {
  const last = rows.lastElementChild;
  if (last instanceof HTMLElement && last.dataset.level === level && last.dataset.text === text && last.dataset.where === where) {
    last.dataset.times = String(Number(last.dataset.times ?? 1) + 1);
    return;
  }
  const row = el('li', { class: `console-${level}` }, el('span', { class: 'said' }, text), ' ', el('code', {}, where));
  Object.assign(row.dataset, { level, text, where });
  rows.append(row);
  while (rows.childElementCount > KEPT) rows.firstElementChild?.remove();
  rows.scrollTop = rows.scrollHeight;
  none.hidden = true;
}

function clear() {
  rows.replaceChildren();
  none.hidden = false;
}
