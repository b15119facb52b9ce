// Looks at a page as its users do: in each width and colour scheme. EDGEMINT_SCREENSHOTS=1 keeps a picture of each look.
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contrasts, sticking } from './measures.mjs';

let pictures;

/** Checks that nothing overflows and all text has enough contrast. The page has more than `texts` texts. */
export async function look(page, moment, { widths, texts }) {
  for (const width of widths) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height: 844 });
      // Without motion the colours are there at once.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const where = `${moment}, ${width}, ${colorScheme}`;
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, where);
      // The card clips its ornament on purpose, and the text of a field can be scrolled.
      const isFine = (name) => ['DIV.card', 'INPUT.'].includes(name);
      assert.deepEqual((await page.evaluate(sticking)).filter((name) => !isFine(name)), [], where);
      const { count, below } = await page.evaluate(contrasts);
      assert.ok(count > texts, `${where}: ${count} texts`);
      assert.deepEqual(below, [], where);
      if (process.env.EDGEMINT_SCREENSHOTS) await keep(page, `${moment}-${width}-${colorScheme}.png`);
    }
  }
}

async function keep(page, name) {
  if (pictures === undefined) {
    pictures = mkdtempSync(join(tmpdir(), 'edgemint-pages-'));
    console.log(`Screenshots: ${pictures}`);
  }
  await page.screenshot({ path: join(pictures, name), fullPage: true });
}
