// @ts-check
// The checkout, as a dialog whose end the person at the stage decides.

import { find } from './dom.js';

/** @typedef {'paid' | 'trial' | 'half-way'} Purchase how something was bought */

const dialog = find('#checkout', HTMLDialogElement);
const title = find('#checkout-title', HTMLElement);
const why = find('#checkout-why', HTMLElement);
const first = find('#checkout-first', HTMLElement);
const payment = find('#checkout-payment', HTMLElement);
const halfWay = find('#checkout-half-way', HTMLElement);
const refused = find('#checkout-refused', HTMLElement);

/** @type {(purchase: Purchase | null) => void} */
let end = () => {};

find('#checkout-continue', HTMLElement).addEventListener('click', () => showStep(payment));
for (const button of payment.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    if (button.value === 'refused') {
      refused.textContent = 'The card was refused. Nothing was bought.';
      return;
    }
    end(/** @type {Purchase} */ (button.value));
    dialog.close();
  });
}
// Whatever else closes the dialog, the Escape key for one, buys nothing.
dialog.addEventListener('close', () => end(null));

/**
 * Opens it, and waits until it is closed. Null if nothing was bought. There is one at a time.
 *
 * @param {{ plugin: string, user: string, interstitial: string }} sale
 * @returns {Promise<Purchase | null>}
 */
export function openCheckout({ plugin, user, interstitial }) {
  title.textContent = `Checkout of user ${user}`;
  refused.textContent = '';
  why.textContent = reasonToPay(interstitial, plugin);
  dialog.showModal();
  showStep(why.textContent ? first : payment);
  return new Promise((resolve) => (end = resolve));
}

/** Closes it without a purchase. */
export function closeCheckout() {
  end(null);
  dialog.close();
}

/**
 * What stands before the payment; nothing for SKIP.
 *
 * @param {string} interstitial
 * @param {string} plugin
 */
function reasonToPay(interstitial, plugin) {
  switch (interstitial) {
    case 'PAID_FEATURE':
      return `This is a paid feature of ${plugin}.`;
    case 'TRIAL_ENDED':
      return `Your free trial of ${plugin} has ended.`;
    default:
      return '';
  }
}

/** @param {HTMLElement} step */
function showStep(step) {
  first.hidden = step !== first;
  payment.hidden = step !== payment;
  halfWay.hidden = step !== payment;
  step.querySelector('button')?.focus();
}
