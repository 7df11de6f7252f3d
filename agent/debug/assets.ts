// The page's files, as `npm run build` puts them beside this module. Read at the first request and kept.
import { readFileSync } from 'node:fs';

export interface Asset {
  readonly type: string;
  readonly body: string;
}

export type Assets = (path: string) => Asset | undefined;

const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
};

/** @param folder with a trailing slash @throws when the page was not built */
export function pageAssets(folder: URL): Assets {
  const kept = new Map<string, Asset>();
  return (path) => {
    const wanted = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
    if (!wanted) return undefined;
    const known = kept.get(path);
    if (known) return known;
    const asset = { type: wanted.type, body: readFileSync(new URL(wanted.file, folder), 'utf8') };
    kept.set(path, asset);
    return asset;
  };
}
