// @ts-check
// Runs the two halves of a plugin, each in a frame of its own with an opaque origin. What
// they send is not trusted: it becomes text, or a call that every plugin may make.

import { el, find } from './dom.js';

const WINDOW = find('#plugin-window', HTMLElement);
const TITLE = find('#plugin-title', HTMLElement);
const UI = find('#plugin-ui', HTMLElement);
const NO_WINDOW = find('#no-window', HTMLElement);

/** What Figma lets a plugin's page do too. */
const UI_MAY = 'allow-scripts allow-forms allow-popups allow-downloads';

/** What a plugin's page may log in a second; the rest is left out. */
const LINES_PER_SECOND = 100;
/** How many messages wait for a page that is not there yet. */
const MAX_WAITING = 10_000;

/**
 * @typedef {{ type: string } & Record<string, any>} Message
 * @typedef {{ send: (message: Message) => void, stop: () => void }} Running
 */

/**
 * Runs a plugin until `stop` is called. `onMessage` gets what the plugin wants of Figma, and
 * what both halves log.
 *
 * @param {{ start: object, runtime: string, published: boolean }} plugin
 * @param {(message: Message) => void} onMessage
 * @returns {Running}
 */
export function startPlugin({ start, runtime, published }, onMessage) {
  const query = published ? '?published' : '';
  const { port1: port, port2: portOfMain } = new MessageChannel();
  const send = (/** @type {Message} */ message) => port.postMessage(message);

  const main = el('iframe', { sandbox: 'allow-scripts', src: `/_sandbox/stage/main${query}`, title: "The plugin's code" });
  main.hidden = true;
  main.addEventListener('load', () => main.contentWindow?.postMessage({ runtime, start }, '*', [portOfMain]), { once: true });
  document.body.append(main);

  /** @type {{ frame: HTMLIFrameElement, html: string, sent: boolean, loaded: boolean, waiting: any[] } | null} */
  let ui = null;
  /** What was read of the plugin's code since it was told so. */
  let read = { messages: 0, lines: 0 };
  /** The lines that the plugin's page has logged in this second. */
  let linesOfUi = 0;
  const timer = setInterval(() => (linesOfUi = 0), 1000);

  port.onmessage = ({ data }) => {
    if (read.messages++ === 0) setTimeout(tellWhatWasRead, 50);
    if (data.type === 'console') read.lines++;
    switch (data.type) {
      case 'show-ui':
        showUi(data);
        break;
      case 'ui-visible':
        showWindow(ui !== null && data.visible);
        break;
      case 'ui-size':
        resize(data);
        break;
      case 'ui-close':
        closeUi();
        break;
      case 'ui-message':
        if (ui?.loaded) tellUi(ui.frame, data.message);
        else if (ui && ui.waiting.length < MAX_WAITING) ui.waiting.push(data.message);
        break;
      default:
        onMessage(data);
    }
  };
  addEventListener('message', onUiMessage);

  return {
    send,
    stop() {
      removeEventListener('message', onUiMessage);
      clearInterval(timer);
      port.close();
      main.remove();
      closeUi();
    },
  };

  /** @param {Message} shown */
  function showUi({ html, visible, title, width, height }) {
    TITLE.textContent = String(title).slice(0, 100);
    resize({ width, height });
    if (ui && !ui.sent) {
      // The frame has not got its page yet: it gets the newest one.
      Object.assign(ui, { html: String(html), waiting: [] });
    } else {
      closeUi();
      const frame = el('iframe', { sandbox: UI_MAY, src: `/_sandbox/stage/ui${query}`, title: "The plugin's page" });
      ui = { frame, html: String(html), sent: false, loaded: false, waiting: [] };
      UI.append(frame);
    }
    showWindow(visible);
  }

  function closeUi() {
    ui?.frame.remove();
    ui = null;
    showWindow(false);
  }

  /** @param {MessageEvent} event */
  function onUiMessage({ source, data, origin }) {
    if (!ui || source !== ui.frame.contentWindow || typeof data !== 'object' || data === null) return;
    if ('pluginMessage' in data) {
      send({ type: 'ui-message', message: data.pluginMessage, origin });
      return;
    }
    switch (data.stage) {
      case 'ready':
        // At the beginning, and again if the page loads itself anew.
        Object.assign(ui, { sent: true, loaded: false });
        ui.frame.contentWindow?.postMessage({ html: ui.html }, '*');
        break;
      case 'loaded':
        ui.loaded = true;
        for (const message of ui.waiting.splice(0)) tellUi(ui.frame, message);
        break;
      case 'console':
      case 'blocked':
        if (linesOfUi++ < LINES_PER_SECOND) onMessage({ ...data, type: data.stage, inUi: true });
        break;
    }
  }

  function tellWhatWasRead() {
    send({ type: 'read', ...read });
    read = { messages: 0, lines: 0 };
  }
}

/**
 * @param {HTMLIFrameElement} frame
 * @param {any} pluginMessage
 */
function tellUi(frame, pluginMessage) {
  frame.contentWindow?.postMessage({ pluginMessage }, '*');
}

/** @param {{ width?: number, height?: number }} size in pixels */
function resize({ width, height }) {
  UI.style.width = `${Math.max(70, Number(width) || 0)}px`;
  UI.style.height = `${Math.max(0, Number(height) || 0)}px`;
}

/** @param {boolean} visible */
function showWindow(visible) {
  // Not `hidden`: the plugin's page goes on while it is not seen.
  WINDOW.hidden = false;
  WINDOW.classList.toggle('unseen', !visible);
  NO_WINDOW.hidden = visible;
}
