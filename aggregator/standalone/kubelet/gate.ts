// The gate of gated-spawn.ts for machines without a shell: waits for a line on stdin, then loads the program in this process.
// Usage: node gate.js script [args]. What Node itself takes to start is charged to the cgroup of the launcher.
import { readSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// The program sees the arguments it would see without a gate.
process.argv.splice(1, 1);
const script = process.argv[1];
if (script === undefined) throw new Error('usage: gate script [args]');
if (readSync(0, Buffer.alloc(1)) === 1) await import(pathToFileURL(script).href);
