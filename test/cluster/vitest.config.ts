import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Right after the install, in use, at rest, disturbed, without Headroom again; what needs no cluster comes first. */
const ORDER = ['metrics', 'leak', 'refusals', 'rest', 'disturbances', 'signals', 'uninstall'];

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => ORDER.indexOf(basename(moduleId, '.test.ts'));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

// The cluster tier: `npm run test:cluster`.
export default defineConfig({
  test: {
    name: 'cluster',
    root: import.meta.dirname,
    globalSetup: ['setup.ts'],
    include: ['**/*.test.ts'],
    fileParallelism: false,
    // What is concurrent in a file waits for the kubelet, not for a CPU of ours: all of it at once.
    maxConcurrency: 10,
    sequence: { sequencer: InOrder },
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
