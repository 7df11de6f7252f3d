// `node native/bpf/kernel-types.mjs BTF…`: what the programs need to know of other kernels, taken from their BTF into test/fixtures/btf,
// one file a kernel. BTF: anything that bpftool reads, named after its kernel (7.3.4.btf); extract-vmlinux and
// `objcopy --dump-section .BTF=7.3.4.btf vmlinux` make one from an image, without booting it.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const here = new URL('.', import.meta.url).pathname;
const text = ['kernel.h', 'sampler.h'].map((file) => readFileSync(join(here, file), 'utf8')).join('\n');
const structures = new Set([...text.matchAll(/^struct (\w+?)(?:___\w+)? \{/gm)].map(([, name]) => name));
const FUNCTIONS =
  /^(page_counter_try_charge|mem_cgroup_out_of_memory|oom_kill_process|throttle_cfs_rq|bpf_iter_cgroup|css_rstat_flush|cgroup_rstat_flush)$/;
const TRACEPOINTS = /^btf_trace_(sched_switch|cgroup_mkdir|cgroup_rmdir|mark_victim)$/;

for (const file of process.argv.slice(2)) {
  const { types } = JSON.parse(
    execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', file], { encoding: 'utf8', maxBuffer: 1 << 30 }),
  );
  const byId = new Map(types.map((type) => [type.id, type]));
  const kernel = basename(file, '.btf');
  const facts = {
    kernel,
    structures: Object.fromEntries(
      [...structures].toSorted().flatMap((name) => {
        const found = types.find((type) => type.kind === 'STRUCT' && type.name === name);
        return found ? [[name, membersOf(found, byId).toSorted()]] : [];
      }),
    ),
    functions: namesOf(types, 'FUNC', FUNCTIONS),
    tracepoints: Object.fromEntries(
      types
        .filter((type) => type.kind === 'TYPEDEF' && TRACEPOINTS.test(type.name))
        .map((type) => [type.name.slice('btf_trace_'.length), parametersOf(type, byId)])
        .toSorted(),
    ),
  };
  const target = join(here, '../../test/fixtures/btf', `${kernel}.json`);
  writeFileSync(target, `${JSON.stringify(facts, null, 1)}\n`);
  process.stdout.write(`${target}\n`);
}

/** Each once: a static function may be there several times. */
function namesOf(types, kind, pattern) {
  const found = types.filter((type) => type.kind === kind && pattern.test(type.name)).map(({ name }) => name);
  return [...new Set(found)].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Members by name; those of anonymous structures and unions inside count as its own, as for CO-RE. */
function membersOf(type, byId) {
  return type.members.flatMap((member) => {
    if (member.name !== '(anon)') return [member.name];
    const inner = byId.get(member.type_id);
    return inner?.members ? membersOf(inner, byId) : [];
  });
}

/** What a tracepoint hands to its programs: 'task_struct *', 'int' … without the hidden first. */
function parametersOf(typedef, byId) {
  const prototype = byId.get(byId.get(typedef.type_id)?.type_id);
  return (prototype?.params ?? []).slice(1).map(({ type_id: id }) => nameOf(id, byId));
}

function nameOf(id, byId) {
  const type = byId.get(id);
  if (!type) return 'void';
  if (type.kind === 'PTR') return `${nameOf(type.type_id, byId)} *`;
  return type.kind === 'CONST' ? nameOf(type.type_id, byId) : type.name;
}
