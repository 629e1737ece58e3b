// @ts-check
// The stage: it plays Figma for one plugin, so that a whole sale can be tried. In the sandbox
// it does only what the control API lets anybody do.

import { read } from './api.js';
import { attempt, run } from './commands.js';
import { el, find, setText } from './dom.js';
import { oneAtATime, startEvents } from './events.js';
import { showChosenFields, valueOf } from './fields.js';
import { closeCheckout, openCheckout } from './stage_checkout.js';
import { say } from './stage_console.js';
import { dismiss, dismissAll, notify } from './stage_notifications.js';
import { startPlugin } from './stage_plugin.js';

/** A plugin that is not the one on the stage. */
const ANOTHER_PLUGIN = '1111111111';

/** After a checkout that was closed half-way the API knows of the purchase after this at the earliest. */
const HALF_WAY_MS = 5000;

const form = find('#stage-form', HTMLFormElement);
const state = find('#state', HTMLElement);
const pendingText = find('#pending', HTMLElement);
const refundButton = find('#refund', HTMLButtonElement);

/** @type {import('./api.js').Settings} */
let settings;
/** @type {import('./api.js').Purchase[]} */
let purchases = [];
/** @type {import('./stage_plugin.js').Running | null} */
let running = null;
/** What the plugin sees as `figma.payments.status`. */
let seen = 'UNPAID';
/** The plugin has set that itself. */
let isSetByPlugin = false;
/**
 * The purchases of users of which the API will know later: when, by the clock of this window,
 * and whether the user has seen the checkout end.
 *
 * @type {Map<string, { at: number, ended: boolean }>}
 */
const pending = new Map();

await begin();

async function begin() {
  await attempt(form, async () => {
    showChosenFields(form, ['user']);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      runAgain();
    });
    for (const name of ['user', 'user_id', 'first_ran_days', 'development', 'command']) {
      find(`[name=${name}]`, HTMLElement, form).addEventListener('change', runAgain);
    }
    find('#close', HTMLElement).addEventListener('click', () => close());
    refundButton.addEventListener('click', () => attempt(form, refund));
    await runAgain();
    let connections = 0;
    startEvents({
      connected() {
        // It may be another sandbox, with another plugin.
        if (++connections > 1) runAgain();
      },
      state: showState(),
      requests: () => {},
    });
  });
}

// Who is looking, and what they have.

function user() {
  const chosen = valueOf(form, 'user');
  if (chosen === 'owner') return settings.owner ?? '';
  return chosen === 'other' ? valueOf(form, 'user_id') : chosen;
}

function subject() {
  return { user_id: user(), plugin_id: settings.plugin?.id ?? '' };
}

/** A function that shows the faults, and looks again if the counter of purchases is another. */
function showState() {
  const faults = find('#faults', HTMLElement);
  const look = oneAtATime(lookAgain);
  let counter = -1;
  return (/** @type {import('./api.js').State} */ state) => {
    faults.hidden = state.faults.length === 0;
    setText(faults, state.faults.length === 1 ? '1 fault is on' : `${state.faults.length} faults are on`);
    if (state.purchases === counter) return;
    counter = state.purchases;
    look();
  };
}

async function lookAgain() {
  ({ purchases } = await read('/purchases'));
  showStatus();
}

function purchase() {
  const { user_id, plugin_id } = subject();
  return purchases.find((it) => it.user_id === user_id && it.plugin_id === plugin_id);
}

/** What the Payments API says: that the owner has not paid, for one. */
function apiStatus() {
  return user() === settings.owner ? 'UNPAID' : purchase()?.payment_status ?? 'UNPAID';
}

/** What Figma tells the plugin: that its creator has paid, for one. */
function statusInFigma() {
  if (user() === settings.owner || pending.get(user())?.ended) return 'PAID';
  const status = purchase()?.payment_status;
  return status === 'PAID' || status === 'NOT_SUPPORTED' ? status : 'UNPAID';
}

function showStatus() {
  setText(find('#api-status', HTMLElement), apiStatus());
  const note = isSetByPlugin ? ' (set by setPaymentStatusInDevelopment)' : '';
  setText(find('#plugin-status', HTMLElement), running ? seen + note : 'nothing: it is not running');
  refundButton.disabled = purchase()?.payment_status !== 'PAID';
  find('#purchases-link', HTMLAnchorElement).href = `/#purchases?search=${encodeURIComponent(user())}`;
}

async function refund() {
  const date_of_purchase = purchase()?.date_of_purchase;
  await buy(`Refund user ${user()}`, { ...subject(), payment_status: 'UNPAID', date_of_purchase });
}

/**
 * @param {string} title
 * @param {object} body
 */
async function buy(title, body) {
  await run({ title, method: 'PUT', path: '/purchases', body });
  await lookAgain();
}

// The plugin.

async function runAgain() {
  if (!form.reportValidity()) return;
  stop();
  await attempt(form, async () => {
    const [plugin, runtime] = await Promise.all([read('/plugin'), readRuntime(), loadSettings()]);
    await lookAgain();
    showManifest(plugin);
    seen = statusInFigma();
    isSetByPlugin = false;
    const start = {
      manifest: plugin.manifest,
      main: plugin.main,
      ui: plugin.ui,
      command: valueOf(form, 'command'),
      user: { id: user(), name: `User ${user()}` },
      firstRanSecondsAgo: Number(valueOf(form, 'first_ran_days')) * 86_400,
      status: seen,
    };
    const published = !find('[name=development]', HTMLInputElement, form).checked;
    running = startPlugin({ start, runtime, published }, (message) => onMessage(message));
    setText(state, `Runs as user ${user()}.`);
    say('run', `The plugin runs as user ${user()}.`);
    showStatus();
  });
}

async function loadSettings() {
  settings = await read('/settings');
  setText(find('#owner', HTMLElement), `${settings.owner}, the owner`);
  setText(find('#plugin-name', HTMLElement), settings.plugin?.name ?? '');
  document.title = `Stage of ${settings.plugin?.name}`;
}

async function readRuntime() {
  const response = await fetch('/_sandbox/files/figma.js', { cache: 'no-store' });
  return response.text();
}

/** @param {{ manifest: any, allowed_domains: string[] }} plugin */
function showManifest({ manifest, allowed_domains }) {
  const published = allowed_domains.join(' ') || 'nothing';
  setText(find('#domains', HTMLElement), `Published, it may reach: ${published}`);
  const commands = find('[name=command]', HTMLSelectElement, form);
  const chosen = commands.value;
  const named = (manifest.menu ?? []).filter((/** @type {any} */ item) => item.command);
  commands.replaceChildren(...named.map((/** @type {any} */ item) => el('option', { value: String(item.command) }, String(item.name))));
  if (named.some((/** @type {any} */ item) => item.command === chosen)) commands.value = chosen;
  find('#commands', HTMLElement).hidden = named.length === 0;
}

function stop() {
  running?.stop();
  running = null;
  setText(state, 'It does not run.');
  dismissAll();
  closeCheckout();
}

/** @param {string} [message] */
function close(message) {
  stop();
  setText(state, message ? `The plugin has closed: ${message}` : 'The plugin has closed.');
  showStatus();
}

/**
 * What the plugin wants of Figma, and what it logs.
 *
 * @param {import('./stage_plugin.js').Message} message
 */
function onMessage(message) {
  switch (message.type) {
    case 'checkout':
      answer(message.question, () => checkout(message.interstitial));
      break;
    case 'token':
      answer(message.question, paymentToken);
      break;
    case 'status-in-development':
      seen = message.status;
      isSetByPlugin = true;
      say('info', `setPaymentStatusInDevelopment: the plugin sees ${seen}. The API says ${apiStatus()} as before.`);
      showStatus();
      break;
    case 'checkout-requested':
      requestCheckout();
      break;
    case 'notify':
      notify(message.notification, /** @type {any} */ (message), {
        pressed: () => running?.send({ type: 'notification-button', notification: message.notification }),
        gone: (reason) => running?.send({ type: 'notification-gone', notification: message.notification, reason }),
      });
      break;
    case 'notify-cancel':
      dismiss(message.notification, message.reason ?? 'dismiss');
      break;
    case 'close':
      close(message.message);
      break;
    case 'blocked':
      say('error', `${message.uri} was blocked: the manifest does not allow it in networkAccess.allowedDomains.`, where(message));
      break;
    case 'console':
      say(message.level, message.text, where(message));
      break;
  }
}

/** @param {import('./stage_plugin.js').Message} message */
function where({ line, inUi }) {
  if (inUi) return 'UI';
  return line === undefined ? 'code' : `code.js:${line}`;
}

/**
 * Answers a question of the plugin, if it is still running then.
 *
 * @param {number} question
 * @param {() => Promise<any>} work
 */
async function answer(question, work) {
  const asking = running;
  const reply = await work().then(
    (value) => ({ value }),
    (error) => ({ error: String(error.message) }),
  );
  if (running === asking) asking?.send({ type: 'answer', question, ...reply });
}

// The sale.

async function paymentToken() {
  const wanted = find('[name=tokens]', HTMLSelectElement, form);
  if (wanted.value === 'none') throw new Error('Figma made no payment token');
  const body = {
    user_id: user(),
    plugin_id: wanted.value === 'foreign' ? ANOTHER_PLUGIN : subject().plugin_id,
    ...(wanted.value === 'expired' ? { lifetime_seconds: 0 } : {}),
  };
  if (wanted.value === 'expired') wanted.value = 'valid';
  const { token } = await run({ title: 'A payment token', method: 'POST', path: '/tokens', body });
  return token;
}

/**
 * What the plugin sees as its status afterwards.
 *
 * @param {string} interstitial
 */
async function checkout(interstitial) {
  const buyer = subject();
  if (statusInFigma() === 'PAID') {
    const who = buyer.user_id === settings.owner ? 'The owner' : `User ${buyer.user_id}`;
    say('info', `No checkout is shown. ${who} has paid, by what Figma tells the plugin.`);
    return seen;
  }
  const purchase = await openCheckout({ plugin: settings.plugin?.name ?? '', user: buyer.user_id, interstitial });
  if (!purchase) return seen;
  await makeKnown(buyer, purchase);
  if (purchase === 'paid') {
    seen = 'PAID';
    isSetByPlugin = false;
  }
  showStatus();
  return seen;
}

/**
 * Lets the API know of a purchase, at once or after the delay that is set.
 *
 * @param {{ user_id: string, plugin_id: string }} buyer
 * @param {import('./stage_checkout.js').Purchase} how
 */
async function makeKnown(buyer, how) {
  const payment_status = how === 'trial' ? 'TRIAL' : 'PAID';
  const date_of_purchase = new Date().toISOString();
  const change = () => buy(`User ${buyer.user_id}: ${payment_status}`, { ...buyer, payment_status, date_of_purchase });
  const set = Number(valueOf(form, 'delay')) * 1000;
  const delay = how === 'half-way' ? Math.max(set, HALF_WAY_MS) : set;
  if (delay === 0) {
    await change();
    return;
  }
  pending.set(buyer.user_id, { at: Date.now() + delay, ended: how === 'paid' });
  showPending();
  setTimeout(() => attempt(form, async () => {
    await change();
    pending.delete(buyer.user_id);
    showPending();
  }), delay);
}

function showPending() {
  const lines = [...pending].map(([user, { at }]) => {
    const seconds = Math.max(0, Math.ceil((at - Date.now()) / 1000));
    return `The API will know of the purchase of user ${user} in ${seconds} s.`;
  });
  setText(pendingText, lines.join(' '));
  if (lines.length > 0) setTimeout(showPending, 1000);
}

/** In Figma the checkout opens when the user leaves the text that they edit. */
function requestCheckout() {
  const notification = -1;
  dismiss(notification, 'dismiss');
  const asking = running;
  notify(notification, { message: 'The plugin asks for a checkout.', timeout: Infinity, button: 'Open it' }, {
    pressed: async () => {
      dismiss(notification, 'action_button_click');
      const status = await checkout('PAID_FEATURE');
      if (running === asking) asking?.send({ type: 'status', status });
    },
    gone() {},
  });
}
