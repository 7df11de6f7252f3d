// A workload of the e2e tier: uses so much CPU and holds so much memory. `node consume.mjs --cpu-millis=50 --memory-mib=50 [--for-ms=200]`
const number = (name) =>
  Number(process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3) ?? 0);

const SLOT_MS = 50;
const held = Buffer.alloc(number('memory-mib') * 1024 * 1024, 1);
const busyMs = (SLOT_MS * number('cpu-millis')) / 1000;

let dueMs = 0;
setInterval(() => {
  // By the process's own CPU time: what it was kept from is not made up for.
  dueMs = Math.min(dueMs + busyMs, 10 * busyMs);
  const before = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 >= dueMs) {
      dueMs -= (user + system) / 1000;
      break;
    }
  }
}, SLOT_MS);
process.on('SIGTERM', () => process.exit(0));
if (number('for-ms') > 0) setTimeout(() => process.exit(0), number('for-ms'));
// Held until the end.
process.once('exit', () => held.fill(0, 0, 1));
process.stdin.on('end', () => process.exit(0)).resume();
