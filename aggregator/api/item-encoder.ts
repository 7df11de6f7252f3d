// How the store's items are written: what the store is given, as it knows no API.
import type { Encoders } from '../store/views.ts';
import { nodeJson, podJson } from './item-json.ts';
import { nodeProtobuf, podProtobuf } from './item-protobuf.ts';

export const metricsEncoders: Encoders = {
  encodePod: { json: podJson, protobuf: podProtobuf },
  encodeNode: { json: nodeJson, protobuf: nodeProtobuf },
};
