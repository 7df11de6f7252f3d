import { describe, expect, it } from 'vitest';
import { bpfRefusal, pressureRefusal, whyNoBpf } from './cause.ts';
import type { Rights } from './cause.ts';
import type { Refusal } from './addon.ts';

const BPF = 1n << 39n;
const PERFMON = 1n << 38n;
const ADMIN = 1n << 21n;
const RESOURCE = 1n << 24n;
const ABLE: Rights = { capabilities: BPF | PERFMON, btf: true, kernel: '6.12.9-cloud-amd64' };

function refusal(code: string, log = ''): Refusal {
  return Object.assign(new Error(`load its programs: no (${code})`), { code, step: 'load its programs', log });
}

describe('why there is no eBPF', () => {
  it('is not said where everything is there', () => {
    expect(whyNoBpf(ABLE)).toBeUndefined();
    expect(whyNoBpf({ ...ABLE, capabilities: ADMIN })).toBeUndefined();
  });

  it('names a kernel without BTF first', () => {
    expect(whyNoBpf({ ...ABLE, btf: false, capabilities: 0n })?.cause).toMatch(/no BTF/);
  });

  it.each([
    ['5.10.0-28-amd64', true],
    ['6.0.19', true],
    ['6.1.0-40-amd64', false],
    ['6.18.44-fc-v595', false],
    ['7.3.0', false],
  ])('tells an old kernel: %s', (kernel, old) => {
    expect(whyNoBpf({ ...ABLE, kernel }) !== undefined).toBe(old);
  });

  it('names exactly the capabilities that are lacking, and where to add them', () => {
    expect(whyNoBpf({ ...ABLE, capabilities: BPF })?.cause).toBe('the process lacks CAP_PERFMON');
    expect(whyNoBpf({ ...ABLE, capabilities: 0n })).toMatchObject({
      cause: 'the process lacks CAP_BPF and CAP_PERFMON',
      cure: expect.stringContaining('capabilities.add'),
    });
  });
});

describe('a refused program', () => {
  it('is a policy’s doing when the capabilities are there', () => {
    expect(bpfRefusal(refusal('EPERM')).cause).toMatch(/could not load its programs.*EPERM.*policy/);
  });

  it('quotes the verifier, not its list of types', () => {
    const log = "R1 type=scalar expected=ptr_\ninvalid mem access 'scalar'\nprocessed 12 insns (limit 1000000)\n";
    expect(bpfRefusal(refusal('EACCES', log)).cause).toMatch(/EACCES/);
    expect(bpfRefusal(refusal('EINVAL', log)).cause).toMatch(/: invalid mem access 'scalar'$/);
    const types = '[60] DATASEC .rodata size=16 vlen=2\n\t type_id=51 offset=0 size=8\n';
    expect(bpfRefusal(refusal('ENOENT', types)).cause).toMatch(/\(ENOENT\)$/);
  });

  it('says that a field is missing where CO-RE found none', () => {
    const log = '276: (85) call unknown#195896080\ninvalid func unknown#195896080\n';
    expect(bpfRefusal(refusal('EINVAL', log)).cause).toMatch(/a field or constant is missing$/);
  });

  it.each(['EPERM', 'ENOENT', 'EMFILE', 'EBADF', 'EIO'])('always has a cure: %s', (code) => {
    const said = bpfRefusal(refusal(code));
    expect(said.kind).toBe('missing');
    expect(said.cure).not.toBe('');
  });
});

describe('a refused trigger', () => {
  it('tells a read-only mount from a file that only root may write', () => {
    expect(pressureRefusal(refusal('EROFS'), 2e6, ABLE).cause).toMatch(/read-only/);
    expect(pressureRefusal(refusal('EACCES'), 2e6, ABLE).cause).toMatch(/root/);
  });

  it('tells the capability that short windows need from a kernel that has none', () => {
    expect(pressureRefusal(refusal('EINVAL'), 1e6, ABLE).cause).toMatch(/CAP_SYS_RESOURCE/);
    expect(pressureRefusal(refusal('EINVAL'), 1e5, { ...ABLE, capabilities: RESOURCE }).cause).toMatch(/100 ms/);
  });
});
