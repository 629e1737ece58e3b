// @ts-check
// The section "Ask": a question to the simulated Figma, as a backend asks it.

import { askFigma, curlOfQuestion } from './api.js';
import { onSubmit, previewCommand, recordCommand } from './commands.js';
import { count, el, find, setText } from './dom.js';
import { showChosenFields, subjectOf, valueOf } from './fields.js';

const form = find('#ask-form', HTMLFormElement);
const answer = find('#ask-answer', HTMLElement);
const summary = find('#ask-summary', HTMLElement);
const headers = find('#ask-headers', HTMLElement);
const body = find('#ask-body', HTMLElement);

export function startAsk() {
  const showFields = showChosenFields(form, ['by']);
  const curl = () => curlOfQuestion(queryInForm(), accessToken());
  const showCommand = previewCommand(form, curl);
  showAgain = () => {
    showFields();
    showCommand();
  };
  onSubmit(form, async () => {
    answer.hidden = true;
    const end = recordCommand('Ask', curl());
    history.replaceState(null, '', `#ask?${queryInForm()}`);
    try {
      end(await ask());
    } catch (error) {
      end('no answer');
      throw error;
    }
    return '';
  });
}

/** Shows fields and command again after the form was filled in. */
let showAgain = () => {};

/** @param {URLSearchParams} params of the link that led here: those of the question */
export function showAsk(params) {
  if (params.size > 0) set('by', params.has('plugin_payment_token') ? 'token' : 'user');
  for (const [name, value] of params) {
    if (name === 'plugin_payment_token') set('token', value);
    if (name === 'user_id') set('user_id', value);
    if (['plugin_id', 'widget_id', 'community_file_id'].includes(name)) {
      set('kind', name);
      set('resource_id', value);
    }
  }
  showAgain();
}

/**
 * @param {string} name
 * @param {string} value
 */
function set(name, value) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
}

function accessToken() {
  return valueOf(form, 'access_token');
}

function queryInForm() {
  return valueOf(form, 'by') === 'token'
    ? new URLSearchParams({ plugin_payment_token: valueOf(form, 'token') })
    : new URLSearchParams({ ...subjectOf(form) });
}

/** Shows the answer, and returns its status in words. */
async function ask() {
  const start = performance.now();
  let response;
  try {
    response = await askFigma(queryInForm(), accessToken());
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    throw new Error(`No HTTP answer after ${since(start)} (${why}).`);
  }
  const text = await response.text().then(pretty, () => 'The body was cut off.');
  const status = `${response.status} ${response.statusText}`.trim();
  setText(summary, `${status} in ${since(start)}`);
  summary.dataset.status = `${Math.floor(response.status / 100)}xx`;
  const rows = [];
  for (const [name, value] of response.headers) {
    if (name !== 'retry-after' && !name.startsWith('x-figma-')) continue;
    rows.push(el('div', {}, el('dt', {}, `${name}:`), el('dd', {}, value)));
  }
  headers.replaceChildren(...rows);
  setText(body, text);
  answer.hidden = false;
  return status;
}

/** @param {number} start */
function since(start) {
  return `${count(Math.round(performance.now() - start))} ms`;
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
