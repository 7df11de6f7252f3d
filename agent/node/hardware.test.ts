import { describe, expect, it } from 'vitest';
import { readHardware } from './hardware.ts';
import type { HardwareSource } from './hardware.ts';

const source = (change: Partial<HardwareSource> = {}): (() => Promise<HardwareSource>) => {
  const whole = {
    cpu: async () => ({ brand: 'EPYC', cores: 8 }),
    system: async () => ({ manufacturer: 'Acme', model: 'One' }),
  };
  return async () => ({ ...whole, ...change });
};

describe('the hardware', () => {
  it('is asked for once and told in a few words', async () => {
    expect(await readHardware(source())).toEqual({
      kind: 'hardware',
      hardware: { cpuModel: 'EPYC', cores: 8, vendor: 'Acme', product: 'One' },
    });
  });

  it('is absent with the reason when the source fails', async () => {
    const failing = source({ system: () => Promise.reject(new Error('no DMI table')) });
    expect(await readHardware(failing)).toEqual({ kind: 'absent', reason: 'no DMI table' });
  });

  it('is absent when there is no answer in time', async () => {
    const silent = source({ cpu: () => new Promise(() => {}) });
    expect(await readHardware(silent, 1)).toEqual({ kind: 'absent', reason: 'no answer within 1 ms' });
  });
});
