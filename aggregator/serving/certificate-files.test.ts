import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../agent/runtime/logger.ts';
import { createAuthority } from './authority.ts';
import type { KeyPair } from './key-pair.ts';
import { createServingCertificate } from './serving-certificate.ts';
import type { ServingCertificate, ServingCertificateOptions } from './serving-certificate.ts';

let pairs: readonly [KeyPair, KeyPair];
let folder: string;
let open: ServingCertificate | undefined;

beforeAll(async () => {
  const validity = { fromMs: 0, untilMs: Date.parse('2040-01-01T00:00:00Z') };
  pairs = [await createAuthority(validity), await createAuthority(validity)];
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headroom-serving-'));
});

afterEach(async () => {
  await open?.close();
  open = undefined;
  rmSync(folder, { recursive: true });
});

async function follow(files: Partial<Pick<ServingCertificateOptions, 'certFile' | 'keyFile'>> = {}) {
  const log: Record<string, unknown>[] = [];
  let wake: (() => void) | undefined;
  open = await createServingCertificate({
    certFile: join(folder, 'tls.crt'),
    keyFile: join(folder, 'tls.key'),
    ...files,
    namespace: '',
    http: { call: () => Promise.reject(new Error('no API server is needed for files')) },
    clock: { bootTimeMs: () => 0, wallTimeMs: () => 0 },
    log: createLogger(
      'test',
      'info',
      {},
      { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
    ),
    sleep: (_, signal) =>
      new Promise((resolve) => {
        wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      }),
  });
  const told: KeyPair[] = [];
  open.onChange((pair) => told.push(pair));
  const check = async (): Promise<void> => {
    wake?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { certificate: open, told, log, check };
}

function write(file: string, text: string): void {
  // By rename, so that the inode changes even within one tick of the file system's clock.
  writeFileSync(join(folder, 'new'), text);
  renameSync(join(folder, 'new'), join(folder, file));
}

function writePair({ cert, key }: KeyPair): void {
  write('tls.crt', cert);
  write('tls.key', key);
}

describe('certificate files', () => {
  it('are served and read again when they are replaced', async () => {
    writePair(pairs[0]);
    const { certificate, told, check } = await follow();
    expect(certificate.current()).toEqual(pairs[0]);
    expect(certificate.expiresAtMs()).toBe(Date.parse('2040-01-01T00:00:00Z'));
    await check();
    expect(told).toEqual([]);
    writePair(pairs[1]);
    await check();
    expect(told).toEqual([pairs[1]]);
    expect(certificate.current()).toEqual(pairs[1]);
  });

  it('keep the old pair while only one of the two is written, and take both when the other follows', async () => {
    writePair(pairs[0]);
    const { certificate, told, log, check } = await follow();
    write('tls.crt', pairs[1].cert);
    await check();
    await check();
    expect(certificate.current()).toEqual(pairs[0]);
    expect(log).toHaveLength(1);
    expect(log[0]?.['reason']).toContain('the private key does not belong to the certificate');
    write('tls.key', pairs[1].key);
    await check();
    expect(told).toEqual([pairs[1]]);
  });

  it('keep the old pair while they are gone or no PEM', async () => {
    writePair(pairs[0]);
    const { certificate, told, log, check } = await follow();
    rmSync(join(folder, 'tls.key'));
    await check();
    write('tls.key', 'half a key');
    await check();
    expect(certificate.current()).toEqual(pairs[0]);
    expect(log.map(({ level }) => level)).toEqual(['warn', 'warn']);
    write('tls.key', pairs[0].key);
    await check();
    expect(told).toEqual([]);
  });

  it('are followed through the link that a kubelet swaps', async () => {
    for (const [index, pair] of pairs.entries()) {
      mkdirSync(join(folder, `..${index}`));
      writeFileSync(join(folder, `..${index}`, 'tls.crt'), pair.cert);
      writeFileSync(join(folder, `..${index}`, 'tls.key'), pair.key);
    }
    symlinkSync('..0', join(folder, '..data'));
    symlinkSync('..data/tls.crt', join(folder, 'tls.crt'));
    symlinkSync('..data/tls.key', join(folder, 'tls.key'));
    const { told, check } = await follow();
    symlinkSync('..1', join(folder, '..tmp'));
    renameSync(join(folder, '..tmp'), join(folder, '..data'));
    await check();
    expect(told).toEqual([pairs[1]]);
  });

  it('have to be there, to belong together, and to be both named', async () => {
    await expect(follow()).rejects.toMatchObject({ code: 'tls_file' });
    writePair({ cert: pairs[0].cert, key: pairs[1].key });
    await expect(follow()).rejects.toThrow(/does not belong/);
    await expect(follow({ keyFile: undefined })).rejects.toThrow('--tls-cert-file needs --tls-private-key-file');
    await expect(follow({ certFile: undefined })).rejects.toThrow('--tls-private-key-file needs --tls-cert-file');
  });
});
