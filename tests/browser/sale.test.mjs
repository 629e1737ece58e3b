// A whole sale on the stage: `examples/plugin`, as it is built, with `examples/plugin_backend`,
// which asks the sandbox.
//
// Before it: cargo build --package figma-payments-cli --package plugin_backend, and
// npm ci && npm run build in examples/plugin

import assert from 'node:assert/strict';
import { createServer, request as forward } from 'node:http';
import { readFileSync } from 'node:fs';
import { after, afterEach, test } from 'node:test';

import { examplePlugin } from './plugins.mjs';
import { ask, control, endAll, endTest, eventually, openPage, pictures, start, startSandbox, target } from './support.mjs';

after(endAll);
const servers = [];
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await endTest();
});

const CANNOT_CHECK = /^Cannot check right now what you bought/;
const PLUGIN = JSON.parse(readFileSync(new URL('../../examples/plugin/manifest.json', import.meta.url), 'utf8')).id;
const BUYER = { user_id: '500123', plugin_id: PLUGIN };

/**
 * A server between the plugin's page and the backend. `change` may change an answer on its
 * way; what was asked and answered is in `seen`.
 */
async function between(backend, change, seen) {
  const server = createServer((asked, answered) => {
    const { method, url, headers } = asked;
    const onward = forward(`${backend}${url}`, { method, headers }, (answer) => {
      seen.push({ method, origin: headers.origin, asks: headers['access-control-request-headers'], status: answer.statusCode });
      answered.writeHead(answer.statusCode, change(answer.headers));
      answer.pipe(answered);
    });
    asked.pipe(onward);
  });
  servers.push(server);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return `http://localhost:${server.address().port}`;
}

/** The stage with the plugin on it, and all that a test of it needs. */
async function sale(name, { change = (headers) => headers, maySay = [] } = {}) {
  const seen = [];
  const listen = ['--listen', '127.0.0.1:0'];
  // The sandbox needs the plugin, the plugin the backend, and the backend the sandbox: so the
  // sandbox is told of the plugin's folder, which is filled last.
  const manifest = examplePlugin(name, 'http://localhost:1');
  const sandbox = await startSandbox(['--manifest', manifest]);
  const environment = { FIGMA_TOKEN: 'figd_sandbox', RUST_LOG: 'off' };
  const backend = await start(`${target}/debug/plugin_backend`, [...listen, '--base-url', sandbox], /http:\/\/\S+/, environment);
  examplePlugin(name, await between(backend, change, seen));

  const page = await openPage(`${sandbox}/stage`, { mayFail: true, maySay });
  const ui = page.frameLocator('#plugin-ui iframe');
  const button = ui.getByRole('button', { name: 'Draw a palette' });
  const said = ui.getByRole('status');
  /** Presses the button, and waits for a checkout or for what is said in the end. */
  const draw = async () => {
    await button.click();
    await eventually(async () => {
      const text = await said.textContent();
      const inCheckout = await page.locator('#checkout').isVisible();
      assert.ok(inCheckout || !text.startsWith('One moment'), text);
    }, 10);
  };
  const says = (expected) => eventually(async () => assert.match(await said.textContent(), expected), 10);
  const pay = async (how) => {
    await page.getByRole('button', { name: 'Go on to the payment' }).click();
    await page.getByRole('button', { name: how, exact: true }).click();
  };
  const isInCheckout = () => page.locator('#checkout').isVisible();
  const statuses = () => seen.filter(({ method }) => method === 'GET').map(({ status }) => status);
  return { sandbox, page, ui, seen, draw, says, pay, isInCheckout, statuses };
}

const apiStatus = async (sandbox) => (await ask(sandbox, BUYER)).body.meta.payment_status;

test('refused, sold, served, refunded, refused', async () => {
  const { sandbox, page, draw, says, pay, isInCheckout, statuses, seen } = await sale('sale');
  await draw();
  assert.deepEqual([statuses(), await isInCheckout()], [[402], true]);
  assert.equal(await apiStatus(sandbox), 'UNPAID');
  await page.screenshot({ path: `${pictures}/stage-checkout.png` });

  await pay('Pay');
  await says(/^Drawn\.$/);
  assert.deepEqual([statuses(), await apiStatus(sandbox)], [[402, 200], 'PAID']);
  await page.screenshot({ path: `${pictures}/stage.png` });

  await page.getByRole('button', { name: 'Refund' }).click();
  await eventually(async () => assert.equal(await apiStatus(sandbox), 'UNPAID'));
  // With a new token: the backend remembers what it was told about the old one.
  await page.getByRole('button', { name: 'Run again' }).click();
  await draw();
  assert.deepEqual([statuses(), await isInCheckout()], [[402, 200, 402], true]);
  await page.keyboard.press('Escape');
  await says(/part of the paid version/);

  const preflights = seen.filter(({ method }) => method === 'OPTIONS');
  assert.ok(preflights.length >= 1);
  for (const { origin, asks } of preflights) assert.deepEqual([origin, asks], ['null', 'authorization']);
});

test('a token that has expired is replaced: 401, then 200', async () => {
  const { sandbox, page, draw, says, statuses } = await sale('expired');
  await control(sandbox, 'PUT', '/purchases', { ...BUYER, payment_status: 'PAID' });
  await page.getByLabel('The plugin gets').selectOption('an expired one, once');
  await draw();
  await says(/^Drawn\.$/);
  assert.deepEqual(statuses(), [401, 200]);
});

test('in an outage nobody is asked to pay', async () => {
  const { sandbox, draw, says, isInCheckout, statuses } = await sale('outage');
  await control(sandbox, 'POST', '/faults', { fault: 'status', status: 503, all: true });
  await draw();
  await says(CANNOT_CHECK);
  assert.deepEqual([statuses(), await isInCheckout()], [[503], false]);
});

test('a token of another plugin is 403, and no reason to pay', async () => {
  const { sandbox, page, draw, says, isInCheckout, statuses } = await sale('foreign');
  await control(sandbox, 'PUT', '/purchases', { ...BUYER, plugin_id: '1111111111', payment_status: 'PAID' });
  await page.getByLabel('The plugin gets').selectOption('tokens of another plugin');
  await draw();
  await says(CANNOT_CHECK);
  assert.deepEqual([statuses(), await isInCheckout()], [[403], false]);
});

test('without a token nobody is asked to pay', async () => {
  const { page, draw, says, isInCheckout, statuses } = await sale('none', { maySay: [/Figma made no payment token/] });
  await page.getByLabel('The plugin gets').selectOption('none: an error');
  await draw();
  await says(CANNOT_CHECK);
  assert.deepEqual([statuses(), await isInCheckout()], [[], false]);
});

test('a backend that forgets CORS fails here: the preflight comes from the origin null', async () => {
  const change = (headers) =>
    Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('access-control-')));
  const { draw, says, statuses, seen } = await sale('cors', { change, maySay: [/blocked by CORS policy/, /Failed to fetch/] });
  await draw();
  await says(CANNOT_CHECK);
  assert.deepEqual(statuses(), [], 'no request went on');
  assert.deepEqual(seen.map(({ method, origin }) => [method, origin]), [['OPTIONS', 'null']]);
});

test('a purchase that the API knows of later is not asked for twice', async () => {
  const { sandbox, page, draw, says, pay, statuses } = await sale('later');
  await page.getByLabel('Seconds until the API knows of a purchase').fill('1');
  await draw();
  await pay('Pay');
  await says(/not known yet/);
  assert.deepEqual(statuses(), [402, 402]);
  await eventually(async () => assert.equal(await apiStatus(sandbox), 'PAID'));
});

test('a checkout that is closed half-way: nothing now, and the purchase later', async () => {
  const { sandbox, page, draw, says, pay, isInCheckout } = await sale('half-way');
  await draw();
  await pay('Close half-way');
  await says(/part of the paid version/);
  assert.equal(await apiStatus(sandbox), 'UNPAID');
  await assert.doesNotReject(page.getByText(/will know of the purchase of user 500123 in \d s/).waitFor());
  await eventually(async () => assert.equal(await apiStatus(sandbox), 'PAID'), 10);
  await page.getByRole('button', { name: 'Run again' }).click();
  await draw();
  await says(/^Drawn\.$/);
  assert.equal(await isInCheckout(), false);
});
