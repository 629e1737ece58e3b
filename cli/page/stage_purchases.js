// @ts-check
// The purchases of the stage: what the API knows, and what it will know later.

import { read } from './api.js';
import { run } from './commands.js';
import { find, setText } from './dom.js';
import { now } from './fields.js';

/** After a checkout that was closed half-way the API knows of the purchase after this at the earliest. */
const HALF_WAY_SECONDS = 5;

const text = find('#pending', HTMLElement);

/** @typedef {{ user_id: string, plugin_id: string }} Buyer */

/** @type {import('./api.js').Purchase[]} */
let purchases = [];
/**
 * The purchases that the API will know of later, by their users: when, and whether the user has
 * seen the checkout end.
 *
 * @type {Map<string, { at: number, isPaid: boolean, timer: number }>}
 */
const pending = new Map();

export async function loadPurchases() {
  ({ purchases } = await read('/purchases'));
}

/** @param {Buyer} buyer */
export function purchaseOf({ user_id, plugin_id }) {
  return purchases.find((it) => it.user_id === user_id && it.plugin_id === plugin_id);
}

/**
 * Whether the user has paid, although the API does not know it yet.
 *
 * @param {Buyer} buyer
 */
export function hasPaidAlready({ user_id }) {
  return pending.get(user_id)?.isPaid ?? false;
}

/** @param {Buyer} buyer */
export async function refund(buyer) {
  forget(buyer);
  const date_of_purchase = purchaseOf(buyer)?.date_of_purchase;
  await change(`Refund user ${buyer.user_id}`, buyer, 'UNPAID', date_of_purchase);
}

/**
 * Lets the API know of a purchase, at once or after the delay that is set.
 *
 * @param {Buyer} buyer
 * @param {import('./stage_checkout.js').Purchase} how
 * @param {{ delay: number, changed: () => void, failed: (error: Error) => void }} later the delay
 *   in seconds, and what to do after it
 */
export async function buy(buyer, how, { delay, changed, failed }) {
  const status = how === 'trial' ? 'TRIAL' : 'PAID';
  const date = now();
  const make = () => change(`User ${buyer.user_id}: ${status}`, buyer, status, date);
  const seconds = how === 'half-way' ? Math.max(delay, HALF_WAY_SECONDS) : delay;
  forget(buyer);
  if (seconds === 0) {
    await make();
    return;
  }
  const before = JSON.stringify(purchaseOf(buyer));
  const timer = setTimeout(async () => {
    forget(buyer);
    try {
      await loadPurchases();
      // A refund in between stays.
      if (JSON.stringify(purchaseOf(buyer)) === before) await make();
    } catch (error) {
      failed(/** @type {Error} */ (error));
    }
    changed();
  }, seconds * 1000);
  pending.set(buyer.user_id, { at: Date.now() + seconds * 1000, isPaid: how === 'paid', timer });
  showPending();
}

/** @param {Buyer} buyer */
function forget({ user_id }) {
  clearTimeout(pending.get(user_id)?.timer);
  pending.delete(user_id);
  showPending();
}

/**
 * @param {string} title
 * @param {Buyer} buyer
 * @param {string} payment_status
 * @param {string} [date_of_purchase]
 */
async function change(title, buyer, payment_status, date_of_purchase) {
  await run({ title, method: 'PUT', path: '/purchases', body: { ...buyer, payment_status, date_of_purchase } });
  await loadPurchases();
}

function showPending() {
  const lines = [...pending].map(([user, { at }]) => {
    const seconds = Math.max(0, Math.ceil((at - Date.now()) / 1000));
    return `The API will know of the purchase of user ${user} in ${seconds} s.`;
  });
  setText(text, lines.join(' '));
}

setInterval(showPending, 1000);
