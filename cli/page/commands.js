// @ts-check
// Does what the user asks for, and shows the curl line of it.

import { curlOfAction, send } from './api.js';
import { copyButton, el, find, setText } from './dom.js';

const REMEMBERED = 20;

const last = find('#last-command', HTMLElement);
const log = find('#command-log', HTMLElement);
const rows = find('#command-rows', HTMLElement);

/**
 * Does it, and writes it into the list of commands.
 *
 * @param {import('./api.js').Action} action
 */
export async function run(action) {
  const end = recordCommand(action.title, curlOfAction(action));
  try {
    const answer = await send(action);
    end('done');
    return answer;
  } catch (error) {
    end('refused');
    throw error;
  }
}

/**
 * Writes a command into the list. The function that it returns says how it ended.
 *
 * @param {string} title
 * @param {string} curl
 */
export function recordCommand(title, curl) {
  const outcome = el('span', { class: 'hint' });
  const time = new Date().toLocaleTimeString('en-GB');
  const head = el('div', { class: 'command-title' }, `${time} ${title} `, outcome);
  rows.prepend(el('li', {}, head, commandLine(curl)));
  while (rows.childElementCount > REMEMBERED) rows.lastElementChild?.remove();
  last.replaceChildren(el('span', { class: 'command-title' }, title), commandLine(curl));
  log.hidden = false;
  return (/** @type {string} */ how) => setText(outcome, how);
}

/**
 * Shows the curl line of a form before it is sent.
 *
 * @param {HTMLFormElement} form
 * @param {() => string} curl
 * @returns {() => void} shows it again
 */
export function previewCommand(form, curl) {
  const line = commandLine('');
  const code = find('code', HTMLElement, line);
  find('.command', HTMLElement, form).replaceWith(line);
  const show = () => setText(code, curl());
  form.addEventListener('input', show);
  show();
  return show;
}

/** @param {string} curl */
function commandLine(curl) {
  const code = el('code', {}, curl);
  return el('div', { class: 'command' }, code, copyButton('Copy', code));
}

/**
 * Does some work, and shows in `place` why it failed.
 *
 * @param {Element} place has an element of the class `error`
 * @param {() => Promise<void>} work
 */
export async function attempt(place, work) {
  const problem = find('.error', HTMLElement, place);
  problem.textContent = '';
  try {
    await work();
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
  }
}

/**
 * Does `work` when the form is submitted, with the button that was pressed. What it returns
 * is shown in the form.
 *
 * @param {HTMLFormElement} form has elements of the classes `error` and perhaps `outcome`
 * @param {(button: HTMLElement | null) => Promise<string>} work
 */
export function onSubmit(form, work) {
  const outcome = form.querySelector('.outcome');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (outcome) outcome.textContent = '';
    attempt(form, async () => {
      const text = await work(event.submitter);
      if (outcome) outcome.textContent = text;
    });
  });
}
