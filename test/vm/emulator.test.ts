import { describe, expect, it } from 'vitest';
import { debianCodename } from './emulator.ts';

describe('the release whose backports have a newer emulator', () => {
  it('is Debian’s', () => {
    expect(debianCodename('PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_CODENAME=bookworm\nID=debian\n')).toBe(
      'bookworm',
    );
  });

  it('is none of another distribution, nor of a Debian without a name', () => {
    expect(debianCodename('ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n')).toBeUndefined();
    expect(debianCodename('ID=debian\n')).toBeUndefined();
    expect(debianCodename('')).toBeUndefined();
  });
});
