// The kubeconfig on disk: readable by its owner alone, whole or not at all, never over a file that is somebody else's.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../../agent/runtime/coded-error.ts';

/**
 * @returns removes the file again, if it is still this one
 * @throws CodedError kubeconfig
 */
export function writeKubeconfig(file: string, text: string): () => void {
  if (!isOurs(file)) {
    throw new CodedError(
      'kubeconfig',
      `${file} exists and is not from headroom: choose another place with --kubeconfig`,
    );
  }
  const partial = `${file}.${process.pid}`;
  try {
    makeFolders(dirname(file));
    writeFileSync(partial, text, { mode: 0o600, flag: 'wx' });
    renameSync(partial, file);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new CodedError('kubeconfig', `can't write the kubeconfig ${file}: ${(cause as Error).message}`, cause);
  }
  return () => {
    if (readOrUndefined(file) === text) rmSync(file, { force: true });
  };
}

/** Node's own `recursive` never ends where a folder that exists answers ENOENT to a new one in it, as /proc does. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function isOurs(file: string): boolean {
  const text = readOrUndefined(file);
  if (text === undefined || text.trim() === '') return true;
  try {
    return (JSON.parse(text) as { clusters?: { name?: string }[] }).clusters?.[0]?.name === 'headroom';
  } catch {
    return false;
  }
}

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CodedError('kubeconfig', `can't read ${file}: ${(error as Error).message}`, error);
  }
}
