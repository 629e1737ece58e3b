// @ts-check
// What several forms have in common: their values, a user with a resource, and fields that
// are only there for some choices.

/** @type {[keyof import('./api.js').Resource, string][]} */
const KINDS = [
  ['plugin_id', 'plugin'],
  ['widget_id', 'widget'],
  ['community_file_id', 'Community file'],
];

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export function valueOf(form, name) {
  return String(new FormData(form).get(name) ?? '').trim();
}

/**
 * A number, or nothing if the field is empty.
 *
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export function numberOf(form, name) {
  const text = valueOf(form, name);
  return text === '' ? undefined : Number(text);
}

/** The date of a purchase that is made now: without the milliseconds, which Figma does not send either. */
export function now() {
  return new Date().toISOString().replace(/\.\d+/, '');
}

/**
 * The user and the resource in a form.
 *
 * @param {HTMLFormElement} form
 * @returns {import('./api.js').Subject}
 */
export function subjectOf(form) {
  return {
    user_id: valueOf(form, 'user_id'),
    [valueOf(form, 'kind')]: valueOf(form, 'resource_id'),
  };
}

/**
 * The user and the resource of a purchase or a token, without the rest of it.
 *
 * @param {import('./api.js').Subject} subject
 * @returns {import('./api.js').Subject}
 */
export function onlySubject(subject) {
  const [kind] = kindOf(subject);
  return { user_id: subject.user_id, [kind]: subject[kind] };
}

/**
 * The name of its parameter, and of its kind.
 *
 * @param {import('./api.js').Resource} resource
 */
export function kindOf(resource) {
  return KINDS.find(([parameter]) => resource[parameter] !== undefined) ?? KINDS[0];
}

/**
 * "plugin 1122334455"
 *
 * @param {import('./api.js').Resource} resource
 */
export function resourceName(resource) {
  const [parameter, kind] = kindOf(resource);
  return `${kind} ${resource[parameter]}`;
}

/**
 * "user 500123, plugin 1122334455"
 *
 * @param {import('./api.js').Subject} subject
 */
export function subjectName(subject) {
  return `user ${subject.user_id}, ${resourceName(subject)}`;
}

/**
 * Whether two are about the same user and resource.
 *
 * @param {import('./api.js').Subject} one
 * @param {import('./api.js').Subject} other
 */
export function sameSubject(one, other) {
  return subjectName(one) === subjectName(other);
}

/**
 * Shows the fields `data-for="503"` only while one of these has chosen 503. A field that is
 * not shown is not sent, and need not be valid.
 *
 * @param {HTMLFormElement} form
 * @param {string[]} choices names of select elements
 * @returns {() => void} looks again
 */
export function showChosenFields(form, choices) {
  const show = () => {
    const chosen = choices.map((name) => valueOf(form, name));
    for (const label of form.querySelectorAll('label[data-for]')) {
      if (!(label instanceof HTMLLabelElement)) continue;
      const shown = chosen.includes(label.dataset.for ?? '');
      label.hidden = !shown;
      label.control?.toggleAttribute('disabled', !shown);
    }
  };
  form.addEventListener('input', show);
  show();
  return show;
}
