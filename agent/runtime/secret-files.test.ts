import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPem, tokenFile } from './secret-files.ts';

let directory = '';
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'secret-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('tokenFile', () => {
  it('reads the token without the newline and again once it was replaced by rename', () => {
    const path = join(directory, 'token');
    writeFileSync(path, 'first\n');
    const token = tokenFile(path);
    expect([token.read(), token.read()]).toEqual(['first', 'first']);
    writeFileSync(join(directory, 'next'), 'second\n');
    renameSync(join(directory, 'next'), path);
    expect(token.read()).toBe('second');
  });

  it('says which file is missing or empty, and recovers', () => {
    const path = join(directory, 'token');
    const token = tokenFile(path);
    expect(() => token.read()).toThrow(expect.objectContaining({ code: 'token_file' }) as Error);
    writeFileSync(path, '\n');
    expect(() => token.read()).toThrow(`${path} is empty`);
    expect(() => token.read()).toThrow(`${path} is empty`);
    rmSync(path);
    writeFileSync(path, 'now');
    expect(token.read()).toBe('now');
  });

  it('does not go on with an old token when its file is gone', () => {
    const path = join(directory, 'token');
    writeFileSync(path, 'old');
    const token = tokenFile(path);
    expect(token.read()).toBe('old');
    rmSync(path);
    expect(() => token.read()).toThrow(expect.objectContaining({ code: 'token_file' }) as Error);
  });
});

describe('readPem', () => {
  it('reads the file or names it with the cause', () => {
    const path = join(directory, 'ca.pem');
    expect(() => readPem(path)).toThrow(
      expect.objectContaining({ code: 'tls_file', message: expect.stringContaining(path) as unknown }) as Error,
    );
    writeFileSync(path, '-----BEGIN CERTIFICATE-----\n');
    expect(readPem(path)).toBe('-----BEGIN CERTIFICATE-----\n');
  });
});
