import { describe, expect, it } from 'vitest';
import { bearerToken } from './bearer.ts';

describe('bearerToken', () => {
  it.each([
    ['Bearer t', 't'],
    ['bearer t', 't'],
    [' BEARER t and more', 't'],
    ['Bearer  t', undefined],
    ['Bearer', undefined],
    ['Basic t', undefined],
    ['t', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('reads %j', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });
});
