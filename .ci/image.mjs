// What goes into the images, made without a container engine: `node .ci/image.mjs [--out DIR]`. For each of agent and aggregator:
//   DIR/<role>/rootfs/      the files, to be copied over a base image with Node
//   DIR/<role>/image.json   entry point, environment, user and working directory, as the Dockerfile has to state them (a test holds it to that)
//   DIR/<role>/*.mjs.map    the source maps of the bundle, for whoever reads a stack trace; not in the image
// Needs what `npm ci` installs. Native parts are copied when they were built before (`npm run build:native`) and left out otherwise.
import { execFileSync } from 'node:child_process';
import { build } from 'esbuild';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '..');
/** Where the images' Node is (gcr.io/distroless/nodejs). */
const NODE = '/nodejs/bin/node';
/** In the images: bin/main.mjs finds ../package.json (its version) and ../build/Release (native parts), as in the source tree. */
const HOME = 'headroom';
/** The base image's user `nonroot`. */
const USER = '65532:65532';
/** Only where they are built; the process does without. */
const NATIVE_PACKAGES = ['ffi-napi'];

const ROLES = [
  {
    name: 'agent',
    entry: 'agent/main.ts',
    flags: ['agent/flags.ts', 'AGENT_NODE_FLAGS'],
    // The debugging page, which the process looks for in page/ beside its file.
    page: { script: 'agent/debug/page/build.mjs', packages: ['uplot'] },
    native: true,
  },
  {
    name: 'aggregator',
    entry: 'aggregator/main.ts',
    flags: ['aggregator/flags.ts', 'AGGREGATOR_NODE_FLAGS'],
    environment: ['aggregator/flags.ts', 'AGGREGATOR_ENVIRONMENT'],
    native: false,
  },
];

const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist/image') } } });
for (const role of ROLES) await makeImage(role, join(resolve(values.out), role.name));

async function makeImage(role, folder) {
  rmSync(folder, { recursive: true, force: true });
  const home = join(folder, 'rootfs', HOME);
  mkdirSync(join(home, 'bin'), { recursive: true });
  const inputs = await bundle(role, folder, home);
  const { name, version, license } = readPackage(root);
  writeFileSync(join(home, 'package.json'), toJson({ name, version, license, type: 'module', private: true }));
  const paged = role.page ? makePage(role.page, home) : [];
  const copied = role.native ? copyNative(home, inputs.external) : [];
  cpSync(join(root, 'LICENSE'), join(home, 'LICENSE'));
  writeFileSync(join(home, 'THIRD-PARTY-LICENSES.txt'), licences([...inputs.packages, ...paged, ...copied]));
  const nodeFlags = (await exported(...role.flags, folder)) ?? [];
  const entrypoint = [NODE, ...nodeFlags, `/${HOME}/bin/main.mjs`];
  const environment = role.environment ? await exported(...role.environment, folder) : {};
  const image = { name: `headroom-${role.name}`, version, entrypoint, environment, user: USER, workingDir: `/${HOME}` };
  writeFileSync(join(folder, 'image.json'), toJson(image));
  process.stdout.write(
    `${folder}: ${copied.length > 0 ? `with ${copied.map(baseName).join(', ')}` : 'no native packages'}\n`,
  );
}

/** main.mjs, and beside it what is loaded only when it is asked for: more code than all the rest. Names stay as they are, so that a stack trace can be read without the map. */
async function bundle({ entry }, folder, home) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: entry, out: 'main' }],
    outdir: join(home, 'bin'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: 'external',
    legalComments: 'none',
    metafile: true,
    external: [...NATIVE_PACKAGES, '*.node'],
    plugins: [{ name: 'without-facades', setup: withoutFacades }],
    // CommonJS packages call require; a bundle that is a module has none. The name is one that no module of ours imports.
    banner: {
      js: "const require=process.getBuiltinModule('node:module').createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  for (const map of readdirSync(join(home, 'bin')).filter((file) => file.endsWith('.map'))) {
    cpSync(join(home, 'bin', map), join(folder, map));
    rmSync(join(home, 'bin', map));
  }
  const outputs = Object.values(metafile.outputs);
  const used = outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0),
  );
  const packages = new Set(used.flatMap(([path]) => packageFolder(path)));
  const imports = outputs.flatMap((output) => output.imports);
  const external = imports.filter((each) => each.external).map((each) => each.path);
  return {
    packages: [...packages].sort((a, b) => a.localeCompare(b)),
    external: NATIVE_PACKAGES.filter((each) => external.includes(each)),
  };
}

/**
 * What is imported of Node's own modules is asked of the process, name by name. An import reads all that such a module exports, and loads
 * what it would load only when that is asked for: with `node:http` comes undici, a sixth of what a start took. (What is required is not read.)
 */
function withoutFacades({ onResolve, onLoad }) {
  const isBuiltin = new RegExp(`^(?:node:)?(?:${builtinModules.join('|')})$`);
  onResolve({ filter: isBuiltin }, ({ path, kind }) =>
    kind.startsWith('require')
      ? { path, external: true }
      : { path: path.replace(/^(?!node:)/, 'node:'), namespace: 'builtin', sideEffects: false },
  );
  onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({ contents: asModule(path) }));
}

/** Whatever name nobody imports is left out of the bundle, and not read. */
function asModule(path) {
  const names = Object.getOwnPropertyNames(process.getBuiltinModule(path)).filter(
    (name) => /^[a-zA-Z_$][\w$]*$/.test(name) && name !== 'default',
  );
  return [
    `const all = /* @__PURE__ */ process.getBuiltinModule('${path}');`,
    'const of = (name) => all[name];',
    'export { all as default };',
    ...names.map((name) => `const ${name}_ = /* @__PURE__ */ of('${name}'); export { ${name}_ as ${name} };`),
  ].join('\n');
}

/** node_modules/a/node_modules/@b/c/index.js → node_modules/a/node_modules/@b/c; none for our own files. */
function packageFolder(path) {
  const match = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path);
  return match ? [join(root, match[0])] : [];
}

/** @returns the packages that became part of it */
function makePage({ script, packages }, home) {
  execFileSync(process.execPath, [script, join(home, 'bin/page')], { cwd: root, stdio: 'inherit' });
  return packages.map((name) => join(root, 'node_modules', name));
}

/** Native addons of our own, and packages that are loaded at run time with what they need. @returns the packages' folders */
function copyNative(home, external) {
  const addons = join(root, 'build/Release');
  for (const file of existsSync(addons) ? readdirSync(addons) : []) {
    if (file.endsWith('.node')) cpSync(join(addons, file), join(home, 'build/Release', file));
  }
  const copied = new Map();
  for (const name of external) copyPackage(name, root, home, copied);
  return [...copied.values()];
}

function copyPackage(name, from, home, copied) {
  if (copied.has(name)) return;
  const folder = installed(name, from);
  if (folder === undefined) return;
  copied.set(name, folder);
  const target = join(home, 'node_modules', name);
  cpSync(folder, target, { recursive: true, filter: (path) => isNeeded(relative(folder, path)) });
  for (const dependency of Object.keys(readPackage(folder).dependencies ?? {}))
    copyPackage(dependency, folder, home, copied);
}

/** Not what an addon was made from. */
function isNeeded(path) {
  return !/^(?:deps|src|test|example|types|docs|node-addon-api|node_modules|\.[^/]*)(?:\/|$)|^build\/(?!Release(?:\/[^/]+\.node)?$)./.test(
    path,
  );
}

function installed(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === root || folder === dirname(folder)) return undefined;
  }
}

/** Every package's licence text; one without is an error, because it may not be handed on. */
function licences(folders) {
  const texts = folders.map((folder) => {
    const { name, version, license } = readPackage(folder);
    const files = readdirSync(folder)
      .filter((file) => /^(?:licen[cs]e|copying|notice)/i.test(file))
      .sort();
    if (files.length === 0 && typeof license !== 'string') throw new Error(`${folder} has no licence`);
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
    return `${name} ${version} (${typeof license === 'string' ? license : 'see below'})\n\n${text || 'The package brings no licence text.'}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

/** A constant of a TypeScript file, undefined where it is not exported. */
async function exported(file, name, folder) {
  // Inside the tree, so that packages are found.
  const compiled = join(root, 'node_modules/.cache', `headroom-image-${process.pid}.mjs`);
  mkdirSync(dirname(compiled), { recursive: true });
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [file],
      outfile: compiled,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
    });
    return (await import(`${pathToFileURL(compiled)}?${encodeURIComponent(folder)}`))[name];
  } finally {
    rmSync(compiled, { force: true });
  }
}

function readPackage(folder) {
  return createRequire(import.meta.url)(join(folder, 'package.json'));
}

function baseName(folder) {
  return folder.slice(folder.lastIndexOf('/node_modules/') + '/node_modules/'.length);
}

function toJson(value) {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
