import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Folders whose tests start no process and bind no port that others know. Those of pairs, clients and
 * the like wait for processes of their own: beside each other they wait less.
 */
const folders =
  /^test\/(?:ambassador|bench|certificates|cli|controller|helm|inject|shared|sidecar|simulator)\//

/**
 * What has to have a process of its own: hooks of a whole file would be those of all files, and what
 * is changed in the process would be changed for them.
 */
const own = [
  /import \{[^}]*\b(?:before|after|beforeEach|afterEach|mock|run)\b[^}]*\} from 'node:test'/,
  /\bprocess\.(?:env|on|once|off|chdir|exit|argv|emit|kill|memoryUsage|cpuUsage)\b/,
  /\bglobalThis\b|\bfetch\(|node:child_process|node:worker_threads|node:inspector/,
  // A snapshot of a heap takes time and memory by what all others have left in it.
  /node:v8/,
]

function isAlone(file: string, text: string): boolean {
  return !folders.test(file) || own.some((pattern) => pattern.test(text))
}

/** A process costs 0.2 s of processor time before its first test: more files at once, but two cores. */
const filesEach = 24

/**
 * What to run, each in a process: files by themselves as given, the others together, by way of files
 * in `directory` that import them. The order of `files` is kept within both; paths are below `root`.
 */
export function batches(
  files: readonly string[],
  { root, directory }: { readonly root: string; readonly directory: string },
): { readonly alone: readonly string[]; readonly together: readonly string[] } {
  const textOf = (file: string) => readFileSync(join(root, file), 'utf8')
  const { alone = [], plain = [] } = Object.groupBy(files, (file) =>
    isAlone(file, textOf(file)) ? 'alone' : 'plain',
  )
  const count = Math.ceil(plain.length / filesEach)
  mkdirSync(directory, { recursive: true })
  const together = Array.from({ length: count }, (_, at) => {
    // Neighbours share what they import.
    const own = plain.slice(at * filesEach, (at + 1) * filesEach)
    const path = join(directory, `batch-${String(at + 1).padStart(2, '0')}.mjs`)
    const lines = own.map((file) => `await import('${pathToFileURL(join(root, file)).href}')\n`)
    writeFileSync(path, lines.join(''))
    return path
  })
  return { alone: alone.map((file) => join(root, file)), together }
}
