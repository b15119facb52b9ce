// Creates elements. Creates text nodes only, never markup, which the page's policy forbids too.

/** An element with attributes, those that are undefined left out, and children: nodes or texts. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

/** A text in which words between backticks are shown as code. */
export function rich(words) {
  return words.split(/`([^`]*)`/).map((piece, index) => (index % 2 === 0 ? piece : element('code', {}, piece)));
}

/** A secret value, shortened until the user reveals it. `mark` surrounds it. */
export function secret(name, value, mark = '') {
  const shown = element('span', { class: 'secret-value' }, shorten(value));
  const button = element('button', { type: 'button', class: 'reveal', 'aria-label': `Reveal ${name}` }, 'Reveal');
  let isWhole = false;
  button.addEventListener('click', () => {
    isWhole = !isWhole;
    shown.textContent = isWhole ? value : shorten(value);
    button.textContent = isWhole ? 'Hide' : 'Reveal';
    button.setAttribute('aria-label', `${button.textContent} ${name}`);
  });
  return element('span', { class: 'secret', translate: 'no' }, mark, shown, `${mark} `, button);
}

/** The ends of a secret, enough to tell two apart. */
export function shorten(value) {
  return value.length < 24 ? '…' : `${value.slice(0, 8)}…${value.slice(-4)}`;
}
