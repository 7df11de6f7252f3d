// The committed programs against the BTF of Debian's kernels, without booting them: every field, function and tracepoint is there.
// kernel-types.mjs takes the kernels' side from their images.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOOKS } from '../hooks.ts';
import { readSkeleton } from './skeleton.test-support.ts';
import type { Skeleton } from './skeleton.test-support.ts';

interface Kernel {
  readonly kernel: string;
  readonly structures: Readonly<Record<string, readonly string[]>>;
  readonly functions: readonly string[];
  readonly tracepoints: Readonly<Record<string, readonly string[]>>;
}

const fixtures = join(import.meta.dirname, '../../test/fixtures/btf');
const kernels = readdirSync(fixtures).map((file) => JSON.parse(readFileSync(join(fixtures, file), 'utf8')) as Kernel);
const programs = readdirSync(import.meta.dirname).flatMap((file) => /^(.*)\.bpf\.c$/.exec(file)?.[1] ?? []);

/** The programs look first whether these are there: before 6.2 and since, with and without the multi-generational LRU. */
const GUARDED = new Set(['mm_rss_stat', 'percpu_counter', 'lru_gen_folio', 'lruvec.lrugen']);
/** Structures of our own and of the compiler. */
const OWN = /^(track|counts|event|life_event|run_queue_slot|sample_slot|file_cache|bpf_iter.*)$/;

function skeleton(program: string): Skeleton {
  return readSkeleton(join(import.meta.dirname, 'generated', `${program}.lskel.h`));
}

/** What of a program's needs a kernel doesn't have. */
function lacking({ structures, attachPoints, calls }: Skeleton, kernel: Kernel): readonly string[] {
  const fields = [...structures].flatMap(([flavoured, members]) => {
    const name = flavoured.replace(/___.*/, '');
    if (OWN.test(name) || GUARDED.has(name)) return [];
    const known = kernel.structures[name];
    return known ? members.map((member) => `${name}.${member}`).filter((each) => !has(known, each)) : [name];
  });
  const places = attachPoints.filter((place) => {
    const [kind, name = ''] = place.split('/');
    if (kind === 'tp_btf') return kernel.tracepoints[name] === undefined;
    return !kernel.functions.includes(kind === 'iter.s' ? `bpf_iter_${name}` : name);
  });
  return [...fields, ...places, ...calls.filter((name) => !kernel.functions.includes(name))];
}

function has(known: readonly string[], member: string): boolean {
  return GUARDED.has(member) || known.includes(member.slice(member.indexOf('.') + 1));
}

describe('the programs', () => {
  it('are checked against kernels from the first that is supported to the newest', () => {
    expect(kernels.length).toBeGreaterThanOrEqual(4);
    expect(kernels.some(({ kernel }) => kernel.startsWith('6.1.'))).toBe(true);
    expect(
      Object.values(HOOKS)
        .flatMap((hook) => hook.programs)
        .toSorted(),
    ).toEqual(programs.toSorted());
  });

  describe.each(kernels)('on Linux $kernel', (kernel) => {
    it.each(Object.entries(HOOKS))('find what %s needs, with the first or the one that stands in', (_name, hook) => {
      const problems = hook.programs.map((program) => lacking(skeleton(program), kernel));
      expect(problems.some((each) => each.length === 0) ? [] : problems).toEqual([]);
    });

    it('get the task that is killed, not a number', () => {
      expect(kernel.tracepoints['mark_victim']?.[0]).toBe('task_struct *');
    });
  });

  it('would be caught reading a field that a kernel lacks, or attaching to a function that is gone', () => {
    const [kernel] = kernels as [Kernel];
    const alarm = skeleton('memory_alarm');
    expect(alarm.attachPoints).toEqual(['fentry/page_counter_try_charge']);
    expect(lacking(alarm, { ...kernel, functions: [] })).toEqual(['fentry/page_counter_try_charge']);
    expect(lacking(alarm, { ...kernel, structures: { ...kernel.structures, page_counter: ['usage', 'max'] } })).toEqual(
      expect.arrayContaining(['page_counter.parent']),
    );
    expect(lacking(skeleton('sampler'), { ...kernel, functions: ['bpf_iter_cgroup'] })).toEqual(['css_rstat_flush']);
  });
});
