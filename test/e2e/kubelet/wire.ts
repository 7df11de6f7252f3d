// The fields of pods, ConfigMaps and Secrets that the harness reads as a kubelet does. Source: core/v1 types.
import type { Container, Pod, PodSpec } from '../../../aggregator/standalone/api/objects.ts';
import type { ProbedContainer } from '../../../aggregator/standalone/kubelet/probe.ts';

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly configMapKeyRef?: KeyRef;
    readonly secretKeyRef?: KeyRef;
  };
}

export interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface KeyItem {
  readonly key: string;
  readonly path: string;
}

export interface NamedKeys {
  readonly name: string;
  readonly items?: readonly KeyItem[];
  readonly optional?: boolean;
}

export interface ProjectedSource {
  readonly serviceAccountToken?: {
    readonly audience?: string;
    readonly expirationSeconds?: number;
    readonly path: string;
  };
  readonly configMap?: NamedKeys;
  readonly secret?: NamedKeys;
  readonly downwardAPI?: { readonly items?: readonly DownwardItem[] };
}

export interface DownwardItem {
  readonly path: string;
  readonly fieldRef?: { readonly fieldPath: string };
}

export interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly emptyDir?: object;
  readonly configMap?: NamedKeys;
  readonly secret?: { readonly secretName: string; readonly items?: readonly KeyItem[]; readonly optional?: boolean };
  readonly projected?: { readonly sources?: readonly ProjectedSource[] };
  readonly downwardAPI?: { readonly items?: readonly DownwardItem[] };
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
}

interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly readOnlyRootFilesystem?: boolean;
}

export interface RunContainer extends ProbedContainer {
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVariable[];
  readonly volumeMounts?: readonly VolumeMount[];
  readonly securityContext?: SecurityContext;
  readonly restartPolicy?: string;
}

export interface RunSpec extends PodSpec {
  readonly containers: readonly (RunContainer & Container)[];
  readonly initContainers?: readonly (RunContainer & Container)[];
  readonly volumes?: readonly Volume[];
  readonly serviceAccountName?: string;
  readonly hostNetwork?: boolean;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly securityContext?: SecurityContext;
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms: readonly {
          readonly matchFields?: readonly { readonly key: string; readonly values?: readonly string[] }[];
        }[];
      };
    };
  };
}

export interface RunPod extends Pod {
  readonly metadata: Pod['metadata'] & { readonly deletionTimestamp?: string };
  readonly spec: RunSpec;
}

/** ConfigMap (`data`, `binaryData`) or Secret (`data`, base64). */
export interface KeyedObject {
  readonly kind?: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}
