// @ts-check
// The section "Purchases": who has bought what.

import { curlOfAction, read } from './api.js';
import { attempt, onSubmit, previewCommand, run } from './commands.js';
import { count, el, find, rowsIn, setText } from './dom.js';
import { oneAtATime } from './events.js';
import { kindOf, now, onlySubject, resourceName, sameSubject, subjectName, subjectOf } from './fields.js';

const MAX_ROWS = 100;

/** What a button makes of the status. */
/** @type {Record<string, string>} */
const STATUS_AFTER = { Buy: 'PAID', Trial: 'TRIAL', Refund: 'UNPAID', Lapse: 'UNPAID' };

const form = find('#purchase-form', HTMLFormElement);
const list = find('#purchase-list', HTMLElement);
const search = find('#purchase-search', HTMLInputElement);
const shown = find('#purchase-shown', HTMLElement);
const none = find('#purchase-none', HTMLElement);
const total = find('#purchase-count', HTMLElement);
const showRows = rowsIn(find('#purchase-rows', HTMLElement), subjectName, purchaseRow);

/** @type {import('./api.js').Purchase[]} */
let purchases = [];

export function startPurchases() {
  const inForm = (/** @type {string} */ change) => changeOf(subjectOf(form), change);
  let change = 'Buy';
  const showCommand = previewCommand(form, () => curlOfAction(inForm(change)));
  onSubmit(form, async (button) => {
    change = button?.getAttribute('value') ?? 'Buy';
    const action = inForm(change);
    await run(action);
    showCommand();
    return `Done: ${action.title}.`;
  });
  search.addEventListener('input', () => {
    const query = search.value ? `?${new URLSearchParams({ search: search.value })}` : '';
    history.replaceState(null, '', `#purchases${query}`);
    draw();
  });
}

/** @param {URLSearchParams} params of the link that led here */
export function showPurchases(params) {
  search.value = params.get('search') ?? '';
  draw();
}

export const loadPurchases = oneAtATime(async () => {
  ({ purchases } = await read('/purchases'));
  draw();
});

/**
 * The change that a button makes. A purchase that has ended keeps its date.
 *
 * @param {import('./api.js').Subject} subject
 * @param {string} change
 * @returns {import('./api.js').Action}
 */
function changeOf(subject, change) {
  const payment_status = STATUS_AFTER[change];
  const before = purchases.find((purchase) => sameSubject(purchase, subject));
  const date_of_purchase = payment_status === 'UNPAID' ? before?.date_of_purchase : now();
  return {
    title: `${change}: ${subjectName(subject)}`,
    method: 'PUT',
    path: '/purchases',
    body: { ...onlySubject(subject), payment_status, date_of_purchase },
  };
}

function draw() {
  const words = search.value.toLowerCase().split(/\s+/);
  const found = purchases.filter((purchase) => {
    const text = textOf(purchase);
    return words.every((word) => text.includes(word));
  });
  const first = found.slice(0, MAX_ROWS);
  showRows(first);
  setText(total, count(purchases.length));
  setText(shown, summary(found.length, first.length));
  none.hidden = found.length > 0;
  setText(
    none,
    purchases.length === 0
      ? 'Nobody has bought anything. The API answers UNPAID for everyone.'
      : 'No purchase matches. The API answers UNPAID for a user who is not listed.',
  );
}

/**
 * @param {number} found
 * @param {number} rows
 */
function summary(found, rows) {
  const of = found === purchases.length ? '' : ` of ${count(purchases.length)}`;
  const part = rows < found ? `, the first ${rows} are shown` : '';
  return `${count(found)}${of}${part}`;
}

/** @param {import('./api.js').Purchase} purchase */
function textOf(purchase) {
  const { user_id, payment_status } = purchase;
  return `${user_id} ${resourceName(purchase)} ${payment_status}`.toLowerCase();
}

function purchaseRow() {
  /** @type {import('./api.js').Purchase} */
  let purchase;
  const user = el('td', { class: 'id' });
  const resource = el('td', { class: 'id' });
  const status = el('span', { class: 'tag' });
  const date = el('td', { class: 'id number' });
  const buttons = Object.keys(STATUS_AFTER).map((change) => {
    const act = () => attempt(list, () => run(changeOf(purchase, change)));
    return el('button', { type: 'button', class: 'quiet', onclick: act }, change);
  });
  const ask = el('a', {}, 'Ask');
  const actions = el('td', { class: 'actions' }, el('div', {}, ...buttons, ask));
  const element = el('tr', {}, user, resource, el('td', {}, status), date, actions);

  /** @param {import('./api.js').Purchase} next */
  function update(next) {
    purchase = next;
    setText(user, purchase.user_id);
    setText(resource, resourceName(purchase));
    setText(status, purchase.payment_status);
    status.dataset.status = purchase.payment_status;
    const { date_of_purchase = 'none' } = purchase;
    setText(date, date_of_purchase.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, ''));
    date.title = date_of_purchase;
    const [kind] = kindOf(purchase);
    ask.href = `#ask?user_id=${purchase.user_id}&${kind}=${purchase[kind]}`;
    for (const button of [...buttons, ask]) {
      button.setAttribute('aria-label', `${button.textContent}: ${subjectName(purchase)}`);
    }
  }
  return { element, update };
}
