// What a page of somebody else's can try on a sandbox on this machine. `attack(target)` says
// for each attempt what the page has got.

'use strict';

globalThis.attack = async (target) => {
  const control = `${target}/_sandbox`;
  const question = `${target}/v1/payments?user_id=500123&plugin_id=1122334455`;
  const purchase = JSON.stringify({ user_id: '666', plugin_id: '1122334455', payment_status: 'PAID' });
  const minute = '{"advance_seconds": 60}';
  const json = { 'content-type': 'application/json' };
  const report = {};

  const attempt = async (name, work) => {
    const tooLong = new Promise((end) => setTimeout(end, 5000, 'TOO LONG'));
    report[name] = await Promise.race([work(), tooLong]).catch((error) => `nothing (${error.name})`);
  };
  const got = async (response) => {
    const answer = await response;
    if (answer.type === 'opaque') return 'nothing (opaque)';
    const text = await answer.text();
    return answer.ok ? `READ: ${text.slice(0, 60)}` : `refused: ${answer.status}`;
  };
  /** What an element tells by its events. */
  const element = (tag, attributes) =>
    new Promise((done) => {
      const made = Object.assign(document.createElement(tag), attributes);
      made.onload = () => done(tag === 'iframe' ? inFrame(made) : 'nothing (loaded)');
      made.onerror = () => done('nothing (error)');
      document.documentElement.append(made);
    });
  const inFrame = (frame) => {
    const text = frame.contentDocument?.body?.innerText;
    if (!text) return 'nothing (closed)';
    const { error, status } = text.startsWith('{') ? JSON.parse(text) : {};
    return error ? `refused: ${status}` : `READ: ${text.slice(0, 60)}`;
  };
  const form = (path, body) => {
    const frame = Object.assign(document.createElement('iframe'), { name: 'answer' });
    const sent = Object.assign(document.createElement('form'), { method: 'post', action: control + path, target: 'answer', enctype: 'text/plain' });
    // The body is `{"advance_seconds": 60,"a":"="}`: the sign of the form is inside a text, so it is JSON.
    sent.append(Object.assign(document.createElement('input'), { name: `${body.slice(0, -1)},"a":"`, value: '"}' }));
    document.documentElement.append(frame, sent);
    return new Promise((done) => {
      frame.onload = () => done(inFrame(frame));
      sent.submit();
    });
  };

  for (const path of ['', '/settings', '/purchases', '/tokens', '/faults', '/clock', '/limits', '/requests', '/plugin']) {
    await attempt(`read ${path || 'the list'}`, () => got(fetch(control + path)));
  }
  await attempt('read blindly', () => got(fetch(`${control}/requests`, { mode: 'no-cors' })));
  await attempt('read as a script', () => element('script', { src: `${control}/purchases` }));
  await attempt('read as a picture', () => element('img', { src: `${control}/purchases` }));
  await attempt('read as a style sheet', () => element('link', { rel: 'stylesheet', href: `${control}/purchases` }));
  await attempt('read in a frame', () => element('iframe', { src: `${control}/purchases` }));
  await attempt('frame the page', () => element('iframe', { src: `${target}/` }));
  await attempt('frame the stage', () => element('iframe', { src: `${target}/stage` }));
  await attempt('run the plugin', () => element('iframe', { src: `${target}/_sandbox/stage/main` }));
  await attempt('listen to events', () =>
    new Promise((done) => {
      const source = new EventSource(`${control}/events`);
      source.onerror = () => done('nothing (error)');
      source.addEventListener('state', ({ data }) => done(`READ: ${data.slice(0, 60)}`));
    }));
  await attempt('open a socket', () =>
    new Promise((done) => {
      const socket = new WebSocket(`${control.replace('http', 'ws')}/events`);
      socket.onerror = () => done('nothing (error)');
      socket.onopen = () => done('READ: a socket');
    }));
  await attempt('buy', () => got(fetch(`${control}/purchases`, { method: 'PUT', headers: json, body: purchase })));
  await attempt('buy as text', () => got(fetch(`${control}/purchases`, { method: 'PUT', body: purchase })));
  for (const path of ['/faults', '/requests', '/faults/1']) {
    await attempt(`delete ${path}`, () => got(fetch(control + path, { method: 'DELETE' })));
  }
  await attempt('move the clock', () => got(fetch(`${control}/clock`, { method: 'POST', headers: json, body: minute })));
  await attempt('move the clock blindly', () => got(fetch(`${control}/clock`, { method: 'POST', mode: 'no-cors', body: minute })));
  await attempt('move the clock with a form', () => form('/clock', minute));
  await attempt('make a token', () => got(fetch(`${control}/tokens`, { method: 'POST', mode: 'no-cors', body: '{"user_id":"666","plugin_id":"1"}' })));
  await attempt('inject a fault with a beacon', async () => {
    navigator.sendBeacon(`${control}/faults`, '{"fault":"reset","all":true}');
    await new Promise((end) => setTimeout(end, 300));
    return 'nothing (beacon)';
  });
  await attempt('ask Figma', () => got(fetch(question, { headers: { 'x-figma-token': 'figd_sandbox' } })));
  await attempt('ask Figma blindly', () => got(fetch(question, { mode: 'no-cors' })));
  await attempt('ask Figma with a picture', () => element('img', { src: question }));
  return report;
};
