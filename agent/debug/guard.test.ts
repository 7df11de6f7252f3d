import { describe, expect, it } from 'vitest';
import { judgeAsking } from './guard.ts';
import type { Asking, GuardPolicy } from './guard.ts';

const PLAIN: Asking = {
  method: 'GET',
  path: '/api/rows',
  host: '127.0.0.1:9470',
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
  token: undefined,
};
const OPEN: GuardPolicy = { loopback: true, token: undefined, needsToken: false };

function verdict(asking: Partial<Asking>, policy: Partial<GuardPolicy> = {}): string {
  const judged = judgeAsking({ ...PLAIN, ...asking }, { ...OPEN, ...policy });
  return judged.kind === 'allowed' ? 'allowed' : `${judged.status}`;
}

describe('judgeAsking', () => {
  it('lets anyone on the node read at loopback, under the names that mean it', () => {
    for (const host of ['127.0.0.1:9470', 'localhost:9470', 'LOCALHOST', '[::1]:9470', '10.2.3.4:80'])
      expect(verdict({ host })).toBe('allowed');
  });

  it('refuses every other name: a rebound DNS name gives a foreign page this origin', () => {
    for (const host of ['evil.example:9470', 'localhost.evil.example', '127.0.0.1.evil.example', 'x', 'localhost.'])
      expect(verdict({ host })).toBe('403');
    for (const host of [undefined, '', 'a b', 'localhost:9470/x', 'user@localhost', '[::1', '[evil]:1'])
      expect(verdict({ host })).toBe('400');
  });

  it('refuses pages of other origins and sites, and takes its own', () => {
    expect(verdict({ origin: 'http://127.0.0.1:9470', fetchSite: 'same-origin' })).toBe('allowed');
    expect(verdict({ origin: 'http://127.0.0.1:8080' })).toBe('403');
    expect(verdict({ origin: 'null' })).toBe('403');
    expect(verdict({ fetchSite: 'cross-site', fetchMode: 'no-cors' })).toBe('403');
    expect(verdict({ fetchSite: 'same-site', fetchMode: 'cors' })).toBe('403');
    expect(verdict({ fetchSite: 'none', fetchMode: 'navigate' })).toBe('allowed');
  });

  it('lets a link from elsewhere lead to the page, and to nothing else', () => {
    const followed = { fetchSite: 'cross-site', fetchMode: 'navigate' } as const;
    expect(verdict({ ...followed, path: '/' })).toBe('allowed');
    expect(verdict({ ...followed, path: '/api/rows' })).toBe('403');
    expect(verdict({ ...followed, path: '/', method: 'PUT' })).toBe('403');
  });

  it('asks for the token beyond loopback, and for profiles always', () => {
    for (const policy of [{ loopback: false }, { needsToken: true }]) {
      expect(verdict({}, { ...policy, token: 's3cret' })).toBe('401');
      expect(verdict({ token: 's3cre' }, { ...policy, token: 's3cret' })).toBe('401');
      expect(verdict({ token: 's3cret' }, { ...policy, token: 's3cret' })).toBe('allowed');
      expect(verdict({ token: '' }, { ...policy, token: undefined })).toBe('403');
    }
  });

  it('takes no token for a foreign origin', () => {
    const asking = { origin: 'http://evil.example', token: 's3cret' };
    expect(verdict(asking, { token: 's3cret', needsToken: true })).toBe('403');
  });
});
