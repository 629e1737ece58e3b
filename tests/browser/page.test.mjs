// The sandbox's page in Chromium: whatever it says it does, GET /v1/payments agrees.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
  ask, bash, control, endAll, endTest, eventually, openPage, pictures, start, startSandbox, stopSandbox,
} from './support.mjs';

const USER = '500123';
const PLUGIN = '1122334455';
const SUBJECT = { user_id: USER, plugin_id: PLUGIN };
const BOUGHT = '2024-06-15T14:30:00Z';
const SECTIONS = ['purchases', 'tokens', 'faults', 'clock', 'ask', 'requests'];
const NARROW = { viewport: { width: 360, height: 740 } };

afterEach(endTest);
after(endAll);

const ms = (time) => `${Math.round(time)} ms`;

/** The curl line of what was done last. */
const lastCommand = (page) => page.locator('#last-command code').innerText();

/** Runs the curl lines against another sandbox than that of the page. */
async function repeat(commands, from, to) {
  for (const command of commands) await bash(command.replaceAll(from, to));
}

async function buy(base, user = USER, status = 'PAID') {
  const subject = { user_id: user, plugin_id: PLUGIN };
  await control(base, 'PUT', '/purchases', { ...subject, payment_status: status, date_of_purchase: BOUGHT });
}

/** The numbers of the requests so far. */
async function numbers(base) {
  const { requests } = await control(base, 'GET', '/requests');
  return requests.map(({ number }) => number);
}

async function payment(base) {
  const { status, body } = await ask(base, SUBJECT);
  assert.equal(status, 200);
  return [body.meta.payment_status, body.meta.date_of_purchase ?? null];
}

/** Clicks, and waits until the command has been answered. */
async function click(page, selector) {
  await page.locator(selector).click();
  await page.locator('#command-rows li:first-child .hint', { hasText: 'done' }).waitFor({ state: 'attached' });
  return lastCommand(page);
}

test('each button of a purchase changes the answer, and its curl line does the same', async () => {
  const base = await startSandbox();
  const other = await startSandbox();
  const page = await openPage(`${base}/`);
  for (const place of ['#purchase-form', '#purchase-rows']) {
    for (const [name, status] of [['Buy', 'PAID'], ['Trial', 'TRIAL'], ['Refund', 'UNPAID'], ['Lapse', 'UNPAID']]) {
      await buy(base);
      await buy(other);
      await page.locator(`#purchase-rows td[title="${BOUGHT}"]`).waitFor();
      const command = await click(page, `${place} button:text-is("${name}")`);
      const [now, date] = await payment(base);
      assert.equal(now, status);
      assert.equal(date === BOUGHT, status === 'UNPAID', `${name} leaves ${date}`);
      await page.locator(`#purchase-rows .tag:text-is("${status}")`).waitFor();
      await repeat([command], base, other);
      assert.deepEqual(await payment(other), [now, date]);
    }
  }
  for (const kind of ['widget_id', 'community_file_id']) {
    await page.selectOption('#purchase-form [name=kind]', kind);
    await click(page, '#purchase-form .primary');
    const { body } = await ask(base, { user_id: USER, [kind]: PLUGIN });
    assert.equal(body.meta.payment_status, 'PAID');
  }
  await repeat([await page.locator('#purchase-form .command code').innerText()], base, other);
  assert.equal((await ask(other, { user_id: USER, community_file_id: PLUGIN })).body.meta.payment_status, 'PAID');
});

test('a token works until the clock has moved, and both curl lines do the same', async () => {
  const base = await startSandbox();
  const other = await startSandbox();
  const page = await openPage(`${base}/#tokens`, { window: { permissions: ['clipboard-read', 'clipboard-write'] } });
  const commands = [await click(page, '#token-form .primary')];
  await page.fill('#token-form [name=lifetime]', '30');
  commands.push(await click(page, '#token-form .primary'));
  await repeat(commands, base, other);
  const row = page.locator('#token-rows tr').last();
  await row.getByRole('button').click();
  const token = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(token, await row.locator('.id').first().innerText());
  const oldest = {};
  for (const sandbox of [base, other]) {
    const { tokens } = await control(sandbox, 'GET', '/tokens');
    oldest[sandbox] = tokens.at(-1).token;
    assert.equal((await ask(sandbox, { plugin_payment_token: oldest[sandbox] })).body.meta.user_id, USER);
    assert.deepEqual(tokens.map((token) => Math.ceil(token.valid_for_seconds / 30)), [1, 20]);
  }
  assert.equal(token, oldest[base]);
  const left = row.locator('td.number');
  const before = await left.innerText();
  assert.match(before, /^0:(10:00|09:\d\d)$/);
  await eventually(async () => assert.notEqual(await left.innerText(), before));

  await page.click('nav a[href="#clock"]');
  await repeat([await click(page, '#clock-buttons button:text-is("+10 min")')], base, other);
  for (const sandbox of [base, other]) {
    assert.equal((await ask(sandbox, { plugin_payment_token: oldest[sandbox] })).status, 401);
  }
  await page.click('nav a[href="#tokens"]');
  await page.getByText('No token can be used now.').waitFor();
});

test('the clock goes forward by each button and by a number of seconds', async () => {
  const base = await startSandbox();
  const page = await openPage(`${base}/#clock`);
  const seconds = async () => (await control(base, 'GET', '/clock')).seconds_since_start;
  let expected = 0;
  for (const [name, step] of [['+1 min', 60], ['+10 min', 600], ['+1 h', 3600], ['+1 day', 86_400]]) {
    await click(page, `#clock-buttons button:text-is("${name}")`);
    expected += step;
  }
  await page.fill('#clock-form [name=seconds]', '1.5');
  const command = await click(page, '#clock-form button:text-is("Move forward")');
  await bash(command);
  const now = await seconds();
  assert.ok(now >= expected + 3 && now < expected + 60, `${now}`);
  await page.locator('#clock-time', { hasText: /^1 d 1:11:/ }).waitFor();
});

/** Each kind of fault, and what is then true of an answer. */
const FAULTS = [
  ['status', { status: '502' }, async (base) => assert.equal((await ask(base, SUBJECT)).status, 502)],
  ['rate_limited', { retry_after_seconds: '44' }, async (base) => {
    const { status, headers } = await ask(base, SUBJECT);
    assert.deepEqual([status, headers.get('retry-after')], [429, '44']);
  }],
  ['delay', { delay_ms: '300' }, async (base) => {
    const start = performance.now();
    await payment(base);
    assert.ok(performance.now() - start >= 299);
  }],
  ['reset', {}, (base) => assert.rejects(ask(base, SUBJECT))],
  ['cut_body', {}, (base) => assert.rejects(ask(base, SUBJECT))],
  ['wrong_user', {}, async (base) => assert.notEqual((await ask(base, SUBJECT)).body.meta.user_id, USER)],
  ['wrong_resource', {}, async (base) => assert.notEqual((await ask(base, SUBJECT)).body.meta.plugin_id, PLUGIN)],
];

test('each fault takes effect, can be switched off, and has a curl line that works', async () => {
  const base = await startSandbox(['--no-limits']);
  const other = await startSandbox(['--no-limits']);
  const page = await openPage(`${base}/#faults`);
  await page.selectOption('#fault-form [name=calls]', 'all');
  for (const [fault, fields, takesEffect] of FAULTS) {
    await page.selectOption('#fault-form [name=fault]', fault);
    for (const [name, value] of Object.entries(fields)) await page.fill(`#fault-form [name=${name}]`, value);
    const on = await click(page, '#fault-form .primary');
    await repeat([on], base, other);
    await takesEffect(base);
    await takesEffect(other);
    const off = await click(page, '#fault-rows li button');
    await repeat([off], base, other);
    assert.deepEqual(await payment(base), ['UNPAID', null], fault);
    assert.deepEqual(await payment(other), ['UNPAID', null], fault);
    await page.locator('#fault-none').waitFor();
  }
});

test('faults for the next calls and for a share of them are counted and repeated', async () => {
  const base = await startSandbox(['--no-limits']);
  const other = await startSandbox(['--no-limits']);
  const page = await openPage(`${base}/#faults`);
  await page.fill('#fault-form [name=next]', '3');
  await click(page, '#fault-form .primary');
  await page.locator('#fault-rows li', { hasText: 'status 503, the next 3 calls' }).waitFor();
  assert.equal((await ask(base, SUBJECT)).status, 503);
  await page.locator('#fault-rows li', { hasText: 'the next 2 calls' }).waitFor();
  await click(page, '#faults-off');
  await page.locator('#fault-none').waitFor();

  await page.selectOption('#fault-form [name=calls]', 'share');
  await page.fill('#fault-form [name=share]', '0.5');
  await repeat([await click(page, '#fault-form .primary')], base, other);
  const statuses = async (sandbox) => {
    const seen = [];
    for (let i = 0; i < 20; i++) seen.push((await ask(sandbox, SUBJECT)).status);
    return seen;
  };
  const seen = await statuses(base);
  assert.deepEqual([...new Set(seen)].sort(), [200, 503]);
  assert.deepEqual(await statuses(other), seen);
});

test('the usual faults are switches', async () => {
  const base = await startSandbox(['--no-limits']);
  const page = await openPage(`${base}/#faults`);
  const expected = [
    ['Outage: 503', async () => assert.equal((await ask(base, SUBJECT)).status, 503)],
    ['429, retry after 30 s', async () => assert.equal((await ask(base, SUBJECT)).headers.get('retry-after'), '30')],
    ['Slow: 1500 ms', async () => {
      const start = performance.now();
      await payment(base);
      assert.ok(performance.now() - start >= 1499);
    }],
    ['Connection reset', () => assert.rejects(ask(base, SUBJECT))],
  ];
  for (const [name, takesEffect] of expected) {
    const button = page.getByRole('switch', { name });
    await button.click();
    await page.getByRole('switch', { name, checked: true }).waitFor();
    await takesEffect();
    await button.click();
    await page.getByRole('switch', { name, checked: false }).waitFor();
    await payment(base);
  }
});

test('the form asks as a backend does', async () => {
  const base = await startSandbox();
  await buy(base);
  const { token } = await control(base, 'POST', '/tokens', SUBJECT);
  const page = await openPage(`${base}/#ask?user_id=${USER}&plugin_id=${PLUGIN}`, { mayFail: true });
  const summary = page.locator('#ask-summary');
  const command = page.locator('#ask-form .command code');
  await page.click('#ask-form .primary');
  await summary.filter({ hasText: /^200 .*in \d+ ms$/ }).waitFor();
  const shown = await page.locator('#ask-body').innerText();
  const printed = await bash(await command.innerText());
  assert.deepEqual(JSON.parse(shown), JSON.parse(printed.slice(printed.indexOf('{'))));
  assert.match(shown, /^\{\n  "/);
  assert.equal(JSON.parse(shown).meta.date_of_purchase, BOUGHT);

  await page.selectOption('#ask-form [name=by]', 'token');
  await page.fill('#ask-form [name=token]', token);
  await page.click('#ask-form .primary');
  await summary.filter({ hasText: /^200/ }).waitFor();
  assert.equal(new URL(page.url()).hash, `#ask?plugin_payment_token=${token}`);

  await control(base, 'POST', '/faults', { fault: 'rate_limited', retry_after_seconds: 21, next: 1 });
  await page.click('#ask-form .primary');
  await summary.filter({ hasText: /^429/ }).waitFor();
  await page.locator('#ask-headers', { hasText: /retry-after:\s*21/ }).waitFor();

  await control(base, 'POST', '/faults', { fault: 'reset', all: true });
  await page.click('#ask-form .primary');
  await page.locator('#ask-form .error', { hasText: 'No HTTP answer' }).waitFor();
  await control(base, 'DELETE', '/faults');

  await page.fill('#ask-form [name=access_token]', "figd_o'ther $HOME");
  await page.click('#ask-form .primary');
  await summary.filter({ hasText: /^401/ }).waitFor();
  const secret = await command.innerText();
  assert.match(secret, /\$FIGMA_TOKEN/);
  assert.doesNotMatch(secret, /figd_/);
  assert.match(await bash(secret, { FIGMA_TOKEN: 'figd_sandbox' }), /^HTTP\/1.1 200/);
});

test('the gauges show how much of the limits is used', async () => {
  const base = await startSandbox();
  const page = await openPage(`${base}/`);
  const byUser = page.getByRole('meter', { name: /^By user/ });
  await byUser.waitFor();
  for (let i = 0; i < 50; i++) await ask(base, SUBJECT);
  await eventually(async () => assert.ok((await byUser.evaluate((meter) => meter.value)) >= 45));
  assert.equal(await byUser.evaluate((meter) => meter.max), 50);
  await control(base, 'POST', '/clock', { advance_seconds: 60 });
  await eventually(async () => assert.equal(await byUser.evaluate((meter) => meter.value), 0));
});

test('what the sandbox refuses is said beside the form', async () => {
  const base = await startSandbox();
  const page = await openPage(`${base}/`, { mayFail: true });
  const refused = async (form, field, value) => {
    await page.click(`nav a[href="#${form}s"]`);
    await page.fill(`#${form}-form [name=${field}]`, value);
    await page.click(`#${form}-form .primary`);
    const alert = page.locator(`#${form}-form [role=alert]`);
    await eventually(async () => assert.match(await alert.innerText(), /\w/));
    return alert.innerText();
  };
  await page.fill('#purchase-form [name=user_id]', 'abc<b>');
  await page.click('#purchase-form .primary');
  assert.equal(await page.locator('#purchase-form [name=user_id]:invalid').count(), 1);
  assert.match(await refused('purchase', 'user_id', '1'.repeat(21)), /20 digits/);
  assert.match(await refused('token', 'resource_id', '1'.repeat(21)), /20 digits/);
  assert.match(await refused('fault', 'status', '200'), /from 400 to 599/);
  assert.deepEqual(await control(base, 'GET', '/purchases'), { purchases: [] });
});

test('a curl line holds whatever is typed, as one word', async () => {
  const base = await startSandbox();
  const page = await openPage(`${base}/`, { mayFail: true });
  const typed = `5'"; touch $(echo x) \`id\` \\ \u202e é 😀 !! {a,b} [1-3] &`;
  await page.fill('#purchase-form [name=user_id]', typed);
  const command = await page.locator('#purchase-form .command code').innerText();
  const body = await bash(command.replace('curl', 'printf "%s\\n"'));
  assert.equal(JSON.parse(body.trim().split('\n').at(-1)).user_id, typed);
  await page.goto(`${base}/#ask`);
  await page.fill('#ask-form [name=user_id]', typed);
  await bash(await page.locator('#ask-form .command code').innerText());
  const { requests } = await control(base, 'GET', '/requests');
  assert.equal(requests.length, 1);
});

test('two windows stay in step', async () => {
  const base = await startSandbox();
  const one = await openPage(`${base}/`);
  const two = await openPage(`${base}/`);
  await two.locator('#purchase-none').waitFor();
  await click(one, '#purchase-form .primary');
  await two.locator('#purchase-rows tr', { hasText: USER }).waitFor();
  await click(two, '#purchase-rows button:text-is("Refund")');
  await one.locator('#purchase-rows .tag:text-is("UNPAID")').waitFor();
  await one.click('nav a[href="#tokens"]');
  await click(one, '#token-form .primary');
  await two.locator('#token-count', { hasText: '1' }).waitFor();
  await one.click('nav a[href="#faults"]');
  await one.getByRole('switch', { name: 'Outage' }).click();
  await two.locator('#fault-count', { hasText: '1 on' }).waitFor();
  await one.click('nav a[href="#clock"]');
  await click(one, '#clock-buttons button:text-is("+1 h")');
  await two.locator('#clock-count', { hasText: /^1:00:/ }).waitFor();
  await ask(base, SUBJECT);
  for (const page of [one, two]) await page.locator('#request-rows tr', { hasText: USER }).waitFor();
  await click(one, '#request-clear');
  await two.locator('#request-none').waitFor();
});

test('requests can be paused, filtered, opened and linked to', async () => {
  const base = await startSandbox(['--no-limits']);
  for (let i = 1; i <= 3; i++) await ask(base, SUBJECT);
  await ask(base, {});
  const [, second, , fourth] = await numbers(base);
  const page = await openPage(`${base}/#requests/${second}`);
  await page.locator('#request-details h3', { hasText: `Request ${second}` }).waitFor();
  await page.locator('#details-pairs', { hasText: `/v1/payments?user_id=${USER}&plugin_id=${PLUGIN}` }).waitFor();
  await page.locator('#details-pairs', { hasText: /x-figma-token:\s*…/ }).waitFor();
  await page.click('#request-rows tr:has-text("not valid") td.target');
  await page.locator('#request-details h3', { hasText: `Request ${fourth}` }).waitFor();
  await page.goBack();
  await page.locator('#request-details h3', { hasText: `Request ${second}` }).waitFor();
  await page.goForward();
  await page.selectOption('#request-filter', 'failed');
  assert.deepEqual(await page.locator('#request-rows .tag').allInnerTexts(), ['400']);
  await page.selectOption('#request-filter', 'all');
  await page.click('#request-pause');
  await ask(base, SUBJECT);
  await page.getByText('Paused, 1 new.').waitFor();
  assert.equal(await page.locator('#request-rows tr').count(), 4);
  await page.click('#request-pause');
  await page.locator('#request-rows tr').nth(4).waitFor();
  await page.goto(`${base}/#requests/99`);
  await page.getByText('does not have request 99').waitFor();
});

test('links lead to sections, and Back leads back', async () => {
  const base = await startSandbox();
  await buy(base);
  await buy(base, '42');
  const page = await openPage(`${base}/#purchases?search=500123`);
  await page.locator('#purchase-rows tr').waitFor();
  assert.equal(await page.locator('#purchase-rows tr').count(), 1);
  await page.click('#purchase-rows a:text-is("Ask")');
  await page.locator('nav a[aria-current]', { hasText: 'Ask' }).waitFor();
  await page.click('nav a[href="#faults"]');
  await page.locator('#fault-form').waitFor();
  await page.goBack();
  await page.goBack();
  await page.locator('#purchase-search').waitFor();
  assert.equal(await page.inputValue('#purchase-search'), '500123');
});

test('it says that the sandbox is gone, and goes on when it is back', async () => {
  const base = await startSandbox();
  await buy(base);
  const page = await openPage(`${base}/`, { mayFail: true });
  await page.locator('#purchase-rows tr').waitFor();
  await stopSandbox(base);
  await page.locator('#banner', { hasText: 'does not answer' }).waitFor();
  await page.click('#purchase-form .primary');
  await page.locator('#purchase-form .error', { hasText: 'does not answer' }).waitFor();
  await startSandbox(['--port', new URL(base).port]);
  await page.locator('#banner').waitFor({ state: 'hidden' });
  await page.locator('#purchase-none').waitFor();
});

test('a window that was hidden for long catches up', async () => {
  const base = await startSandbox();
  const page = await openPage(`${base}/`);
  await page.clock.install();
  await page.reload();
  await page.locator('#purchase-none').waitFor();
  const hide = (hidden) => page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await hide(true);
  await page.clock.fastForward(31_000);
  await buy(base);
  await new Promise((done) => setTimeout(done, 600));
  assert.equal(await page.locator('#purchase-rows tr').count(), 0, 'it does not listen');
  await hide(false);
  await page.locator('#purchase-rows tr').waitFor();
});

test('the link to the stage is there only with a plugin', async (t) => {
  const folder = temporaryFolder(t);
  const manifest = join(folder, 'manifest.json');
  writeFileSync(manifest, JSON.stringify({ name: '<b>Sold', id: '4711', api: '1.0.0', main: 'code.js', editorType: ['figma'] }));
  writeFileSync(join(folder, 'code.js'), '');
  const without = await openPage(`${await startSandbox()}/`);
  await without.locator('#settings', { hasText: 'in memory' }).waitFor();
  assert.equal(await without.locator('#stage-link').isVisible(), false);
  const page = await openPage(`${await startSandbox(['--manifest', manifest])}/`);
  await page.locator('#stage-link', { hasText: 'Stage of <b>Sold' }).waitFor();
  assert.equal(await page.inputValue('#purchase-form [name=resource_id]'), '4711');
  assert.match(await page.locator('#purchase-form .command code').innerText(), /"plugin_id":"4711"/);
});

/** A folder that is removed after the test. */
function temporaryFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('10,000 purchases are found at once', async (t) => {
  const folder = temporaryFolder(t);
  const purchases = Array.from({ length: 10_000 }, (_, i) => ({
    user_id: String(500_000 + i), plugin_id: PLUGIN, payment_status: 'PAID', date_of_purchase: BOUGHT,
  }));
  const file = join(folder, 'purchases.json');
  writeFileSync(file, JSON.stringify({ purchases }));
  const base = await startSandbox(['--state', file]);
  const page = await openPage('about:blank');
  const start = performance.now();
  await page.goto(`${base}/`);
  await page.locator('#purchase-shown', { hasText: '10,000, the first 100 are shown' }).waitFor();
  const usable = performance.now() - start;
  assert.equal(await page.locator('#purchase-rows tr').count(), 100);
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  const search = await page.evaluate(async () => {
    const field = document.querySelector('#purchase-search');
    const start = performance.now();
    field.value = '507123';
    field.dispatchEvent(new Event('input'));
    await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
    return performance.now() - start;
  });
  assert.deepEqual(await page.locator('#purchase-rows td:first-child').allInnerTexts(), ['507123']);
  await page.locator('#purchase-shown', { hasText: '1 of 10,000' }).waitFor();
  t.diagnostic(`first paint ${ms(paint)}, usable ${ms(usable)}, a search ${ms(search)}`);
  for (const time of [paint, usable, search]) assert.ok(time < 5000);
});

test('at 1,000 requests a second it can be used', async (t) => {
  const base = await startSandbox(['--no-limits']);
  const page = await openPage(`${base}/`);
  await page.evaluate(() => {
    window.seen = { rows: 0, tasks: [] };
    const body = document.querySelector('#request-rows');
    new MutationObserver(() => {
      window.seen.rows = Math.max(window.seen.rows, body.childElementCount);
    }).observe(body, { childList: true });
    new PerformanceObserver((list) => {
      window.seen.tasks.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask' });
  });
  const load = fileURLToPath(new URL('load.mjs', import.meta.url));
  await start(process.execPath, [load, base, '1000'], /started/);
  const seconds = 3;
  await new Promise((done) => setTimeout(done, seconds * 1000));

  const { requests, dropped = 0 } = await control(base, 'GET', '/requests');
  const times = {};
  const timed = async (name, act) => {
    const start = performance.now();
    await act();
    times[name] = performance.now() - start;
  };
  await timed('a row', async () => {
    await page.locator('#request-rows tr').nth(3).locator('.target').click();
    await page.locator('#details-pairs', { hasText: 'plugin_id' }).waitFor();
  });
  await timed('Buy', () => click(page, '#purchase-form .primary'));
  await timed('Pause', async () => {
    await page.click('#request-pause');
    await page.getByText('Paused').waitFor();
  });
  const { rows, tasks } = await page.evaluate(() => window.seen);
  const rate = Math.round((requests.length + dropped) / seconds);
  const clicks = Object.entries(times).map(([name, time]) => `${name} ${ms(time)}`).join(', ');
  t.diagnostic(`${rate} a second, ${rows} rows at most, clicks: ${clicks}`);
  t.diagnostic(`${tasks.length} tasks of more than 50 ms, the longest ${ms(Math.max(0, ...tasks))}`);
  assert.ok(requests.length + dropped > 500, 'too few requests to say anything');
  assert.ok(rows > 0 && rows <= 200);
  for (const time of Object.values(times)) assert.ok(time < 5000);
});

test('with the keyboard alone: a purchase, and the details of a request', async () => {
  const base = await startSandbox();
  await ask(base, SUBJECT);
  const [asked] = await numbers(base);
  const page = await openPage(`${base}/`);
  await page.locator('#request-rows tr').waitFor();
  const tabTo = async (selector) => {
    for (let i = 0; i < 100; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
    }
    assert.fail(`Tab does not lead to ${selector}`);
  };
  await tabTo('#purchase-form [name=user_id]');
  await page.keyboard.type('77');
  await page.keyboard.press('Enter');
  await eventually(async () => {
    const { body } = await ask(base, { user_id: '77', plugin_id: PLUGIN });
    assert.equal(body.meta.payment_status, 'PAID');
  });
  await tabTo('#purchase-rows tr button[aria-label^="Refund: user 77"]');
  await page.keyboard.press('Space');
  await page.locator('#purchase-rows .tag:text-is("UNPAID")').waitFor();
  const focused = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.match(focused, /^Refund: user 77/, 'the focus stays on the button');
  await tabTo(`#request-rows a[href="#requests/${asked}"]`);
  await page.keyboard.press('Enter');
  await page.locator('#details-pairs', { hasText: 'user-agent' }).waitFor();
  await tabTo('#request-details a[href="#requests"]');
  await page.keyboard.press('Enter');
  await page.locator('#request-details').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement.hash), `#requests/${asked}`);
});

/** Asks with a target and a user-agent that `fetch` would not send. */
function askRaw(base, path, agent) {
  return new Promise((done, failed) => {
    request(base, { path, headers: { 'user-agent': agent, 'x-figma-token': 'figd_sandbox' } }, (answer) => {
      answer.resume();
      answer.on('end', done);
    }).on('error', failed).end();
  });
}

test('values are text, however they look', async () => {
  const base = await startSandbox();
  const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  const token = `<script>${'y'.repeat(300)}`;
  await askRaw(base, `/v1/payments?user_id=1&${'plugin_id=%3Cscript%3E&'.repeat(50)}`, markup);
  await askRaw(base, `/%3Cb%3E/${'a'.repeat(3000)}`, 'x'.repeat(5000));
  await control(base, 'POST', '/tokens', { ...SUBJECT, token });
  const [one, two] = await numbers(base);
  for (const window of [{}, NARROW]) {
    const page = await openPage(`${base}/#requests/${one}`, { window });
    await page.locator('#details-pairs', { hasText: markup }).waitFor();
    assert.equal(await page.locator('main img, main script, main b').count(), 0);
    await page.goto(`${base}/#requests/${two}`);
    await page.locator('#details-pairs', { hasText: 'xxxxx' }).waitFor();
    await fits(page);
    await page.goto(`${base}/#tokens`);
    await page.locator('#token-rows', { hasText: token }).waitFor();
    await fits(page);
  }
});

/** Nothing has to be scrolled sideways. */
async function fits(page) {
  const tooWide = await page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll('section, #ask-body')]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.tagName} ${element.id} ${element.scrollWidth}`));
  assert.deepEqual(tooWide, []);
}

/** A sandbox in which every section has something to show. */
async function busySandbox() {
  const base = await startSandbox();
  for (const [i, status] of ['PAID', 'TRIAL', 'UNPAID', 'PAID', 'NOT_SUPPORTED'].entries()) {
    await buy(base, `50010${i}`, status);
  }
  await control(base, 'PUT', '/purchases', {
    user_id: '987654321098765432', widget_id: '1678669904810665842', payment_status: 'PAID', date_of_purchase: BOUGHT,
  });
  const { token } = await control(base, 'POST', '/tokens', SUBJECT);
  await control(base, 'POST', '/tokens', { ...SUBJECT, lifetime_seconds: 90_000 });
  await ask(base, { plugin_payment_token: token });
  for (let i = 0; i < 52; i++) await ask(base, { user_id: `50010${i % 5}`, plugin_id: PLUGIN });
  await ask(base, SUBJECT, 'figd_wrong');
  await control(base, 'POST', '/faults', { fault: 'status', status: 503, next: 2 });
  await ask(base, SUBJECT);
  await ask(base, {});
  await control(base, 'POST', '/faults', { fault: 'delay', delay_ms: 200, all: true });
  await control(base, 'POST', '/faults', { fault: 'cut_body', share: 0.0, seed: 7 });
  return base;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

test('axe finds nothing in any section, light and dark, wide and narrow', async (t) => {
  const base = await busySandbox();
  await Promise.all([
    auditSections(base, 'wide-light', { colorScheme: 'light' }),
    auditSections(base, 'wide-dark', { colorScheme: 'dark' }),
    auditSections(base, 'narrow-light', { ...NARROW, colorScheme: 'light' }),
    auditSections(base, 'narrow-dark', { ...NARROW, colorScheme: 'dark' }),
  ]);
  t.diagnostic(`pictures: ${pictures}`);
});

/** Lets axe look at each section, and takes a picture of it. */
async function auditSections(base, name, window) {
  // Axe itself needs what the policy of the page forbids.
  const page = await openPage(`${base}/`, { mayFail: true, window: { ...window, bypassCSP: true } });
  await page.locator('#purchase-rows tr').first().waitFor();
  await page.evaluate(AXE);
  for (const section of [...SECTIONS, 'requests/1']) {
    await page.goto(`${base}/#${section}`);
    await page.locator(`nav a[aria-current][href="#${section.split('/')[0]}"]`).waitFor();
    if (section === 'ask') {
      await page.click('#ask-form .primary');
      await page.locator('#ask-summary').waitFor();
    }
    if (section === 'requests/1') await page.locator('#details-pairs dd').first().waitFor();
    await fits(page);
    const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }));
    const found = violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
    assert.deepEqual(found, [], `${section} ${name}`);
    await page.screenshot({ path: `${pictures}/${section.replace('/', '-')}-${name}.png` });
  }
}

test('a page that logs or asks elsewhere would fail its test', async () => {
  const page = await openPage(`${await startSandbox()}/`);
  await page.evaluate(() => console.log('logged'));
  await page.evaluate(() => fetch('https://elsewhere.invalid/').catch(() => {}));
  await assert.rejects(endTest(), (error) => /logged/.test(error.message) && /elsewhere/.test(error.message));
});

test('it is served under a strict policy, with nothing inline', async () => {
  const base = await startSandbox();
  const response = await fetch(`${base}/`);
  assert.match(response.headers.get('content-security-policy'), /default-src 'none'.*require-trusted-types-for 'script'/);
  assert.doesNotMatch(await response.text(), /<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=/i);
  assert.equal((await fetch(`${base}/_sandbox/files/none.js`)).status, 404);
});
