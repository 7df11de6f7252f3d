// `npm run demo:cluster`: the cluster of the tier with Headroom installed, to watch by hand until Ctrl-C.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_SERVICE_ADDRESS } from '../e2e/control-plane/control-plane.ts';
import { insideNamespaces, runPlace } from '../e2e/namespace.ts';
import { collect } from './collect.ts';
import { startDemo } from './demo.ts';
import { dialInside, listenOutside } from './relay.ts';

const say = (text: string): void => void process.stderr.write(`cluster: ${text}\n`);

const collected = await collect(process.env, say);
const socketFile = (process.env['HEADROOM_DEMO_SOCKET'] ??= join(tmpdir(), `headroom-demo-${process.pid}.sock`));
process.env['HEADROOM_DEMO_PORT'] ??= String(await listenOutside(socketFile));
await insideNamespaces();
await dialInside(socketFile, API_SERVICE_ADDRESS, 443);
const demo = await startDemo(collected, runPlace(process.env).folder, Number(process.env['HEADROOM_DEMO_PORT']), say);
process.stdout.write(`${demo}\n`);
