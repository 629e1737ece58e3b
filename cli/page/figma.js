// @ts-check
// The `figma` object that a plugin's code sees on the stage, as far as a sale needs it. It
// runs in a worker of an opaque origin, together with that code. All that it cannot decide
// itself it asks the stage for, over one port.

'use strict';

/**
 * What the stage starts it with.
 *
 * @typedef {{
 *   manifest: { id: string, name: string, editorType?: string[], permissions?: string[] },
 *   main: string,
 *   ui: string | Record<string, string> | null,
 *   command: string,
 *   user: { id: string, name: string },
 *   firstRanSecondsAgo: number,
 *   status: PaymentStatus['type'],
 * }} Start
 */

(() => {
  /** The name of the plugin's code in the stacks of errors. */
  const CODE = 'code.js';
  const STATUSES = ['UNPAID', 'PAID', 'NOT_SUPPORTED'];
  /** A plugin that never ends must not drown the stage. */
  const MAX_UNREAD = 10_000;
  const MAX_UNREAD_LINES = 200;
  const MAX_TEXT = 10_000;
  const WHY_NO_ANSWER = 'Is the server running, and does it allow the origin null (CORS)?';
  const INTERSTITIALS = ['PAID_FEATURE', 'TRIAL_ENDED', 'SKIP'];

  /** What a worker has and Figma's own environment for plugins has not. */
  const NOT_IN_FIGMA = [
    'BroadcastChannel', 'EventSource', 'FileReader', 'Notification', 'SharedWorker', 'WebSocket',
    'WebTransport', 'Worker', 'XMLHttpRequest', 'caches', 'close', 'cookieStore', 'importScripts',
    'indexedDB', 'location', 'navigator', 'onmessage', 'postMessage', 'self',
  ];

  const global = /** @type {any} */ (globalThis);
  const { importScripts } = global;

  addEventListener('message', (event) => start(event.data, event.ports[0]), { once: true });

  /**
   * @param {Start} settings
   * @param {MessagePort} stage
   */
  function start(settings, stage) {
    const began = Date.now();
    const { permissions } = settings.manifest;
    const may = (/** @type {string} */ permission) => Array.isArray(permissions) && permissions.includes(permission);
    let status = settings.status;
    let hasUi = false;

    // The plugin's code may change the prototype of ports later.
    const post = stage.postMessage.bind(stage);
    /** How many messages the stage has not read yet, and lines for its console among them. */
    let unread = 0;
    let unreadLines = 0;
    /** How many were left out meanwhile. */
    let leftOut = 0;

    /**
     * Whether the stage is told, and not busy with what it was told before.
     *
     * @param {string} type
     * @param {object} detail
     */
    function tell(type, detail = {}) {
      const isLine = type === 'console';
      if (unread >= MAX_UNREAD || (isLine && unreadLines >= MAX_UNREAD_LINES)) {
        leftOut++;
        return false;
      }
      post({ type, ...detail });
      unread++;
      if (isLine) unreadLines++;
      return true;
    }

    function sayWhatWasLeftOut() {
      if (leftOut === 0) return;
      const before = leftOut;
      const text = `${before} messages were left out: the plugin sends more than the stage can read.`;
      if (tell('console', { level: 'warn', text })) leftOut = 0;
      else leftOut = before;
    }

    // What the stage is asked, by the number of the question.
    /** @type {Map<number, PromiseWithResolvers<any>>} */
    const questions = new Map();
    let asked = 0;

    /**
     * @param {string} type
     * @param {object} detail
     * @returns {Promise<any>}
     */
    function ask(type, detail = {}) {
      const question = Promise.withResolvers();
      questions.set(++asked, question);
      tell(type, { ...detail, question: asked });
      return question.promise;
    }

    // Handlers of events.

    /** @type {Map<string, { handler: Function, once: boolean }[]>} */
    const handlers = new Map();
    const on = (/** @type {string} */ event, /** @type {Function} */ handler, once = false) => {
      handlers.set(event, [...(handlers.get(event) ?? []), { handler, once }]);
    };
    const off = (/** @type {string} */ event, /** @type {Function} */ handler) => {
      handlers.set(event, (handlers.get(event) ?? []).filter((it) => it.handler !== handler));
    };
    const emit = (/** @type {string} */ event, /** @type {any[]} */ ...values) => {
      const all = handlers.get(event) ?? [];
      handlers.set(event, all.filter(({ once }) => !once));
      for (const { handler } of all) handler(...values);
    };

    // What is not played: it is named once for each line, and returns something harmless.

    const named = new Set();

    /** @param {string} what */
    function notPlayed(what) {
      warnOnce(`${what} is not played on this stage. It returned something harmless.`);
    }

    /** @param {string} text */
    function warnOnce(text) {
      const line = lineInCode();
      const key = `${text}:${line}`;
      if (named.has(key)) return;
      named.add(key);
      tell('console', { level: 'warn', text, line });
    }

    /**
     * Can be called, read, written, awaited, listed and added to, and does nothing.
     *
     * @param {string} name
     * @returns {any}
     */
    function harmless(name) {
      const written = new Map();
      return new Proxy(function () {}, {
        get(_, property) {
          if (property === Symbol.toPrimitive) return (/** @type {string} */ hint) => (hint === 'string' ? '' : 0);
          if (property === Symbol.iterator) return [][Symbol.iterator];
          if (typeof property === 'symbol' || property === 'then' || property === 'toJSON') return undefined;
          if (written.has(property)) return written.get(property);
          return property === 'length' ? 0 : harmless(`${name}.${property}`);
        },
        set(_, property, value) {
          if (!name.includes('()')) notPlayed(`${name}.${String(property)} = …`);
          written.set(property, value);
          return true;
        },
        apply() {
          notPlayed(`${name}()`);
          const result = harmless(`${name}()`);
          return name.endsWith('Async') ? Promise.resolve(result) : result;
        },
      });
    }

    /**
     * What is played, and for all else something harmless.
     *
     * @template {object} Played
     * @param {string} name
     * @param {Played} played
     * @returns {Played}
     */
    function withHarmlessRest(name, played) {
      const written = new Map();
      return new Proxy(played, {
        get(target, property) {
          if (property in target || typeof property === 'symbol') return Reflect.get(target, property);
          return written.get(property) ?? harmless(`${name}.${property}`);
        },
        set(target, property, value) {
          if (property === 'onmessage') return Reflect.set(target, property, value);
          notPlayed(`${name}.${String(property)} = …`);
          written.set(property, value);
          return true;
        },
      });
    }

    // What is played.

    /** @type {PaymentsAPI} */
    const payments = {
      get status() {
        return { type: status };
      },
      setPaymentStatusInDevelopment(given) {
        if (!STATUSES.includes(given?.type)) {
          throw new Error(`setPaymentStatusInDevelopment: give { type: ${STATUSES.join(' | ')} }`);
        }
        status = given.type;
        tell('status-in-development', { status });
      },
      getUserFirstRanSecondsAgo() {
        return settings.firstRanSecondsAgo + Math.floor((Date.now() - began) / 1000);
      },
      async initiateCheckoutAsync(options) {
        const interstitial = options?.interstitial ?? 'PAID_FEATURE';
        if (!INTERSTITIALS.includes(interstitial)) {
          throw new Error(`initiateCheckoutAsync: interstitial is ${INTERSTITIALS.join(', ')}`);
        }
        status = await ask('checkout', { interstitial });
      },
      requestCheckout() {
        tell('checkout-requested');
      },
      getPluginPaymentTokenAsync() {
        return ask('token');
      },
    };

    /** @type {UIAPI} */
    const ui = {
      show: () => tell('ui-visible', { visible: true }),
      hide: () => tell('ui-visible', { visible: false }),
      resize: (width, height) => tell('ui-size', { width, height }),
      reposition: () => notPlayed('figma.ui.reposition()'),
      getPosition() {
        needsUi();
        return { windowSpace: { x: 0, y: 0 }, canvasSpace: { x: 0, y: 0 } };
      },
      close() {
        hasUi = false;
        tell('ui-close');
      },
      postMessage(message) {
        needsUi();
        try {
          tell('ui-message', { message });
        } catch {
          // Something harmless is in it, which is not there for the UI.
          tell('ui-message', { message: JSON.parse(JSON.stringify(message)) });
        }
      },
      onmessage: undefined,
      on: (event, handler) => on(`ui ${event}`, handler),
      once: (event, handler) => on(`ui ${event}`, handler, true),
      off: (event, handler) => off(`ui ${event}`, handler),
    };

    function needsUi() {
      if (!hasUi) throw new Error('figma.ui: there is no UI; call figma.showUI first');
    }

    const stored = new Map();
    /** @type {ClientStorageAPI} */
    const clientStorage = {
      getAsync: async (key) => structuredClone(stored.get(key)),
      setAsync: async (key, value) => void stored.set(key, structuredClone(value)),
      deleteAsync: async (key) => void stored.delete(key),
      keysAsync: async () => [...stored.keys()],
    };

    /** @type {Map<number, NotificationOptions>} */
    const notifications = new Map();
    let notified = 0;

    const played = /** @satisfies {Partial<PluginAPI>} */ ({
      apiVersion: '1.0.0',
      command: settings.command,
      editorType: /** @type {PluginAPI['editorType']} */ (settings.manifest.editorType?.[0] ?? 'figma'),
      mode: 'default',
      pluginId: settings.manifest.id,
      get payments() {
        if (may('payments')) return payments;
        warnOnce('The manifest does not have "payments" among its permissions, so figma.payments is undefined.');
        return undefined;
      },
      clientStorage,
      ui: withHarmlessRest('figma.ui', ui),
      /** @type {User} */
      get currentUser() {
        if (!may('currentuser')) {
          throw new Error('figma.currentUser needs the permission "currentuser" in the manifest');
        }
        return { ...settings.user, photoUrl: null, color: '#0d99ff', sessionId: 1 };
      },
      /** @type {PluginAPI['showUI']} */
      showUI(html, options = {}) {
        if (typeof html !== 'string') throw new Error('figma.showUI: html has to be text');
        hasUi = true;
        const { visible = true, title = settings.manifest.name, width = 300, height = 200 } = options;
        tell('show-ui', { html, visible, title, width, height });
      },
      /** @type {PluginAPI['closePlugin']} */
      closePlugin(message) {
        try {
          emit('close');
        } finally {
          tell('close', { message });
        }
      },
      /** @type {PluginAPI['notify']} */
      notify(message, options = {}) {
        const notification = ++notified;
        notifications.set(notification, options);
        const { timeout = 3000, error = false, button } = options;
        tell('notify', { notification, message, timeout, error, button: button?.text });
        return { cancel: () => tell('notify-cancel', { notification }) };
      },
      on: (/** @type {string} */ event, /** @type {Function} */ handler) => listen('on', event, handler),
      once: (/** @type {string} */ event, /** @type {Function} */ handler) => listen('once', event, handler),
      off,
    });

    /**
     * @param {'on' | 'once'} how
     * @param {string} event
     * @param {Function} handler
     */
    function listen(how, event, handler) {
      if (event !== 'run' && event !== 'close') notPlayed(`figma.${how}(${JSON.stringify(event)})`);
      on(event, handler, how === 'once');
    }

    listenForErrors();

    // What the stage says.

    stage.onmessage = ({ data }) => {
      switch (data.type) {
        case 'answer': {
          const question = questions.get(data.question);
          questions.delete(data.question);
          if (data.error === undefined) question?.resolve(data.value);
          else question?.reject(new Error(data.error));
          break;
        }
        case 'read':
          unread -= data.messages;
          unreadLines -= data.lines;
          sayWhatWasLeftOut();
          break;
        case 'status':
          status = data.status;
          break;
        case 'ui-message': {
          const properties = { origin: data.origin };
          ui.onmessage?.(data.message, properties);
          emit('ui message', data.message, properties);
          break;
        }
        case 'notification-button': {
          const stays = notifications.get(data.notification)?.button?.action() === false;
          if (!stays) tell('notify-cancel', { notification: data.notification, reason: 'action_button_click' });
          break;
        }
        case 'notification-gone':
          notifications.get(data.notification)?.onDequeue?.(data.reason);
          notifications.delete(data.notification);
          break;
      }
    };

    // The console.

    for (const level of /** @type {const} */ (['log', 'info', 'warn', 'error'])) {
      const write = console[level];
      console[level] = (...values) => {
        const text = values.map(shown).join(' ').slice(0, MAX_TEXT);
        const isTold = tell('console', { level, text, line: lineInCode() });
        if (isTold) write.apply(console, values);
      };
    }
    // Figma's answer to fetch has its headers as an object too.
    const fetchOfWorker = fetch;
    global.fetch = async (/** @type {string} */ url, /** @type {any} */ init) => {
      const response = await fetchOfWorker(url, init).catch((error) => {
        tell('console', { level: 'error', text: `${url} did not answer. ${WHY_NO_ANSWER}`, line: lineInCode() });
        throw error;
      });
      return Object.assign(response, { headersObject: Object.fromEntries(response.headers) });
    };

    for (const name of NOT_IN_FIGMA) {
      Object.defineProperty(global, name, { value: undefined, configurable: true, writable: true });
    }
    global.figma = withHarmlessRest('figma', played);
    if (typeof settings.ui === 'string') global.__html__ = settings.ui;
    if (settings.ui !== null) {
      global.__uiFiles__ = typeof settings.ui === 'string' ? {} : settings.ui;
    }

    function listenForErrors() {
      addEventListener('error', ({ message, lineno, error }) => {
        tell('console', { level: 'error', text: message, line: lineOf(error) ?? lineno });
      });
      addEventListener('unhandledrejection', ({ reason }) => {
        tell('console', { level: 'error', text: `not caught: ${shown(reason)}`, line: lineOf(reason) });
      });
      addEventListener('securitypolicyviolation', (event) => {
        tell('blocked', { uri: /** @type {any} */ (event).blockedURI });
      });
    }

    const code = new Blob([settings.main, `\n//# sourceURL=${CODE}`], { type: 'text/javascript' });
    tell('running');
    try {
      importScripts(URL.createObjectURL(code));
      emit('run', { command: settings.command, parameters: undefined });
    } catch (error) {
      const text = shown(error).replace(/Failed to execute 'importScripts'[^:]*: /, '');
      tell('console', { level: 'error', text, line: lineOf(error) });
    }
  }

  /** The line of the plugin's code that is being run. */
  function lineInCode() {
    return lineOf(new Error());
  }

  /**
   * The line of the plugin's code at which this went wrong.
   *
   * @param {unknown} error
   */
  function lineOf(error) {
    const stack = error instanceof Error ? error.stack ?? '' : '';
    const [, line] = /\bcode\.js:(\d+)/.exec(stack) ?? [];
    return line === undefined ? undefined : Number(line);
  }

  /** @param {unknown} value */
  function shown(value) {
    try {
      const isData = typeof value === 'object' && value !== null && !(value instanceof Error);
      return (isData ? JSON.stringify(value) : String(value)).slice(0, MAX_TEXT);
    } catch {
      return 'a value that cannot be shown here';
    }
  }
})();
