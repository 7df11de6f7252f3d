// The architecture as rules: which folder may import which, how large files get, who reads the environment.
// Each rule names one file's violations; a rule about a folder's size gets them all.
import type { Import, SourceFile } from './source-file.ts';
import { isTest } from './source-file.ts';

export interface Rule {
  /** A sentence about the code: the test's name. */
  readonly name: string;
  /** @returns a line for each violation */
  readonly violations: (files: readonly SourceFile[]) => readonly string[];
}

const MAX_LINES = 400;
const MAX_MAIN_LINES = 60;
const MAX_RUNTIME_FILES = 6;
const KUBE_CLIENT = '@kubernetes/client-node';

/** Words that say nothing about what is in a file. */
const VAGUE = ['manager', 'helper', 'helpers', 'util', 'utils', 'service', 'data', 'info', 'common', 'misc', 'types'];

/** Started as processes by path and as small as a main, though not named so. */
const PROGRAMS = ['aggregator/standalone/kubelet/gate.ts', 'aggregator/standalone/demo/workload.ts'];

export const RULES: readonly Rule[] = [
  importRule('agent/protocol imports nothing', 'agent/protocol/', (target) => within(target, 'agent/protocol/')),
  importRule('the agent imports nothing of the aggregator or of the tests', 'agent/', (target) =>
    within(target, 'agent/', 'native/'),
  ),
  importRule(
    'agent/shortage only judges: it imports nothing but the words of agent/protocol',
    'agent/shortage/',
    (target) => within(target, 'agent/shortage/', 'agent/protocol/'),
  ),
  importRule('agent/store only keeps: it knows neither signals, push nor debug', 'agent/store/', (target) =>
    ['signals', 'push', 'debug'].every((folder) => !within(target, `agent/${folder}/`)),
  ),
  importRule(
    'the aggregator imports only agent/protocol and agent/runtime of the agent (its standalone also agent/cgroup)',
    'aggregator/',
    (target, from) =>
      within(target, 'aggregator/', 'agent/protocol/', 'agent/runtime/') ||
      (within(from, 'aggregator/standalone/') && within(target, 'agent/cgroup/')),
  ),
  importRule('the store knows neither api, resize, intake nor standalone', 'aggregator/store/', (target) =>
    ['api', 'resize', 'intake', 'standalone'].every((folder) => !within(target, `aggregator/${folder}/`)),
  ),
  importRule(
    'native is reached only from agent/cgroup, agent/signals and agent/relief, through its index',
    '',
    (target, from) =>
      !within(target, 'native/') ||
      within(from, 'native/') ||
      (target === 'native/index.ts' && within(from, 'agent/cgroup/', 'agent/signals/', 'agent/relief/')),
  ),
  packageRule('agent/protocol uses no package', 'agent/protocol/', () => false),
  packageRule(
    'the agent has no Kubernetes client, no second HTTP stack and no child processes',
    'agent/',
    (target) => ![KUBE_CLIENT, 'undici', 'node:child_process', 'child_process'].includes(packageOf(target)),
  ),
  packageRule(
    `only aggregator/kube has values of ${KUBE_CLIENT}`,
    '',
    (target, from) => packageOf(target) !== KUBE_CLIENT || within(from, 'aggregator/kube/'),
  ),
  eachFile('only main.ts reads the command line and the environment, and exits', (file) =>
    isTest(file) || isProgram(file)
      ? []
      : [...file.code.matchAll(/\bprocess\.(?:argv|env|exit)\b/g)].map(([use]) => `${file.path} uses ${use}`),
  ),
  eachFile(`no file is over ${MAX_LINES} lines`, (file) =>
    file.lines > MAX_LINES ? [`${file.path} has ${file.lines} lines`] : [],
  ),
  eachFile(`no main.ts is over ${MAX_MAIN_LINES} lines`, (file) =>
    isProgram(file) && file.path.endsWith('/main.ts') && file.lines > MAX_MAIN_LINES
      ? [`${file.path} has ${file.lines} lines`]
      : [],
  ),
  eachFile('a file’s name is kebab-case and says what is in it', (file) => {
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    const words = name.split(/[.-]/);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test(-support)?)?\.ts$/.test(name)) return [`${file.path} is not kebab-case`];
    return words.filter((word) => VAGUE.includes(word)).map((word) => `${file.path}: "${word}" says nothing`);
  }),
  {
    name: `agent/runtime stays plumbing: at most ${MAX_RUNTIME_FILES} files`,
    violations: (files) => {
      const runtime = files.filter((file) => within(file.path, 'agent/runtime/') && !isTest(file));
      return runtime.length > MAX_RUNTIME_FILES ? runtime.map(({ path }) => path) : [];
    },
  },
];

function isProgram({ path }: SourceFile): boolean {
  return path.endsWith('/main.ts') || PROGRAMS.includes(path);
}

/** Imports of our own files by the production code in a folder. */
function importRule(name: string, folder: string, allowed: (target: string, from: string) => boolean): Rule {
  return imports(name, folder, (each, from) => !each.local || allowed(each.target, from));
}

/** Values imported from packages and Node's own modules by the production code in a folder. */
function packageRule(name: string, folder: string, allowed: (target: string, from: string) => boolean): Rule {
  return imports(name, folder, (each, from) => each.local || each.typeOnly || allowed(each.target, from));
}

function imports(name: string, folder: string, allowed: (each: Import, from: string) => boolean): Rule {
  return eachFile(name, (file) =>
    isTest(file) || !file.path.startsWith(folder)
      ? []
      : file.imports.filter((each) => !allowed(each, file.path)).map(({ target }) => `${file.path} imports ${target}`),
  );
}

function eachFile(name: string, violations: (file: SourceFile) => readonly string[]): Rule {
  return { name, violations: (files) => files.flatMap(violations) };
}

function within(path: string, ...folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder));
}

/** `@scope/name/sub` → `@scope/name`; a Node module keeps its name. */
function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}
