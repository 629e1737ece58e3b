// @ts-check
// The checkout, as a dialog whose end the person at the stage decides.

import { find } from './dom.js';

/** @typedef {'paid' | 'trial' | 'half-way'} Purchase how something was bought */

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

const dialog = find('#checkout', HTMLDialogElement);
const title = find('#checkout-title', HTMLElement);
const why = find('#checkout-why', HTMLElement);
const first = find('#checkout-first', HTMLElement);
const payment = find('#checkout-payment', HTMLElement);
const halfWay = find('#checkout-half-way', HTMLElement);
const refused = find('#checkout-refused', HTMLElement);

find('#checkout-continue', HTMLElement).addEventListener('click', showPayment);
for (const button of payment.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    if (button.value === 'refused') {
      refused.textContent = 'The card was refused. Nothing was bought.';
    } else {
      dialog.close(button.value);
    }
  });
}

/**
 * Opens it, and waits until it is closed. Null if nothing was bought.
 *
 * @param {{ plugin: string, user: string, interstitial: string }} sale
 * @returns {Promise<Purchase | null>}
 */
export function openCheckout({ plugin, user, interstitial }) {
  title.textContent = `Checkout of user ${user}`;
  refused.textContent = '';
  const reason = reasonToPay(interstitial, plugin);
  why.textContent = reason;
  showStep(reason ? first : payment);
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(purchaseBy(dialog.returnValue)), { once: true });
  });
}

/** @param {HTMLElement} step */
function showStep(step) {
  first.hidden = step !== first;
  payment.hidden = step !== payment;
  halfWay.hidden = step !== payment;
}

/**
 * Whatever else closes the dialog, the Escape key for one, buys nothing.
 *
 * @param {string} value of the button that closed it
 */
function purchaseBy(value) {
  return value === 'paid' || value === 'trial' || value === 'half-way' ? value : null;
}

/** Closes it without a purchase. */
export function closeCheckout() {
  if (dialog.open) dialog.close('cancelled');
}

function showPayment() {
  showStep(payment);
  payment.querySelector('button')?.focus();
}
