// The sandbox, Chromium, and pages that tell when something goes wrong in them.
//
// Before it: cargo build --package figma-payments-cli

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');

/** Where screenshots go. */
export const pictures = `${target}/browser`;
mkdirSync(pictures, { recursive: true });

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const SWITCHES = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A name that leads to this machine, as in DNS rebinding.
  '--host-resolver-rules=MAP evil.example 127.0.0.1',
];

/** Chromium writes this itself for an HTTP error and for a lost connection. */
const FAILED_REQUEST = /^Failed to load resource: /;

/** What has to be ended after a test: programs, and windows. */
const programs = new Set();
const windows = new Set();
let browser;

/**
 * Starts a sandbox, and reads where it listens from its first line.
 *
 * @param {string[]} args
 * @returns {Promise<string>} its base URL
 */
export function startSandbox(args = []) {
  const all = ['sandbox', ...(args.includes('--port') ? [] : ['--port', '0']), ...args];
  return start(`${target}/debug/figma-payments`, all, /http:\/\/\S+/);
}

/** Ends the sandbox at this base URL. */
export async function stopSandbox(base) {
  for (const program of programs) {
    if (program.base === base) await end(program);
  }
}

/**
 * Starts a program that runs until the end of the test.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {RegExp} said what of its first output is returned
 * @param {Record<string, string>} environment
 */
export function start(command, args, said, environment = {}) {
  const env = { ...process.env, ...environment };
  const program = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  programs.add(program);
  return new Promise((started, failed) => {
    program.once('error', failed);
    program.once('exit', (code) => failed(new Error(`${command} ended with ${code}`)));
    program.stdout.once('data', (text) => {
      program.base = said.exec(text)?.[0] ?? String(text);
      started(program.base);
    });
  });
}

async function end(program) {
  programs.delete(program);
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = new Promise((done) => program.once('exit', done));
  program.kill('SIGKILL');
  await ended;
}

/**
 * Opens a page in a window of its own, and waits until it is loaded. `mayFail`: requests of
 * the page may be refused, or not answered. `maySay`: what else may be written to the console.
 * `hasPlugin`: a plugin on the stage may write and fail as it likes. `mayAsk`: hosts that may be
 * asked. `window`: options of Playwright's newContext.
 *
 * @param {string} url
 * @param {{ mayFail?: boolean, maySay?: RegExp[], mayAsk?: string[], hasPlugin?: boolean, window?: object }} options
 */
export async function openPage(url, { mayFail = false, maySay = [], mayAsk = [], hasPlugin = false, window = {} } = {}) {
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: SWITCHES });
  const size = { width: 1280, height: 800 };
  const context = await browser.newContext({ viewport: size, reducedMotion: 'reduce', ...window });
  context.setDefaultTimeout(10_000);
  const problems = [];
  windows.add({ context, problems });
  context.on('console', (message) => {
    if (hasPlugin && !isOfPage(message.location().url)) return;
    const expected = [...maySay, ...(mayFail ? [FAILED_REQUEST] : [])];
    if (!expected.some((text) => text.test(message.text()))) problems.push(`the console says: ${message.text()}`);
  });
  context.on('weberror', (failure) => {
    const error = failure.error();
    if (hasPlugin && !isOfPage(String(error.stack))) return;
    if (!maySay.some((text) => text.test(error.message))) problems.push(`the page failed: ${error.stack}`);
  });
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    const own = ['127.0.0.1', 'localhost', '[::1]', ...mayAsk].includes(hostname);
    if (!own && !['data:', 'blob:'].includes(protocol)) problems.push(`a request to ${request.url()}`);
  });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Whether this place or stack is in the files of the page. Those of a plugin are not. */
function isOfPage(place) {
  return place.includes('/_sandbox/files/') && !place.includes('code.js');
}

/** Ends what a test has started. It fails if something was wrong in one of the windows. */
export async function endTest() {
  const problems = [];
  for (const window of windows) {
    await window.context.close();
    problems.push(...window.problems);
  }
  windows.clear();
  for (const program of programs) await end(program);
  assert.deepEqual(problems, []);
}

export async function endAll() {
  await browser?.close();
}

/**
 * Asks the simulated Figma.
 *
 * @param {string} base
 * @param {Record<string, string>} params
 */
export async function ask(base, params, accessToken = 'figd_sandbox') {
  const url = `${base}/v1/payments?${new URLSearchParams(params)}`;
  const response = await fetch(url, { headers: { 'x-figma-token': accessToken } });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/**
 * Uses the control API. A refusal fails the test.
 *
 * @param {string} base
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
export async function control(base, method, path, body) {
  const response = await fetch(`${base}/_sandbox${path}`, { method, body: JSON.stringify(body) });
  const answer = await response.json();
  assert.equal(response.status, 200, answer.message);
  return answer;
}

/**
 * Runs a command in bash, and returns what it prints.
 *
 * @param {string} command
 * @param {Record<string, string>} environment
 * @returns {Promise<string>}
 */
export function bash(command, environment = {}) {
  const env = { ...process.env, ...environment };
  const shell = spawn('bash', ['-c', command], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  shell.stdout.on('data', (text) => (printed += text));
  return new Promise((done, failed) => {
    shell.once('error', failed);
    shell.once('close', (code) => (code === 0 ? done(printed) : failed(new Error(`${command}: exit code ${code}`))));
  });
}

/**
 * Waits until `check` no longer throws.
 *
 * @template Result
 * @param {() => Promise<Result>} check
 * @param {number} seconds at most
 * @returns {Promise<Result>}
 */
export async function eventually(check, seconds = 5) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((done) => setTimeout(done, 25));
    }
  }
}
