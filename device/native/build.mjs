/**
 * Builds the addon behind TUN and TAP devices; npm runs it as the package's `install` script. Nothing is downloaded: the
 * compiler, node-gyp (npm brings it) and Node's headers must be on the machine. Where they are not, it says what is missing
 * and ends well, because everything but TUN and TAP works without.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The first of `names` that is an executable in PATH. */
function inPath(...names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here: the next folder.
      }
    }
  }
  return undefined;
}

/** The folder that has `include/node/node_api.h` for this Node. */
function headersFolder() {
  const prefix = join(dirname(process.execPath), '..');
  const folders = [
    process.env.npm_config_nodedir,
    prefix,
    join(dirname(realpathSync(process.execPath)), '..'),
    '/usr',
  ];
  return folders.find((folder) => folder && existsSync(join(folder, 'include', 'node', 'node_api.h')));
}

/** How to start node-gyp: the one npm names, the one in PATH, or the one in npm's folder. */
function nodeGyp() {
  const inside = join('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const npm = inPath('npm');
  const scripts = [
    process.env.npm_config_node_gyp,
    process.env.npm_execpath && join(dirname(process.env.npm_execpath), '..', inside),
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', inside),
    npm && join(dirname(realpathSync(npm)), '..', inside),
    '/usr/share/nodejs/node-gyp/bin/node-gyp.js',
  ];
  const script = scripts.find((file) => file && existsSync(file));
  if (script) return [process.execPath, script];
  const command = inPath('node-gyp');
  return command && [command];
}

/** One clear sentence, and success: the rest of the package does not need the addon. */
function giveUp(why, remedy) {
  console.log(
    `glasstack: TUN and TAP devices will not be available, because ${why}; ${remedy}` +
      ' (the in-memory wire and everything over it work without).',
  );
  process.exit(0);
}

const again = 'then run `npm rebuild glasstack` or `node device/native/build.mjs`';
if (process.platform !== 'linux')
  giveUp(`they need Linux and this is ${process.platform}`, 'use Linux for them');
const missing = [
  ['python3', inPath('python3', 'python')],
  ['make', inPath('make', 'gmake')],
  ['g++', process.env.CXX || inPath('g++', 'c++', 'clang++')],
].flatMap(([name, found]) => (found ? [] : [name]));
if (missing.length > 0) {
  giveUp(`${missing.join(' and ')} cannot be found to build them`, `install python3 make g++, ${again}`);
}
const headers = headersFolder();
if (!headers) {
  giveUp(
    `the headers of Node ${process.version} (include/node/node_api.h) are not on this machine`,
    `install them or set npm_config_nodedir to the folder that has include/node, ${again}`,
  );
}
const gyp = nodeGyp();
if (!gyp) giveUp('node-gyp, which comes with npm, cannot be found', `install npm, ${again}`);

const [command, ...start] = gyp;
const options = ['configure', 'build', `--nodedir=${headers}`, '--release', '--loglevel=error'];
const built = spawnSync(command, [...start, ...options], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
if (built.status !== 0) {
  console.error(built.stdout ?? '', built.stderr ?? '', built.error?.message ?? '');
  console.error(
    `glasstack: building the addon failed, so TUN and TAP devices are not available: see above, repair it, ${again}`,
  );
  // An install goes on; who ran the build by hand is told by the exit code too.
  process.exit(process.env.npm_lifecycle_event === 'install' ? 0 : 1);
}
const warnings = `${built.stdout}${built.stderr}`.split('\n').filter((line) => line.includes('warning:'));
if (warnings.length > 0) console.log(warnings.join('\n'));
console.log('glasstack: built build/Release/glasstack_tun.node (TUN and TAP devices are available)');
