// @ts-check
// Starts the page. Each section has a file of its name; this one shows the section that the
// link names, and passes on what the sandbox reports.

import { showAsk, startAsk } from './ask.js';
import { setClock, startClock } from './clock.js';
import { find } from './dom.js';
import { startEvents } from './events.js';
import { showFaults, startFaults } from './faults.js';
import { showLimits, startLimits } from './limits.js';
import { loadPurchases, showPurchases, startPurchases } from './purchases.js';
import { addRequests, forgetRequests, showRequest, startRequests } from './requests.js';
import { loadSettings, startSettings } from './settings.js';
import { loadTokens, startTokens } from './tokens.js';

const sections = [...document.querySelectorAll('section[data-section]')];
const links = [...document.querySelectorAll('nav a')];

/** The state that was reported last. */
/** @type {import('./api.js').State | undefined} */
let known;

/** @param {import('./api.js').State} state */
function showState(state) {
  setClock(state.clock.seconds_since_start);
  showFaults(state.faults);
  showLimits(state.limits);
  if (state.purchases !== known?.purchases) loadPurchases();
  if (state.tokens !== known?.tokens || state.clock.moved !== known?.clock.moved) loadTokens();
  known = state;
}

/**
 * Shows the section of a link such as `#requests/118` or `#purchases?search=500123`. A wide
 * window shows the requests beside every other section.
 */
function showLinked() {
  const [path, query] = location.hash.slice(1).split('?');
  const [asked, detail = ''] = path.split('/');
  const params = new URLSearchParams(query);
  const section = sections.find((section) => nameOf(section) === asked) ?? sections[0];
  const name = nameOf(section);
  const isNew = !section.classList.contains('current');
  for (const other of sections) {
    other.classList.toggle('current', other === section);
    if (name !== 'requests') other.classList.toggle('beside', other === section);
  }
  for (const link of links) {
    const isHere = link.getAttribute('href') === `#${name}`;
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const heading = find('h2', HTMLElement, section);
  document.title = `${heading.textContent} – figma-payments sandbox`;
  if (name === 'purchases') showPurchases(params);
  if (name === 'ask') showAsk(params);
  showRequest(name === 'requests' ? detail : '');
  return isNew && detail === '' ? heading : undefined;
}

/** @param {Element} section */
function nameOf(section) {
  return section.getAttribute('data-section');
}

startSettings();
startPurchases();
startTokens();
startFaults();
startClock();
startLimits();
startRequests();
startAsk();

sections[0].classList.add('beside');
showLinked();
addEventListener('hashchange', () => showLinked()?.focus());

startEvents({
  connected() {
    known = undefined;
    forgetRequests();
    loadSettings();
  },
  state: showState,
  requests: addRequests,
});
