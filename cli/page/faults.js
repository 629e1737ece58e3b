// @ts-check
// The section "Faults": what goes wrong on purpose.

import { curlOfAction } from './api.js';
import { attempt, onSubmit, previewCommand, run } from './commands.js';
import { count, el, find, rowsIn, setText } from './dom.js';
import { numberOf, showChosenFields, valueOf } from './fields.js';

/** @typedef {import('./api.js').NewFault} NewFault */

/** @type {[string, NewFault][]} */
const USUAL = [
  ['Outage: 503', { fault: 'status', status: 503, all: true }],
  ['429, retry after 30 s', { fault: 'rate_limited', retry_after_seconds: 30, all: true }],
  ['Slow: 1500 ms', { fault: 'delay', delay_ms: 1500, all: true }],
  ['Connection reset', { fault: 'reset', all: true }],
];

const switches = find('#fault-switches', HTMLElement);
const form = find('#fault-form', HTMLFormElement);
const list = find('#fault-list', HTMLElement);
const none = find('#fault-none', HTMLElement);
const total = find('#fault-count', HTMLElement);
const heading = find('#faults-on', HTMLElement);
const allOff = find('#faults-off', HTMLButtonElement);
const usual = USUAL.map(([label, fault]) => usualSwitch(label, fault));
const showRows = rowsIn(
  find('#fault-rows', HTMLElement),
  (/** @type {import('./api.js').Fault} */ fault) => String(fault.id),
  faultRow,
);

export function startFaults() {
  find('.buttons', HTMLElement, switches).append(...usual.map(({ button }) => button));
  showChosenFields(form, ['fault', 'calls']);
  previewCommand(form, () => curlOfAction(switchOn(faultInForm())));
  onSubmit(form, async () => {
    const fault = faultInForm();
    await run(switchOn(fault));
    return `Switched on: ${faultName(fault)}.`;
  });
  allOff.addEventListener('click', () =>
    attempt(list, () => run({ title: 'All faults off', method: 'DELETE', path: '/faults' })),
  );
}

/** @param {import('./api.js').Fault[]} faults */
export function showFaults(faults) {
  const hadFocus = list.contains(document.activeElement);
  showRows(faults);
  usual.forEach(({ update }) => update(faults));
  none.hidden = faults.length > 0;
  allOff.hidden = faults.length === 0;
  setText(total, faults.length > 0 ? `${faults.length} on` : '');
  // What had the focus may be gone.
  if (hadFocus && (allOff.hidden || !list.contains(document.activeElement))) heading.focus();
}

/** Fields that are not shown are not in it. */
function faultInForm() {
  const calls = valueOf(form, 'calls');
  return {
    fault: valueOf(form, 'fault'),
    status: numberOf(form, 'status'),
    retry_after_seconds: numberOf(form, 'retry_after_seconds'),
    delay_ms: numberOf(form, 'delay_ms'),
    next: numberOf(form, 'next'),
    all: calls === 'all' ? true : undefined,
    share: numberOf(form, 'share'),
    seed: numberOf(form, 'seed'),
  };
}

/**
 * @param {NewFault} fault
 * @returns {import('./api.js').Action}
 */
function switchOn(fault) {
  return { title: `Fault on: ${faultName(fault)}`, method: 'POST', path: '/faults', body: fault };
}

/**
 * @param {import('./api.js').Fault} fault
 * @returns {import('./api.js').Action}
 */
function switchOff(fault) {
  return { title: `Fault off: ${faultName(fault)}`, method: 'DELETE', path: `/faults/${fault.id}` };
}

/** @param {NewFault} fault */
function faultName(fault) {
  return `${kindName(fault)}, ${callsName(fault)}`;
}

/** @param {NewFault} fault */
function kindName({ fault, status, retry_after_seconds, delay_ms }) {
  switch (fault) {
    case 'status': return `status ${status}`;
    case 'rate_limited': return `429, retry after ${retry_after_seconds} s`;
    case 'delay': return `slow by ${delay_ms} ms`;
    case 'reset': return 'connection reset';
    case 'cut_body': return 'body cut off';
    case 'wrong_user': return 'answer about another user';
    case 'wrong_resource': return 'answer about another resource';
    default: return fault;
  }
}

/** @param {NewFault} fault */
function callsName({ next, share, seed }) {
  if (next !== undefined) return next === 1 ? 'the next call' : `the next ${count(next)} calls`;
  if (share !== undefined) return `a share of ${share} of the calls (seed ${seed})`;
  return 'all calls';
}

/**
 * @param {string} label
 * @param {NewFault} wanted
 */
function usualSwitch(label, wanted) {
  /** @type {import('./api.js').Fault | undefined} */
  let on;
  const attributes = { type: 'button', role: 'switch', 'aria-checked': 'false', onclick: toggle };
  const button = el('button', attributes, label);

  async function toggle() {
    // A second press waits until it shows what the first one did.
    button.disabled = true;
    await attempt(switches, () => run(on ? switchOff(on) : switchOn(wanted)));
    setTimeout(() => (button.disabled = false), 300);
  }

  /** @param {import('./api.js').Fault[]} faults */
  function update(faults) {
    on = faults.find((fault) => faultName(fault) === faultName(wanted));
    button.setAttribute('aria-checked', String(on !== undefined));
  }
  return { button, update };
}

function faultRow() {
  /** @type {import('./api.js').Fault} */
  let fault;
  const name = el('span', {});
  const act = () => attempt(list, () => run(switchOff(fault)));
  const button = el('button', { type: 'button', class: 'quiet', onclick: act }, 'Switch off');
  const element = el('li', {}, name, button);

  /** @param {import('./api.js').Fault} next */
  function update(next) {
    fault = next;
    setText(name, faultName(fault));
    button.setAttribute('aria-label', `Switch off: ${faultName(fault)}`);
  }
  return { element, update };
}
