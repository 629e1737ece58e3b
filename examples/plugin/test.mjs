// The built plugin, both halves of it, against the running backend, which asks the
// running sandbox. Only Figma's editor and the page's DOM are played.
//
// Before it: cargo build --package figma-payments-cli --package plugin_backend

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";

const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const target = resolve(file("../.."), process.env.CARGO_TARGET_DIR ?? "target");
const PLUGIN = JSON.parse(readFileSync(file("manifest.json"), "utf8")).id;
const CANNOT_CHECK = /^Cannot check right now what you bought/;

const programs = [];
let sandbox, backend;

/** Starts a program, and reads where it listens from its first line. */
function start(name, args, environment = {}) {
  const env = { ...process.env, RUST_LOG: "off", ...environment };
  const program = spawn(`${target}/debug/${name}`, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  programs.push(program);
  return new Promise((resolve, reject) => {
    program.once("error", reject);
    program.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
    program.stdout.once("data", (text) => resolve(/http:\/\/[\d.:]+/.exec(text)[0]));
  });
}

before(async () => {
  sandbox = await start("figma-payments", ["sandbox", "--port", "0"]);
  const args = ["--listen", "127.0.0.1:0", "--base-url", sandbox];
  backend = await start("plugin_backend", args, { FIGMA_TOKEN: "figd_sandbox" });
});
after(() => programs.forEach((program) => program.kill("SIGKILL")));
beforeEach(() => control("DELETE", "/requests"));

async function control(method, path, body) {
  const answer = await fetch(`${sandbox}/_sandbox${path}`, { method, body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
  return answer.json();
}

const set = (user, status) =>
  control("PUT", "/purchases", { user_id: user, plugin_id: PLUGIN, payment_status: status });
const token = async (user) =>
  (await control("POST", "/tokens", { user_id: user, plugin_id: PLUGIN })).token;
const asked = async () => (await control("GET", "/requests")).requests.length;

/** The plugin in an editor that has these tokens to give, one after the other. */
function open(tokens, { onCheckout = () => "UNPAID" } = {}) {
  const seen = { tokens: 0, checkouts: 0, drawn: [], waits: [] };
  const status = { type: "UNPAID" };
  const page = new EventTarget();
  const figma = {
    showUI() {},
    ui: {
      postMessage: (message) =>
        page.dispatchEvent(Object.assign(new Event("message"), { data: { pluginMessage: message } })),
    },
    payments: {
      status,
      getPluginPaymentTokenAsync: async () => tokens[seen.tokens++],
      async initiateCheckoutAsync() {
        seen.checkouts++;
        status.type = await onCheckout();
      },
    },
    viewport: { center: { x: 0, y: 0 }, scrollAndZoomIntoView() {} },
    currentPage: {},
    util: { solidPaint: (color) => ({ color }) },
    createRectangle() {
      const swatch = {};
      seen.drawn.push(swatch);
      return swatch;
    },
  };
  runInContext(readFileSync(file("dist/code.js"), "utf8"), createContext({ figma, __html__: "" }));

  const elements = { draw: {}, said: {} };
  const world = {
    fetch,
    console: { error() {} },
    document: { getElementById: (id) => elements[id] },
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
    parent: { postMessage: ({ pluginMessage }) => void figma.ui.onmessage(pluginMessage) },
    setTimeout: (done, milliseconds) => {
      seen.waits.push(milliseconds / 1000);
      done();
    },
  };
  const html = readFileSync(file("dist/ui.html"), "utf8");
  const [, script] = /<script>([^]*)<\/script>/.exec(html);
  assert.ok(script.includes("http://localhost:3000"));
  runInContext(script.replace("http://localhost:3000", backend), createContext(world));

  /** Presses the button, and gives what is said in the end. */
  const press = async () => {
    await elements.draw.onclick();
    assert.equal(elements.draw.disabled, false);
    return elements.said.textContent;
  };
  return { press, seen };
}

test("who has paid gets the palette, with one token and one call to Figma", async () => {
  await set("1", "PAID");
  const { press, seen } = open([await token("1")]);
  assert.equal(await press(), "Drawn.");
  assert.equal(await press(), "Drawn.");
  assert.equal(seen.drawn.length, 10);
  assert.match(seen.drawn[0].fills[0].color, /^#[0-9a-f]{6}$/);
  assert.deepEqual([seen.tokens, seen.checkouts, await asked()], [1, 0, 1]);
});

test("who is in a trial is told so", async () => {
  await set("2", "TRIAL");
  assert.match(await open([await token("2")]).press(), /trying this out/);
});

test("a token that is too old is replaced once", async () => {
  await set("3", "PAID");
  const { press, seen } = open(["ppt_too_old", await token("3")]);
  assert.equal(await press(), "Drawn.");
  assert.deepEqual([seen.tokens, seen.checkouts, await asked()], [2, 0, 2]);
});

test("a second 401 is an outage, and asks nobody to pay", async () => {
  const { press, seen } = open(["ppt_too_old", "ppt_neither", "ppt_never_made"]);
  assert.match(await press(), CANNOT_CHECK);
  assert.deepEqual([seen.tokens, seen.checkouts, seen.drawn], [2, 0, []]);
});

test("who has not paid is asked to, and may say no", async () => {
  const { press, seen } = open([await token("4")]);
  assert.match(await press(), /part of the paid version/);
  assert.deepEqual([seen.tokens, seen.checkouts, seen.drawn], [1, 1, []]);
});

test("who buys gets the palette at once", async () => {
  const onCheckout = async () => (await set("5", "PAID"), "PAID");
  const { press, seen } = open([await token("5"), await token("5")], { onCheckout });
  assert.equal(await press(), "Drawn.");
  assert.deepEqual([seen.tokens, seen.checkouts], [2, 1]);
});

test("a purchase that Figma does not know yet is not asked for twice", async () => {
  const { press, seen } = open([await token("6"), await token("6")], { onCheckout: () => "PAID" });
  assert.match(await press(), /not known yet/);
  assert.deepEqual([seen.checkouts, seen.waits], [1, [5]]);
});

test("in an outage nobody is asked to pay, and the wait is kept", async () => {
  const { press, seen } = open([await token("7")]);
  await control("POST", "/faults", { fault: "status", status: 503, share: 1 });
  assert.match(await press(), /^Cannot check right now.* in 5 s\.$/);
  await control("DELETE", "/faults");
  assert.deepEqual([seen.checkouts, seen.waits], [0, [5]]);
  assert.match(await press(), /part of the paid version/, "the same token is good again");
  assert.equal(seen.tokens, 1);
});

test("without a token nobody is asked to pay", async () => {
  const { press, seen } = open([]);
  assert.match(await press(), CANNOT_CHECK);
  assert.deepEqual([seen.checkouts, await asked()], [0, 0]);
});
