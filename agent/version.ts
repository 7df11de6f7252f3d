// The version of this build, from the package.json that it ships with (beside agent/ in the source, above dist/ when built).
import { readFileSync } from 'node:fs';

/** @returns "0.0.0" when no package.json is there */
export function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version?: string };
      if (version !== undefined) return version;
    } catch {
      continue; // not this one
    }
  }
  return '0.0.0';
}
