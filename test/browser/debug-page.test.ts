// The debugging page in a real browser: what an operator sees, does with mouse or keyboard, and what other sites can't do.
import { mkdirSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startChromium } from './chromium.ts';
import { startWatchedAgent, TOKEN } from './watched-agent.ts';
import type { WatchedAgent } from './watched-agent.ts';

const SCREENSHOTS = process.env['HEADROOM_SCREENSHOTS'];

let agent: WatchedAgent;
let browser: Browser;
let page: Page;
/** Whatever the page asked for, and whatever its console complained of. */
const asked: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  browser = await startChromium(process.env['PATH'] ?? '');
  agent = await startWatchedAgent();
  page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(agent.url);
  await page.waitForSelector('#rows tbody tr');
});

afterAll(async () => {
  await browser?.close();
  await agent?.close();
});

/** The cells of the shown rows. */
function cells(of: Page = page): Promise<string[][]> {
  return of.$$eval('#rows tbody tr', (lines) =>
    lines.map((line) => [...line.querySelectorAll('td')].map((cell) => cell.textContent ?? '')),
  );
}

function text(selector: string): Promise<string> {
  return page.$eval(selector, (found) => found.textContent ?? '');
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>, withinMs = 15_000): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Dark pixels or bright ones: how many points of the charts are drawn. */
function drawnPoints(): Promise<number> {
  return page.$$eval('#charts canvas', (canvases) =>
    canvases
      .map((canvas) => canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [])
      .reduce((sum, pixels) => sum + pixels.filter((value, at) => at % 4 === 3 && value > 0).length, 0),
  );
}

async function screenshot(name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });
}

describe('the debugging page', () => {
  it('shows each container with its use and limits, the node, and what is missing with its cause', async () => {
    const shown = await until('cpu of all three', async () => {
      const lines = await cells();
      return lines.length === 3 && lines.every(([, cpu]) => cpu !== '–') && lines;
    });
    const busy = shown.find(([name]) => name?.startsWith('bbbb'));
    expect(Number.parseFloat(busy?.[1] ?? '')).toBeGreaterThan(600);
    expect(busy?.slice(2, 3)).toEqual(['1000 m']);
    expect(shown.find(([name]) => name?.startsWith('cccc'))?.[6]).toBe('256 MiB');
    expect(await text('#strip')).toContain('containers3');
    expect(await text('#node-name')).toContain('browser-node');
    expect(await text('#capabilities tbody')).toContain('inotify');
    expect(await text('#pushes')).toContain('only observes');
  });

  it('sorts by a column that is pressed, and back', async () => {
    const memory = 'thead th:nth-child(5) button';
    const order = async (): Promise<string[]> => (await cells()).map(([name]) => name?.slice(0, 1) ?? '');
    expect(await order()).toEqual(['c', 'a', 'b']);
    await page.click(memory);
    expect(await order()).toEqual(['b', 'a', 'c']);
    expect(await page.$eval('thead th:nth-child(5)', (head) => head.ariaSort)).toBe('ascending');
    await page.click('thead th:nth-child(2) button');
    expect((await order())[0]).toBe('b');
    await page.click(memory);
  });

  it('finds containers by what is typed, and shows pods and slices when asked', async () => {
    await page.type('#search', 'bbbb');
    expect((await cells()).length).toBe(1);
    await page.$eval('#search', (input) => {
      (input as HTMLInputElement).value = '';
      input.dispatchEvent(new Event('input'));
    });
    await page.click('#all');
    expect((await cells()).length).toBeGreaterThan(6);
    await page.click('#all');
    expect((await cells()).length).toBe(3);
  });

  it('is used by keyboard alone: to a row, along the rows, chosen with Enter', async () => {
    await page.focus('#rows tbody tr');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    expect(await page.$eval('#rows tbody tr', (line) => line.ariaSelected)).toBe('true');
    expect(await text('#detail-title')).toContain('cccccccccccc of pod');
    const before = await page.evaluate(() => (document.activeElement as HTMLElement).dataset['ref']);
    await new Promise((resolve) => setTimeout(resolve, 2500)); // two refreshes
    expect(await page.evaluate(() => (document.activeElement as HTMLElement).dataset['ref'])).toBe(before);
  });

  it('draws the chosen container and goes on drawing', async () => {
    expect(await page.$$eval('#charts h3', (titles) => titles.map((title) => title.textContent))).toEqual([
      'CPU',
      'CPU throttled and waiting',
      'Run-queue delay (eBPF)',
      'Memory',
      'Waiting for memory and I/O',
    ]);
    const before = await until('something is drawn', drawnPoints);
    await until('more is drawn', async () => (await drawnPoints()) !== before);
  });

  it('tells of a shortage when it happens, and marks the container', async () => {
    agent.leak();
    const signal = await until(
      'the signal',
      async () => {
        const said = await text('#signal-list');
        return said.includes('limit-approach') && said;
      },
      30_000,
    );
    expect(signal).toMatch(/memory limit-approach: needs [\d.]+ MiB of 256 MiB, growing [\d.]+ MiB\/s/);
    await page.waitForSelector('tr.short');
    await screenshot('debug-page-light');
  });

  it('is readable in the dark', async () => {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'dark' }]);
    const { ground, ink } = await page.evaluate(() => {
      const style = getComputedStyle(document.body);
      return { ground: style.backgroundColor, ink: style.color };
    });
    const [dark, light] = [ground, ink].map((colour) => Number(/rgb\((\d+)/.exec(colour)?.[1]));
    expect(dark).toBeLessThan(40);
    expect(light).toBeGreaterThan(200);
    await new Promise((resolve) => setTimeout(resolve, 1200)); // the charts are drawn anew
    await screenshot('debug-page-dark');
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
  });

  it('fits a phone: one column, nothing wider than the screen, the figures that matter', async () => {
    await page.setViewport({ width: 390, height: 844 });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const { wide, screen } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      screen: document.documentElement.clientWidth,
    }));
    expect(wide).toBeLessThanOrEqual(screen);
    expect(await page.$eval('thead th.wide', (cell) => getComputedStyle(cell).display)).toBe('none');
    await screenshot('debug-page-phone');
    await page.setViewport({ width: 1280, height: 900 });
  });

  it('loads nothing from outside and breaks none of its own rules', () => {
    expect(asked.filter((url) => !url.startsWith(agent.url) && !url.startsWith('data:'))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('offers the ring of the chosen container', async () => {
    const href = await page.$eval('#dumps a', (link) => link.href);
    const csv = await (await fetch(href)).text();
    expect(csv.split('\r\n')[0]).toMatch(/^time,atBootMs,cpuUsageUs/);
    expect(csv.split('\r\n').length).toBeGreaterThan(5);
  });
});

describe('another site in the same browser', () => {
  it('can read nothing of the endpoint and change nothing', async () => {
    const foreign = http.createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>elsewhere</title>');
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    const elsewhere = await browser.newPage();
    try {
      await elsewhere.goto(`http://localhost:${(foreign.address() as AddressInfo).port}/`);
      const outcome = (path: string, method: string, mode: RequestMode = 'cors'): Promise<string> =>
        elsewhere.evaluate(
          async (url, init) => {
            try {
              return String((await fetch(url, init)).status);
            } catch {
              return 'blocked';
            }
          },
          agent.url + path,
          { method, mode },
        );
      expect(await outcome('/api/rows', 'GET')).toBe('blocked');
      expect(await outcome('/api/log-level', 'PUT')).toBe('blocked');
      // Without CORS a browser sends a simple request all the same, and hands the answer to no one.
      expect(await outcome('/api/rows', 'GET', 'no-cors')).toBe('blocked');
    } finally {
      await elsewhere.close();
      foreign.close();
      foreign.closeAllConnections();
    }
  });

  it('gets no page under a name that was pointed here', async () => {
    const refused = await new Promise<number | undefined>((resolve, reject) => {
      const request = http.get(agent.url, { headers: { host: 'rebound.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
    });
    expect(refused).toBe(403);
  });
});

describe('profiles', () => {
  it('are given for the token that was told once in the address bar', async () => {
    const operator = await browser.newPage();
    await operator.goto(`${agent.url}/?token=${TOKEN}`);
    expect(operator.url()).toBe(`${agent.url}/`);
    const nodes = await operator.evaluate(async () => {
      const profile = (await (await fetch('/api/profiles/cpu?seconds=1')).json()) as { nodes: unknown[] };
      return profile.nodes.length;
    });
    expect(nodes).toBeGreaterThan(1);
    expect(await operator.evaluate(() => document.cookie)).toBe('');
    await operator.close();
  });
});
