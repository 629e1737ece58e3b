// @ts-check
// Small helpers for elements. Values only ever become text or attributes, never markup.

/**
 * The one element that `selector` finds, which has to be of this type.
 *
 * @template {Element} Type
 * @param {string} selector
 * @param {new () => Type} type
 * @param {ParentNode} within
 * @returns {Type}
 */
export function find(selector, type, within = document) {
  const found = within.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} ${selector}`);
}

/**
 * A new element: `el('button', { type: 'button', onclick: buy }, 'Buy')`.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | (() => void)>} attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name.slice('on'.length), value);
    } else {
      element.setAttribute(name, value);
    }
  }
  element.append(...children);
  return element;
}

/**
 * Sets a text, but leaves the element alone if it has that text already: then a selection
 * in it stays.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @template Item
 * @typedef {{ element: HTMLElement, update: (item: Item) => void }} Row
 */

/**
 * Makes a function that shows one row for each item. The row of an item stays the same
 * element, so the focus stays where it is. Rows whose item is gone are used again.
 *
 * @template Item
 * @param {HTMLElement} parent
 * @param {(item: Item) => string} key
 * @param {() => Row<Item>} newRow
 * @returns {(items: Item[]) => void}
 */
export function rowsIn(parent, key, newRow) {
  /** @type {Map<string, Row<Item>>} */
  const rows = new Map();
  return (items) => {
    const wanted = new Map(items.map((item) => [key(item), item]));
    const spare = [];
    for (const [itemKey, row] of rows) {
      if (wanted.has(itemKey)) continue;
      rows.delete(itemKey);
      row.element.remove();
      spare.push(row);
    }
    let next = parent.firstElementChild;
    for (const [itemKey, item] of wanted) {
      const row = rows.get(itemKey) ?? spare.pop() ?? newRow();
      rows.set(itemKey, row);
      row.update(item);
      if (row.element === next) {
        next = next.nextElementSibling;
      } else {
        parent.insertBefore(row.element, next);
      }
    }
  };
}

/**
 * A button that copies a text. Where the browser does not let a page write to the clipboard,
 * it selects the text in `shown`.
 *
 * @param {string} label
 * @param {Element} shown
 */
export function copyButton(label, shown) {
  const button = el('button', { type: 'button', class: 'quiet', onclick: copy }, label);
  return button;

  async function copy() {
    try {
      await navigator.clipboard.writeText(shown.textContent ?? '');
      button.textContent = 'Copied';
    } catch {
      getSelection()?.selectAllChildren(shown);
      button.textContent = 'Selected';
    }
    setTimeout(() => (button.textContent = label), 1500);
  }
}

/**
 * 12,345
 *
 * @param {number} number
 */
export function count(number) {
  return number.toLocaleString('en');
}

/**
 * 1:02:03, or 2 d 1:02:03
 *
 * @param {number} seconds
 */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const twoDigits = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const time = `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}`;
  return days > 0 ? `${count(days)} d ${time}` : time;
}
