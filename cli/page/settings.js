// @ts-check
// The head of the page: where this sandbox is, and how it was started.

import { read } from './api.js';
import { copyButton, count, el, find, setText } from './dom.js';
import { oneAtATime } from './events.js';

const stage = find('#stage-link', HTMLElement);

export function startSettings() {
  showCopyable('#base-url', location.origin);
}

export const loadSettings = oneAtATime(async () => {
  /** @type {import('./api.js').Settings} */
  const settings = await read('/settings');
  const { access_token, plugin } = settings;
  showCopyable('#access-token', access_token);
  setText(find('#settings', HTMLElement), describe(settings));
  setDefault('access_token', access_token);
  setDefault('lifetime', '', String(settings.token_lifetime_seconds));
  stage.hidden = plugin === null;
  if (plugin) {
    setText(find('#stage-plugin', HTMLElement), plugin.name);
    setDefault('resource_id', plugin.id);
  }
});

/**
 * @param {string} selector
 * @param {string} text
 */
function showCopyable(selector, text) {
  const code = el('code', {}, text);
  const place = find(selector, HTMLElement);
  if (place.querySelector('code')?.textContent === text) return;
  place.replaceChildren(code, copyButton('Copy', code));
}

/**
 * Fills in the fields of this name that nobody has changed.
 *
 * @param {string} name
 * @param {string} value
 * @param {string} placeholder
 */
function setDefault(name, value, placeholder = '') {
  for (const field of document.querySelectorAll(`input[name=${name}]`)) {
    if (!(field instanceof HTMLInputElement)) continue;
    field.defaultValue = value;
    field.placeholder = placeholder;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

/** @param {import('./api.js').Settings} settings */
function describe(settings) {
  const { owner, kept_in, shape } = settings;
  const shapes = { type: '{"type": "PAID"}', status: '{"status": "PAID"}' };
  const written = shape === 'type' || shape === 'status' ? shapes[shape] : '"PAID"';
  const once = settings.single_use_tokens ? ', once' : '';
  const parts = [
    kept_in === null ? 'purchases in memory only' : `purchases kept in ${kept_in}`,
    `payment tokens good for ${count(settings.token_lifetime_seconds)} s${once}`,
    `payment_status as ${written}`,
  ];
  if (owner !== null) parts.push(`owner ${owner}, always UNPAID`);
  return parts.join(' · ');
}
