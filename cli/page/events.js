// @ts-check
// The stream of what changes in the sandbox, and the banner when there is none.

import { EVENTS } from './api.js';
import { find, setText } from './dom.js';

const TRY_AGAIN_MS = 2000;
/** A browser allows few connections to one server, and a hidden tab does not need one. */
const KEEP_HIDDEN_MS = 30_000;

const banner = find('#banner', HTMLElement);

/**
 * @param {{
 *   connected: (wasLost: boolean) => void,
 *   state: (state: import('./api.js').State) => void,
 *   requests: (requests: import('./api.js').NewRequests) => void,
 * }} handle
 */
export function startEvents(handle) {
  /** @type {EventSource | undefined} */
  let source;
  /** @type {number | undefined} */
  let timer;
  /** The sandbox did not answer since the last connection; it may be another one now. */
  let wasLost = false;

  function open() {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(close, KEEP_HIDDEN_MS);
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource(EVENTS);
    source.addEventListener('open', () => {
      showProblem('');
      handle.connected(wasLost);
      wasLost = false;
    });
    source.addEventListener('error', lost);
    source.addEventListener('state', (event) => handle.state(JSON.parse(event.data)));
    source.addEventListener('requests', (event) => handle.requests(JSON.parse(event.data)));
  }

  function lost() {
    wasLost = true;
    showProblem('The sandbox does not answer. What you see may be old. This page goes on trying.');
    // After some errors the browser gives up, after others it tries again by itself.
    clearTimeout(timer);
    timer = setTimeout(open, TRY_AGAIN_MS);
  }

  function close() {
    source?.close();
    clearTimeout(timer);
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      clearTimeout(timer);
      timer = setTimeout(close, KEEP_HIDDEN_MS);
    } else {
      open();
    }
  });
  if (!document.hidden) open();
}

/** @param {string} problem nothing if there is none */
export function showProblem(problem) {
  setText(banner, problem);
}

/**
 * Makes a function that runs `load`. While it runs, further calls lead to one more run.
 *
 * @param {() => Promise<void>} load
 */
export function oneAtATime(load) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      try {
        await load();
        showProblem('');
      } catch (error) {
        showProblem(String(error instanceof Error ? error.message : error));
      }
    }
    running = false;
  };
}
