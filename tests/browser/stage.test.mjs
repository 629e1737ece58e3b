// What the stage plays of Figma, and what it keeps from the plugin.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after, afterEach, test } from 'node:test';

import { PLUGIN, writePlugin } from './plugins.mjs';
import { ask, control, endAll, endTest, eventually, openPage, pictures, startSandbox } from './support.mjs';

after(endAll);
afterEach(endTest);

/** A plugin on the stage. What it logs is checked in the stage's console. */
async function stage(name, plugin, options) {
  const manifest = writePlugin(name, plugin);
  const sandbox = await startSandbox(['--manifest', manifest]);
  const page = await openPage(`${sandbox}/stage`, { hasPlugin: true, mayFail: true, ...options });
  const rows = page.locator('#console li');
  const logged = () => rows.allInnerTexts();
  /** Waits until the console has this. */
  const logs = (text) => rows.filter({ hasText: text }).first().waitFor();
  return { sandbox, page, logged, logs, ui: page.frameLocator('#plugin-ui iframe') };
}

/** Waits for the checkout, and presses these buttons in it. */
async function inCheckout(page, ...buttons) {
  await page.locator('#checkout').waitFor();
  for (const name of buttons) await page.getByRole('button', { name, exact: true }).click();
}

test('the status that the plugin sees, and the one that the API says', async () => {
  const code = `
    const { payments } = figma;
    console.log('at first', payments.status.type, payments.getUserFirstRanSecondsAgo());
    payments.setPaymentStatusInDevelopment({ type: 'NOT_SUPPORTED' });
    console.log('then', payments.status.type);
    try {
      payments.setPaymentStatusInDevelopment({ type: 'TRIAL' });
    } catch (error) {
      console.log(error.message);
    }`;
  const { sandbox, page, logs } = await stage('status', { code });
  await logs('at first UNPAID 0');
  await logs('then NOT_SUPPORTED');
  await logs('setPaymentStatusInDevelopment: give { type: UNPAID | PAID | NOT_SUPPORTED }');
  assert.match(await page.locator('#plugin-status').innerText(), /^NOT_SUPPORTED \(set by/);
  assert.equal((await ask(sandbox, { user_id: '500123', plugin_id: PLUGIN })).body.meta.payment_status, 'UNPAID');

  // Figma tells a plugin that its creator has paid, and the API says UNPAID.
  await page.getByLabel('Days since the user first ran the plugin').fill('2');
  await page.locator('[name=user]').selectOption('500100, the owner');
  await logs('at first PAID 172800');
  assert.equal(await page.locator('#api-status').innerText(), 'UNPAID');

  await control(sandbox, 'PUT', '/purchases', { user_id: '500125', plugin_id: PLUGIN, payment_status: 'PAID' });
  await page.locator('[name=user]').selectOption('another id');
  await logs('at first PAID');
});

test('each end of a checkout, as the plugin sees it', async () => {
  const code = `
    (async () => {
      for (const interstitial of ['PAID_FEATURE', 'TRIAL_ENDED', 'SKIP', undefined]) {
        await figma.payments.initiateCheckoutAsync(interstitial && { interstitial });
        console.log('ended', interstitial, figma.payments.status.type);
      }
      await figma.payments.initiateCheckoutAsync();
      console.log('no checkout', figma.payments.status.type);
      await figma.payments.initiateCheckoutAsync({ interstitial: 'NOW' }).catch(({ message }) => console.log(message));
    })();`;
  const { sandbox, page, logs } = await stage('checkout', { code });
  const status = async () => (await ask(sandbox, { user_id: '500123', plugin_id: PLUGIN })).body.meta.payment_status;
  await inCheckout(page);
  await page.getByText('This is a paid feature of checkout.').waitFor();
  await page.keyboard.press('Escape');
  await logs('ended PAID_FEATURE UNPAID');
  await page.getByText('Your free trial of checkout has ended.').waitFor();
  await inCheckout(page, 'Go on to the payment', 'The card is refused');
  await page.getByText('The card was refused. Nothing was bought.').waitFor();
  await inCheckout(page, 'Cancel');
  await logs('ended TRIAL_ENDED UNPAID');
  assert.equal(await status(), 'UNPAID');
  await inCheckout(page, 'Start a trial');
  await logs('ended SKIP UNPAID');
  assert.equal(await status(), 'TRIAL');
  await inCheckout(page, 'Go on to the payment', 'Pay');
  await logs('ended undefined PAID');
  assert.equal(await status(), 'PAID');
  await logs('no checkout PAID');
  await logs('interstitial is PAID_FEATURE, TRIAL_ENDED, SKIP');
});

test('requestCheckout opens the checkout when the user is ready', async () => {
  const code = `
    figma.payments.requestCheckout();
    setInterval(() => console.log(figma.payments.status.type), 100);`;
  const { page, logs } = await stage('request', { code });
  await page.getByRole('button', { name: 'Open it' }).click();
  await inCheckout(page, 'Go on to the payment', 'Pay');
  await logs('PAID');
});

test('both halves talk, and the window is as the plugin wants it', async () => {
  const code = `
    figma.showUI(__html__, { width: 321, height: 123, title: 'Mine' });
    figma.ui.postMessage('sent before the page is there');
    figma.ui.onmessage = (message, { origin }) => {
      console.log('onmessage', JSON.stringify(message), origin);
      if (message === 'resize') figma.ui.resize(200, 100);
      if (message === 'hide') figma.ui.hide();
      if (message === 'close') figma.closePlugin('Bye');
    };
    figma.ui.once('message', (message) => console.log('once', JSON.stringify(message)));
    figma.on('run', ({ command }) => console.log('run', command));
    figma.on('close', () => console.log('closing'));`;
  const ui = `
    <p id="got"></p>
    <button onclick="send({ text: 'hello', list: [1, new Date(0)] })">hello</button>
    <button onclick="send('resize')">resize</button>
    <button onclick="send('hide')">hide</button>
    <button onclick="send('close')">close</button>
    <script>
      const send = (pluginMessage) => parent.postMessage({ pluginMessage, pluginId: '*' }, '*');
      onmessage = ({ data }) => (got.textContent = data.pluginMessage);
      console.log('the origin is', origin);
    </script>`;
  const menu = [{ name: 'First', command: 'one' }, { separator: true }, { name: 'Second', command: 'two' }];
  const { page, logs, logged, ui: inUi } = await stage('halves', { code, ui, manifest: { menu } });
  await inUi.getByText('sent before the page is there').waitFor();
  await logs('the origin is null');
  const frame = page.locator('#plugin-ui iframe');
  assert.deepEqual(await sizeOf(frame), { width: 321, height: 123 });
  assert.equal(await page.locator('#plugin-title').innerText(), 'Mine');
  await inUi.getByRole('button', { name: 'hello' }).click();
  await logs('onmessage {"text":"hello","list":[1,"1970-01-01T00:00:00.000Z"]} null');
  await inUi.getByRole('button', { name: 'resize' }).click();
  await eventually(async () => assert.deepEqual(await sizeOf(frame), { width: 200, height: 100 }));
  assert.equal((await logged()).filter((text) => text.startsWith('once')).length, 1);
  await page.getByLabel('Command').selectOption('Second');
  await logs('run two');
  await inUi.getByRole('button', { name: 'hide' }).click();
  await page.getByText('The plugin shows no window.').waitFor();
  await page.getByRole('button', { name: 'Run again' }).click();
  await inUi.getByRole('button', { name: 'close' }).click();
  await page.getByText('The plugin has closed: Bye').waitFor();
  assert.equal(await frame.count(), 0);
});

async function sizeOf(frame) {
  const { width, height } = await frame.boundingBox();
  return { width, height };
}

test('notifications, the user, and what is stored', async () => {
  const code = `
    (async () => {
      const button = { text: 'Undo', action: () => console.log('undone') };
      figma.notify('<img src=x onerror=alert(1)>', { timeout: Infinity, button, onDequeue: (why) => console.log(why) });
      figma.notify('gone soon', { timeout: 50, onDequeue: (why) => console.log('soon:', why) });
      figma.notify('cancelled', { error: true }).cancel();
      console.log(figma.currentUser.id, figma.currentUser.name, figma.pluginId, figma.editorType, figma.apiVersion);
      await figma.clientStorage.setAsync('seen', { times: 1 });
      console.log(await figma.clientStorage.getAsync('seen'), await figma.clientStorage.getAsync('other'));
      console.log(await figma.clientStorage.keysAsync());
    })();`;
  const { page, logs } = await stage('notes', { code });
  await page.getByText('<img src=x onerror=alert(1)>').waitFor();
  assert.equal(await page.locator('img').count(), 0);
  await logs('soon: timeout');
  await page.getByRole('button', { name: 'Undo' }).click();
  await logs('undone');
  await logs('action_button_click');
  await logs(`500123 User 500123 ${PLUGIN} figma 1.0.0`);
  await logs('{"times":1} undefined');
  await logs('["seen"]');
});

test('without a permission there is no such thing', async () => {
  const code = `
    console.log('payments' in figma, typeof figma.payments);
    figma.currentUser;`;
  const { logs } = await stage('permissions', { code, manifest: { permissions: [] } });
  await logs('true undefined');
  await logs('figma.currentUser needs the permission "currentuser" in the manifest');
});

test('what is not played is named with its line, and does no harm', async () => {
  const code = `figma.viewport.scrollAndZoomIntoView([]);
    const text = figma.createText();
    text.characters = 'kept';
    (async () => {
      const { x } = await figma.getNodeByIdAsync('1:2');
      for (const child of figma.root.children) child.remove();
      console.log('harmless', text.characters, x + 1, figma.currentPage.selection.length);
      for (let i = 0; i < 100; i++) figma.createRectangle();
      figma.showUI('<p>shown</p>');
      for (let i = 0; i < 300; i++) figma.ui.postMessage({ node: text, count: 2 });
      console.log('still heard');
      nothing.at.all;
    })();`;
  const { logs, logged } = await stage('rest', { code });
  await logs('figma.viewport.scrollAndZoomIntoView() is not played on this stage');
  await logs('harmless kept 1 0');
  await logs('still heard');
  await logs('nothing is not defined');
  const all = (await logged()).map((row) => row.replaceAll('\n', ' '));
  const line = (text) => all.filter((row) => row.includes(text)).map((row) => /code\.js:\d+$/.exec(row)?.[0]);
  assert.deepEqual(line('scrollAndZoomIntoView'), ['code.js:1']);
  assert.deepEqual(line('figma.createText()'), ['code.js:2']);
  assert.deepEqual(line('figma.getNodeByIdAsync()'), ['code.js:5']);
  assert.deepEqual(line('figma.createRectangle()'), ['code.js:8'], 'once');
  assert.deepEqual(line('nothing is not defined'), ['code.js:12']);
});

test('a domain that the manifest has not is blocked, and named', async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*', 'x-own': 'yes', 'access-control-expose-headers': '*' });
    response.end('{"reached": true}');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const backend = `http://localhost:${server.address().port}`;
  const reach = (half) => `fetch('${backend}/${half}').then((it) => it.json()).then((it) => console.log('${half}', it.reached), () => console.log('${half} failed'));`;
  const code = `figma.showUI(__html__); ${reach('main')}
    fetch('${backend}/headers').then((it) => console.log(it.headersObject['x-own']), () => {});`;
  const networkAccess = { allowedDomains: ['https://palette.example.com'], devAllowedDomains: [backend] };
  const plugin = { code, ui: `<script>${reach('ui')}</script>`, manifest: { networkAccess } };
  const { page, logs } = await stage('domains', plugin);
  await logs('main true');
  await logs('ui true');
  await logs('yes');
  await page.getByLabel('also devAllowedDomains').uncheck();
  await logs('main failed');
  await logs('ui failed');
  for (const half of ['main', 'ui']) await logs(`${backend}/${half} was blocked: the manifest does not allow it`);
  assert.match(await page.locator('#domains').innerText(), /https:\/\/palette\.example\.com$/);
  server.close();
});

test('no code of a plugin can reach the stage, the control API or any storage', async () => {
  const attempts = `
    const attempt = async (name, work) => {
      let outcome;
      try {
        outcome = await work();
        outcome = outcome instanceof Response ? outcome.type + ' ' + outcome.status : JSON.stringify(outcome);
      } catch (error) {
        outcome = error.name;
      }
      console.log(JSON.stringify([HALF + ' ' + name, outcome]));
    };
    const json = { 'content-type': 'application/json' };
    const purchase = JSON.stringify({ user_id: '1', plugin_id: '1', payment_status: 'PAID' });
    const tryAll = async () => {
      await attempt('read', () => fetch(SANDBOX + '/_sandbox/tokens'));
      await attempt('blind read', () => fetch(SANDBOX + '/_sandbox/purchases', { mode: 'no-cors' }));
      await attempt('change', () => fetch(SANDBOX + '/_sandbox/purchases', { method: 'PUT', headers: json, body: purchase }));
      await attempt('blind change', () => fetch(SANDBOX + '/_sandbox/clock', { method: 'POST', mode: 'no-cors', body: '{"advance_seconds": 99}' }));
      await attempt('ask', () => fetch(SANDBOX + '/v1/payments?user_id=1&plugin_id=1', { headers: { 'X-Figma-Token': 'figd_sandbox' } }));
      await attempt('storage', () => localStorage.length);
      await attempt('database', () => new Promise((done, failed) => {
        const opening = indexedDB.open('x');
        opening.onsuccess = () => done('opened');
        opening.onerror = () => failed(opening.error);
      }));
      await attempt('caches', () => caches.keys());
      await attempt('other windows', () => typeof BroadcastChannel);
      await attempt('stage', () => parent.document.title);
      await attempt('top', () => { top.location.href = 'about:blank'; return 'asked'; });
      console.log(HALF, 'has tried all');
    };`;
  // The sandbox's address is known only after it has started with the plugin.
  const half = (name) => `const HALF = '${name}', SANDBOX = 'SANDBOX_URL';${attempts} tryAll();`;
  const name = 'isolation';
  const manifest = { networkAccess: { allowedDomains: ['*'] } };
  const plugin = (url) => ({
    code: `figma.showUI(__html__); ${half('main').replaceAll('SANDBOX_URL', url)}`,
    ui: `<script>${half('ui').replaceAll('SANDBOX_URL', url)}</script>`,
    manifest,
  });
  const { sandbox, page, logs } = await stage(name, plugin('http://localhost:1'));
  await control(sandbox, 'POST', '/tokens', { user_id: '1', plugin_id: '1', token: 'ppt_not_for_plugins' });
  writePlugin(name, plugin(sandbox));
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('button', { name: 'Run again' }).click();
  for (const half of ['main', 'ui']) await logs(`${half} has tried all`);
  const said = (await page.locator('#console .said').allInnerTexts()).filter((text) => text.startsWith('['));
  const outcomes = Object.fromEntries(said.map((text) => JSON.parse(text)));
  for (const half of ['main', 'ui']) {
    for (const what of ['read', 'change', 'ask']) assert.equal(outcomes[`${half} ${what}`], 'TypeError', `${half} ${what}`);
    for (const what of ['blind read', 'blind change']) assert.match(outcomes[`${half} ${what}`], /TypeError|opaque 0/);
    for (const what of ['storage', 'database', 'caches', 'stage']) assert.match(outcomes[`${half} ${what}`], /Error$/, `${half} ${what}`);
  }
  assert.equal(outcomes['main other windows'], '"undefined"');
  assert.match(page.url(), /\/stage$/);
  assert.deepEqual((await control(sandbox, 'GET', '/purchases')).purchases, []);
  assert.ok((await control(sandbox, 'GET', '/clock')).seconds_since_start < 99);
  assert.deepEqual((await control(sandbox, 'GET', '/requests')).requests, []);
});

test('a plugin that never ends, or never stops talking, does not hold up the stage', async () => {
  const floods = [
    `console.log('begins'); for (;;) {}`,
    `console.log('begins'); for (;;) console.log('again', Math.random());`,
    `console.log('begins'); for (;;) figma.showUI('<p>again</p>');`,
    `console.log('begins'); setInterval(() => { for (let i = 0; i < 50; i++) console.log(i); }, 1);`,
  ];
  for (const [i, code] of floods.entries()) {
    const { page, logs } = await stage(`endless-${i}`, { code });
    await logs(/begins|left out/);
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByText('The plugin has closed.').waitFor();
    assert.ok((await page.locator('#console li').count()) <= 200);
    assert.equal(await page.locator('iframe').count(), 0);
  }
});

test('there is one run at a time, as the user that it says', async () => {
  const code = `
    console.log('runs as', figma.currentUser.id);
    setInterval(() => figma.payments.getPluginPaymentTokenAsync(), 50);`;
  const { sandbox, page, logs } = await stage('turns', { code });
  await logs('runs as 500123');
  const frames = () => page.locator('iframe').count();
  const lastUser = async () => (await control(sandbox, 'GET', '/tokens')).tokens[0].user_id;
  // Enter is a change and a submission; the others come while a run starts.
  await page.locator('[name=first_ran_days]').fill('2');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Run again' }).dblclick();
  await page.locator('[name=user]').selectOption('owner');
  await page.locator('[name=user]').selectOption('500124');
  await logs('runs as 500124');
  await page.getByText('Runs as user 500124.').waitFor();
  assert.equal(await frames(), 1);
  await eventually(async () => assert.equal(await lastUser(), '500124'));

  // What is typed counts when the plugin runs as that user, and not before.
  await page.locator('[name=user]').selectOption('other');
  await page.getByText('Runs as user 500125.').waitFor();
  await page.locator('[name=user_id]').pressSequentially('9');
  await new Promise((end) => setTimeout(end, 200));
  assert.equal(await lastUser(), '500125');
  await page.locator('[name=user_id]').fill('');
  await page.keyboard.press('Enter');
  await page.getByText('It does not run.').waitFor();
  assert.equal(await frames(), 0);

  await page.locator('[name=user_id]').fill('7');
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByText('The plugin has closed.').waitFor();
  await new Promise((end) => setTimeout(end, 300));
  assert.equal(await frames(), 0, 'what was starting does not start any more');
});

test('nothing is bought but by one click, once', async () => {
  const code = `
    const ask = () => figma.payments.initiateCheckoutAsync({ interstitial: 'SKIP' }).then(() => console.log('ended', figma.payments.status.type));
    ask(), ask(), ask();`;
  const { sandbox, page, logs } = await stage('once', { code });
  const bought = async () => (await control(sandbox, 'GET', '/purchases')).purchases;
  await page.locator('#checkout').waitFor();
  // Another user, and another run: the checkout goes away.
  await page.evaluate(() => document.querySelector('#stage-form [value="500124"]').selected = true);
  await page.evaluate(() => document.querySelector('#stage-form [name=user]').dispatchEvent(new Event('change')));
  await page.getByText('Checkout of user 500124').waitFor();
  assert.deepEqual(await bought(), []);
  await inCheckout(page, 'Pay');
  await logs('ended PAID');
  assert.deepEqual((await bought()).map(({ user_id }) => user_id), ['500124']);
  assert.equal(await page.locator('#command-rows li').filter({ hasText: 'PAID' }).count(), 1);
});

test('a refund stays, also if a purchase was on its way', async () => {
  const code = `figma.payments.initiateCheckoutAsync({ interstitial: 'SKIP' });`;
  const { sandbox, page } = await stage('late', { code });
  const status = async () => (await ask(sandbox, { user_id: '500123', plugin_id: PLUGIN })).body.meta.payment_status;
  await page.getByLabel('Seconds until the API knows of a purchase').fill('1.5');
  await inCheckout(page, 'Pay');
  await page.getByText('will know of the purchase of user 500123').waitFor();
  await control(sandbox, 'PUT', '/purchases', { user_id: '500123', plugin_id: PLUGIN, payment_status: 'UNPAID', date_of_purchase: '2024-06-15T14:30:00Z' });
  await eventually(async () => assert.equal(await page.locator('#pending').innerText(), ''));
  await new Promise((end) => setTimeout(end, 500));
  assert.equal(await status(), 'UNPAID');
});

test('a page that is loaded anew, and one that never loads, get their messages', async () => {
  const code = `
    figma.showUI(__html__);
    setInterval(() => figma.ui.postMessage('hello'), 100);`;
  const ui = `
    <p id="got"></p>
    <button onclick="location.reload()">reload</button>
    <img src="http://127.0.0.1:9/never">
    <script>
      onmessage = ({ data }) => (got.textContent = data.pluginMessage);
    </script>`;
  const { page, ui: inUi } = await stage('reload', { code, ui });
  await inUi.getByText('hello').waitFor();
  await inUi.getByRole('button').click();
  await inUi.getByText('hello').waitFor();
  assert.equal(await inUi.getByRole('button').count(), 1);
  await page.getByRole('button', { name: 'Close' }).click();
  assert.equal(await page.locator('iframe').count(), 0);
});

test('mistakes in the manifest are said', async () => {
  const code = `
    figma.skipInvisibleInstanceChildren = true;
    figma.payments.status;`;
  const menu = [{ name: 'More', menu: [{ name: 'Deep', command: 'deep' }] }];
  const { page, logs } = await stage('mistakes', { code, manifest: { menu, permissions: [] } });
  await logs('figma.skipInvisibleInstanceChildren = … is not played on this stage');
  await logs('The manifest does not have "payments" among its permissions');
  await page.getByLabel('Command').selectOption('Deep');
  writePlugin('mistakes', { code, manifest: { id: '77', networkAccess: { allowedDomains: ['none'], devAllowedDomains: ['localhost 3000'] } } });
  await page.getByRole('button', { name: 'Run again' }).click();
  await page.getByRole('alert').filter({ hasText: '"localhost 3000"' }).waitFor();
  await page.getByText('It does not run.').waitFor();
});

test('code that cannot be read, and files that are missing, are said', async () => {
  const { page, logs } = await stage('broken', { code: 'const = 1;' });
  await logs('SyntaxError');
  await page.getByText('Runs as user 500123.').waitFor();
  writePlugin('broken', { code: '', manifest: { main: 'missing.js' } });
  await page.getByRole('button', { name: 'Run again' }).click();
  await page.getByRole('alert').filter({ hasText: 'missing.js, the main of the manifest, cannot be read' }).waitFor();
});

test('axe finds nothing, in the light, in the dark and on a phone; and the keyboard is enough', async () => {
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const code = `
    figma.showUI(__html__);
    console.warn('a warning');
    console.error('an error');
    figma.notify('a note', { timeout: Infinity });
    figma.ui.onmessage = () => figma.payments.initiateCheckoutAsync();`;
  const ui = `<html lang="en"><title>UI</title><button onclick="parent.postMessage({ pluginMessage: 1 }, '*')">Buy</button>`;
  const looks = [
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['narrow', { viewport: { width: 360, height: 740 } }],
  ];
  for (const [look, window] of looks) {
    const { page, ui: inUi } = await stage(`axe-${look}`, { code, ui }, { window });
    const found = async () => {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run({ exclude: [['iframe']] }));
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    };
    await page.getByText('a note').waitFor();
    assert.deepEqual(await found(), [], look);
    await page.screenshot({ path: `${pictures}/stage-${look}.png`, fullPage: true });
    await inUi.getByRole('button').press('Enter');
    await page.locator('#checkout').waitFor();
    assert.deepEqual(await found(), [], `${look}, checkout`);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await eventually(async () => assert.equal(await page.locator('#api-status').innerText(), 'PAID'));
    const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(width <= 0, `${look}: ${width} px too wide`);
  }
});

test('everything can be reached in a low window too', async () => {
  for (const height of [480, 600, 680, 720, 800]) {
    const { page } = await stage(`low-${height}`, { code: 'figma.showUI(__html__);' }, { window: { viewport: { width: 1280, height } } });
    for (const name of ['Run again', 'Refund', 'tokens']) {
      const control = page.locator(name === 'tokens' ? '[name=tokens]' : `button:text-is("${name}")`);
      await control.scrollIntoViewIfNeeded();
      const isCovered = await control.evaluate((element) => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return !element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
      });
      assert.equal(isCovered, false, `${name} at ${height}`);
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), true, `${height}`);
  }
});
