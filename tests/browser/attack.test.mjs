// A page of somebody else's tries all that it can on a sandbox: from another site, from
// another port of this machine, and from a name that leads here (DNS rebinding).

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, afterEach, test } from 'node:test';

import { writePlugin } from './plugins.mjs';
import { control, endAll, endTest, openPage, pictures, startSandbox } from './support.mjs';

after(endAll);
afterEach(endTest);

const file = (name) => readFileSync(new URL(name, import.meta.url));

/** What a sandbox knows, and the time on its clock. */
async function state(sandbox) {
  const paths = ['/purchases', '/tokens', '/faults', '/requests', '/limits'];
  const state = await Promise.all(paths.map((path) => control(sandbox, 'GET', path)));
  for (const token of state[1].tokens) delete token.valid_for_seconds;
  const { seconds_since_start } = await control(sandbox, 'GET', '/clock');
  return { state, seconds: seconds_since_start };
}

test('no foreign page can read or change anything', async () => {
  const attacker = createServer((request, response) => {
    const isScript = request.url.endsWith('.js');
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(file(isScript ? 'attack.js' : 'attack.html'));
  });
  await new Promise((listening) => attacker.listen(0, '127.0.0.1', listening));
  const { port } = attacker.address();
  const manifest = writePlugin('attacked', { code: 'figma.createRectangle();' });
  const sandbox = await startSandbox(['--manifest', manifest]);
  await control(sandbox, 'PUT', '/purchases', { user_id: '500123', plugin_id: '1122334455', payment_status: 'PAID' });
  await control(sandbox, 'POST', '/tokens', { user_id: '500123', plugin_id: '1122334455' });
  await control(sandbox, 'POST', '/faults', { fault: 'status', status: 503, next: 1 });
  const before = await state(sandbox);
  const rebound = sandbox.replace('127.0.0.1', 'evil.example');

  /** Nothing may have changed, except perhaps what a question to Figma changes. */
  const isUnchanged = async (withQuestions) => {
    const { state: [purchases, tokens, ...questions], seconds } = await state(sandbox);
    assert.deepEqual([purchases, tokens], before.state.slice(0, 2));
    if (!withQuestions) assert.deepEqual(questions, before.state.slice(2));
    assert.ok(seconds - before.seconds < 45, 'the clock was not moved');
  };

  const reports = {};
  for (const [from, url, target] of [
    ['another site', `http://localhost:${port}/attack.html`, sandbox],
    ['another port', `http://127.0.0.1:${port}/attack.html`, sandbox],
    ['DNS rebinding', `${rebound}/`, rebound],
  ]) {
    const page = await openPage(url, { maySay: [/./], mayFail: true, mayAsk: ['evil.example'] });
    if (target === rebound) {
      // The attacker's server had this name when the page was loaded.
      await page.evaluate(String(file('attack.js')));
    }
    reports[from] = await page.evaluate((target) => globalThis.attack(target), target);
    // /v1/payments is answered under every name. What it says is made up.
    await isUnchanged(target === rebound);
  }
  attacker.close();
  writeFileSync(`${pictures}/attack.md`, table(reports));

  for (const [from, report] of Object.entries(reports)) {
    assert.ok(Object.keys(report).length > 25, from);
    for (const [attempt, outcome] of Object.entries(report)) assert.match(outcome, /^(nothing|refused)/, `${attempt}, from ${from}`);
  }
});

/** The reports as a table. */
function table(reports) {
  const from = Object.keys(reports);
  const rows = Object.keys(reports[from[0]]).map((attempt) => [attempt, ...from.map((it) => reports[it][attempt])]);
  return [['attempt', ...from], from.concat('').map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
}
