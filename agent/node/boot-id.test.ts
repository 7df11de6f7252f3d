import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBootId } from './boot-id.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'boot-id-'));
  mkdirSync(join(root, 'sys/kernel/random'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the boot id', () => {
  it('is the uuid that the kernel gives', () => {
    writeFileSync(join(root, 'sys/kernel/random/boot_id'), '3c1f7c52-9d3e-4d0e-8f0a-1c2d3e4f5a6b\n');
    expect(readBootId(root)).toBe('3c1f7c52-9d3e-4d0e-8f0a-1c2d3e4f5a6b');
  });

  it('is never made up: an empty or missing file is named', () => {
    expect(() => readBootId(root)).toThrow(/boot_id/);
    writeFileSync(join(root, 'sys/kernel/random/boot_id'), '\n');
    expect(() => readBootId(root)).toThrow(/boot_id holds no uuid/);
  });
});
