// @ts-check
// The notifications of `figma.notify`.

import { el, find } from './dom.js';

const place = find('#notifications', HTMLElement);

/** @type {Map<number, { element: HTMLElement, timer: number | undefined, gone: (reason: string) => void }>} */
const shown = new Map();

/**
 * @param {number} id
 * @param {{ message: string, error?: boolean, timeout?: number, button?: string }} notification
 *   the timeout in milliseconds
 * @param {{ pressed: () => void, gone: (reason: string) => void }} then
 */
export function notify(id, { message, error = false, timeout = 3000, button }, { pressed, gone }) {
  dismiss(id, 'dismiss');
  const text = el('span', {}, String(message).slice(0, 1000));
  const element = el('div', { class: error ? 'notification failed' : 'notification' }, text);
  if (button) element.append(el('button', { type: 'button', onclick: pressed }, String(button)));
  element.append(el('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: () => dismiss(id, 'dismiss') }, '×'));
  // A longer one than timers can be does not end.
  const timer = timeout < 2 ** 31 ? setTimeout(() => dismiss(id, 'timeout'), timeout) : undefined;
  shown.set(id, { element, timer, gone });
  place.append(element);
}

/**
 * @param {number} id
 * @param {string} reason
 */
export function dismiss(id, reason) {
  const notification = shown.get(id);
  if (!notification) return;
  shown.delete(id);
  clearTimeout(notification.timer);
  notification.element.remove();
  notification.gone(reason);
}

export function dismissAll() {
  for (const id of [...shown.keys()]) dismiss(id, 'dismiss');
}
