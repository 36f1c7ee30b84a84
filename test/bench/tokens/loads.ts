import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type EncodingName, encodingNames } from '#shared/tokens/vocabulary/table.ts'
import { type LibraryName, libraryNames, sharedEncodings } from './libraries.ts'
import type { Loaded } from './load.ts'
import { table } from './table.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** Processes for each library and encoding: the least time and the median of the rest are given. */
const processes = 7

interface Subject {
  readonly library: LibraryName
  readonly encoding: EncodingName
  readonly runs: Loaded[]
}

/** Time and memory that each library takes to load, ours as bundled for an image. */
export async function loadTable(): Promise<string> {
  // Below node_modules, from where the bundle finds the packages that it leaves out.
  const folder = mkdtempSync(join(root, 'node_modules', '.bench-tokens-'))
  try {
    const subjects: Subject[] = encodingNames.flatMap((encoding) => {
      const isShared = sharedEncodings.some((name) => name === encoding)
      const names = isShared ? libraryNames : libraryNames.slice(0, 1)
      return names.map((library) => ({ library, encoding, runs: [] }))
    })
    const child = await bundle(folder)
    // In turn, so that a busy moment does not fall on all processes of one of them.
    for (let run = 0; run < processes; run++) {
      for (const { library, encoding, runs } of subjects) {
        const output = execFileSync(process.execPath, ['--expose-gc', child, library, encoding])
        runs.push(JSON.parse(output.toString()))
      }
    }
    return table(
      [
        'encoding',
        'library',
        'import to first count, ms',
        'call to first count, ms',
        'kept MB',
        'process grows by, MB',
      ],
      subjects.map(cells),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function bundle(outdir: string): Promise<string> {
  await build({
    entryPoints: [join(import.meta.dirname, 'load.ts')],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported when it is asked for stays apart.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    packages: 'external',
    external: ['js-tiktoken/*'],
  })
  return join(outdir, 'load.mjs')
}

function cells({ library, encoding, runs }: Subject): string[] {
  const spread = (of: (run: Loaded) => number) => {
    const sorted = runs.map(of).toSorted((one, other) => one - other)
    return `${sorted[0]?.toFixed(1)} (${sorted[sorted.length >> 1]?.toFixed(1)})`
  }
  const median = (of: (run: Loaded) => number) =>
    runs.map(of).toSorted((one, other) => one - other)[runs.length >> 1] ?? 0
  return [
    encoding,
    library,
    spread(({ wholeMs }) => wholeMs),
    library === 'Outrigger' ? spread(({ loadMs }) => loadMs) : '',
    median(({ keptMB }) => keptMB).toFixed(library === 'Outrigger' ? 2 : 1),
    median(({ anonymousMB }) => anonymousMB).toFixed(0),
  ]
}
