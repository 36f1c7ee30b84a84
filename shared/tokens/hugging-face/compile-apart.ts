import { Worker } from 'node:worker_threads'
import { TokenizerFileError } from './field.ts'

/** An entry of its own: beside the tables of a bundle (`dist/tokens`), or as source beside this. */
const entry = new URL(
  import.meta.url.endsWith('.ts') ? './compile-worker.ts' : '../tokens/compile-worker.js',
  import.meta.url,
)

/**
 * Of JSON and what is made of it. The 33 MB of Gemma 3 take 250; 60 MB of nothing but lists, the worst
 * of its size, reach this and 1.7 GB in all. Closer to what is needed, collecting takes minutes.
 */
const heapMegabytesMax = 1_024

/**
 * The bytes of the table of the tokenizer.json at `path`, compiled in a thread that ends with it:
 * the calls of the process go on meanwhile.
 *
 * Rejects with {@link TokenizerFileError}, or as reading the file failed.
 */
export function compileApart(path: string): Promise<ArrayBuffer> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(entry, {
      workerData: path,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytesMax },
    })
    const refuse = (state: string) =>
      reject(new TokenizerFileError(`Cannot use tokenizer.json: ${state}`))
    worker.once('message', (answer: unknown) => {
      if (answer instanceof ArrayBuffer) resolve(answer)
      else reject(new TokenizerFileError(String(answer)))
    })
    worker.once('error', (error: unknown) => {
      const isTooLarge =
        error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
      if (isTooLarge) refuse(`reading it takes more than ${heapMegabytesMax} MB`)
      else reject(error)
    })
    // Behind both above: of no effect after them.
    worker.once('exit', (status) => refuse(`its reader ended with status ${status}`))
  })
}
