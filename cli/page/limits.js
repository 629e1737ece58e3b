// @ts-check
// How much of each rate limit is used up: the gauges above the requests.

import { count, el, find, setText } from './dom.js';

const byToken = gauge('By token');
const byUser = gauge('By user');

export function startLimits() {
  find('#limits', HTMLElement).append(byToken.element, byUser.element);
}

/** @param {import('./api.js').Limits} limits */
export function showLimits(limits) {
  byToken.update(limits.by_token);
  byUser.update(limits.by_user);
}

/** @param {string} name */
function gauge(name) {
  const meter = el('meter', { optimum: '0', 'aria-label': `${name}: used of the rate limit` });
  const text = el('span', { class: 'number' });
  const element = el('div', {}, el('span', {}, `${name} `), text, meter);

  /** @param {import('./api.js').Limit} limit */
  function update({ per_minute, used }) {
    meter.hidden = per_minute === null;
    if (per_minute === null) {
      setText(text, 'no limit');
      return;
    }
    setText(text, `${count(used)} of ${count(per_minute)} a minute`);
    meter.max = per_minute;
    meter.low = meter.max * 0.7;
    meter.high = meter.max * 0.95;
    meter.value = used;
  }
  return { element, update };
}
