// A serving pair in two files that something else rotates (cert-manager, a Secret volume, an administrator): read again when they change.
// The two are rarely written at one instant: a pair that does not belong together keeps the old one in use.
import { statSync } from 'node:fs';
import { CodedError } from '../../agent/runtime/coded-error.ts';
import type { Logger } from '../../agent/runtime/logger.ts';
import { readPem } from '../../agent/runtime/secret-files.ts';
import type { Sleep } from '../kube/backoff.ts';
import { expiresAtMs, pairProblem } from './key-pair.ts';
import type { KeyPair } from './key-pair.ts';
import { tellAll } from './tell-all.ts';

export interface CertificateFilesParts {
  readonly certFile: string;
  readonly keyFile: string;
  readonly log: Logger;
  readonly sleep: Sleep;
}

const CHECK_MS = 5000;

export class CertificateFiles {
  readonly #parts: CertificateFilesParts;
  readonly #listeners: ((pair: KeyPair) => void)[] = [];
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #pair: KeyPair;
  #seen: string;

  /** @throws CodedError tls_file */
  constructor(parts: CertificateFilesParts) {
    this.#parts = parts;
    this.#seen = this.#stamp();
    this.#pair = this.#read();
    this.#ended = this.#run();
  }

  current(): KeyPair {
    return this.#pair;
  }

  expiresAtMs(): number {
    return expiresAtMs(this.#pair.cert);
  }

  onChange(listener: (pair: KeyPair) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { sleep } = this.#parts;
    const { signal } = this.#closing;
    for (;;) {
      await sleep(CHECK_MS, signal);
      if (signal.aborted) return;
      this.#check();
    }
  }

  #check(): void {
    const { certFile, log } = this.#parts;
    // Taken before reading: what is written in between is read at the next check.
    const stamp = this.#stamp();
    if (stamp === this.#seen) return;
    this.#seen = stamp;
    try {
      const pair = this.#read();
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return;
      this.#pair = pair;
      log.info({ file: certFile, expires: new Date(this.expiresAtMs()) }, 'serving certificate replaced');
      tellAll(this.#listeners, pair, log);
    } catch (err) {
      log.warn({ reason: (err as Error).message }, 'new serving certificate unusable, the old one stays in use');
    }
  }

  #read(): KeyPair {
    const { certFile, keyFile } = this.#parts;
    const pair = { cert: readPem(certFile), key: readPem(keyFile) };
    const problem = pairProblem(pair);
    if (problem !== undefined) throw new CodedError('tls_file', `${certFile} and ${keyFile}: ${problem}`);
    return pair;
  }

  /** Differs when either file was written, replaced, or its link moved. */
  #stamp(): string {
    const { certFile, keyFile } = this.#parts;
    return [certFile, keyFile]
      .map((file) => {
        const stat = statSync(file, { throwIfNoEntry: false });
        return stat ? `${stat.ino}:${stat.mtimeMs}:${stat.size}` : 'none';
      })
      .join(' ');
  }
}
