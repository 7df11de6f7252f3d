// Before the first test: the binaries, found or built outside, where there is a network; then the same run again inside its namespaces.
// Not in the configuration, which linters and editors load as well.
import { CONTROL_PLANE, controlPlaneBinaries } from './control-plane/binaries.ts';
import { insideNamespaces } from './namespace.ts';

export async function setup(): Promise<void> {
  await controlPlaneBinaries(process.env, CONTROL_PLANE, (text) => process.stderr.write(`e2e: ${text}\n`));
  await insideNamespaces();
}
