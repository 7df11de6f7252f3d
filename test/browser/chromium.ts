// The Chromium of this machine, and what to install where there is none.
import { launch } from 'puppeteer-core';
import type { Browser } from 'puppeteer-core';
import { findTool } from '../vm/prerequisites.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** @throws that says what to install */
export async function startChromium(searchPath: string): Promise<Browser> {
  const executablePath = NAMES.map((name) => findTool(name, searchPath)).find((path) => path !== undefined);
  if (executablePath === undefined) {
    throw new Error(
      `the browser tier needs Chromium (${NAMES.join(', ')}). On Debian or Ubuntu:\n` +
        '  apt-get update && apt-get install --no-install-recommends -y chromium',
    );
  }
  // As root its sandbox does not start, and /dev/shm is small in containers.
  return launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
}
