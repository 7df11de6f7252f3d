// Certificates, keys and tokens come from files that something else rotates: they are read again when they change.
import { readFileSync, statSync } from 'node:fs';
import { CodedError } from './coded-error.ts';

/** @throws CodedError tls_file with the path and the cause */
export function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('tls_file', `can't read ${path}: ${(cause as Error).message}`, cause);
  }
}

/** A token file, read again when its modification time or inode changes (projected tokens are rotated by rename). */
export interface TokenFile {
  /** @throws CodedError token_file when there is no readable, non-empty file */
  read(): string;
}

export function tokenFile(path: string): TokenFile {
  let seen = '';
  let token = '';
  return {
    read() {
      try {
        const stat = statSync(path);
        const stamp = `${stat.ino}:${stat.mtimeMs}`;
        if (stamp !== seen) {
          token = readFileSync(path, 'utf8').trim();
          seen = stamp;
        }
      } catch (cause) {
        throw new CodedError('token_file', `can't read the token in ${path}: ${(cause as Error).message}`, cause);
      }
      if (token === '') throw new CodedError('token_file', `${path} is empty: it must hold a token`);
      return token;
    },
  };
}
