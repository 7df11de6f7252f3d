import { describe, expect, it } from 'vitest';
import { admitResize } from './admit-resize.ts';
import { shrinkRefusal } from './shrink-guard.ts';

const ALLOCATABLE = { cpu: '2', memory: '1Gi' };
const asking = (cpu: string, memory = '0') => [{ resources: { requests: { cpu, memory } } }];

describe('admitResize', () => {
  it('fits while there is room beside the others', () => {
    expect(admitResize(asking('1'), [asking('500m'), asking('500m')], ALLOCATABLE)).toEqual({ kind: 'fits' });
  });

  it('is deferred while others have the room, infeasible where the node never had it', () => {
    expect(admitResize(asking('1'), [asking('1500m')], ALLOCATABLE)).toEqual({
      kind: 'deferred',
      message: "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000",
    });
    expect(admitResize(asking('1', '2Gi'), [], ALLOCATABLE)).toEqual({
      kind: 'infeasible',
      message: "Node didn't have enough capacity: memory, requested: 2147483648, capacity: 1073741824",
    });
  });

  it('does not hold a full node against a pod that asks for nothing of what is short', () => {
    expect(admitResize(asking('0', '1'), [asking('3')], ALLOCATABLE)).toEqual({ kind: 'fits' });
  });
});

describe('shrinkRefusal', () => {
  const step = { container: 'c', knob: 'memory.limit', from: 100, to: 50 } as const;

  it('refuses to lower a limit to or under what is in use', () => {
    const message =
      'cannot decrease memory limits: attempting to set container "c" memory limit (50) below current usage (50)';
    expect(shrinkRefusal([step], 'p', () => 50)).toBe(message);
    expect(shrinkRefusal([step], 'p', () => 49)).toBeUndefined();
  });

  it('refuses where the usage is unknown, and never minds a raise or the CPU', () => {
    expect(shrinkRefusal([step], 'p', () => undefined)).toBe('missing container "c" memory usage');
    expect(shrinkRefusal([{ ...step, to: 200 }], 'p', () => 150)).toBeUndefined();
    expect(shrinkRefusal([{ ...step, knob: 'cpu.limit' }], 'p', () => 90)).toBeUndefined();
  });
});
