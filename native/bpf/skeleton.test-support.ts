// What a committed light skeleton carries: the structures that its program reads (its own BTF, Documentation/bpf/btf.rst) and the
// places where it attaches.
import { readFileSync } from 'node:fs';

export interface Skeleton {
  /** Members by structure, as native/bpf/kernel.h declares them. */
  readonly structures: ReadonlyMap<string, readonly string[]>;
  /** 'tp_btf/sched_switch', 'fentry/page_counter_try_charge' … */
  readonly attachPoints: readonly string[];
  /** Kernel functions that it calls. */
  readonly calls: readonly string[];
}

const KIND = {
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  INT: 1,
  TAG: 17,
  ENUM64: 19,
};
const BTF_MAGIC = Buffer.from([0x9f, 0xeb, 0x01, 0x00]);

/** @param file a header that bpftool generated */
export function readSkeleton(file: string): Skeleton {
  const content = loaderContent(readFileSync(file, 'utf8'));
  const btf = content.subarray(content.indexOf(BTF_MAGIC));
  const strings = content.toString('latin1').split('\0');
  return {
    structures: readStructures(btf),
    attachPoints: [...new Set(strings.filter((each) => /^(tp_btf|fentry|fexit|iter\.s)\/\w+$/.test(each)))],
    // libbpf gives a kernel function no mark of its own in the program's BTF: by the names that are called.
    calls: [...new Set(strings.filter((each) => /^(css|cgroup)_rstat_flush$/.test(each)))],
  };
}

/** The bytes of `opts.data`: a C string of escapes, its lines joined by backslashes. */
function loaderContent(header: string): Buffer {
  const literal = /opts\.data = \(void \*\)"\\\n([^"]*)"/.exec(header)?.[1];
  if (literal === undefined) throw new Error('no loader in this header');
  const bytes: number[] = [];
  for (const [, escape, hex] of literal.replaceAll('\\\n', '').matchAll(/\\(x([0-9a-f]{2})|0)/g))
    bytes.push(escape === '0' ? 0 : Number.parseInt(hex!, 16));
  return Buffer.from(bytes);
}

function readStructures(btf: Buffer): Skeleton['structures'] {
  const [headerBytes, typesAt, typesBytes, stringsAt] = [4, 8, 12, 16].map((at) => btf.readUInt32LE(at)) as [number, number, number, number]; // prettier-ignore
  const text = (offset: number): string => {
    const start = headerBytes + stringsAt + offset;
    return btf.toString('latin1', start, btf.indexOf(0, start));
  };
  const structures = new Map<string, readonly string[]>();
  for (let at = headerBytes + typesAt, end = at + typesBytes; at < end;) {
    const [name, about] = [text(btf.readUInt32LE(at)), btf.readUInt32LE(at + 4)];
    const [kind, count] = [(about >>> 24) & 0x1f, about & 0xffff];
    at += 12;
    if (kind === KIND.STRUCT && name !== '')
      structures.set(
        name,
        Array.from({ length: count }, (_, member) => text(btf.readUInt32LE(at + member * 12))),
      );
    at += extraBytes(kind, count);
  }
  return structures;
}

function extraBytes(kind: number, count: number): number {
  switch (kind) {
    case KIND.INT:
    case KIND.VAR:
    case KIND.TAG:
      return 4;
    case KIND.ARRAY:
      return 12;
    case KIND.ENUM:
    case KIND.FUNC_PROTO:
      return count * 8;
    case KIND.STRUCT:
    case KIND.UNION:
    case KIND.DATASEC:
    case KIND.ENUM64:
      return count * 12;
    default:
      return 0;
  }
}
