// @ts-check
// One run of the plugin, as one user: what it wants of Figma is played here.

import { run as runAction } from './commands.js';
import { closeCheckout, openCheckout } from './stage_checkout.js';
import { say } from './stage_console.js';
import { dismiss, dismissAll, notify } from './stage_notifications.js';
import { startPlugin } from './stage_plugin.js';
import { buy, hasPaidAlready, purchaseOf } from './stage_purchases.js';

/** A plugin that is not the one on the stage. */
const ANOTHER_PLUGIN = '1111111111';

/**
 * @typedef {import('./stage_purchases.js').Buyer} Buyer
 * @typedef {import('./stage_plugin.js').Message} Message
 * @typedef {{
 *   plugin: { manifest: any, main: string, ui: any },
 *   runtime: string,
 *   owner: string | null,
 *   buyer: Buyer,
 *   command: string,
 *   firstRanSecondsAgo: number,
 *   published: boolean,
 *   takeTokenKind: () => string,
 *   delay: () => number,
 *   changed: () => void,
 *   started: () => void,
 *   closed: (message?: string) => void,
 * }} Play how it is played, and whom it tells
 * @typedef {{ buyer: Buyer, statusSeen: () => string, stop: () => void }} Run
 */

/**
 * What Figma tells the plugin: that its creator has paid, for one.
 *
 * @param {Buyer} buyer
 * @param {string | null} owner
 */
function statusInFigma(buyer, owner) {
  if (buyer.user_id === owner || hasPaidAlready(buyer)) return 'PAID';
  const status = purchaseOf(buyer)?.payment_status;
  return status === 'PAID' || status === 'NOT_SUPPORTED' ? status : 'UNPAID';
}

/**
 * @param {Play} play
 * @returns {Run}
 */
export function startRun({ plugin, runtime, owner, buyer, published, ...play }) {
  const name = String(plugin.manifest.name);
  let seen = statusInFigma(buyer, owner);
  let isSetByPlugin = false;
  let isOver = false;
  /** @type {Promise<string> | null} */
  let checkoutUnderWay = null;

  const start = {
    ...plugin,
    command: play.command,
    user: { id: buyer.user_id, name: `User ${buyer.user_id}` },
    firstRanSecondsAgo: play.firstRanSecondsAgo,
    status: seen,
  };
  const running = startPlugin({ start, runtime, published }, onMessage);
  say('run', `The plugin starts as user ${buyer.user_id}.`);
  return {
    buyer,
    statusSeen: () => (isSetByPlugin ? `${seen} (set by setPaymentStatusInDevelopment)` : seen),
    stop() {
      isOver = true;
      running.stop();
      dismissAll();
      closeCheckout();
    },
  };

  /**
   * What the plugin wants of Figma, and what it logs.
   *
   * @param {Message} message
   */
  function onMessage(message) {
    switch (message.type) {
      case 'running':
        play.started();
        break;
      case 'checkout':
        answer(message.question, () => checkout(message.interstitial));
        break;
      case 'token':
        answer(message.question, paymentToken);
        break;
      case 'status-in-development':
        seen = String(message.status);
        isSetByPlugin = true;
        say('info', `setPaymentStatusInDevelopment: the plugin sees ${seen}. The API says what it said before.`);
        play.changed();
        break;
      case 'checkout-requested':
        requestCheckout();
        break;
      case 'notify':
        notify(message.notification, /** @type {any} */ (message), {
          pressed: () => running.send({ type: 'notification-button', notification: message.notification }),
          gone: (reason) => running.send({ type: 'notification-gone', notification: message.notification, reason }),
        });
        break;
      case 'notify-cancel':
        dismiss(message.notification, String(message.reason ?? 'dismiss'));
        break;
      case 'close':
        play.closed(message.message === undefined ? undefined : String(message.message).slice(0, 200));
        break;
      case 'blocked':
        say('error', `${message.uri} was blocked: the manifest does not allow it in networkAccess.allowedDomains.`, where(message));
        break;
      case 'console':
        say(String(message.level), String(message.text), where(message));
        break;
    }
  }

  /**
   * Answers a question of the plugin, if it is still running then.
   *
   * @param {number} question
   * @param {() => Promise<any>} work
   */
  async function answer(question, work) {
    const reply = await work().then(
      (value) => ({ value }),
      (error) => ({ error: String(error.message) }),
    );
    if (!isOver) running.send({ type: 'answer', question, ...reply });
  }

  async function paymentToken() {
    const kind = play.takeTokenKind();
    if (kind === 'none') throw new Error('Figma made no payment token');
    const body = {
      user_id: buyer.user_id,
      plugin_id: kind === 'foreign' ? ANOTHER_PLUGIN : buyer.plugin_id,
      ...(kind === 'expired' ? { lifetime_seconds: 0 } : {}),
    };
    const { token } = await runAction({ title: 'A payment token', method: 'POST', path: '/tokens', body });
    return token;
  }

  /**
   * What the plugin sees as its status afterwards. Whoever asks for a checkout while there is one
   * waits for its end.
   *
   * @param {string} interstitial
   */
  function checkout(interstitial) {
    checkoutUnderWay ??= newCheckout(interstitial).finally(() => (checkoutUnderWay = null));
    return checkoutUnderWay;
  }

  /** @param {string} interstitial */
  async function newCheckout(interstitial) {
    if (statusInFigma(buyer, owner) === 'PAID') {
      const who = buyer.user_id === owner ? 'The owner' : `User ${buyer.user_id}`;
      say('warn', `No checkout is shown. ${who} has paid, by what Figma tells the plugin.`);
      if (!isSetByPlugin) seen = 'PAID';
      play.changed();
      return seen;
    }
    const purchase = await openCheckout({ plugin: name, user: buyer.user_id, interstitial });
    if (!purchase) return seen;
    await buy(buyer, purchase, {
      delay: play.delay(),
      changed: play.changed,
      failed: ({ message }) => say('error', `The API knows of no purchase of user ${buyer.user_id}: ${message}`),
    });
    if (purchase === 'paid') {
      seen = 'PAID';
      isSetByPlugin = false;
    }
    play.changed();
    return seen;
  }

  /** In Figma the checkout opens when the user leaves the text that they edit. */
  function requestCheckout() {
    const notification = -1; // none of the plugin's own has this number
    dismiss(notification, 'dismiss');
    notify(notification, { message: 'The plugin asks for a checkout.', timeout: Infinity, button: 'Open it' }, {
      pressed: async () => {
        dismiss(notification, 'action_button_click');
        try {
          const status = await checkout('PAID_FEATURE');
          if (!isOver) running.send({ type: 'status', status });
        } catch (error) {
          say('error', `The checkout failed: ${/** @type {Error} */ (error).message}`);
        }
      },
      gone() {},
    });
  }
}

/** @param {Message} message */
function where({ line, inUi }) {
  const file = inUi ? 'UI' : 'code.js';
  return line === undefined ? file : `${file}:${line}`;
}
