// Measures a page by its own means. These functions run in the page, and contain no assertions.

/** The control that has the focus, and whether its focus ring is visible. */
export function focused() {
  const node = document.activeElement;
  if (node === null || node === document.body) return { name: '', hasRing: false };
  const rings = [node, node.parentElement].map((one) => getComputedStyle(one));
  const hasRing = rings.some(({ outlineStyle, outlineWidth }) => outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);
  return { name: (node.labels?.[0] ?? node).textContent.trim(), hasRing };
}

/** Elements that overflow the window on the right, and those that clip their own text there. */
export function sticking() {
  // The first two clip their ornament on purpose; the others are visually hidden.
  const isLaidOut = (node) => node.checkVisibility() && !node.matches('.verdict, .intro') && !node.closest('.skip, .unseen, svg');
  return [...document.querySelectorAll('body *')].filter(isLaidOut).filter((node) => {
    const isClipped = getComputedStyle(node).overflowX !== 'visible' && node.scrollWidth > node.clientWidth + 1;
    return isClipped || node.getBoundingClientRect().right > innerWidth + 0.5;
  }).map((node) => `${node.tagName}.${node.className}`);
}

/** The number of texts, and those whose contrast is too low (WCAG 2.2, 1.4.3). */
export function contrasts() {
  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = rgb(color).map((value) => linear(value / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const isClear = (color) => rgb(color)[3] === 0;
  const ground = (node) => {
    const color = getComputedStyle(node).backgroundColor;
    return isClear(color) ? ground(node.parentElement) : color;
  };
  const isWord = (child) => child.nodeType === Node.TEXT_NODE && child.data.trim() !== '';
  const hasText = (node) => !node.matches('noscript') && (node.matches('input') || [...node.childNodes].some(isWord));
  const isShown = (node) => node.checkVisibility({ visibilityProperty: true });
  const shown = [...document.querySelectorAll('body *')].filter((node) => hasText(node) && isShown(node));
  // The field's own text is transparent where the layer under it shows the same text in colours.
  const seen = shown.filter((node) => !isClear(getComputedStyle(node).color));
  const below = seen.map((node) => {
    const [light, dark] = [getComputedStyle(node).color, ground(node)].map(luminance).sort((a, b) => b - a);
    return [node.tagName, node.className, (light + 0.05) / (dark + 0.05)];
  }).filter(([, , ratio]) => ratio < 4.5);
  return { count: seen.length, below };
}
