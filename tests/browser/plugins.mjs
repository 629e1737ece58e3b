// Plugins for the stage.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { target } from './support.mjs';

export const PLUGIN = '1122334455';
const ALL_PERMISSIONS = ['payments', 'currentuser'];

/**
 * Writes a plugin into a folder of its own, and returns the path of its manifest.
 *
 * @param {string} name
 * @param {{ code: string, ui?: string, manifest?: object }} plugin
 */
export function writePlugin(name, { code, ui = '<p>UI</p>', manifest = {} }) {
  const folder = `${target}/browser/plugins/${name}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const whole = {
    name,
    id: PLUGIN,
    api: '1.0.0',
    editorType: ['figma'],
    main: 'code.js',
    ui: 'ui.html',
    permissions: ALL_PERMISSIONS,
    networkAccess: { allowedDomains: ['none'] },
    ...manifest,
  };
  writeFileSync(`${folder}/code.js`, code);
  writeFileSync(`${folder}/ui.html`, ui);
  writeFileSync(`${folder}/manifest.json`, JSON.stringify(whole));
  return `${folder}/manifest.json`;
}

/**
 * `examples/plugin` as it is built, for a backend at this address.
 *
 * @param {string} name
 * @param {string} backend
 */
export function examplePlugin(name, backend) {
  const file = (path) => readFileSync(fileURLToPath(new URL(`../../examples/plugin/${path}`, import.meta.url)), 'utf8');
  const here = (text) => text.replaceAll('http://localhost:3000', backend);
  return writePlugin(name, {
    code: file('dist/code.js'),
    ui: here(file('dist/ui.html')),
    manifest: { ...JSON.parse(here(file('manifest.json'))), main: 'code.js', ui: 'ui.html' },
  });
}
