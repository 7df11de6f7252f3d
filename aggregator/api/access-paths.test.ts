import { describe, expect, it } from 'vitest';
import { alwaysAllowed } from './access-paths.ts';

describe('alwaysAllowed', () => {
  it('takes whole paths, and all that begin alike with a * at the end', () => {
    const isOpen = alwaysAllowed(['/healthz', 'livez', '/debug/*', '/']);
    const paths = [
      '/healthz',
      '/healthz/ping',
      '/livez',
      '/livezz',
      '/debug/',
      '/debug/x/y',
      '/debug',
      '/',
      '/metrics',
    ];
    expect(paths.filter(isOpen)).toEqual(['/healthz', '/livez', '/debug/', '/debug/x/y', '/']);
  });

  it('opens nothing where nothing is named, and everything where * is', () => {
    expect(alwaysAllowed([])('/healthz')).toBe(false);
    expect(alwaysAllowed(['*'])('/anything')).toBe(true);
  });

  it('refuses a * in the middle', () => {
    expect(() => alwaysAllowed(['/a*b'])).toThrow('--authorization-always-allow-paths=/a*b');
  });
});
