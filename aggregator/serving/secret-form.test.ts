import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, signServing } from './authority.ts';
import type { Material } from './material.ts';
import { readSecret, secretData } from './secret-form.ts';

let material: Material;

beforeAll(async () => {
  const validity = { fromMs: 0, untilMs: Date.parse('2040-01-01T00:00:00Z') };
  const [authority, next, ...retired] = await Promise.all([1, 2, 3, 4].map(() => createAuthority(validity)));
  material = {
    authority: authority!,
    next: { ...next!, sinceMs: Date.parse('2026-11-23T12:00:00Z') },
    retired: retired.map(({ cert }) => cert),
    serving: await signServing(authority!, ['a.svc'], validity),
  };
});

function data(of: Material): Record<string, string> {
  return Object.fromEntries(
    Object.entries(secretData(of)).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

describe('a Secret', () => {
  it('gives back what was written, with and without a next and retired CAs', () => {
    const { authority, serving } = material;
    for (const one of [material, { authority, serving, retired: [] }])
      expect(readSecret(data(one))).toEqual({ kind: 'material', material: one });
  });

  it('without data is empty, with other people’s data too', () => {
    for (const each of [undefined, {}, { 'other.crt': 'eA==' }]) expect(readSecret(each)).toEqual({ kind: 'empty' });
  });

  it('whose ca.crt is no CA is corrupt', () => {
    const { serving } = material;
    const broken = { ...data(material), 'ca.crt': base64(serving.cert), 'ca.key': base64(serving.key) };
    expect(readSecret(broken)).toEqual({ kind: 'corrupt', problem: 'ca.crt is no CA certificate' });
  });

  it.each([
    ['next-ca.key', 'next-ca.crt and next-ca.key: not a PEM certificate'],
    ['next-ca.since', 'next-ca.since is no time'],
    ['tls.key', 'tls.crt and tls.key: not a PEM certificate'],
  ])('with a broken %s says so and gives the rest', (entry, problem) => {
    const content = readSecret({ ...data(material), [entry]: base64('x') });
    expect(content).toMatchObject({ kind: 'material', material: { authority: material.authority } });
    expect(content).toHaveProperty('problem', expect.stringContaining(problem));
  });

  it('with any bytes in any entry is read without an exception, and never as a pair that does not belong together', () => {
    const whole = data(material);
    const entries = Object.keys(whole);
    const bytes = fc.oneof(fc.base64String(), fc.string(), fc.constantFrom(...Object.values(whole)));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...entries), bytes), (changes) => {
        const content = readSecret({ ...whole, ...changes });
        if (content.kind !== 'material') return;
        const { authority } = content.material;
        const known = [material.authority, material.next].map((pair) => `${pair?.cert}${pair?.key}`);
        expect(known).toContain(`${authority.cert}${authority.key}`);
      }),
      { numRuns: 200 },
    );
  });
});
