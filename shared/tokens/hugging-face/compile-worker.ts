import { readFile } from 'node:fs/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { compileTokenizer } from './compile.ts'
import { TokenizerFileError } from './field.ts'

/** A thread's whole work: compiles the file it was given, and sends the table or why there is none. */
try {
  const table = compileTokenizer(await readFile(String(workerData)))
  parentPort?.postMessage(table, [table])
} catch (error) {
  if (!(error instanceof TokenizerFileError)) throw error
  parentPort?.postMessage(error.message, [])
}
