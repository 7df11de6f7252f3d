import { describe, expect, it } from 'vitest';
import { findTool, missingTools } from './prerequisites.ts';

describe('what the kernel tier needs', () => {
  it('names the packages to install when a tool is missing', () => {
    expect(missingTools('/nonexistent', 'x64')).toMatch(
      /needs qemu-system-x86_64, .*apt-get install --no-install-recommends -y qemu-system-x86 /s,
    );
  });

  it('says that another architecture cannot run it', () => {
    expect(missingTools(process.env['PATH'] ?? '', 'arm64')).toContain('arm64');
  });

  it('finds a tool along the path', () => {
    expect(findTool('sh', '/nonexistent:/bin')).toBe('/bin/sh');
    expect(findTool('no-such-tool', '/bin')).toBeUndefined();
  });
});
