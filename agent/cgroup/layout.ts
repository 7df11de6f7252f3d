// What a cgroup path says: pod uid, container id, QoS. Kubernetes' naming for the systemd and cgroupfs drivers
// (pkg/kubelet/cm), runtimes' scope names (containerd, CRI-O, cri-dockerd), any prefix before `kubepods` (kind, k3d, nested nodes).
import { createHash } from 'node:crypto';

/** slice: kubepods' QoS slices and the slices of the top level (system.slice ...). */
export type CgroupKind = 'slice' | 'pod' | 'container';

export interface CgroupIdentity {
  readonly kind: CgroupKind;
  /** As in the path, dashes restored; static pods: the config hash, 32 hex. '' for slices. */
  readonly podUid: string;
  /** 64 hex without the runtime's prefix; '' unless a container. */
  readonly containerId: string;
  /** '' where the path does not say: kubepods itself, other slices, services. */
  readonly qos: 'guaranteed' | 'burstable' | 'besteffort' | '';
}

type Qos = CgroupIdentity['qos'];

const POD_SLICE = /^(?:.*-)?kubepods(?:-(burstable|besteffort))?-pod([0-9a-f_]{32,36})\.slice$/;
const POD_DIRECTORY = /^pod([0-9a-f-]{32,36})$/;
const QOS_SLICE = /^(?:.*-)?kubepods(?:-(burstable|besteffort))?\.slice$/;
const CONTAINER = /^(?:cri-containerd-|crio-|docker-|libpod-)?([0-9a-f]{64})(?:\.scope)?$/;
/** What a container becomes when runc is told the systemd form of the parent but runs with cgroupfs. */
const UNSPLIT_CONTAINER = /^(.+\.slice):[a-z-]+:([0-9a-f]{64})$/;

/**
 * @param path below the cgroup mount, without a leading slash
 * @param options.services systemd services, and containers that belong to no pod, count as pods of one container
 * @returns undefined for what is no row of its own: cgroups inside a container, runtime monitors, mounts, anything unknown.
 * A sandbox (pause) that has a scope of its own looks like a container; only pod status can tell them apart.
 */
export function identifyCgroup(
  path: string,
  options: { readonly services?: boolean } = {},
): CgroupIdentity | undefined {
  const segments = path.split('/');
  for (let index = 0; index < segments.length; index++) {
    const unsplit = UNSPLIT_CONTAINER.exec(segments[index]!);
    const pod = podAt(segments, index, unsplit?.[1] ?? segments[index]!);
    if (!pod) continue;
    const rest = segments.slice(index + 1);
    if (unsplit) return rest.length > 0 ? undefined : { ...pod, kind: 'container', containerId: unsplit[2]! };
    return rest.length === 0 ? pod : containerIn(pod, rest);
  }
  const slice = sliceOf(segments);
  if (slice) return slice;
  return options.services ? serviceOf(path, segments) : undefined;
}

/**
 * A systemd service as a pod of one container: a uuid and a container id that stay the same for a path.
 * Containers outside any pod keep their own id.
 */
export function serviceIdentity(path: string): { readonly podUid: string; readonly containerId: string } {
  const hash = createHash('sha256').update(path).digest('hex');
  const uid = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(hash)!.slice(1).join('-');
  const own = CONTAINER.exec(path.slice(path.lastIndexOf('/') + 1));
  return { podUid: uid, containerId: own ? own[1]! : hash };
}

/** True where no pod or container can begin any more: at and inside a container, in mounts and runtime monitors. */
export function endsDescent(path: string, options: { readonly services?: boolean } = {}): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (isNoise(name)) return true;
  return identifyCgroup(path, options)?.kind === 'container' && !name.endsWith('.service') && !isOuterContainer(path);
}

/** A container outside kubepods may be a whole node (kind, k3d) with pods inside. */
function isOuterContainer(path: string): boolean {
  return !path.includes('kubepods');
}

function isNoise(name: string): boolean {
  return name.startsWith('crio-conmon-') || name.startsWith('libpod-conmon-') || name.endsWith('.mount');
}

function podAt(segments: readonly string[], index: number, name: string): CgroupIdentity | undefined {
  const slice = POD_SLICE.exec(name);
  if (slice) return podIdentity(slice[2]!.replaceAll('_', '-'), slice[1]);
  const directory = POD_DIRECTORY.exec(name);
  if (!directory) return undefined;
  const parent = segments[index - 1];
  if (parent === 'kubepods') return podIdentity(directory[1]!, undefined);
  if (segments[index - 2] !== 'kubepods') return undefined;
  return parent === 'burstable' || parent === 'besteffort' ? podIdentity(directory[1]!, parent) : undefined;
}

function podIdentity(podUid: string, qos: string | undefined): CgroupIdentity {
  return { kind: 'pod', podUid, containerId: '', qos: (qos ?? 'guaranteed') as Qos };
}

/** The first id below the pod is the container; what lies deeper counts for it. */
function containerIn(pod: CgroupIdentity, rest: readonly string[]): CgroupIdentity | undefined {
  const first = rest.findIndex((name) => CONTAINER.test(name));
  if (first !== rest.length - 1 || rest.some(isNoise)) return undefined;
  return { ...pod, kind: 'container', containerId: CONTAINER.exec(rest[first]!)![1]! };
}

function sliceOf(segments: readonly string[]): CgroupIdentity | undefined {
  const name = segments.at(-1)!;
  const kubepods = QOS_SLICE.exec(name);
  if (kubepods) return sliceIdentity((kubepods[1] ?? '') as Qos);
  if (name === 'kubepods') return sliceIdentity('');
  if (segments.at(-2) === 'kubepods' && (name === 'burstable' || name === 'besteffort')) return sliceIdentity(name);
  return segments.length === 1 && name.endsWith('.slice') ? sliceIdentity('') : undefined;
}

function sliceIdentity(qos: Qos): CgroupIdentity {
  return { kind: 'slice', podUid: '', containerId: '', qos };
}

function serviceOf(path: string, segments: readonly string[]): CgroupIdentity | undefined {
  const first = segments.findIndex((name) => name.endsWith('.service') || CONTAINER.test(name));
  if (first < 0 || first !== segments.length - 1 || segments.some(isNoise)) return undefined;
  return { kind: 'container', ...serviceIdentity(path), qos: '' };
}
