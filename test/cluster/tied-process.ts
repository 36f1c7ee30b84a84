import { spawn } from 'node:child_process'
import { once } from 'node:events'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs the words in namespaces of their own, with their output here, and gives the exit code. Their
 * standard input ends with this process, however it ends, and on signals: `endWithOutside`.
 */
export async function runTied(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const [program = '', ...args] = words
  const child = spawn(program, args, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  })
  for (const signal of signals) process.on(signal, () => child.stdin.end())
  await once(child, 'exit')
  return child.exitCode ?? 1
}

/** Has this process, the first of its namespace, end with the one outside: all others end with it. */
export function endWithOutside(): void {
  process.stdin.on('end', () => process.exit(1)).resume()
  process.stdin.unref()
  for (const signal of signals) process.on(signal, () => process.exit(1))
}
