// @ts-check
// The section "Payment tokens": those that can be used now, and a form to make one.

import { curlOfAction, read } from './api.js';
import { onSubmit, previewCommand, run } from './commands.js';
import { copyButton, count, duration, el, find, rowsIn, setText } from './dom.js';
import { oneAtATime } from './events.js';
import { numberOf, resourceName, subjectName, subjectOf } from './fields.js';
import { clockTime } from './clock.js';

const MAX_ROWS = 100;

/** @typedef {import('./api.js').Token & { expires: number }} ShownToken by the sandbox's clock */

const form = find('#token-form', HTMLFormElement);
const none = find('#token-none', HTMLElement);
const total = find('#token-count', HTMLElement);
const showRows = rowsIn(
  find('#token-rows', HTMLElement),
  (/** @type {ShownToken} */ token) => token.token,
  tokenRow,
);

/** @type {ShownToken[]} */
let tokens = [];

export function startTokens() {
  previewCommand(form, () => curlOfAction(newToken()));
  onSubmit(form, async () => {
    const { token, good_for_seconds } = await run(newToken());
    return `${token} can be used for ${count(good_for_seconds)} seconds.`;
  });
  setInterval(draw, 1000);
}

export const loadTokens = oneAtATime(async () => {
  /** @type {{ tokens: import('./api.js').Token[] }} */
  const answer = await read('/tokens');
  tokens = answer.tokens.map((token) => ({
    ...token,
    expires: clockTime() + token.valid_for_seconds,
  }));
  draw();
});

/** @returns {import('./api.js').Action} */
function newToken() {
  const subject = subjectOf(form);
  const lifetime_seconds = numberOf(form, 'lifetime');
  return {
    title: `Make a token: ${subjectName(subject)}`,
    method: 'POST',
    path: '/tokens',
    body: { ...subject, lifetime_seconds },
  };
}

/** Every second, too, for the time that is left. */
function draw() {
  const valid = tokens.filter((token) => token.expires > clockTime());
  showRows(valid.slice(0, MAX_ROWS));
  setText(total, count(valid.length));
  none.hidden = valid.length > 0 && valid.length <= MAX_ROWS;
  setText(
    none,
    valid.length === 0
      ? 'No token can be used now.'
      : `${count(valid.length)} tokens can be used, the newest ${MAX_ROWS} are shown.`,
  );
}

function tokenRow() {
  const text = el('span', { class: 'id' });
  const user = el('td', { class: 'id' });
  const resource = el('td', { class: 'id' });
  const left = el('td', { class: 'number' });
  const ask = el('a', {}, 'Ask');
  const copy = copyButton('Copy', text);
  const actions = el('td', { class: 'actions' }, el('div', {}, copy, ask));
  const element = el('tr', {}, el('td', {}, text), user, resource, left, actions);

  /** @param {ShownToken} token */
  function update(token) {
    setText(text, token.token);
    setText(user, token.user_id);
    setText(resource, resourceName(token));
    setText(left, duration(Math.ceil(token.expires - clockTime())));
    ask.href = `#ask?${new URLSearchParams({ plugin_payment_token: token.token })}`;
    ask.setAttribute('aria-label', `Ask by ${token.token}`);
  }
  return { element, update };
}
