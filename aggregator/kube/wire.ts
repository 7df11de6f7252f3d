// The fields of core/v1 objects that the projections read, as they stand in JSON. Everything is optional: the API server
// leaves empty fields out, and an object from elsewhere may lack any of them.

export interface WireMeta {
  readonly uid?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** Its time, or that it is there. */
  readonly deletionTimestamp?: string | boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind?: string }[];
}

export interface WireObject {
  readonly metadata?: WireMeta;
}

export type WireQuantities = Readonly<Record<string, string | number>>;

export interface WireResources {
  readonly requests?: WireQuantities;
  readonly limits?: WireQuantities;
  readonly claims?: readonly unknown[];
}

export interface WireContainer {
  readonly name?: string;
  readonly restartPolicy?: string;
  readonly resources?: WireResources;
  readonly resizePolicy?: readonly { readonly resourceName?: string; readonly restartPolicy?: string }[];
}

export interface WireContainerStatus {
  readonly name?: string;
  readonly containerID?: string;
  readonly state?: { readonly running?: unknown; readonly waiting?: { readonly reason?: string } };
  readonly resources?: unknown;
}

export interface WirePod extends WireObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly os?: { readonly name?: string };
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly resources?: WireResources;
    readonly containers?: readonly WireContainer[];
    readonly initContainers?: readonly WireContainer[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly qosClass?: string;
    readonly observedGeneration?: number;
    readonly conditions?: readonly {
      readonly type?: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly WireContainerStatus[];
    readonly initContainerStatuses?: readonly WireContainerStatus[];
  };
}

export interface WireNode extends WireObject {
  readonly status?: { readonly allocatable?: WireQuantities };
}

export interface WireStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}
