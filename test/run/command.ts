import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'

/** The repository's root. */
export const root = join(import.meta.dirname, '..', '..')

/** Runs a program to its end with inherited output; gives its exit code (1 when it was killed). */
export function run(program: string, args: readonly string[]): number {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit', env: environment() })
  return result.status ?? 1
}

/** As {@link run}, output captured. */
export function capture(program: string, args: readonly string[]): { code: number; text: string } {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', env: environment() })
  return { code: result.status ?? 1, text: `${result.stdout}${result.stderr}` }
}

/** The tools of `node_modules/.bin` start `node` by name: it has to be this one. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }
}

/** A tool that came with the packages. */
export function tool(name: string): string {
  return join(root, 'node_modules', '.bin', name)
}
