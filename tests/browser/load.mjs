// Asks a sandbox many times a second until it is killed: `node load.mjs BASE_URL PER_SECOND`.

import { Agent, request } from 'node:http';

const [base, perSecond] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const headers = { 'x-figma-token': 'figd_sandbox' };
const start = performance.now();
let asked = 0;

console.log('started');
setInterval(() => {
  const due = ((performance.now() - start) / 1000) * Number(perSecond);
  for (; asked < due; asked++) {
    const query = `user_id=${asked + 1}&plugin_id=1122334455`;
    request(`${base}/v1/payments?${query}`, { agent, headers }, (answer) => answer.resume())
      .on('error', () => {})
      .end();
  }
}, 10);
