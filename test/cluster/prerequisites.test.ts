import { describe, expect, it } from 'vitest';
import { missingForCluster } from './prerequisites.ts';

describe('what the cluster tier needs', () => {
  it('names the packages to install when a tool is missing', () => {
    expect(missingForCluster('/nonexistent', 'x64')).toMatch(
      /the cluster tier needs qemu-system-x86_64, .*apt-get install --no-install-recommends -y qemu-system-x86 /s,
    );
  });

  it('says that another architecture cannot run it', () => {
    expect(missingForCluster(process.env['PATH'] ?? '', 'arm64')).toContain('arm64');
  });
});
