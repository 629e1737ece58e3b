// @ts-check
// The stage: it plays Figma for one plugin, so that a whole sale can be tried. In the sandbox
// it does only what the control API lets anybody do. This file is the form beside the plugin;
// stage_run.js plays one run of it.

import { read } from './api.js';
import { attempt } from './commands.js';
import { el, find, setText } from './dom.js';
import { oneAtATime, startEvents } from './events.js';
import { showChosenFields, valueOf } from './fields.js';
import { startRun } from './stage_run.js';
import { loadPurchases, purchaseOf, refund } from './stage_purchases.js';

const form = find('#stage-form', HTMLFormElement);
const state = find('#state', HTMLElement);
const refundButton = find('#refund', HTMLButtonElement);
const faults = find('#faults', HTMLElement);

/** The owner of the plugin. */
/** @type {string | null} */
let owner = null;
/** The id of the plugin, of when it was read last. */
let pluginId = '';
/** @type {import('./stage_run.js').Run | null} */
let run = null;
/** How often a run was begun or ended. What was under way before does not count any more. */
let turns = 0;

await begin();

async function begin() {
  showChosenFields(form, ['user']);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    runAgain();
  });
  for (const name of ['user', 'user_id', 'first_ran_days', 'development', 'command']) {
    find(`[name=${name}]`, HTMLElement, form).addEventListener('change', runAgain);
  }
  find('#close', HTMLElement).addEventListener('click', () => close('The plugin has closed.'));
  refundButton.addEventListener('click', () =>
    attempt(form, async () => {
      await refund(buyer());
      showStatus();
    }));
  await runAgain();
  startEvents({
    connected(wasLost) {
      // It may be another sandbox, with another plugin.
      if (wasLost) runAgain();
    },
    state: stateShower(),
    requests: () => {},
  });
}

/** Who is looking, by the form. */
function buyer() {
  const chosen = valueOf(form, 'user');
  const typed = chosen === 'other' ? valueOf(form, 'user_id') : chosen;
  return { user_id: chosen === 'owner' ? owner ?? '' : typed, plugin_id: pluginId };
}

/** A function that shows the faults, and looks again if the counter of purchases is another. */
function stateShower() {
  const look = oneAtATime(async () => {
    await loadPurchases();
    showStatus();
  });
  let counter = -1;
  return (/** @type {import('./api.js').State} */ state) => {
    faults.hidden = state.faults.length === 0;
    setText(faults, state.faults.length === 1 ? '1 fault is on' : `${state.faults.length} faults are on`);
    if (state.purchases === counter) return;
    counter = state.purchases;
    look();
  };
}

function showStatus() {
  const of = run?.buyer ?? buyer();
  setText(find('#api-status', HTMLElement), apiStatus(of));
  setText(find('#plugin-status', HTMLElement), run ? run.statusSeen() : 'nothing: it does not run');
  refundButton.disabled = purchaseOf(of)?.payment_status !== 'PAID';
  find('#purchases-link', HTMLAnchorElement).href = `/#purchases?search=${encodeURIComponent(of.user_id)}`;
}

/**
 * What the Payments API says: that the owner has not paid, for one.
 *
 * @param {import('./stage_purchases.js').Buyer} of
 */
function apiStatus(of) {
  return of.user_id === owner ? 'UNPAID' : purchaseOf(of)?.payment_status ?? 'UNPAID';
}

async function runAgain() {
  close('It does not run.');
  if (!form.reportValidity()) return;
  const turn = turns;
  setText(state, 'It starts.');
  await attempt(form, async () => {
    const [settings, plugin, runtime] = await Promise.all([read('/settings'), read('/plugin'), readRuntime()]);
    await loadPurchases();
    if (turn !== turns) return;
    owner = settings.owner;
    pluginId = plugin.manifest.id;
    showManifest(plugin);
    const user = buyer();
    run = startRun({
      plugin,
      runtime,
      owner,
      buyer: user,
      command: valueOf(form, 'command'),
      firstRanSecondsAgo: Number(valueOf(form, 'first_ran_days')) * 86_400,
      published: !find('[name=development]', HTMLInputElement, form).checked,
      takeTokenKind,
      delay: () => Number(valueOf(form, 'delay')),
      changed: showStatus,
      started: () => setText(state, `Runs as user ${user.user_id}.`),
      closed: (message) => close(message ? `The plugin has closed: ${message}` : 'The plugin has closed.'),
    });
    showStatus();
  });
  if (turn === turns && !run) setText(state, 'It does not run.');
}

/** @param {string} why */
function close(why) {
  turns++;
  run?.stop();
  run = null;
  setText(state, why);
  showStatus();
}

/** What kind of token the plugin gets. One that has expired is given once. */
function takeTokenKind() {
  const tokens = find('[name=tokens]', HTMLSelectElement, form);
  const kind = tokens.value;
  if (kind === 'expired') tokens.value = 'valid';
  return kind;
}

async function readRuntime() {
  const response = await fetch('/_sandbox/files/figma.js', { cache: 'no-store' });
  return response.text();
}

/** @param {{ manifest: any, allowed_domains: string[] }} plugin */
function showManifest({ manifest, allowed_domains }) {
  setText(find('#plugin-name', HTMLElement), String(manifest.name));
  document.title = `Stage of ${manifest.name}`;
  showOwner();
  const published = allowed_domains.join(' ') || 'nothing';
  setText(find('#domains', HTMLElement), `Published, it may reach: ${published}`);
  const commands = find('[name=command]', HTMLSelectElement, form);
  const chosen = commands.value;
  const named = commandsIn(manifest.menu);
  commands.replaceChildren(...named.map(({ command, name }) => el('option', { value: String(command) }, String(name))));
  if (named.some(({ command }) => command === chosen)) commands.value = chosen;
  find('#commands', HTMLElement).hidden = named.length === 0;
}

function showOwner() {
  const users = find('[name=user]', HTMLSelectElement, form);
  for (const option of users.options) {
    if (option.value === 'owner') option.textContent = `${owner}, the owner`;
    else option.hidden = option.value === owner;
  }
  if (users.value === owner) users.value = 'owner';
}

/**
 * The commands of a menu, with those in its submenus.
 *
 * @param {unknown} menu
 * @returns {{ command: string, name: string }[]}
 */
function commandsIn(menu) {
  if (!Array.isArray(menu)) return [];
  return menu.flatMap((item) => (item?.command ? [item] : commandsIn(item?.menu)));
}
