// Copyright (c) 2026, the helmstack.core authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Opens the reports of a folder in Chromium; see README.md.

const fs = require('fs');
const path = require('path');
const puppeteer = require('puppeteer-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

async function look(browser, folder, file, scheme, width, audit) {
  const page = await browser.newPage();
  const found = [];
  let requests = 0;
  page.on('console', (message) => found.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => found.push(`error: ${error}`));
  page.on('request', (request) => { requests += request.url().startsWith('data:') ? 0 : 1; });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.setViewport({ width, height: 1200 });
  await page.setBypassCSP(audit); // axe is a script, and a report allows none
  const begin = Date.now();
  await page.goto(`file://${path.join(folder, file)}`, { waitUntil: 'load' });
  const took = Date.now() - begin;
  if (took > 1000) found.push(`takes ${took} ms`);
  if (requests !== 1) found.push(`${requests} requests`);
  const root = 'document.documentElement';
  if (await page.evaluate(`${root}.scrollWidth > ${root}.clientWidth`)) found.push('is wider than the window');
  if (audit) {
    await page.evaluate(() => [...document.querySelectorAll('details')].slice(0, 80).forEach((item) => { item.open = true; }));
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run(document));
    found.push(...violations.map((item) => `axe: ${item.id}: ${item.nodes[0].html}`));
  } else {
    await page.screenshot({ path: path.join(folder, `${file}-${scheme}-${width}.png`) });
  }
  await page.close();
  return { found, took };
}

async function main(folder) {
  const args = ['--no-sandbox', '--disable-gpu'];
  const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, args });
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.html'))) {
    for (const scheme of ['light', 'dark']) {
      for (const width of [390, 1280]) {
        for (const audit of [false, true]) {
          if (audit && file === 'large.html') continue;
          const { found, took } = await look(browser, folder, file, scheme, width, audit);
          console.log(`${file} ${scheme} ${width}: ${took} ms, ${found.length ? found.join('; ') : 'nothing found'}`);
          if (found.length) process.exitCode = 1;
        }
      }
    }
  }
  await browser.close();
}

main(path.resolve(process.argv[2]));
