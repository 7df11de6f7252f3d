// The cluster's name server, as far as Headroom needs one: addresses of headless Services (RFC 1035, DNS-based service discovery),
// from EndpointSlices; every other name does not exist.
import { createSocket } from 'node:dgram';
import type { Kube, KubeMeta } from '../e2e/kube.ts';

export const NAME_SERVER = '10.96.0.10';
export const CLUSTER_DOMAIN = 'cluster.local';

interface EndpointSlice {
  readonly metadata: KubeMeta;
  /** null while there is none. */
  readonly endpoints: readonly { readonly addresses: readonly string[]; readonly conditions?: { readonly ready?: boolean } }[] | null; // prettier-ignore
}

export interface NameServer {
  close(): void;
}

const TYPE_A = 1;
const CLASS_IN = 1;
const TTL_S = 5;
const HEADER_BYTES = 12;
const NO_SUCH_NAME = 3;

export async function startNameServer(kube: Kube): Promise<NameServer> {
  const slices = new Map<string, EndpointSlice>();
  const keyOf = ({ metadata: { uid, name } }: EndpointSlice): string => uid ?? name;
  const watch = kube.watch<EndpointSlice>('/apis/discovery.k8s.io/v1/endpointslices', {
    onObject: (slice) => void slices.set(keyOf(slice), slice),
    onGone: (slice) => void slices.delete(keyOf(slice)),
  });
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const answer = answerTo(query, (name) => addressesOf(slices.values(), name));
    if (answer) socket.send(answer, port, address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(53, NAME_SERVER, resolve);
  });
  return {
    close: () => {
      watch.close();
      socket.close();
    },
  };
}

/** @returns undefined where there is no such Service */
function addressesOf(slices: Iterable<EndpointSlice>, name: string): readonly string[] | undefined {
  const found = [...slices].filter(({ metadata: { labels, namespace } }) => {
    const service = labels?.['kubernetes.io/service-name'];
    const headless = labels?.['service.kubernetes.io/headless'] !== undefined;
    return headless && name === `${service}.${namespace}.svc.${CLUSTER_DOMAIN}`;
  });
  if (found.length === 0) return undefined;
  const ready = found
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false);
  return ready.flatMap(({ addresses }) => addresses);
}

/** @param addresses of a name in lower case @returns undefined for what is no question */
export function answerTo(
  query: Buffer,
  addresses: (name: string) => readonly string[] | undefined,
): Buffer | undefined {
  const question = readQuestion(query);
  if (question === undefined) return undefined;
  const found = addresses(question.name);
  const told = question.type === TYPE_A ? (found ?? []) : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  // An authoritative answer; recursion is neither offered nor needed.
  header.writeUInt16BE(0x8400 | (query.readUInt16BE(2) & 0x0100) | (found === undefined ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(told.length, 6);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, question.end), ...told.map(record)]);
}

interface Question {
  readonly name: string;
  readonly type: number;
  /** Where it ends. */
  readonly end: number;
}

function readQuestion(query: Buffer): Question | undefined {
  if (query.length < HEADER_BYTES || query.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    if (length === 0) break;
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  if (query.length < at + 5) return undefined;
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** Its name is the question's (a pointer to it). */
function record(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  bytes.writeUInt16BE(TYPE_A, 2);
  bytes.writeUInt16BE(CLASS_IN, 4);
  bytes.writeUInt32BE(TTL_S, 6);
  bytes.writeUInt16BE(4, 10);
  address.split('.').forEach((part, index) => bytes.writeUInt8(Number(part), 12 + index));
  return bytes;
}
