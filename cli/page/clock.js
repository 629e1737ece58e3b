// @ts-check
// The section "Clock": the sandbox's own time, which can be moved forward.

import { curlOfAction } from './api.js';
import { attempt, onSubmit, previewCommand, run } from './commands.js';
import { count, duration, el, find, setText } from './dom.js';
import { numberOf } from './fields.js';

/** @type {[string, number][]} */
const STEPS = [
  ['+1 min', 60],
  ['+10 min', 600],
  ['+1 h', 3600],
  ['+1 day', 86_400],
];

const form = find('#clock-form', HTMLFormElement);
const time = find('#clock-time', HTMLElement);
const total = find('#clock-count', HTMLElement);

/** The time of the sandbox's clock when the time of the page was `at`. */
let known = { seconds: 0, at: performance.now() };

export function startClock() {
  const buttons = STEPS.map(([label, seconds]) =>
    el('button', { type: 'button', onclick: () => attempt(form, () => advance(seconds)) }, label),
  );
  find('#clock-buttons', HTMLElement).append(...buttons);
  const inForm = () => numberOf(form, 'seconds') ?? 0;
  previewCommand(form, () => curlOfAction(advanceBy(inForm())));
  onSubmit(form, async () => {
    await advance(inForm());
    return `Moved forward by ${count(inForm())} seconds.`;
  });
  setInterval(draw, 1000);
}

/** @param {number} seconds since the sandbox started */
export function setClock(seconds) {
  known = { seconds, at: performance.now() };
  draw();
}

/** Now, in seconds since the sandbox started. */
export function clockTime() {
  return known.seconds + (performance.now() - known.at) / 1000;
}

/** @param {number} seconds */
async function advance(seconds) {
  const { seconds_since_start } = await run(advanceBy(seconds));
  setClock(seconds_since_start);
}

/**
 * @param {number} seconds
 * @returns {import('./api.js').Action}
 */
function advanceBy(seconds) {
  return {
    title: `Clock: +${count(seconds)} s`,
    method: 'POST',
    path: '/clock',
    body: { advance_seconds: seconds },
  };
}

function draw() {
  setText(time, duration(clockTime()));
  setText(total, duration(clockTime()));
}
