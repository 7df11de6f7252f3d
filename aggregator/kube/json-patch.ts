// RFC 6902 operations as pods/resize takes them.

export interface JsonPatchOp {
  readonly op: 'test' | 'add' | 'replace';
  readonly path: string;
  readonly value: string | Readonly<Record<string, string>>;
}
